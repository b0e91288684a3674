"""`manage.py flush`: Django's own, for a database that guards its audit trail."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import flush

from accounts.audit_seal import unsealed


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        if options["interactive"]:  # asked before: an open transaction must not wait for a person
            self._confirm()
        with unsealed():
            super().handle(**{**options, "interactive": False})

    def _confirm(self) -> None:
        question = "Destroy every row of the database, the audit trail too? Type 'yes': "
        if input(question) != "yes":
            raise CommandError("Nothing was deleted.")
