"""`manage.py rebuild-counters`: the counters of the limits, made from the history again."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from aiplatform.errors import ApiError
from aiplatform.store import Unavailable
from inference.gateway.limits.rebuilding import counters_rebuild, drift_find


class Command(BaseCommand):
    help = "Make every counter of the limits from the history again, while the platform runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; exit with 1 where any differs"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["check"]:
                self._check()
            else:
                self.stdout.write(f"Counters rebuilt: {asyncio.run(counters_rebuild())}.")
        except Unavailable as error:
            raise CommandError("The store does not answer. Is REDIS_URL right?") from error
        except ApiError as error:
            raise CommandError(error.detail) from error

    def _check(self) -> None:
        drifts = asyncio.run(drift_find())
        for drift in drifts:
            self.stdout.write(
                f"{drift.key}: counted {drift.counted}, in the history {drift.in_history}"
            )
        if drifts:
            raise CommandError(
                f"{len(drifts)} counters differ. `manage.py rebuild-counters` mends."
            )
        self.stdout.write("Every counter agrees with the history.")
