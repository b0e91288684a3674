"""The first admin and the first API key of a new installation, and the file that keeps them."""

import os
import re
import secrets
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.services import api_key_create

_KEY: Final = re.compile(r"^API key: +(\S+)$", re.MULTILINE)


def first_run_file() -> Path:
    """Return where the first credentials are kept, readable for their owner alone."""
    return Path(settings.VAR_DIR) / "first-run.txt"


def first_key() -> str | None:
    """Return the first API key as the file has it."""
    try:
        found = _KEY.search(first_run_file().read_text())
    except OSError:
        return None
    return found[1] if found else None


def first_credentials_create() -> str | None:
    """Make the first admin and API key where there is no user; return what to show, once.

    Raises Django's ValidationError where DJANGO_SUPERUSER_USERNAME cannot be a user's name.
    """
    if User.objects.exists():
        return None
    with transaction.atomic():
        user = User(username=os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin")
        given = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        password = given or secrets.token_urlsafe(15)
        user.is_staff = user.is_superuser = True
        user.set_password(password)
        user.full_clean()
        user.save()
        _, key = api_key_create(user=user, name="first key")
        shown = "the one in DJANGO_SUPERUSER_PASSWORD" if given else password
        text = f"User:     {user.username}\nPassword: {shown}\nAPI key:  {key}\n"
        # Before the commit: killed here, the next run makes both again; the other way round there
        # would be an admin whose password nobody has ever seen.
        _write_private(first_run_file(), text)
    return text


def _write_private(path: Path, text: str) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
