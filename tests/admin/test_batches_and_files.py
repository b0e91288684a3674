"""Batches, files and periodic tasks in the admin: read, cancelled, tried again, deleted."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.selectors import principal_of_user
from inference.jobs.batches.advance import batches_advance
from inference.jobs.batches.services import batch_create
from inference.jobs.files.services import file_upload
from inference.jobs.models import Batch, BatchStatus, File, Job, PeriodicTask, Status
from inference.jobs.outcomes import outcome_note
from tests.jobs.batch_files import chat_line, jsonl
from tests.jobs.job_rows import owner
from tests.people import admin_person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store")]


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(admin_person())
    return client


def begun(*lines: Any) -> Batch:
    """Return a batch of these lines, or of one good one, as it was just begun."""
    ada = owner()
    upload = SimpleUploadedFile("requests.jsonl", jsonl(lines or [chat_line("one", "tiny")]))
    file = file_upload(user_id=ada.pk, purpose="batch", upload=upload)
    return batch_create(
        principal=principal_of_user(ada),
        endpoint="/v1/chat/completions",
        input_file_id=file.id,
        completion_window="24h",
        metadata={},
    )


def act(client: Client, page: str, action: str, row: Any) -> str:
    answer = client.post(page, {"action": action, "_selected_action": [str(row.pk)]}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_batch_is_cancelled_and_tried_again(client: Client) -> None:
    page, batch = "/admin/jobs/batch/", begun()
    assert batches_advance() == 1
    assert batch.public_id in client.get(page, {"q": "ada"}).content.decode()
    assert batch.public_id not in client.get(page, {"q": "nobody"}).content.decode()
    assert "1 lines: 0 completed" in client.get(f"{page}{batch.pk}/change/").content.decode()
    assert "0 batches go on" in act(client, page, "retry", batch)
    assert "1 batches cancelled" in act(client, page, "cancel", batch)
    assert batches_advance() == 1
    batch.refresh_from_db()
    assert batch.status == BatchStatus.CANCELLED
    assert "0 batches cancelled" in act(client, page, "cancel", batch)
    assert "1 batches go on" in act(client, page, "retry", batch)
    batch.refresh_from_db()
    assert (batch.status, Job.objects.get(batch=batch).status) == ("in_progress", Status.QUEUED)


def test_a_file_is_deleted_but_not_while_it_is_read(client: Client) -> None:
    page, batch = "/admin/jobs/file/", begun()
    file = File.objects.get(id=batch.input_file_id)
    assert file.public_id in client.get(page, {"q": "ada"}).content.decode()
    assert "0 files deleted" in act(client, page, "remove", file)
    act(client, "/admin/jobs/batch/", "cancel", batch)
    assert batches_advance() == 1
    assert "1 files deleted" in act(client, page, "remove", file)
    assert not file.path.exists()


def test_periodic_tasks_say_how_they_went(client: Client) -> None:
    outcome_note(name="purge", seconds=0.25, returned="rows: 7", failed=False)
    outcome_note(name="tell", seconds=1, returned=ValueError("secret"), failed=True)
    outcome_note(name="tell", seconds=1, returned=ValueError("secret"), failed=True)
    page = client.get("/admin/jobs/periodictask/").content.decode()
    assert "rows: 7" in page
    assert "250.0" in page
    assert "ValueError" in page
    assert "secret" not in page
    assert PeriodicTask.objects.get(name="tell").failures == 2
    outcome_note(name="tell", seconds=1, returned=None, failed=False)
    assert PeriodicTask.objects.get(name="tell").failures == 0


def test_a_file_read_again_after_a_crash_makes_no_line_twice() -> None:
    batch = begun(*(chat_line(str(n), "tiny") for n in range(3)))
    assert batches_advance() == 1
    first = set(Job.objects.values_list("id", flat=True))
    Batch.objects.filter(id=batch.id).update(status=BatchStatus.VALIDATING)
    assert batches_advance() == 1
    assert set(Job.objects.values_list("id", flat=True)) == first
    assert len(first) == 3
