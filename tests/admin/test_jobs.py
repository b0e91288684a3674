"""Jobs in the admin: read by who may see them, cancelled and tried again by who may change them."""

import pytest
from django.test import Client

from inference.jobs.models import Status
from tests.jobs.job_rows import claimed, queued
from tests.people import admin_person, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store")]

LIST = "/admin/jobs/job/"


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(admin_person())
    return client


def _act(client: Client, action: str, *ids: object) -> str:
    answer = client.post(
        LIST, {"action": action, "_selected_action": [str(one) for one in ids]}, follow=True
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_job_is_shown_with_what_was_asked(client: Client) -> None:
    job = queued()
    assert str(job.id) in client.get(LIST).content.decode()
    page = client.get(f"{LIST}{job.id}/change/").content.decode()
    assert "&quot;text&quot;: &quot;hi&quot;" in page
    assert "Save" not in page


@pytest.mark.parametrize("term", ["ada", "tiny", "{id}", "{request_id}"])
def test_jobs_are_found_by_user_model_and_ids(client: Client, term: str) -> None:
    job = claimed()
    wanted = term.format(id=job.id, request_id=job.request_id)
    assert str(job.id) in client.get(LIST, {"q": wanted}).content.decode()
    assert str(job.id) not in client.get(LIST, {"q": "nobody"}).content.decode()


def test_jobs_are_cancelled_and_tried_again(client: Client) -> None:
    waiting, running = queued(), queued()
    assert "2 jobs cancelled" in _act(client, "cancel", waiting.id, running.id)
    waiting.refresh_from_db()
    assert waiting.status == Status.CANCELLED
    assert "0 jobs cancelled" in _act(client, "cancel", waiting.id)
    assert "1 jobs queued" in _act(client, "retry", waiting.id)
    waiting.refresh_from_db()
    assert waiting.status == Status.QUEUED


def test_who_may_only_look_may_not_act() -> None:
    from django.contrib.auth.models import Permission

    looker = person("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_job"))
    client, job = Client(), queued()
    client.force_login(looker)
    assert str(job.id) in client.get(LIST).content.decode()
    _act(client, "cancel", job.id)
    job.refresh_from_db()
    assert job.status == Status.QUEUED
