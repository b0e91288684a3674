"""/api/schema describes every door in valid OpenAPI, and its pages show it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
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


@pytest.mark.parametrize("address", ["/api/docs", "/api/redoc", "/api/schema"])
def test_its_pages_refuse_what_they_do_not_answer(live_web: LiveWeb, address: str) -> None:
    for method in ("OPTIONS", "POST", "DELETE"):
        assert live_web.client(None).request(method, address).status_code == 405


def test_it_is_made_without_a_guess(tmp_path: Path) -> None:
    call_command("spectacular", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("/api/v1/audit", "AuditPage"),
        ("/api/v1/quotas", "QuotaList"),
        ("/api/v1/requests", "RequestPage"),
        ("/api/v1/requests/{request_id}/explain", "Explanation"),
        ("/api/v1/usage", "UsageAnswer"),
        ("/v1/models", "OpenAIModelList"),
    ],
)
def test_a_page_is_described_as_one_thing_and_not_as_a_list_of_pages(
    schema: dict[str, Any], address: str, page: str
) -> None:
    content = schema["paths"][address]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == {"$ref": f"#/components/schemas/{page}"}


TAKING_A_KEY = {
    "/v1/chat/completions",
    "/v1/completions",
    "/api/v1/generate/text",
    "/api/v1/models",
    "/api/v1/keys",
    "/api/v1/keys/{id}/rotate",
    "/api/v1/auth/sign-up",
}


def test_what_takes_an_idempotency_key_says_so(schema: dict[str, Any]) -> None:
    for address in TAKING_A_KEY:
        operation = schema["paths"][address]["post"]
        assert "Idempotency-Key" in header_names(operation), address
        assert "409" in operation["responses"], address
    assert not header_names(schema["paths"]["/api/v1/auth/token"]["post"])
    assert not header_names(schema["paths"]["/api/v1/keys"]["get"])


def header_names(operation: dict[str, Any]) -> set[str]:
    return {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}


def test_answers_name_the_headers_that_tell_of_limits(schema: dict[str, Any]) -> None:
    refusal = schema["paths"]["/v1/chat/completions"]["post"]["responses"]["429"]
    assert {"Retry-After", "x-ratelimit-reset-tokens"} <= set(refusal["headers"])
    assert set(refusal["headers"]) == set(schema["components"]["headers"])
    signing_in = schema["paths"]["/api/v1/auth/token"]["post"]["responses"]
    assert "headers" not in signing_in["200"]  # nobody is known yet, so no limit is
    assert set(signing_in["429"]["headers"]) == {"Retry-After"}
