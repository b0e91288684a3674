"""Structured logs: one JSON object a line on standard error, the request's id in each."""

import logging
import logging.config
import sys
from typing import Any

import msgspec
import structlog

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def configure(options: dict[str, Any]) -> None:
    """Set up structlog and the standard library's loggers to write the same lines.

    Our own lines go straight to the stream: by way of the standard library each took ten times
    as long, and one is written a request.
    """
    structlog.configure(
        processors=[*_SHARED, _renderer(options["format"])],
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(options["level"])),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(_standard_library(options["level"], options["format"]))


def _renderer(form: str) -> structlog.typing.Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(serializer=_to_json)
    console = structlog.dev.ConsoleRenderer(colors=False)
    return lambda logger, name, event: str(console(logger, name, event)).encode()


def _to_json(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


def _standard_library(level: str, form: str) -> dict[str, Any]:
    text = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*_SHARED, structlog.stdlib.add_logger_name],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, text],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Our own line a request replaces uvicorn's; Django's repeats what the answer says.
            "uvicorn": {"handlers": [], "propagate": True},
            "uvicorn.access": {"handlers": [], "propagate": False},
            "django.request": {"level": "ERROR"},
            # They write the addresses of webhooks, whose paths and queries may hold secrets.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            # A task that does something writes its own line; most find nothing to do.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }
