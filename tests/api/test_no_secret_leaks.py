"""What is secret when it comes in is in no log, row, error or store afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.api.doors import DOORS
from tests.live_web import CannedRunnerProcess, LiveWeb, StartWeb

CANARY: Final = "canary-4f1d-zeisig"
PASSWORD: Final = f"{CANARY}-password"
PROMPT: Final = f"{CANARY}-prompt"
# Has the form of a key of ours up to its checksum, and of an access token.
FALSE_KEY: Final = f"aip_abcdefghijkl_{'canaryzeisig' * 3}"
FALSE_TOKEN: Final = "eyJjYW5hcnkiOiJ6ZWlzaWcifQ.eyJjYW5hcnkiOiJ6ZWlzaWcifQ.canaryzeisigcanary"


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(LOG_LEVEL="DEBUG", SIGN_UP_ENABLED="true") as one, _runner(one):
        yield one


def _runner(web: LiveWeb) -> Any:
    return CannedRunnerProcess(web).running()


def _everything(web: LiveWeb) -> dict[str, bytes]:
    """Return all that the platform has written anywhere, by where."""
    files = {
        str(path): path.read_bytes()
        for path in Path(web.folder).rglob("*")
        if path.is_file() and "tiny-model" not in path.parts
    }
    store = web.store()
    kept = {repr(key): store.dump(key) or b"" for key in store.scan_iter()}
    return {**files, **kept, "names": repr(list(kept)).encode()}


def _found(web: LiveWeb, *secrets: str) -> list[str]:
    return [
        f"{secret[:24]}… in {where}"
        for where, content in _everything(web).items()
        for secret in secrets
        if secret.encode() in content
    ]


def _ask_everything(client: httpx.Client, told: list[str]) -> None:
    """Send the prompt in, well-formed and not, to every door."""
    for door in DOORS:
        for stream in (False, True):
            body = _with_prompt(door.asking(model="tiny", stream=stream))
            bad = [
                {**body, "temperature": PROMPT},
                {**body, "stop": [PROMPT, 1]},
                {**body, door.max_tokens_field: -1},
            ]
            for one in (body, *bad):
                told.append(client.post(door.address, json=one).text)
            told.append(client.post(door.address, content=f'{{"text": "{PROMPT}').text)


def _with_prompt(body: dict[str, Any]) -> dict[str, Any]:
    texts: dict[str, Any] = {name: PROMPT for name in ("text", "prompt") if name in body}
    if "messages" in body:
        texts["messages"] = [{"role": "user", "content": PROMPT}]
    return {**body, **texts}


def test_a_prompt_that_is_not_kept_is_nowhere(web: LiveWeb) -> None:
    told: list[str] = []
    with web.client("no bodies") as client:
        _ask_everything(client, told)
        assert len(web.rows("status = 'completed'")) == 2 * len(DOORS)
    assert not _found(web, PROMPT)
    assert not [text for text in told if PROMPT in text]


def test_keys_right_and_wrong_are_nowhere(web: LiveWeb) -> None:
    told = []
    wrong = [FALSE_KEY, FALSE_TOKEN, f"{CANARY}-bearer", web.keys["ada"][:-1] + "!"]
    for text in (*wrong, web.keys["ada"], web.keys["revoked"]):
        for headers in ({"Authorization": f"Bearer {text}"}, {"X-API-Key": text}):
            with web.client(None, headers=headers) as client:
                told += [
                    client.get(address).text
                    for address in ("/v1/models", "/api/v1/keys", "/api/v1/usage", "/v1/nowhere")
                ]
    secret = web.keys["ada"].rsplit("_", 1)[1]
    assert not _found(web, secret, *wrong, f"{CANARY}-bearer")
    assert not [text for text in told if CANARY in text or secret in text]


def test_passwords_and_tokens_are_nowhere(web: LiveWeb) -> None:
    with web.client(None) as client:
        signed_up = client.post(
            "/api/v1/auth/sign-up", json={"username": "zeisig", "password": PASSWORD}
        )
        assert signed_up.status_code == 201, signed_up.text
        answers = [
            client.post("/api/v1/auth/token", json={"username": "zeisig", "password": tried})
            for tried in (PASSWORD, PASSWORD + "-wrong")
        ]
        assert [one.status_code for one in answers] == [200, 401]
        tokens = answers[0].json()
        bearer = {"Authorization": f"Bearer {tokens['access']}"}
        made = client.post("/api/v1/keys", json={"name": "made"}, headers=bearer)
        assert made.status_code == 201, made.text
        fresh = client.post("/api/v1/auth/token/refresh", json={"refresh": tokens["refresh"]})
        again = client.post("/api/v1/auth/token/refresh", json={"refresh": tokens["refresh"]})
        assert (fresh.status_code, again.status_code) == (200, 401)
        secrets = [
            *(tokens["access"], tokens["refresh"], fresh.json()["access"]),
            _secret_in(made.json()).rsplit("_", 1)[1],
        ]
    assert not _found(web, PASSWORD, *secrets)
    assert PASSWORD not in again.text + answers[1].text


def _secret_in(made: dict[str, Any]) -> str:
    """Return the key out of the one answer that shows it."""
    texts = [text for text in made.values() if isinstance(text, str)]
    return max((text for text in texts if text.startswith("aip_")), key=len)


def test_the_search_would_find_what_is_there(web: LiveWeb) -> None:
    messages = [{"role": "user", "content": f"{CANARY}-kept"}]
    with web.client("ada") as client:
        answer = client.post("/v1/chat/completions", json={"model": "tiny", "messages": messages})
    assert answer.status_code == 200
    assert _found(web, f"{CANARY}-kept")
