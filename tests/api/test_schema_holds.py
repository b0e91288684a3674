"""What the API answers is what its OpenAPI schema says, whatever it is asked, and never a 5xx."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.live_web import LiveWeb, StartWeb

# Bodies that generate are tested beside the doors: of random ones few come past the first check.
GENERATING: Final = "completions|generate"
# These would take the key away that calls.
ENDING_KEYS: Final = r"/keys/\{id\}"
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
_SOME: Final = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,  # a landing is not refused by chance
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    """A web of its own: what is random changes and deletes models of everybody."""
    with start_web(SIGN_UP_ENABLED="true") as web:
        yield web


def test_an_answer_is_as_described(web: LiveWeb, subtests: pytest.Subtests) -> None:
    bearer = {"Authorization": f"Bearer {web.keys['root']}"}
    for operation in _operations(web):

        @_SOME
        @given(case=operation.as_strategy())
        def is_as_described(case: Any) -> None:
            case.call_and_validate(checks=CHECKS, headers=bearer, timeout=30)

        with subtests.test(operation.label):
            is_as_described()


def _operations(web: LiveWeb) -> Iterator[Any]:
    schema = schemathesis.openapi.from_url(f"{web.base_url}/api/schema")
    chosen = schema.exclude(path_regex=GENERATING).exclude(
        path_regex=ENDING_KEYS, method=["POST", "PATCH", "DELETE"]
    )
    for found in chosen.get_all_operations():
        assert isinstance(found, Ok)
        yield found.ok()
