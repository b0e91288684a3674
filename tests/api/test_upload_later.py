"""POST /api/v1/upload/image with `async`: a task, and a picture that is kept until it has ended."""

import base64
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.hostile_images import png
from tests.kinds.tasks import accepted, ended, stranger
from tests.photographs import photograph
from tests.platform_process import PlatformProcess

ADDRESS: Final = "/api/v1/upload/image"
LATER: Final = {"async": "true"}


def _kept(platform: PlatformProcess) -> list[Path]:
    return [path for path in (platform.var_dir / "files").rglob("*") if path.is_file()]


def _send(client: httpx.Client, content: bytes, **fields: str) -> httpx.Response:
    return client.post(ADDRESS, files={"file": ("a cup.png", content)}, data=fields)


def test_a_task_says_what_the_picture_shows_and_the_picture_is_gone(
    seeing: PlatformProcess,
) -> None:
    content = photograph("coffee.png")
    with seeing.client() as client:
        at_once = _send(client, content, top_k="2").json()
        done = ended(seeing, accepted(_send(client, content, top_k="2", **LATER)))
        row = client.get(f"/api/v1/requests/{done['request_id']}").json()
    assert done["status"] == "completed", done
    assert (done["kind"], done["model"]) == ("upload/image", "mobilenet-v2")
    told_each = {"id": "", "processing_time": 0}
    assert {**done["result"], **told_each} == {**at_once, **told_each}
    assert done["result"]["result"]["labels"][0]["label"] == "espresso"
    assert done["usage"]["images"] == 1
    assert (row["door"], row["images"], row["charged_images"]) == ("upload/image/async", 1, 1)
    assert _kept(seeing) == []


def test_as_json_the_task_says_the_same(seeing: PlatformProcess) -> None:
    url = f"data:image/jpeg;base64,{base64.b64encode(photograph('china.jpg')).decode()}"
    body = {"image": url, "filename": "Bild ä.jpg", "async": True}
    with seeing.client() as client:
        done = ended(seeing, accepted(client.post(ADDRESS, json=body)))
    assert done["result"]["result"]["labels"][0]["label"] == "palace"
    assert done["result"]["filename"] == "Bild ä.jpg"
    assert _kept(seeing) == []


def test_sent_again_with_its_key_it_is_one_task(seeing: PlatformProcess) -> None:
    with seeing.client() as client:
        request = client.build_request(
            "POST",
            ADDRESS,
            files={"file": ("a cup.png", photograph("coffee.png"))},
            data=LATER,
            headers={"Idempotency-Key": "picture-later"},
        )
        request.read()
        first, again = client.send(request), client.send(request)
        assert accepted(first) == accepted(again)
        assert again.headers["idempotent-replayed"] == "true"
        ended(seeing, accepted(first))
    assert _kept(seeing) == []


@pytest.mark.parametrize(
    ("content", "fields", "status", "code", "param"),
    [
        (b"no picture", LATER, 400, "not_an_image", "file"),
        (b"", LATER, 400, "not_an_image", "file"),
        (photograph, {**LATER, "top_k": "1000"}, 400, "invalid_request", "top_k"),
        (photograph, {**LATER, "model": "tiny"}, 400, "wrong_task", "model"),
        (photograph, {"async": "perhaps"}, 400, "invalid_request", "async"),
        (photograph, {"async": "1"}, 400, "invalid_request", "async"),
    ],
)
def test_what_would_be_refused_is_refused_at_once_and_kept_nowhere(
    seeing: PlatformProcess,
    content: object,
    fields: dict[str, str],
    status: int,
    code: str,
    param: str,
) -> None:
    sent = content if isinstance(content, bytes) else photograph("coffee.png")
    with seeing.client() as client:
        answer = _send(client, sent, **fields)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["param"]) == (status, code, param)
    assert _kept(seeing) == []


def test_a_picture_that_cannot_be_unpacked_fails_its_task(seeing: PlatformProcess) -> None:
    broken = png((b"IDAT", b"not packed"))  # its header is whole: the runner finds what is not
    with seeing.client() as client:
        done = ended(seeing, accepted(_send(client, broken, **LATER)))
    assert (done["status"], done["result"]) == ("failed", None)
    assert (done["error"]["status"], done["error"]["code"]) == (400, "invalid_image")
    assert done["usage"].get("images", 0) == 0
    assert _kept(seeing) == []


def test_nobody_else_sees_it_and_its_picture_is_no_file_of_anybodys(
    seeing: PlatformProcess,
) -> None:
    with seeing.client() as client, stranger(seeing) as eve:
        task_id = accepted(_send(client, photograph("coffee.png"), **LATER))
        assert eve.get(f"/api/v1/tasks/{task_id}").status_code == 404
        assert eve.delete(f"/api/v1/tasks/{task_id}").status_code == 404
        assert client.get("/v1/files").json()["data"] == []
        ended(seeing, task_id)


def test_both_scopes_are_needed(seeing: PlatformProcess) -> None:
    for scope in ("images", "jobs"):
        key = seeing.must("createkey", "admin", "--name", f"only {scope}", "--scope", scope).strip()
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=seeing.base_url, headers=headers) as client:
            answer = _send(client, photograph("coffee.png"), **LATER)
            assert answer.status_code == 403, answer.text
    assert _kept(seeing) == []
