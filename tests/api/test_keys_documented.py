"""The requests that docs/keys.md shows do what it says, and the form it gives scanners is right."""

import itertools
import json
import re
import shlex
from pathlib import Path
from typing import Any, Final

import httpx

from accounts import key_format
from tests.live_web import LiveWeb

DOCUMENT: Final = (Path(__file__).resolve().parents[2] / "docs" / "keys.md").read_text()


def requests() -> list[list[str]]:
    """Return the words of each curl command in the document, in order."""
    (script,) = re.findall(r"```bash\n(.*?)```", DOCUMENT, re.DOTALL)
    lines = script.replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("curl ")]


def send(web: LiveWeb, words: list[str], names: dict[str, str]) -> httpx.Response:
    """Send what the curl command says."""
    words = [re.sub(r"\$(\w+)", lambda match: names[match[1]], word) for word in words]
    options = dict(itertools.pairwise(words))
    headers = [words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H"]
    address = next(word for word in words if word.startswith("http"))
    with web.client(None) as client:
        return client.request(
            options.get("-X", "GET"),
            address,
            headers=dict(headers),
            content=options.get("-d"),
        )


def test_the_documented_requests_work_in_their_order(live_web: LiveWeb) -> None:
    names = {"AIP": live_web.base_url, "TOKEN": live_web.keys["manager"]}
    answers: list[Any] = []
    statuses = []
    for words in requests():
        response = send(live_web, words, names)
        statuses.append(response.status_code)
        answers.append(response.json() if response.content else None)
        names.setdefault("ID", str(answers[0].get("id")))
    assert statuses == [201, 200, 200, 200, 201, 204], json.dumps(answers)
    made, listed, read, changed, rotated, _ = answers
    assert made["id"] in [one["id"] for one in listed["results"]]
    assert read == {name: value for name, value in made.items() if name != "key"}
    assert (changed["name"], changed["store_bodies"]) == ("ci of the website", False)
    assert rotated["rotated_from"] == made["id"]


def test_the_form_that_scanners_are_given_finds_a_key() -> None:
    (form,) = re.findall(r"`(aip_\[.*?)`", DOCUMENT)
    text = key_format.to_text(key_format.new_parts())
    assert re.search(form, f"key={text};") is not None


def test_the_schema_describes_every_operation_on_keys(live_web: LiveWeb) -> None:
    with live_web.client(None) as client:
        schema = client.get("/api/schema", params={"format": "json"}).json()
    paths = {path: set(schema["paths"][path]) for path in schema["paths"] if "/keys" in path}
    assert paths == {
        "/api/v1/keys": {"get", "post"},
        "/api/v1/keys/{id}": {"get", "patch", "delete"},
        "/api/v1/keys/{id}/rotate": {"post"},
    }
    shown = schema["components"]["schemas"]
    assert "key" in shown["MadeKey"]["properties"]
    assert "key" not in shown["Key"]["properties"]
    parameters = {one["name"] for one in schema["paths"]["/api/v1/keys"]["get"]["parameters"]}
    assert parameters == {"before", "limit", "state", "user"}
