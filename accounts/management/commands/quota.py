"""`manage.py quota`: show, set and delete the limits of a user, a plan or the platform."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from accounts.errors import ConcurrentChange
from accounts.limit_owner import limit_owner
from accounts.management.acting_command import ActingCommand
from accounts.models import Limit, Per, Plan, Resource, User, Window
from accounts.services.limits import Counter, limit_delete, limit_find, limit_set

# The form of a model's name. Whether it exists is the registry's to know, and it may come later.
_MODEL: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_MAX_DIGITS: Final = 18


class Command(ActingCommand):
    help = (
        "Set, show or delete limits. `quota alice --resource tokens --window day --amount 100000` "
        "sets one, the same with --delete deletes it, --list or no --resource shows them all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        owner = parser.add_mutually_exclusive_group(required=True)
        owner.add_argument("username", nargs="?", metavar="USERNAME", help="a user's own limits")
        owner.add_argument("--plan", metavar="NAME", help="those of everybody on a plan")
        owner.add_argument("--platform", action="store_true", help="the platform's own")
        parser.add_argument("--resource", choices=Resource.values)
        parser.add_argument("--window", choices=Window.values, help="for concurrency: now")
        parser.add_argument(
            "--per", choices=Per.values, default=Per.USER, help="for whom it counts"
        )
        parser.add_argument("--model", default="", metavar="M", help="counts this model alone")
        doing = parser.add_mutually_exclusive_group()
        doing.add_argument("--amount", metavar="N", help="how much; 0 refuses everything")
        doing.add_argument("--delete", action="store_true", help="delete the limit")
        doing.add_argument("--list", action="store_true", help="show the limits there are")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = _owner(options)
        if options["list"] or not options["resource"]:
            _refuse_half(options)
            self._list(owner)
            return
        counter = _counter(options)
        if options["delete"]:
            self._delete(owner, counter)
        elif options["amount"] is None:
            raise CommandError("Say --amount N to set this limit, --delete or --list.")
        else:
            self._set(owner, counter, _amount(options["amount"]))

    def _list(self, owner: User | Plan | None) -> None:
        limits = _limits_of(owner)
        for limit in limits:
            self.stdout.write(_line(limit))
        if not limits:
            self.stdout.write("No limits.")

    def _set(self, owner: User | Plan | None, counter: Counter, amount: Decimal) -> None:
        try:
            limit = limit_set(owner=owner, counter=counter, amount=amount)
        except ValidationError as error:
            raise CommandError(_in_words(error)) from error
        except ConcurrentChange as error:
            raise CommandError("Somebody else changed this limit just now; try again.") from error
        self.stdout.write(_line(limit))

    def _delete(self, owner: User | Plan | None, counter: Counter) -> None:
        limit = limit_find(owner=owner, counter=counter)
        if limit is None:
            raise CommandError("There is no such limit. --list shows those there are.")
        line = _line(limit)
        limit_delete(limit=limit)
        self.stdout.write(f"Deleted: {line}")


def _owner(options: dict[str, Any]) -> User | Plan | None:
    """Return whose limits are meant; None: the platform's."""
    if options["platform"]:
        return None
    if options["plan"] is not None:
        plan = Plan.objects.filter(name=options["plan"]).first()
        if plan is None:
            known = ", ".join(Plan.objects.values_list("name", flat=True)[:20]) or "none"
            raise CommandError(f"No plan {options['plan']!r}. There are: {known}.")
        return plan
    user = User.objects.filter(username=options["username"]).first()
    if user is None:
        raise CommandError(f"No user {options['username']!r}.")
    return user


def _refuse_half(options: dict[str, Any]) -> None:
    if not options["list"] and (options["amount"] is not None or options["delete"]):
        raise CommandError(f"Say --resource: one of {', '.join(Resource.values)}.")


def _counter(options: dict[str, Any]) -> Counter:
    window = options["window"]
    if window is None and options["resource"] == Resource.CONCURRENCY:
        window = Window.NOW  # there is no other
    if window is None:
        raise CommandError(f"Say --window: one of {', '.join(Window.values)}.")
    model = options["model"]
    if model and not _MODEL.fullmatch(model):
        raise CommandError(
            f"--model {model[:100]!r}: a model's name has lower-case letters, digits, dots, "
            "dashes and underscores, at most 100"
        )
    return Counter(options["resource"], window, options["per"], model)


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    # The column's bound, looked at before anything computes with it.
    if not amount.is_finite() or amount.adjusted() >= _MAX_DIGITS:
        raise CommandError(
            f"--amount {text[:40]!r}: expected a number like 100000 or, of cost, 2.5, "
            f"with at most {_MAX_DIGITS} digits before the point"
        )
    return amount


def _limits_of(owner: User | Plan | None) -> list[Limit]:
    mine: dict[str, Any] = {"plan": None, "user": None, "api_key": None}
    if isinstance(owner, User | Plan):
        mine["user" if isinstance(owner, User) else "plan"] = owner
    return list(Limit.objects.filter(**mine))


def _line(limit: Limit) -> str:
    return f"{limit_owner(limit)}: {limit}"


def _in_words(error: ValidationError) -> str:
    fields: Iterable[tuple[str, list[str]]] = error.message_dict.items()
    return "; ".join(
        " ".join(texts) if name == "__all__" else f"--{name}: {' '.join(texts)}"
        for name, texts in fields
    )
