"""Bodies of an upload that are no upload are refused with the remedy, before any model is asked."""

import base64
from typing import Any, Final

import httpx
import pytest

from tests.api.doors import Refusal, refusal
from tests.hostile_images import noise, saved
from tests.live_web import LiveWeb, StartWeb

ADDRESS: Final = "/api/v1/upload/image"
_PNG: Final = saved(noise(), "PNG")


def _post(web: LiveWeb, key: str | None = "ada", **options: Any) -> httpx.Response:
    with web.client(key) as client:
        return client.post(ADDRESS, **options)


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ({"files": {"file": ("x.png", b"<svg/>", "image/png")}}, 400, "File must be an image"),
        ({"files": {"file": ("x.png", b"", "image/png")}}, 400, "File must be an image"),
        ({"files": {"picture": ("x.png", _PNG)}}, 400, "picture: There is no such part"),
        ({"files": [("file", ("a", _PNG)), ("file", ("b", _PNG))]}, 400, "file: Send one image"),
        ({"data": {"file": "x"}}, 415, "Unsupported media type"),
        ({"files": {"a": (None, "b")}}, 400, "file: Send one image"),
        ({"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "multipart"),
        ({"content": _PNG, "headers": {"Content-Type": "image/png"}}, 415, "image/png"),
        ({"content": _PNG}, 415, "Unsupported media type"),
        ({"json": []}, 400, "JSON object"),
        ({"json": {}}, 400, "image: Give a data URL"),
        ({"json": {"image": 7}}, 400, "image: Give a data URL"),
        ({"json": {"image": "https://example.com/cat.png"}}, 400, "image: Give a data URL"),
        ({"json": {"image": "data:image/png,abc"}}, 400, "in base64"),
        ({"json": {"image": "data:image/png;base64,%%%"}}, 400, "no valid base64"),
        ({"json": {"image": "data:;base64,", "filename": 7}}, 400, "filename: Give a text"),
        ({"json": {"image": "data:;base64,", "filename": "x" * 256}}, 400, "at most 255"),
        ({"json": {"image": "data:image/svg+xml;base64,PHN2Zz4="}}, 400, "File must be an image"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "not valid JSON"),
    ],
)
def test_a_body_that_is_no_upload_is_told_what_one_is(
    live_web: LiveWeb, options: dict[str, Any], status: int, says: str
) -> None:
    refused = refusal(_post(live_web, **options))
    assert refused.status == status
    assert says in refused.detail


def test_a_file_over_the_bound_is_told_the_bound(live_web: LiveWeb) -> None:
    bound = 10 * 1024 * 1024
    refused = refusal(_post(live_web, files={"file": ("x.png", _PNG.ljust(bound + 1, b"\0"))}))
    assert (refused.status, refused.code) == (413, "image_too_large")
    assert str(bound) in refused.detail
    far_over = refusal(_post(live_web, files={"file": ("x.png", bytes(2 * bound))}))
    assert (far_over.status, far_over.code) == (413, "body_too_large")


def test_another_address_still_takes_no_more_than_before(live_web: LiveWeb) -> None:
    with live_web.client() as client:
        response = client.post("/api/v1/generate/text", content=bytes(5_000_000))
    assert refusal(response).status == 413


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("no scopes", 403), ("writer", 403)])
def test_only_a_key_with_the_scope_may_upload(
    live_web: LiveWeb, key: str | None, status: int
) -> None:
    response = _post(live_web, key, files={"file": ("x.png", _PNG)})
    assert refusal(response).status == status


def test_without_a_default_model_one_must_be_named(live_web: LiveWeb) -> None:
    refused = refusal(_post(live_web, files={"file": ("x.png", _PNG)}))
    assert (refused.status, refused.code) == (400, "model_required")


def test_whoever_uploads_too_often_waits(start_web: StartWeb) -> None:
    with start_web(UPLOAD_RATES_BY_NAME="2/h") as web:
        statuses = []
        for _ in range(3):
            response = _post(web, files={"file": ("x.png", b"no image")})
            statuses.append(response.status_code)
        assert statuses == [400, 400, 429]
        assert refusal(response).code == "rate_limited"
        assert 0 < int(response.headers["retry-after"]) <= 3601
        assert _post(web, "eve all", files={"file": ("x.png", b"no image")}).status_code == 400


def _chat(web: LiveWeb, part: dict[str, Any]) -> Refusal:
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, part]}]
    with web.client() as client:
        return refusal(client.post("/v1/chat/completions", json={"messages": messages}))


def test_a_text_model_that_is_shown_a_picture_names_the_door_that_takes_it(
    live_web: LiveWeb,
) -> None:
    content = base64.b64encode(saved(noise(), "PNG")).decode()
    url = f"data:image/png;base64,{content}"
    refused = _chat(live_web, {"type": "image_url", "image_url": {"url": url}})
    assert (refused.status, refused.code) == (400, "images_not_supported")
    assert refused.param == "messages[0].content[1].image_url.url"
    assert "/api/v1/upload/image" in refused.detail


def test_an_image_part_in_other_words_is_shown_ours(live_web: LiveWeb) -> None:
    refused = _chat(live_web, {"type": "input_image", "image_url": "data:image/png;base64,AAAA"})
    assert refused.status == 400
    assert '{"type": "image_url"' in refused.detail
