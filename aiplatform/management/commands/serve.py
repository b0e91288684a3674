"""`manage.py serve`: the whole platform on this machine."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aiplatform.supervisor import key_value_server, plan
from aiplatform.supervisor.child import ChildSpec
from aiplatform.supervisor.listening_socket import PortError, listening_socket
from aiplatform.supervisor.run_directory import RunDirectoryError, secure
from aiplatform.supervisor.single_instance import AlreadyRunningError, single_instance
from aiplatform.supervisor.supervisor import Supervisor

_REFUSALS = (AlreadyRunningError, PortError, RunDirectoryError, key_value_server.StoreError)


class Command(BaseCommand):
    help = "Run store, host agent, worker and web on this machine until Ctrl-C."
    requires_system_checks: list[str] = []  # the web runs them; they would load every view here

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with single_instance(settings.VAR_DIR / "serve.lock"):
                secure(settings.RUN_DIR)
                listening = listening_socket(settings.HOST, settings.PORT)
                specs = [*_store(), *plan.children(listening.fileno())]
                Supervisor(specs, listening).run()
        except _REFUSALS as error:
            raise CommandError(str(error)) from error


def _store() -> list[ChildSpec]:
    if key_value_server.is_external():
        key_value_server.check_external()
        return []
    return [key_value_server.private_server()]
