"""Headers that many operations share, as the OpenAPI schema says it."""

from collections.abc import Iterator
from typing import Any, Final

from aiplatform.idempotency.attempt import MAX_LENGTH

_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Asked again with the same key and body, the first answer is given again.",
    "schema": {"type": "string", "pattern": rf"^[!-~]{{1,{MAX_LENGTH}}}$"},
}
_RETRY_AFTER: Final = {
    "description": "Seconds after which trying again makes sense.",
    "schema": {"type": "integer", "minimum": 1},
}
_LIMITS: Final = {
    f"x-ratelimit-{what}-{resource}": {
        "description": f"{meaning}, for {resource}; missing where nothing bounds them.",
        "schema": schema,
    }
    for resource in ("requests", "tokens")
    for what, meaning, schema in (
        ("limit", "The tightest limit that applies", {"type": "integer"}),
        ("remaining", "What is left of it", {"type": "integer"}),
        ("reset", "When all of it is free again, like `6m0s`", {"type": "string"}),
    )
}


def describe_headers(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """Add `Idempotency-Key` to the POSTs that take one, and to answers what they may carry.

    A postprocessing hook of drf-spectacular's: takes and returns the whole schema.
    """
    result.setdefault("components", {})["headers"] = {"Retry-After": _RETRY_AFTER, **_LIMITS}
    for operations in result["paths"].values():
        for operation in operations.values():
            _describe_answers(operation)
    for operation in _taking_a_key(result, generator):
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
        responses = operation["responses"]
        if "400" in responses:  # a refusal in the form of its side
            # The key was used for something else, or is in use.
            responses.setdefault("409", responses["400"])
    return result


def _taking_a_key(result: Any, generator: Any) -> Iterator[dict[str, Any]]:
    for path, _, method, callback in generator.endpoints:
        if method == "POST" and getattr(callback.cls, "takes_idempotency_key", False):
            yield result["paths"][path]["post"]


def _describe_answers(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        names = ["Retry-After"] if status in ("429", "503") else []
        if any(operation.get("security", ())) and status != "401":
            names += _LIMITS
        if names:
            answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
