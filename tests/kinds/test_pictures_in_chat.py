"""A chat model that reads pictures, over a real platform and a real runner."""

import base64
import json
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.hostile_images import hostile_files, noise, png, saved
from tests.kinds.tasks import accepted, ended
from tests.kinds.vision_reference import vision_reference
from tests.platform_process import PlatformProcess

CHAT: Final = "/v1/chat/completions"
UPLOAD: Final = "/api/v1/upload/image"
NEW_TOKENS: Final = 12
PICTURE: Final = saved(noise((91, 64), 1), "PNG")
URL: Final = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
TEXT: Final = {"type": "text", "text": "what is this"}


def _image(url: str = URL, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def _body(*parts: Any, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": list(parts)}]
    return {
        "model": "sighted",
        "messages": messages,
        "temperature": 0,
        "max_tokens": NEW_TOKENS,
        **more,
    }


@pytest.fixture(scope="module")
def reference(tiny_vision: Path) -> dict[str, Any]:
    messages = [{"role": "user", "content": [{"type": "image"}, TEXT]}]
    found: dict[str, Any] = vision_reference(
        tiny_vision / "smolvlm", messages, [PICTURE], NEW_TOKENS
    )
    return found


@pytest.fixture
def caller(sighted: PlatformProcess) -> Any:
    with sighted.client() as client:
        yield client


def test_it_says_what_generate_says_whole_and_as_a_stream(
    caller: httpx.Client, reference: dict[str, Any]
) -> None:
    answer = caller.post(CHAT, json=_body(_image(detail="low"), TEXT))
    assert answer.status_code == 200, answer.text
    whole = answer.json()
    assert whole["choices"][0]["message"]["content"] == reference["text"]
    assert whole["usage"]["prompt_tokens"] == len(reference["prompt"])
    streamed = caller.post(CHAT, json=_body(_image(), TEXT, stream=True))
    lines = [line[6:] for line in streamed.text.splitlines() if line.startswith("data: {")]
    deltas = [json.loads(line)["choices"][0]["delta"].get("content", "") for line in lines]
    assert "".join(deltas) == reference["text"]


def test_pictures_and_their_tokens_are_counted_and_no_picture_is_kept(
    caller: httpx.Client, reference: dict[str, Any]
) -> None:
    answer = caller.post(CHAT, json=_body(_image(), TEXT))
    row = caller.get(f"/api/v1/requests/{answer.headers['x-request-id']}").json()
    prompt, made = len(reference["prompt"]), row["completion_tokens"]
    assert (row["images"], row["charged_images"]) == (1, 1)
    assert (row["prompt_tokens"], row["charged_tokens"]) == (prompt, prompt + made)
    assert float(row["cost"]) == pytest.approx(prompt * 2e-6 + 1e-3)
    kept = json.dumps(row)
    assert URL[30:60] not in kept
    assert '"format": "PNG"' in kept


def test_uploaded_it_is_described_now_and_later(
    sighted: PlatformProcess, caller: httpx.Client, reference: dict[str, Any]
) -> None:
    fields = {"model": "sighted", "prompt": "what is this", "max_length": str(NEW_TOKENS)}
    file = {"file": ("a.png", PICTURE)}
    answer = caller.post(UPLOAD, files=file, data=fields)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["result"]["text"] == reference["text"]
    prompt = len(reference["prompt"])
    assert (told["usage"]["images"], told["usage"]["prompt_tokens"]) == (1, prompt)
    assert (told["format"], told["width"], told["height"]) == ("PNG", 91, 64)
    task_id = accepted(caller.post(UPLOAD, files=file, data={**fields, "async": "true"}))
    done = ended(sighted, task_id)
    assert done["result"]["result"] == told["result"]
    assert (done["usage"]["images"], done["usage"]["prompt_tokens"]) == (1, prompt)
    default = caller.post(UPLOAD, json={"image": URL, "model": "sighted"})
    assert default.status_code == 200, default.text


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (_body(_image(), TEXT, model="tiny"), "images_not_supported", "0].content[0].image_url"),
        (_body(TEXT, _image("https://example.com/a.png")), "invalid_request", "content[1]"),
        (_body(TEXT, _image("data:image/png;base64,AAAA")), "not_an_image", "content[1]"),
        (_body(TEXT, _image("data:image/png;base64,A")), "invalid_request", "content[1]"),
        (_body(TEXT, _image("data:image/png,AAAA")), "invalid_request", "content[1]"),
        (_body(*[_image()] * 17), "invalid_request", "content[16]"),
        (_body({"type": "image_url", "image_url": URL}), "invalid_request", "content"),
        (_body({"type": "input_audio"}), "invalid_request", "content"),
        (_body(TEXT, {"type": "text", "text": "an <image>"}), "invalid_prompt", "messages"),
        (_body(*[TEXT] * 600, _image(), max_tokens=2), "context_length_exceeded", "messages"),
    ],
)
def test_what_cannot_be_seen_is_refused_by_its_name(
    caller: httpx.Client, body: dict[str, Any], code: str, param: str
) -> None:
    answer = caller.post(CHAT, json=body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert param in f"{error['param']} {error['message']}"


def test_only_the_user_shows_pictures(caller: httpx.Client) -> None:
    body = _body(TEXT)
    body["messages"].insert(0, {"role": "system", "content": [_image()]})
    answer = caller.post(CHAT, json=body)
    assert answer.status_code == 400
    assert "content" in answer.text


def test_a_broken_picture_costs_nothing_and_harms_nobody(
    caller: httpx.Client, reference: dict[str, Any]
) -> None:
    broken = base64.b64encode(png((b"IDAT", b"not packed"))).decode()
    answer = caller.post(CHAT, json=_body(_image(f"data:image/png;base64,{broken}"), TEXT))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_image")
    row = caller.get(f"/api/v1/requests/{answer.headers['x-request-id']}").json()
    assert (row["charged_images"], row["charged_tokens"]) == (0, 0)
    sound = caller.post(CHAT, json=_body(_image(), TEXT)).json()
    assert sound["choices"][0]["message"]["content"] == reference["text"]


def test_hostile_files_get_only_4xx(caller: httpx.Client, reference: dict[str, Any]) -> None:
    chosen = [one for one in hostile_files().items() if len(one[1]) < 1_000_000][::6]
    for name, content in chosen:
        url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
        answer = caller.post(CHAT, json=_body(_image(url), TEXT))
        assert 400 <= answer.status_code < 500, (name, answer.text)
    sound = caller.post(CHAT, json=_body(_image(), TEXT)).json()
    assert sound["choices"][0]["message"]["content"] == reference["text"]


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"model": "sighted", "top_k": "3"}, "unsupported_parameter", "top_k"),
        ({"model": "sighted", "max_length": "0"}, "invalid_request", "max_length"),
        ({"model": "sighted", "prompt": "an <image>"}, "invalid_prompt", "prompt"),
        ({"model": "tiny"}, "wrong_task", "model"),
    ],
)
def test_an_upload_names_what_is_wrong_with_it(
    caller: httpx.Client, fields: dict[str, str], code: str, param: str
) -> None:
    answer = caller.post(UPLOAD, files={"file": ("a.png", PICTURE)}, data=fields)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["param"]) == (400, code, param)


def test_without_pictures_it_is_a_chat_model_like_any_other(caller: httpx.Client) -> None:
    plain = caller.post(CHAT, json=_body(TEXT))
    assert plain.status_code == 200, plain.text
    native = {"text": "hello", "model": "sighted", "max_length": 3}
    assert caller.post("/api/v1/generate/text", json=native).status_code == 200
