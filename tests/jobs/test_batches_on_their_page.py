"""The pages of batches show one's own, how far each is, and its files."""

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from inference.jobs.models import Batch, BatchStatus, File, Purpose
from tests.people import admin_person, person

pytestmark = pytest.mark.django_db
PAGE = "/account/jobs"
LIST = "/account/batches"
HOSTILE = '"><img src=x onerror=alert(1)>.jsonl'


def batch_of(user: User, **fields: object) -> Batch:
    """Return a batch that ended with the counts that are given."""
    now = timezone.now()
    defaults: dict[str, object] = {
        "id": uuid.uuid4(),
        "came_with_key": False,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "status": BatchStatus.COMPLETED,
        "input_file_id": uuid.uuid4(),
        "created_at": now,
        "expires_at": now + timedelta(hours=24),
        "ended_at": now,
    }
    return Batch.objects.create(user=user, **{**defaults, **fields})


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(user: User, address: str = PAGE) -> str:
    return signed_in(user).get(address).content.decode()


def file_of(user: User, **fields: object) -> File:
    """Return a file without content."""
    defaults: dict[str, object] = {"id": uuid.uuid4(), "purpose": Purpose.BATCH, "bytes": 2048}
    return File.objects.create(user=user, **{**defaults, "created_at": timezone.now(), **fields})


def test_ones_own_batches_are_shown_with_their_counts() -> None:
    ada, eve = person("ada"), person("eve")
    batch_of(ada, total=40, completed=30, failed=2)
    shown = page_of(ada)
    assert "32 of 40, 2 failed" in shown
    assert '<progress max="40" value="32"' in shown
    assert "32 of 40" not in page_of(eve)


def test_many_batches_take_no_more_queries_than_one(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    ada = person("ada")
    for _ in range(12):
        batch_of(ada, total=1, status=BatchStatus.IN_PROGRESS, ended_at=None)
    client = signed_in(ada)
    with django_assert_max_num_queries(8):
        shown = client.get(PAGE).content.decode()
    assert shown.count("<progress") == 5
    with django_assert_max_num_queries(6):
        assert client.get(LIST).content.decode().count("<progress") == 12


def test_the_list_goes_on_where_a_page_ended() -> None:
    ada = person("ada")
    for _ in range(51):
        batch_of(ada)
    client = signed_in(ada)
    first = client.get(LIST).content.decode()
    older = re.search(r'href="(\?before=batch_[0-9a-f]{32})"', first)
    assert older
    second = client.get(LIST + older[1]).content.decode()
    named = [re.findall(r"/account/batches/(batch_[0-9a-f]{32})", page) for page in (first, second)]
    assert [len(one) for one in named] == [50, 1]
    assert not set(named[0]) & set(named[1])


def test_a_batch_shows_its_counts_its_files_and_what_was_wrong() -> None:
    ada = person("ada")
    sent = file_of(ada, filename=HOSTILE)
    made = file_of(ada, filename="answers.jsonl", purpose=Purpose.BATCH_OUTPUT)
    batch = batch_of(
        ada, total=40, completed=30, failed=2, input_file_id=sent.id, output_file_id=made.id,
        error_file_id=uuid.uuid4(), metadata={"<b>name": "</dd><script>"},
        errors=[{"line": 3, "param": None, "code": "x", "message": "<i>wrong</i>"}],
    )  # fmt: skip
    shown = page_of(ada, f"{LIST}/{batch.public_id}")
    assert "30</span> completed" in shown
    assert f'href="/v1/files/{made.public_id}/content" download="answers.jsonl"' in shown
    assert "deleted, or its time is over" in shown  # the file of errors
    assert escape(HOSTILE) in shown
    for markup in (HOSTILE, "</dd><script>", "<b>name", "<i>wrong</i>"):
        assert markup not in shown
    assert "Cancel the batch" not in shown


def test_a_batch_is_cancelled_once() -> None:
    ada = person("ada")
    batch = batch_of(ada, status=BatchStatus.IN_PROGRESS, ended_at=None)
    client = signed_in(ada)
    address = f"{LIST}/{batch.public_id}/cancel"
    said = client.post(address, follow=True).content.decode()
    assert "No more lines begin" in said
    batch.refresh_from_db()
    assert batch.status == BatchStatus.CANCELLING
    assert (
        "had ended already, or was about to" in client.post(address, follow=True).content.decode()
    )


def test_nobody_sees_or_cancels_anothers_batch() -> None:
    ada, eve, root = person("ada"), person("eve"), admin_person()
    batch = batch_of(ada, status=BatchStatus.IN_PROGRESS, ended_at=None)
    for stranger in (eve, root):
        client = signed_in(stranger)
        address = f"{LIST}/{batch.public_id}"
        assert client.get(address).status_code == 404
        assert client.post(f"{address}/cancel").status_code == 404
        assert batch.public_id not in client.get(LIST).content.decode()
    batch.refresh_from_db()
    assert batch.status == BatchStatus.IN_PROGRESS


@pytest.mark.parametrize("name", ["x", "batch_", "batch_../..", "batch_" + "0" * 32])
def test_an_address_that_is_no_batch_says_so(name: str) -> None:
    assert signed_in(person("ada")).get(f"{LIST}/{name}").status_code == 404
