"""Tokens end with the password, with the account and with its activity, in every process."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import httpx
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.live_web import REPOSITORY, LiveWeb, StartWeb, plain, until

PASSWORD: Final = "correct horse battery"
TOKEN: Final = "/api/v1/auth/token"
DOORS: Final = ("/api/v1/models", "/v1/models")  # a thread's and the loop's
AT_ONCE_S: Final = 1.0


@dataclass
class Cluster:
    """Two webs on one database and one store."""

    one: LiveWeb
    other: LiveWeb

    def sign_in(self, name: str) -> dict[str, str]:
        """Return the tokens of a user who has PASSWORD from now on."""
        set_to = "UPDATE accounts_user SET password = ?, is_active = 1 WHERE username = ?"
        self.one.sql(set_to, _digest(), name)
        answer = self.one.client(None).post(TOKEN, json={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        pair: dict[str, str] = answer.json()
        return pair

    def change(self, name: str, change: str) -> float:
        """Run `change` on the user, `user`, in a process of its own; return when it was done."""
        script = (
            "import django, time; django.setup()\n"
            "from accounts.models import User\n"
            f"user = User.objects.get(username={name!r})\n"
            f"{change}\n"
            "print(time.time())"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=REPOSITORY,
            env=self.one.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return float(done.stdout)


@cache
def _digest() -> str:
    return PBKDF2PasswordHasher().encode(PASSWORD, "salt-of-the-tests-only")


@pytest.fixture(scope="module")
def cluster(start_web: StartWeb) -> Iterator[Cluster]:
    with start_web() as one, one.beside().running() as other:
        yield Cluster(one, other)


@pytest.fixture
def pair(cluster: Cluster) -> dict[str, str]:
    return cluster.sign_in("eve")


def status(web: LiveWeb, token: str, door: str) -> int:
    return calling(web, token, door).status_code


def calling(web: LiveWeb, token: str, door: str) -> httpx.Response:
    return web.client(None, headers={"Authorization": f"Bearer {token}"}).get(door)


def test_a_token_opens_the_doors_of_every_process(cluster: Cluster, pair: dict[str, str]) -> None:
    for web in (cluster.one, cluster.other):
        for door in DOORS:
            assert status(web, pair["access"], door) == 200


def test_a_refusal_says_invalid_token_at_both_kinds_of_door(cluster: Cluster) -> None:
    native, openai = (calling(cluster.one, "eyJhbGciOiJub25lIn0.e30.", door) for door in DOORS)
    assert (native.status_code, openai.status_code) == (401, 401)
    assert native.json()["detail"] == openai.json()["error"]["message"] == "Invalid token"
    assert native.headers["www-authenticate"] == openai.headers["www-authenticate"] == "Bearer"


async def test_a_token_generates_and_its_row_has_no_key(live_web: LiveWeb) -> None:
    token = Cluster(live_web, live_web).sign_in("eve")["access"]
    client = live_web.client(None, headers={"Authorization": f"Bearer {token}"})
    answer = client.post("/api/v1/generate/text", json={"text": "Hello", "max_length": 4})
    assert answer.status_code == 200, answer.text
    await until(lambda: live_web.rows("id = ?", plain(answer.json()["id"])), "its row")
    row = live_web.row(answer.json()["id"])
    assert (row["api_key_id"], row["key_name"], row["username"]) == (None, "", "eve")


ENDS: Final = {
    "password": "user.set_password('another one, longer'); user.save()",
    "activity": "user.is_active = False; user.save()",
    "user": "user.delete()",
}


@pytest.mark.parametrize("change", ENDS.values(), ids=ENDS)
def test_it_ends_in_another_process_at_once(cluster: Cluster, change: str) -> None:
    name = "leaver" if "delete" in change else "eve"
    pair = cluster.sign_in(name)
    assert [status(cluster.other, pair["access"], door) for door in DOORS] == [200, 200]
    changed_at = cluster.change(name, change)
    time.sleep(max(0.0, changed_at + AT_ONCE_S - time.time()))  # that long it may still work
    for door in DOORS:
        refused = calling(cluster.other, pair["access"], door)
        assert refused.status_code == 401
        assert "Invalid token" in refused.text
    body = {"refresh": pair["refresh"]}
    assert cluster.other.client(None).post(f"{TOKEN}/refresh", json=body).status_code == 401


def test_logging_out_in_one_process_counts_in_the_other(
    cluster: Cluster, pair: dict[str, str]
) -> None:
    body = {"refresh": pair["refresh"]}
    assert cluster.one.client(None).post(f"{TOKEN}/blacklist", json=body).status_code == 204
    assert cluster.other.client(None).post(f"{TOKEN}/refresh", json=body).status_code == 401


def test_a_token_of_a_megabyte_is_refused_and_the_web_lives(cluster: Cluster) -> None:
    try:
        answer = calling(cluster.one, "eyJ" + "A" * 1_000_000, DOORS[0])
        assert answer.status_code in (400, 401, 431)
    except httpx.TransportError:
        pass  # the server hung up while we were still sending
    assert status(cluster.one, "eyJ", DOORS[0]) == 401


def test_no_log_line_holds_a_token_or_the_password(cluster: Cluster, pair: dict[str, str]) -> None:
    calling(cluster.one, pair["access"], DOORS[0])
    cluster.one.client(None).post(f"{TOKEN}/refresh", json={"refresh": pair["refresh"]})
    log = cluster.one.log_file.read_text()
    assert TOKEN in log
    for secret in (pair["access"], pair["refresh"], PASSWORD):
        assert secret[-20:] not in log
