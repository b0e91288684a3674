"""Sessions of people who signed in on a page."""

from typing import ClassVar

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """A session that knows whose it is, so that its owner sees and ends it."""

    # None: nobody signed in yet.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="sessions"
    )

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        ordering: ClassVar = ["-expire_date"]

    @classmethod
    def get_session_store_class(cls) -> type:
        """Return what reads and writes these rows."""
        from accounts.session_store import SessionStore

        return SessionStore
