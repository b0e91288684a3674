"""`manage.py web`: one web process."""

import socket
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from aiplatform.http_protocol import HttpProtocol
from aiplatform.supervisor.listening_socket import PortError, listening_socket
from aiplatform.websocket_protocol import WebSocketProtocol


class Command(BaseCommand):
    help = "Serve HTTP in this process, on HOST and PORT."
    requires_system_checks: list[str] = []  # loading the application finds the same

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--socket-fd", type=int, help="an inherited socket that listens already"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        server = uvicorn.Server(_config())
        server.run(sockets=[_socket(options["socket_fd"])])


def _socket(descriptor: int | None) -> socket.socket:
    if descriptor is not None:
        return socket.socket(fileno=descriptor)
    try:
        return listening_socket(settings.HOST, settings.PORT)
    except PortError as error:
        raise CommandError(str(error)) from error


def _config() -> uvicorn.Config:
    return uvicorn.Config(
        "aiplatform.asgi:application",
        loop="uvloop",
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=settings.MAX_BODY_BYTES,
        ws_per_message_deflate=False,  # tokens are short; its state would be most of a socket
        log_config=None,  # Django's logging is set up already
        access_log=False,  # our own line a request says more
        server_header=False,
        # Who may speak for a client is TRUST_PROXY_HEADERS' to say; uvicorn trusts this machine.
        proxy_headers=False,
        # Longer than proxies keep idle connections to us, so that theirs never meets a closed one.
        timeout_keep_alive=75,
        # uvicorn's default waits for ever for connections that never end.
        timeout_graceful_shutdown=settings.SHUTDOWN_GRACE_S,
    )
