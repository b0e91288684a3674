"""`manage.py first_run`: everything a new installation needs before it can be served."""

import fcntl
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.management.acting_command import ActingCommand
from accounts.services.plans import default_plan_install
from aiplatform.supervisor.first_credentials import first_credentials_create, first_run_file
from inference.registry.fetch import FetchError
from inference.registry.installation import (
    UnknownDefaultModel,
    default_models_install,
    model_fetch,
)
from inference.registry.models import Task
from inference.registry.progress import ConsoleProgress
from inference.registry.selectors import models_default
from inference.registry.sources import SourceError


class Command(ActingCommand):
    help = "Set up a new installation, or finish an interrupted set-up. Again, it changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-models", action="store_true", help="leave fetching weights to the host agent"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with (settings.VAR_DIR / "first-run.lock").open("w") as lock:
            # Two at once would make two first admins; the second finds nothing left to do.
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._migrate()
            call_command("collectstatic", interactive=False, verbosity=0)
            default_plan_install()
            self._install_models()
            self._make_credentials()
            if not options["no_models"]:
                self._fetch_default_models()

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("Applying migrations …")
            call_command("migrate", interactive=False, verbosity=0)

    def _install_models(self) -> None:
        try:
            default_models_install()
        except UnknownDefaultModel as error:
            raise CommandError(str(error)) from error

    def _make_credentials(self) -> None:
        try:
            text = first_credentials_create()
        except ValidationError as error:
            problems = " ".join(error.messages)
            raise CommandError(f"DJANGO_SUPERUSER_USERNAME: {problems}") from error
        if text:
            self.stdout.write(f"\nFirst sign-in, kept in {first_run_file()}:\n\n{text}")

    def _fetch_default_models(self) -> None:
        """Fetch them with progress; only without the chat model is there nothing to serve."""
        for model in models_default():
            try:
                model_fetch(model=model, progress=ConsoleProgress())
            except (FetchError, SourceError) as error:
                if model.task == Task.CHAT:
                    raise CommandError(f"{model.name}: {error}") from error
                self.stderr.write(f"{model.name} will be tried again while serving: {error}")
