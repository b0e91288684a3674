"""The ways a request can fail on its way through the gateway, each with its status and remedy."""

from typing import Any, Final

from accounts.limit_words import what_over
from aiplatform.errors import ApiError


def unknown_model(name: str) -> ApiError:
    return ApiError(
        404,
        "model_not_found",
        f"There is no model {name[:100]!r} that you may use. GET /v1/models lists them.",
        param="model",
    )


def no_default_model() -> ApiError:
    return ApiError(
        400, "model_required", "No default model is set. Name one in `model`.", param="model"
    )


_DOORS: Final = {
    "chat": "/v1/chat/completions",
    "embeddings": "/v1/embeddings",
    "image-classification": "/api/v1/upload/image",
    "moderation": "/v1/moderations",
    "ocr": "/api/v1/upload/image",
    "rerank": "/v1/rerank",
}


def wrong_task(*, model: str, does: str, asked: str) -> ApiError:
    where = f" Ask it at {_DOORS[does]}," if does in _DOORS else " Ask it for that,"
    detail = f"{model} does {does}, not {asked}.{where} or name a model for {asked} in `model`."
    return ApiError(400, "wrong_task", detail, param="model")


def text_too_long(*, tokens: int, length: int, param: str) -> ApiError:
    return ApiError(
        400,
        "context_length_exceeded",
        f"{param} has {tokens} tokens; the model reads {length} at most. Shorten it, or send "
        "`truncate`: true to have its end cut off.",
        param=param,
    )


def scope_missing(scope: str) -> ApiError:
    return ApiError(403, "scope_missing", f"This API key lacks the scope `{scope}`.")


def context_length_exceeded(*, prompt: int, context: int, param: str) -> ApiError:
    return ApiError(
        400,
        "context_length_exceeded",
        f"The prompt has {prompt} tokens. The model's context is {context} tokens, and at least "
        "one must be left for the answer. Shorten the prompt.",
        param=param,
    )


def prompt_not_renderable(detail: str, param: str) -> ApiError:
    return ApiError(400, "invalid_prompt", f"{param}: {detail}", param=param)


def image_refused(code: str, detail: str, param: str | None = None) -> ApiError:
    """`code` is of `images.facts.ErrorCode`."""
    return ApiError(400, code, detail, param=param)


def reads_no_pictures(*, model: str, param: str) -> ApiError:
    detail = (
        f"{param}: {model} reads no pictures. Name a model in `model` that does, or ask "
        "/api/v1/upload/image what a picture shows."
    )
    return ApiError(400, "images_not_supported", detail, param=param)


def over_limit(*, reason: dict[str, Any], retry_after: float) -> ApiError:
    """`reason` is the limit as `limits.report.limit_told` tells it, and what was wanted of it."""
    many = what_over(reason["resource"], reason["window"])
    model = f" of {reason['model']}" if reason["model"] else ""
    return ApiError(
        429,
        f"{reason['resource']}_limit",
        f"The limit of {reason['limit']:,} {many}{model} ({reason['source']}) leaves no "
        f"room for {reason['wanted']:,}: {reason['used']:,} used, {reason['reserved']:,} reserved "
        "by requests under way.",
        retry_after=retry_after,
        reason=reason,
    )


def queue_full(*, model: str, waiting: int, retry_after: float, reason: dict[str, Any]) -> ApiError:
    return ApiError(
        503,
        "queue_full",
        f"The queue of {model} is full: {waiting} requests are under way.",
        retry_after=retry_after,
        reason=reason,
    )


def limits_unavailable() -> ApiError:
    return ApiError(
        503,
        "limits_unavailable",
        "The limits cannot be checked now, so nothing is admitted. Try again shortly.",
        retry_after=2,
    )


def database_unavailable() -> ApiError:
    return ApiError(
        503, "database_unavailable", "The database is away. Try again shortly.", retry_after=2
    )


def model_not_ready(*, model: str, state: str, retry_after: float) -> ApiError:
    return ApiError(
        503, "model_not_ready", f"No replica of {model} is ready: {state}.", retry_after=retry_after
    )


def replica_lost() -> ApiError:
    return ApiError(
        503,
        "replica_lost",
        "The replica that was answering died. It is being restarted; try again.",
        retry_after=2,
    )


def replica_failed(code: str, detail: str) -> ApiError:
    return ApiError(500, code, detail)


def out_of_memory(detail: str) -> ApiError:
    return ApiError(503, "out_of_memory", detail, retry_after=30)


def deadline_passed(seconds: int) -> ApiError:
    return ApiError(504, "deadline_passed", f"The answer was not complete after {seconds} seconds.")


def restarting() -> ApiError:
    return ApiError(
        503, "restarting", "This process is being restarted. Connect again.", retry_after=1
    )


def internal() -> ApiError:
    detail = "Something went wrong on our side. The request id finds it in the logs."
    return ApiError(500, "internal_error", detail)
