"""Limits and plans are written whole, checked, and by one of those who try at once."""

import threading
from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connections

from accounts.errors import ConcurrentChange
from accounts.models import AuditEvent, Limit, Plan
from accounts.services.limits import Counter, limit_save, limit_set
from accounts.services.plans import default_plan_install, plan_make_default, plan_save
from tests.people import person

TOKENS_A_DAY = Counter("tokens", "day", "user")


@pytest.mark.django_db
class TestLimits:
    def test_owners_do_not_share_a_limit(self) -> None:
        owners = [None, person("ada"), person("eve"), Plan.objects.create(name="gold")]
        for number, owner in enumerate(owners):
            limit_set(owner=owner, counter=TOKENS_A_DAY, amount=Decimal(number))
        assert sorted(limit.amount for limit in Limit.objects.all()) == [0, 1, 2, 3]

    @pytest.mark.parametrize(
        ("counter", "amount", "field"),
        [
            (TOKENS_A_DAY, Decimal(-1), "amount"),
            (TOKENS_A_DAY, Decimal("0.5"), "amount"),
            (TOKENS_A_DAY, Decimal(10**20), "amount"),
            (Counter("tokens", "year", "user"), Decimal(1), "window"),
            (Counter("tokens", "now", "user"), Decimal(1), "window"),
            (Counter("apples", "day", "user"), Decimal(1), "resource"),
            (Counter("tokens", "day", "planet"), Decimal(1), "per"),
            (Counter("tokens", "day", "user", "m" * 101), Decimal(1), "model_name"),
        ],
    )
    def test_a_wrong_one_is_refused_by_name(
        self, counter: Counter, amount: Decimal, field: str
    ) -> None:
        with pytest.raises(ValidationError) as refused:
            limit_set(owner=None, counter=counter, amount=amount)
        assert field in refused.value.message_dict
        assert not Limit.objects.exists()

    def test_a_second_on_the_same_is_refused(self) -> None:
        limit_set(owner=None, counter=TOKENS_A_DAY, amount=Decimal(4))
        twin = Limit(resource="tokens", window="day", per="user", amount=Decimal(5))
        with pytest.raises(ValidationError, match="There is a limit on the same already"):
            limit_save(limit=twin)

    def test_one_that_is_gone_is_not_changed(self) -> None:
        limit = limit_set(owner=None, counter=TOKENS_A_DAY, amount=Decimal(4))
        Limit.objects.filter(pk=limit.pk).delete()
        limit.amount = Decimal(5)
        with pytest.raises(ConcurrentChange):
            limit_save(limit=limit)


@pytest.mark.django_db
class TestPlans:
    def test_a_name_is_one_plans(self) -> None:
        plan_save(plan=Plan(name="gold"))
        with pytest.raises(ValidationError, match="already exists"):
            plan_save(plan=Plan(name="gold"))

    def test_one_that_is_gone_is_not_changed(self) -> None:
        plan = Plan.objects.create(name="gold")
        Plan.objects.all().delete()
        plan.description = "for friends"
        with pytest.raises((ConcurrentChange, ValidationError)):
            plan_save(plan=plan)

    def test_a_new_installation_has_a_default_without_limits(self) -> None:
        default_plan_install()
        default_plan_install()
        plan = Plan.objects.get()
        assert (plan.name, plan.is_default, plan.limits.count()) == ("default", True, 0)

    def test_whoever_has_plans_gets_no_other(self) -> None:
        Plan.objects.create(name="gold")
        default_plan_install()
        assert [plan.name for plan in Plan.objects.all()] == ["gold"]


def at_once(*acts: Callable[[], object]) -> None:
    """Run `acts` in threads that start together; who lost a race says so and no more."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
        except (ConcurrentChange, ValidationError, OperationalError):
            return
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_of_many_who_hand_on_the_default_one_is_left(self) -> None:
        plans = [Plan.objects.create(name=f"p{number}") for number in range(8)]
        at_once(*[partial(plan_make_default, plan=plan) for plan in plans])
        assert Plan.objects.filter(is_default=True).count() == 1

    def test_of_many_who_set_a_limit_one_row_is_left_and_the_trail_tells_its_way(self) -> None:
        at_once(
            *[
                partial(limit_set, owner=None, counter=TOKENS_A_DAY, amount=Decimal(number))
                for number in range(1, 9)
            ]
        )
        limit = Limit.objects.get()
        amounts = [
            ((event.before or {}).get("amount"), (event.after or {})["amount"])
            for event in AuditEvent.objects.order_by("id")
        ]
        befores, afters = zip(*amounts, strict=True)
        assert befores == (None, *afters[:-1])  # each began where the one before had ended
        assert afters[-1] == f"{limit.amount.normalize():f}"
