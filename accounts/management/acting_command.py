"""What commands that change accounts or models begin with."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.actor import acting


class ActingCommand(BaseCommand):
    """A command that the audit trail names as the actor of what it changes."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        name = type(self).__module__.rpartition(".")[2]
        with acting(f"command {name}"):
            return super().execute(*args, **options)
