"""What an error looks like: problem+json on the native side, OpenAI's error object on /v1.

Every failure that reaches a caller is first an `ApiError`; the two bodies are two ways to write it.
"""

import math
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from aiplatform.error_pages import error_page, is_for_people
from aiplatform.json_media import encode

TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Body too large",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
    504: "Deadline passed",
}

MAX_DETAIL = 1_000  # characters


class ApiError(Exception):
    """A failure as the caller sees it.

    `code` is machine-readable, `detail` names the field, the bound or the remedy, `param` is the
    field, `retry_after` the seconds after which trying again makes sense, `reason` which limit
    refused and how it stands.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        param: str | None = None,
        retry_after: float | None = None,
        reason: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.param = param
        self.retry_after = retry_after
        self.reason = reason

    def headers(self) -> dict[str, str]:
        """Return the headers that belong to this failure."""
        headers = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        return headers


def problem(error: ApiError, request_id: str) -> dict[str, Any]:
    """Return the body of the native side: DESIGN's four members and those of RFC 9457."""
    title = TITLES.get(error.status, "Error")
    body: dict[str, Any] = {
        "error": title,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
        "type": "about:blank",
        "title": title,
        "status": error.status,
    }
    if error.param is not None:
        body["param"] = error.param
    if error.reason is not None:
        body["limit"] = error.reason
    return body


def openai_error(error: ApiError) -> dict[str, Any]:
    """Return OpenAI's error object, with the limit that refused as a member of its own."""
    limit = {} if error.reason is None else {"limit": error.reason}
    return {
        "error": {
            "message": error.detail,
            "type": _openai_type(error.status),
            "param": error.param,
            "code": error.code,
            **limit,
        }
    }


def problem_response(error: ApiError, request_id: str) -> HttpResponse:
    """Return the native side's answer to a failure."""
    body = encode(problem(error, request_id))
    return HttpResponse(body, "application/problem+json", error.status, headers=error.headers())


def openai_response(error: ApiError) -> HttpResponse:
    """Return the OpenAI side's answer to a failure."""
    body = encode(openai_error(error))
    return HttpResponse(body, "application/json", error.status, headers=error.headers())


def response_for(request: HttpRequest, error: ApiError) -> HttpResponse:
    """Return the answer in the form of the side that was called."""
    if is_for_people(request):
        return error_page(request, error.status, error.detail, headers=error.headers())
    if request.path.startswith("/v1/"):
        return openai_response(error)
    return problem_response(error, str(getattr(request, "id", "")))


def native_exception_handler(raised: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: whatever a view raises becomes an ApiError and then an answer."""
    error = as_api_error(raised)
    if error is None:
        return None
    request = context["request"]
    # Written whole here: DRF would negotiate the content type, and an error has just one.
    return response_for(getattr(request, "_request", request), error)  # type: ignore[return-value]


def as_api_error(raised: Exception) -> ApiError | None:
    """Return `raised` as a caller may see it, or None where it is a fault of ours."""
    if isinstance(raised, ApiError):
        return raised
    if isinstance(raised, exceptions.ValidationError):
        return _invalid(raised.detail)
    if isinstance(raised, DjangoValidationError):
        return _invalid(exceptions.ValidationError(_messages(raised)).detail)
    if isinstance(raised, exceptions.APIException):
        return _from_drf(raised)
    return _from_django(raised)


def _from_django(raised: Exception) -> ApiError | None:
    if isinstance(raised, Http404):
        return ApiError(404, "not_found", "There is nothing at this address.")
    if isinstance(raised, PermissionDenied):
        return ApiError(403, "permission_denied", "You may not do this.")
    if isinstance(raised, RequestDataTooBig):
        return body_too_large(settings.MAX_BODY_BYTES)
    if isinstance(raised, OperationalError | InterfaceError):
        detail = "The database is away. Try again shortly."
        return ApiError(503, "database_unavailable", detail, retry_after=2)
    return None


def body_too_large(bound: int) -> ApiError:
    """The body is over the bound."""
    return ApiError(413, "body_too_large", f"The body is over {bound} bytes, the most accepted.")


def _from_drf(raised: exceptions.APIException) -> ApiError:
    code = raised.get_codes()
    retry_after = getattr(raised, "wait", None)
    return ApiError(
        raised.status_code,
        code if isinstance(code, str) else "error",
        str(raised.detail),
        retry_after=retry_after,
    )


def _messages(raised: DjangoValidationError) -> Any:
    return raised.message_dict if hasattr(raised, "error_dict") else raised.messages


def _invalid(detail: Any) -> ApiError:
    param, message, code = _first(detail, "")
    known = {"unknown_parameter", "unsupported_parameter", "context_length_exceeded"}
    # DRF's messages quote what was sent, however long that was.
    text = (f"{param}: {message}" if param else message)[:MAX_DETAIL]
    return ApiError(400, code if code in known else "invalid_request", text, param=param or None)


def _first(detail: Any, path: str) -> tuple[str, str, str]:
    """Return where, what and which code of the first error in DRF's nested detail."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        if isinstance(name, int):  # where in a list, as DRF's ListField says it
            return _first(inner, f"{path}[{name}]")
        here = path if name == "non_field_errors" else f"{path}.{name}" if path else str(name)
        return _first(inner, here)
    if isinstance(detail, list):
        index = next(i for i, inner in enumerate(detail) if inner)
        inner = detail[index]
        return _first(inner, path if isinstance(inner, str) else f"{path}[{index}]")
    return path, str(detail), getattr(detail, "code", "invalid")


def _openai_type(status: int) -> str:
    names = {401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
    if status == 429:
        return "rate_limit_error"
    return names.get(status, "invalid_request_error" if status < 500 else "server_error")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404 handler: JSON wherever an API client looks."""
    return response_for(request, ApiError(404, "not_found", "There is nothing at this address."))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400 handler, for what its own checks refuse: an unknown Host among them."""
    detail = "The request was refused. If the address is right, add its host to ALLOWED_HOSTS."
    return response_for(request, ApiError(400, "bad_request", detail))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 403 handler."""
    return response_for(request, ApiError(403, "permission_denied", "You may not do this."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500 handler: says nothing of what went wrong but the id to find it by."""
    detail = "Something went wrong on our side. The request id finds it in the logs."
    return response_for(request, ApiError(500, "internal_error", detail))
