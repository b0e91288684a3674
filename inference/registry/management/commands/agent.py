"""`manage.py agent`: the host agent of this machine."""

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aiplatform.supervisor.run_directory import RunDirectoryError, secure
from inference.registry.agent.host_agent import HostAgent


class Command(BaseCommand):
    help = "Make the runners on this machine match the registry, until SIGTERM."
    requires_system_checks: list[str] = []  # they would load every view of the web

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            secure(settings.RUN_DIR)
        except RunDirectoryError as error:
            raise CommandError(str(error)) from error
        asyncio.run(_run())


async def _run() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await HostAgent().run(stop)
