"""`manage.py createkey`: an API key for a user, printed once."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts import scopes
from accounts.key_settings import clean_models, clean_networks
from accounts.management.acting_command import ActingCommand
from accounts.models import ApiKey, User
from accounts.services import UnknownScope, api_key_create

_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST: Final = timedelta(days=36_500)
_SCOPES: Final = ", ".join(scopes.DESCRIPTIONS)
_NAME_LENGTH: Final = ApiKey._meta.get_field("name").max_length or 0


class Command(ActingCommand):
    help = "Make an API key for USERNAME and print it, and nothing else, on standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument("--name", default="", help="what the key is for")
        parser.add_argument(
            "--scope",
            action="append",
            metavar="S",
            help=f"one of {_SCOPES}; default: all but admin",
        )
        parser.add_argument("--model", action="append", metavar="M", help="default: every model")
        parser.add_argument("--network", action="append", metavar="CIDR", help="default: anywhere")
        parser.add_argument("--no-bodies", action="store_true", help="keep no prompts and answers")
        parser.add_argument("--expires", metavar="30d", help="a number and m, h, d or w")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _, text = api_key_create(
                user=_user(options["username"]),
                name=_name(options["name"]),
                scope=options["scope"],
                allowed_models=_cleaned("--model", clean_models, options["model"]),
                allowed_networks=_cleaned("--network", clean_networks, options["network"]),
                store_bodies=not options["no_bodies"],
                expires_at=_expiry(options["expires"]),
            )
        except UnknownScope as error:
            raise CommandError(f"--scope: {error}") from error
        self.stdout.write(text)


def _user(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise CommandError(
            f"No user {username!r}. Make one in the admin or with `manage.py createsuperuser`."
        )
    if not user.is_active:
        raise CommandError(f"User {username!r} is deactivated; a key of theirs would not work.")
    return user


def _name(text: str) -> str:
    if len(text) > _NAME_LENGTH:
        raise CommandError(f"--name has {len(text)} characters; {_NAME_LENGTH} are the most")
    return text


def _cleaned(
    option: str, clean: Callable[[list[str]], list[str]], entries: list[str] | None
) -> list[str]:
    try:
        return clean(entries or [])
    except ValidationError as error:
        raise CommandError(f"{option} {error.messages[0]}") from error


def _expiry(text: str | None) -> datetime | None:
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    duration = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
    if duration is None or duration > _LONGEST:
        raise CommandError(
            f"--expires {text!r}: expected a number and m, h, d or w, like 12h or 30d, "
            f"up to {_LONGEST.days}d"
        )
    return timezone.now() + duration
