"""What the synchronous views under /v1 say of themselves in the OpenAPI schema."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema

from inference.api.openai.serializers import OpenAIErrorSerializer

F = TypeVar("F", bound=Callable[..., Any])


def openai_described(
    summary: str, code: int | tuple[int, str], answer: Any, *failures: int, **further: Any
) -> Callable[[F], F]:
    """Return the schema of an operation that may refuse with 401, 403 and each of `failures`."""
    problems = dict.fromkeys((401, 403, *failures), OpenAIErrorSerializer)
    decorate: Callable[[F], F] = extend_schema(
        summary=summary, responses={code: answer, **problems}, **further
    )
    return decorate
