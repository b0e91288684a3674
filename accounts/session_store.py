"""Sessions in the database that know whose they are. Set as SESSION_ENGINE."""

from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.dispatch import receiver
from django.http import HttpRequest

from aiplatform.clients import client_address

BEGUN: Final = "begun"  # where a session keeps how it began
MAX_AGENT: Final = 200  # characters
MAX_ADDRESS: Final = 45


class SessionStore(DatabaseSessionStore):
    """Django's own store, on rows that have an owner."""

    @classmethod
    def get_model_class(cls) -> Any:
        """Return the model of the rows. Not imported before the apps are loaded."""
        from accounts.models import Session

        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """Return the row for `data`, with its owner."""
        row: Any = super().create_model_instance(data)
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        return row


@receiver(user_logged_in)
def note_beginning(request: HttpRequest, **_: Any) -> None:
    """Keep when, from where and with what a person signed in."""
    request.session[BEGUN] = {
        "at": datetime.now(UTC).isoformat(),
        "address": client_address(request)[:MAX_ADDRESS],
        "agent": request.headers.get("User-Agent", "")[:MAX_AGENT],
    }
