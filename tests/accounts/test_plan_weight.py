"""A plan's share of a busy model, from its row to what a runner is asked."""

from decimal import Decimal

import msgspec
import pytest
from django.core.exceptions import ValidationError

from accounts.models import Plan
from accounts.selectors import principal_of_key, principal_of_user
from accounts.services.plans import plan_make_default, plan_save, user_plan_assign
from tests.accounts.audit_trail import one_event
from tests.gateway.limit_cast import request
from tests.people import key_of, person

pytestmark = pytest.mark.django_db


def plan(name: str, weight: str) -> Plan:
    made = Plan(name=name, weight=Decimal(weight))
    plan_save(plan=made)
    return made


def test_a_user_weighs_what_their_plan_does_with_a_key_and_without() -> None:
    ada = person()
    user_plan_assign(user=ada, plan=plan("gold", "4"))
    assert principal_of_user(ada).weight == 4.0
    assert principal_of_key(key_of(ada)).weight == 4.0


def test_whoever_is_on_no_plan_weighs_what_the_default_one_does() -> None:
    assert principal_of_user(person("eve")).weight == 1.0  # nor is there one
    plan_make_default(plan=plan("basic", "0.5"))
    assert principal_of_user(person()).weight == 0.5


def test_every_choice_of_a_request_is_submitted_with_the_weight() -> None:
    spec = msgspec.structs.replace(request(), n=3)
    assert [one.weight for one in spec.submits("id", "1", 4.0)] == [4.0] * 3


@pytest.mark.parametrize("weight", ["0", "-1", "0.009", "100.5", "NaN", "Infinity"])
def test_a_weight_that_the_queue_would_not_take_is_refused(weight: str) -> None:
    with pytest.raises(ValidationError, match="weight"):
        plan("odd", weight)


def test_a_change_of_weight_is_in_the_audit_trail() -> None:
    gold = plan("gold", "2")
    gold.weight = Decimal(3)
    with one_event() as events:
        plan_save(plan=gold)
    assert (events[0].before, events[0].after) == ({"weight": "2"}, {"weight": "3"})
