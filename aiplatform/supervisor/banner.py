"""The banner: where everything is, and a request that can be pasted."""

import json
from typing import Final

from django.conf import settings

from accounts.errors import AuthenticationRefused
from accounts.selectors import principal_of_key
from aiplatform.supervisor.first_credentials import first_key, first_run_file
from aiplatform.supervisor.readiness import local_host

QUESTION: Final = "What is the capital of France?"


def banner(*, seconds: float) -> str:
    """Return what is printed once the platform is ready, `seconds` after its start."""
    base = _base_address()
    return "\n".join(
        [
            "",
            f"  Ready after {seconds:.1f} s.",
            "",
            f"  Pages      {base}/",
            f"  Admin      {base}/admin",
            f"  API        {base}/api/docs",
            f"  {_credentials()}",
            "  Stop       Ctrl-C (twice: at once)",
            "",
            "  Try it:",
            "",
            _curl(base),
            "",
        ]
    )


def _base_address() -> str:
    host = local_host()
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}"


def _credentials() -> str:
    path = first_run_file()
    if path.exists():
        return f"Sign in    the first user, password and API key are in {path}"
    return "API key    python manage.py createkey USERNAME"


def _curl(base: str) -> str:
    messages = [{"role": "user", "content": QUESTION}]
    # Greedy and short: at the protocol's own default temperature of 1 a small model may say
    # anything at all, for as long as its context lasts.
    body = json.dumps({"messages": messages, "temperature": 0, "max_tokens": 40})
    return (
        f"  curl -s {base}/v1/chat/completions \\\n"
        f"    -H 'Authorization: Bearer {_usable_first_key() or 'YOUR_API_KEY'}' \\\n"
        f"    -H 'Content-Type: application/json' \\\n"
        f"    -d '{body}'"
    )


def _usable_first_key() -> str | None:
    """Return the first API key unless it was revoked or its user deactivated since."""
    key = first_key()
    try:
        if key:
            principal_of_key(key)
    except AuthenticationRefused:
        return None
    return key
