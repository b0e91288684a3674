"""Every answer carries an id that sorts by time and leads to its one log line."""

import uuid

import pytest

from aiplatform.request_ids import new_request_id
from tests.live_web import LiveWeb

ADDRESSES = ["/v1/models", "/api/v1/models", "/v1/nothing", "/health", "/metrics", "/api/schema"]


def test_ids_are_of_version_7_and_unique() -> None:
    ids = [new_request_id() for _ in range(10_000)]
    assert {one.version for one in ids} == {7}
    assert {one.variant for one in ids} == {uuid.RFC_4122}
    assert len(set(ids)) == len(ids)


def test_ids_sort_by_the_time_they_were_made() -> None:
    stamps = [new_request_id().int >> 80 for _ in range(1_000)]
    assert stamps == sorted(stamps)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_has_an_id_and_one_log_line(live_web: LiveWeb, address: str) -> None:
    response = live_web.client().get(address)
    request_id = response.headers["x-request-id"]
    assert uuid.UUID(request_id).version == 7
    (line,) = live_web.log_lines(request_id)
    assert (line["event"], line["method"], line["path"]) == ("request", "GET", address)
    assert line["status"] == response.status_code


def test_a_caller_cannot_choose_the_id(live_web: LiveWeb) -> None:
    headers = {"X-Request-Id": "canary"}
    response = live_web.client().get("/v1/models", headers=headers)
    assert response.headers["x-request-id"] != "canary"
    assert "canary" not in live_web.log_file.read_text()
