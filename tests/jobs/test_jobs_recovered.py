"""What becomes of jobs that nobody works on any more, and that nobody else can write them."""

from datetime import timedelta

import pytest
import redis
from django.utils import timezone
from pytest_django import Settings

from inference.jobs import recovery
from inference.jobs.events import _hooks, on_job_ended
from inference.jobs.models import Job, Priority, Status
from inference.jobs.recovery import MAX_LOSSES, jobs_expire, jobs_purge, jobs_reclaim
from inference.jobs.selectors import estimated_start_s, queue_position
from inference.jobs.services import (
    job_cancel,
    job_complete,
    job_keep_result,
    job_postpone,
    job_retry,
    jobs_claim,
    jobs_renew,
)
from tests.jobs.job_rows import claimed, lost, queued, settled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store")]

USAGE = {"prompt_tokens": 3, "completion_tokens": 4}


def test_a_lost_job_is_queued_again_and_its_worker_can_write_it_no_more() -> None:
    job = lost()
    assert jobs_reclaim() == 1
    (again,) = jobs_claim(limit=1)
    assert (again.id, again.attempts, again.losses) == (job.id, 2, 1)
    assert job.request_id is not None
    assert not job_keep_result(request_id=job.request_id, result="{}")
    assert not job_complete(job=job, result="{}", **USAGE)
    assert not job_postpone(job=job, seconds=0, error="")
    assert job_complete(job=again, result="{}", **USAGE)
    assert not job_complete(job=again, result="{}", **USAGE)


def test_what_was_settled_before_its_worker_died_is_not_done_twice() -> None:
    job = lost(result='{"generated_text": "x"}')
    settled(job)
    assert jobs_reclaim() == 1
    job.refresh_from_db()
    assert job.status == Status.COMPLETED
    assert (job.prompt_tokens, job.completion_tokens) == (3, 4)
    assert jobs_claim(limit=1) == []


def test_a_result_that_was_not_settled_is_made_anew() -> None:
    job = lost(result='{"generated_text": "x"}')
    assert jobs_reclaim() == 1
    job.refresh_from_db()
    assert (job.status, job.result) == (Status.QUEUED, "")


def test_a_job_that_kills_its_workers_is_given_up() -> None:
    job = lost(losses=MAX_LOSSES - 1)
    assert jobs_reclaim() == 1
    job.refresh_from_db()
    assert job.status == Status.FAILED
    assert '"worker_lost"' in job.error


def test_a_job_in_force_is_left_alone() -> None:
    job = lost()
    assert job.request_id is not None
    jobs_renew(request_ids=[job.request_id])
    assert jobs_reclaim() == 0


def test_jobs_are_claimed_by_priority_and_then_by_age() -> None:
    batch = queued(Priority.BATCH)
    first, second = queued(), queued()
    assert [job.id for job in jobs_claim(limit=2)] == [first.id, second.id]
    assert [job.id for job in jobs_claim(limit=2)] == [batch.id]
    assert jobs_claim(limit=2) == []


def test_a_job_that_waits_is_not_claimed_before_its_time_nor_postponed_past_its_deadline() -> None:
    job = claimed()
    assert job_postpone(job=job, seconds=60, error="{}")
    assert jobs_claim(limit=1) == []
    Job.objects.filter(id=job.id).update(available_at=timezone.now() - timedelta(seconds=1))
    (again,) = jobs_claim(limit=1)
    assert not job_postpone(job=again, seconds=86_400 * 2, error="{}")


def test_the_estimate_follows_the_rate_and_the_wait() -> None:
    first, second = queued(), queued()
    assert (queue_position(first), queue_position(second)) == (0, 1)
    assert estimated_start_s(second, 1) is None, "nothing has ended yet"
    for _ in range(6):
        job_cancel(job=queued())
    assert estimated_start_s(second, 1) == 10.0
    second.available_at = timezone.now() + timedelta(seconds=300)
    assert 290 < (estimated_start_s(second, 1) or 0) <= 300


def test_a_job_past_its_deadline_fails() -> None:
    job = queued(deadline_at=timezone.now() - timedelta(seconds=1))
    assert jobs_claim(limit=1) == []
    assert jobs_expire() == 1
    job.refresh_from_db()
    assert job.status == Status.FAILED
    assert "job_deadline_passed" in job.error


def test_the_end_of_one_hastens_the_next_that_waited_for_it() -> None:
    waiting = claimed()
    job_postpone(job=waiting, seconds=60, error='{"code":"concurrency_limit"}')
    running = claimed()
    assert job_complete(job=running, result="{}", **USAGE)
    assert [job.id for job in jobs_claim(limit=1)] == [waiting.id]


def test_who_subscribed_hears_of_an_end_once_and_cannot_prevent_it() -> None:
    heard: list[tuple[object, str]] = []

    @on_job_ended
    def hear(job: Job) -> None:
        heard.append((job.id, job.status))
        raise RuntimeError("a fault of the subscriber's")

    try:
        job = queued()
        assert job_cancel(job=job)
        assert not job_cancel(job=job)
    finally:
        _hooks.remove(hear)
    assert heard == [(job.id, "cancelled")]


def test_a_failed_job_is_tried_again_where_its_body_was_kept() -> None:
    kept, gone = queued(), queued(keeps_body=False)
    assert not job_retry(job=kept), "it has not ended"
    job_cancel(job=kept)
    job_cancel(job=gone)
    assert job_retry(job=kept)
    assert not job_retry(job=gone)
    assert [job.id for job in jobs_claim(limit=5)] == [kept.id]


def test_old_jobs_go_in_chunks_and_those_that_have_not_ended_stay(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.JOB_RETENTION_DAYS = 7
    monkeypatch.setattr(recovery, "CHUNK_ROWS", 2)
    long_ago = timezone.now() - timedelta(days=8)
    for _ in range(5):
        queued(status=Status.COMPLETED, ended_at=long_ago)
    stays = {queued(created_at=long_ago).id, queued(status="failed", ended_at=timezone.now()).id}
    assert jobs_purge() == 5
    assert set(Job.objects.values_list("id", flat=True)) == stays
    settings.JOB_RETENTION_DAYS = 0
    Job.objects.update(status=Status.COMPLETED, ended_at=long_ago)
    assert jobs_purge() == 0


def test_without_the_store_jobs_are_written_all_the_same(
    store: "redis.Redis", store_away: None
) -> None:
    job = queued()
    assert job_cancel(job=job)
    assert store.exists(f"job:{job.id}:events") == 0
