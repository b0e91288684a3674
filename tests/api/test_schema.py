"""/api/schema describes every door in valid OpenAPI, and its pages show it."""

from typing import Any

import pytest
import yaml
from drf_spectacular.validation import validate_schema

from tests.api.doors import DOORS, GenerationDoor
from tests.live_web import LiveWeb


@pytest.fixture(scope="module")
def schema(live_web: LiveWeb) -> dict[str, Any]:
    response = live_web.client(None).get("/api/schema")
    assert response.status_code == 200
    document: dict[str, Any] = yaml.safe_load(response.text)
    return document


def test_it_is_valid_openapi(schema: dict[str, Any]) -> None:
    validate_schema(schema)  # type: ignore[no-untyped-call]
    assert schema["openapi"].startswith("3.")


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_door_is_described_with_what_it_takes_and_answers(
    schema: dict[str, Any], door: GenerationDoor
) -> None:
    operation = schema["paths"][door.address]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    described = schema["components"]["schemas"][body.rsplit("/", 1)[-1]]
    assert door.prompt_field in described["required"]
    assert {"model", "temperature", "stop", "stream"} <= set(described["properties"])
    assert {"200", "400", "401", "403", "404", "413", "429", "503"} <= set(operation["responses"])
    assert operation["security"]


def test_models_are_described_too(schema: dict[str, Any]) -> None:
    assert set(schema["paths"]["/v1/models"]) == {"get"}
    assert "/v1/models/{name}" in schema["paths"]
    assert "/api/v1/models" in schema["paths"]


def test_no_address_is_described_twice(schema: dict[str, Any]) -> None:
    addresses = [address.rstrip("/") for address in schema["paths"]]
    assert len(addresses) == len(set(addresses))


@pytest.mark.parametrize("address", ["/api/docs", "/api/redoc", "/api/docs/", "/api/schema/"])
def test_its_pages_are_shown(live_web: LiveWeb, address: str) -> None:
    response = live_web.client(None).get(address)
    assert response.status_code == 200
    # What the pages need is served from here: no script of another host.
    assert "//cdn" not in response.text
