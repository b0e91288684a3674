"""What lies in the database tells neither key nor body nor answer to who lacks the key."""

import base64
import hashlib
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag
from django.test import RequestFactory
from pytest_django import Settings

from aiplatform.idempotency.attempt import Attempt, attempt_of
from aiplatform.idempotency.kept_answer import KeptAnswer
from aiplatform.idempotency.seal import opened, sealed
from tests.api.doors import CHAT
from tests.api.keyed import is_replay, post
from tests.canned_runner import Script
from tests.live_web import LiveWeb, StartWeb

KEY, ASKED, ANSWERED = "canary-of-the-key", "canary-of-the-body", "canary-of-the-answer"
ANSWER = KeptAnswer(201, {"Content-Type": "application/json"}, b'{"secret": 1}')


@pytest.fixture
def attempt() -> Attempt:
    headers = {"Idempotency-Key": KEY}
    request = RequestFactory().post("/x", b"{}", "application/json", headers=headers)
    return attempt_of(request, None)


async def test_neither_key_nor_body_nor_answer_is_in_the_database_or_the_log(
    start_web: StartWeb,
) -> None:
    with start_web(STORE_BODIES="false") as web:
        async with web.runner(Script(word=ANSWERED)) as runner, web.async_client() as client:
            for stream in (False, True):
                messages = [{"role": "user", "content": ASKED}]
                fields = {"model": runner.model, "messages": messages, "stream": stream}
                key = f"{KEY}-{stream}"
                first = await post(client, key, **fields)
                again = await post(client, key, **fields)
                refused = await post(client, key, **fields, temperature=1)
                assert ANSWERED in first.text
                assert again.content == first.content
                assert is_replay(again)
                assert refused.status_code == 409
        lying = _everything_kept(web)
        assert len(web.sql("SELECT 1 FROM aiplatform_idempotencyrecord")) == 2
        request = CHAT.asking(**fields)
        assert request["messages"][0]["content"] == ASKED
        for canary in (KEY, ASKED, ANSWERED):
            for form in _forms(canary):
                assert form not in lying


def _everything_kept(web: LiveWeb) -> bytes:
    # Into the file itself; what is still beside it is looked at as well.
    web.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    files = [*web.folder.glob("db.sqlite3*"), web.log_file, *web.folder.glob("spool/*")]
    found = b"".join(path.read_bytes() for path in files if path.is_file())
    assert b"aiplatform_idempotencyrecord" in found
    return found


def _forms(text: str) -> list[bytes]:
    """Return the text as it is and as digests that anybody could make of a guess."""
    raw = text.encode()
    digests = [hashlib.new(name, raw).digest() for name in ("md5", "sha1", "sha256")]
    return [raw, base64.b64encode(raw)[:-4], *digests, *(one.hex().encode() for one in digests)]


def test_only_the_key_itself_opens_an_answer(attempt: Attempt) -> None:
    kept = sealed(ANSWER, attempt)
    assert opened(kept, attempt) == ANSWER
    assert b"secret" not in kept
    with pytest.raises(InvalidTag):
        opened(kept, replace(attempt, key=f"{KEY}2"))


def test_an_answer_opens_in_its_own_record_alone_and_unchanged(attempt: Attempt) -> None:
    kept = sealed(ANSWER, attempt)
    for moved in ("key_digest", "body_digest"):
        with pytest.raises(InvalidTag):
            opened(kept, replace(attempt, **{moved: "0" * 64}))  # type: ignore[arg-type]
    for place in (0, 20, len(kept) - 1):
        changed = bytearray(kept)
        changed[place] ^= 1
        with pytest.raises(InvalidTag):
            opened(bytes(changed), attempt)


def test_no_two_seals_are_alike(attempt: Attempt) -> None:
    assert sealed(ANSWER, attempt) != sealed(ANSWER, attempt)


def test_a_key_that_can_be_guessed_is_of_no_use_without_the_servers_secret(
    attempt: Attempt, settings: Settings
) -> None:
    kept = sealed(ANSWER, attempt)
    settings.SECRET_KEY = "another secret of at least 32 characters"
    with pytest.raises(InvalidTag):
        opened(kept, attempt)


def test_the_key_is_not_in_what_is_printed_of_an_attempt(attempt: Attempt) -> None:
    assert KEY not in repr(attempt)
