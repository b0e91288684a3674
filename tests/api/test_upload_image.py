"""POST /api/v1/upload/image: real photographs, the default classifier, both kinds of body."""

import base64
import io
import json
from typing import Any, Final

import httpx
import pytest
from PIL import Image

from tests.photographs import photograph
from tests.platform_process import PlatformProcess

ADDRESS: Final = "/api/v1/upload/image"


def _upload(
    platform: PlatformProcess, content: bytes, name: str = "picture", /, **fields: str
) -> httpx.Response:
    with platform.client() as client:
        return client.post(ADDRESS, files={"file": (name, content)}, data=fields)


def _data_url(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _first(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    label: str = response.json()["result"]["labels"][0]["label"]
    return label


@pytest.mark.parametrize(
    ("name", "shows", "kind", "size"),
    [
        ("chelsea.png", "Egyptian cat", "PNG", (451, 300)),
        ("coffee.png", "espresso", "PNG", (600, 400)),
        ("china.jpg", "palace", "JPEG", (640, 427)),
    ],
)
def test_a_photograph_is_told_for_what_it_shows(
    seeing: PlatformProcess, name: str, shows: str, kind: str, size: tuple[int, int]
) -> None:
    content = photograph(name)
    response = _upload(seeing, content, name)
    assert _first(response) == shows
    body = response.json()
    labels = body["result"]["labels"]
    scores = [one["score"] for one in labels]
    assert len(labels) == 5
    assert scores == sorted(scores, reverse=True)
    assert 0.5 < scores[0] <= 1
    assert (body["filename"], body["format"]) == (name, kind)
    assert (body["width"], body["height"], body["size"]) == (*size, len(content))
    assert (body["model_used"], body["usage"]) == ("mobilenet-v2", {"images": 1})
    assert body["id"] == response.headers["x-request-id"]


def test_as_json_with_a_data_url_the_answer_is_the_same(seeing: PlatformProcess) -> None:
    content = photograph("coffee.png")
    asked = {
        "image": _data_url(content, "text/html"),  # what is declared is not believed
        "filename": "coffee.png",
        "model": "mobilenet-v2",
        "top_k": 2,
    }
    with seeing.client() as client:
        response = client.post(ADDRESS, json=asked)
    assert _first(response) == "espresso"
    multipart = _upload(seeing, content, "coffee.png", model="mobilenet-v2", top_k="2").json()
    assert response.json()["result"] == multipart["result"]
    assert len(multipart["result"]["labels"]) == 2


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_shows_the_same(seeing: PlatformProcess, kind: str) -> None:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(photograph("coffee.png"))) as image:
        image.convert("RGB").save(buffer, kind)
    response = _upload(seeing, buffer.getvalue(), "declared-as.txt")
    assert _first(response) == "espresso"
    assert response.json()["format"] == kind


def test_a_picture_that_lies_on_its_side_is_put_upright(seeing: PlatformProcess) -> None:
    with Image.open(io.BytesIO(photograph("china.jpg"))) as image:
        turned = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    turned.save(buffer, "PNG", exif=exif)
    upright = _upload(seeing, photograph("china.jpg")).json()["result"]["labels"][0]
    found = _upload(seeing, buffer.getvalue()).json()["result"]["labels"][0]
    assert found["label"] == upright["label"] == "palace"
    assert found["score"] == pytest.approx(upright["score"], abs=1e-3)


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>.png", "../../etc/passwd", "=cmd|' /C calc'!A0", "Bild ä.png"],
)
def test_a_file_name_stays_text(seeing: PlatformProcess, name: str) -> None:
    with seeing.client() as client:
        asked = {"image": _data_url(photograph("coffee.png")), "filename": name}
        response = client.post(ADDRESS, json=asked)
        assert response.headers["content-type"] == "application/json"
        assert response.json()["filename"] == name
    sent = _upload(seeing, photograph("coffee.png"), name).json()["filename"]
    assert sent.rpartition("/")[2] == sent
    assert sent in name


def test_history_counts_the_picture_and_keeps_what_it_was_but_not_the_picture(
    seeing: PlatformProcess,
) -> None:
    with seeing.client() as client:
        before = _metric(client.get("/metrics").text)
        answer = _upload(seeing, photograph("coffee.png"), "a cup.png").json()
        row = client.get(f"/api/v1/requests/{answer['id']}").json()
        usage = client.get("/api/v1/usage").json()
        assert _metric(client.get("/metrics").text) == before + 1
    assert (row["door"], row["model"], row["status"]) == (
        "upload/image",
        "mobilenet-v2",
        "completed",
    )
    assert (row["images"], row["charged_images"], row["charged_tokens"]) == (1, 1, 0)
    assert row["charged_requests"] == 1
    assert json.dumps(row).count("a cup.png") == 1
    assert len(json.dumps(row)) < 4000
    assert "charged_images" in json.dumps(usage) or "images" in json.dumps(usage)


def _metric(text: str) -> float:
    start = 'aiplatform_generation_images_total{model="mobilenet-v2"}'
    found = [line for line in text.splitlines() if line.startswith(start)]
    return sum(float(line.split()[-1]) for line in found)


def test_the_same_idempotency_key_gives_the_first_answer_again(seeing: PlatformProcess) -> None:
    asked = {"image": _data_url(photograph("coffee.png"))}
    headers = {"Idempotency-Key": "one-cup-only"}
    with seeing.client() as client:
        first, again = (client.post(ADDRESS, json=asked, headers=headers) for _ in range(2))
        other = client.post(ADDRESS, json={**asked, "top_k": 1}, headers=headers)
    assert first.content == again.content
    assert "idempotent-replayed" in again.headers
    assert other.status_code == 409


def _refused(response: httpx.Response) -> tuple[int, str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    return response.status_code, body["code"], body.get("param")


@pytest.mark.parametrize(
    ("asked", "status", "code", "param"),
    [
        ({"model": "tiny"}, 400, "wrong_task", "model"),
        ({"model": "no-such-model"}, 404, "model_not_found", "model"),
        ({"top_k": 0}, 400, "invalid_request", "top_k"),
        ({"top_k": 101}, 400, "invalid_request", "top_k"),
        ({"top_k": "five"}, 400, "invalid_request", "top_k"),
        ({"colour": "red"}, 400, "unknown_parameter", "colour"),
    ],
)
def test_what_cannot_be_asked_is_named(
    seeing: PlatformProcess, asked: dict[str, Any], status: int, code: str, param: str
) -> None:
    content = photograph("coffee.png")
    with seeing.client() as client:
        as_json = client.post(ADDRESS, json={"image": _data_url(content), **asked})
    as_form = _upload(seeing, content, **{name: str(value) for name, value in asked.items()})
    assert _refused(as_json) == _refused(as_form) == (status, code, param)


def test_a_model_of_images_is_not_asked_for_text(seeing: PlatformProcess) -> None:
    with seeing.client() as client:
        response = client.post(
            "/api/v1/generate/text", json={"text": "hello", "model": "mobilenet-v2"}
        )
    assert 400 <= response.status_code < 500, response.text
