# ruff: noqa: E402  # Django must be set up before anything of it is imported
"""Fill a new installation with people, keys and models, for the tests that call a real web.

`python -m tests.live_cast MODEL_DIRECTORY` in the installation's environment; prints the keys as
one JSON object, name → key.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aiplatform.settings")

import django

django.setup()

from django.core.management import call_command
from django.utils import timezone

from accounts import scopes
from accounts.services import api_key_revoke
from inference.registry.models import Model
from tests.people import admin_person, key_of, person, row_of

CONTEXT_LENGTH: Final = 256
MAX_OUTPUT_TOKENS: Final = 128
STAGES: Final = 250  # models that no two tests share


def _keys() -> dict[str, str]:
    ada, eve, gone = person("ada"), person("eve"), person("gone", is_active=False)
    keys = {
        "ada": key_of(ada, name="laptop"),
        "eve": key_of(eve, name="hostile"),
        "eve all": key_of(eve, scope=sorted(scopes.ALL)),
        "root": key_of(admin_person("root"), scope=sorted(scopes.ALL)),
        "no scopes": key_of(ada, scope=[]),
        "to be revoked": key_of(ada, name="to be revoked"),
        "expired": key_of(ada, expires_at=timezone.now() - timedelta(seconds=1)),
        "revoked": key_of(ada),
        "deactivated": key_of(gone),
        "reader": key_of(ada, scope=["models:read"]),
        "writer": key_of(ada, scope=["generate"]),
        "other only": key_of(ada, allowed_models=["other"]),
        "no bodies": key_of(ada, store_bodies=False),
        "manager": key_of(ada, scope=sorted(scopes.ALL)),
        "lister": key_of(person("lister")),
        # Each is taken from its owner by one test.
        "soon revoked": key_of(ada),
        "soon expired": key_of(ada),
        "soon deactivated": key_of(person("leaver")),
        "soon deleted": key_of(person("deleted")),
    }
    api_key_revoke(key_id=row_of(keys["revoked"]).id)
    return keys


def _make_models(directory: Path) -> None:
    names = ["tiny", "other", "asleep", *(f"stage-{number}" for number in range(STAGES))]
    for name in names:
        Model.objects.create(
            name=name,
            source=f"path:{directory}",
            context_length=CONTEXT_LENGTH,
            max_output_tokens=MAX_OUTPUT_TOKENS,
            slots=64,
            is_default=name == "tiny",
        )
    Model.objects.create(name="disabled", source=f"path:{directory}", enabled=False)
    Model.objects.create(name="unprepared", source="path:/nowhere/at/all")


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    _make_models(Path(sys.argv[1]))
    print(json.dumps(_keys()))
