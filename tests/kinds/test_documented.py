"""The requests that docs/kinds.md shows do what it says."""

import itertools
import re
import shlex
from typing import Any, Final

import httpx

from tests.platform_process import REPOSITORY

_DOCUMENT: Final = (REPOSITORY / "docs" / "kinds.md").read_text()
_KEYS: Final = {
    "/v1/embeddings": "data",
    "/api/v1/embeddings": "embeddings",
    "/v1/rerank": "results",
    "/v1/moderations": "results",
}


def shown() -> list[tuple[str, str]]:
    """Return address and body of each request in the document."""
    found = []
    for script in re.findall(r"```bash\n(curl.*?)```", _DOCUMENT, re.DOTALL):
        words = shlex.split(script.replace("\\\n", " "))
        body = next(word for before, word in itertools.pairwise(words) if before == "-d")
        found.append((words[1].removeprefix("$AIP"), body))
    return found


def test_every_request_that_is_shown_is_answered(client: httpx.Client) -> None:
    requests = shown()
    assert {address for address, _ in requests} == set(_KEYS)
    for address, body in requests:
        json = {"Content-Type": "application/json"}
        answer = client.post(address, content=body, headers=json)
        assert answer.status_code == 200, answer.text
        parts: list[Any] = answer.json()[_KEYS[address]]
        assert parts
