"""`manage.py purge`: delete old history now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from inference.jobs.history import history_purge


class Command(BaseCommand):
    help = "Delete requests older than HISTORY_RETENTION_DAYS (0: keep for ever), or than --days."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, help="keep this many days; at least 1")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        if days is not None and not 1 <= days <= 36_500:
            raise CommandError(f"--days {days}: expected a whole number from 1 to 36500")
        self.stdout.write(f"{history_purge(older_than_days=days)} requests deleted")
