"""What an error of the native side is made of, as the OpenAPI schema says it."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers

F = TypeVar("F", bound=Callable[..., Any])
_KIND: Final = "application/problem+json"


class ProblemSerializer(serializers.Serializer[Any]):
    """An error, as RFC 9457 and with the members of this API."""

    error = serializers.CharField()
    detail = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    param = serializers.CharField(required=False)


def described(
    summary: str, code: int | tuple[int, str], answer: Any, *failures: int, **further: Any
) -> Callable[[F], F]:
    """Return the schema of an operation: what it answers, and that it may refuse with 401 and 403
    and with each of `failures`. `further` is what `extend_schema` takes besides;
    `answers` in it are further ones that are no refusals.
    """
    problems = {(failure, _KIND): ProblemSerializer for failure in (401, 403, *failures)}
    answers = {code: answer, **further.pop("answers", {}), **problems}
    decorate: Callable[[F], F] = extend_schema(summary=summary, responses=answers, **further)
    return decorate
