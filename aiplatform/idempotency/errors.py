"""Why a request with an `Idempotency-Key` gets neither a new answer nor the first one."""

from aiplatform.errors import ApiError


class KeyReused(ApiError):
    """The key was used for something else."""

    def __init__(self) -> None:
        detail = (
            "This Idempotency-Key was used with another body or address. "
            "Use a new key for a new request."
        )
        super().__init__(409, "idempotency_key_reused", detail, param="Idempotency-Key")

    def headers(self) -> dict[str, str]:
        """Return the headers; SDKs made by Stainless repeat every 409 that does not forbid it."""
        return {**super().headers(), "X-Should-Retry": "false"}


def still_in_flight(seconds: int) -> ApiError:
    """The first request is still being answered, and this one has waited long enough."""
    detail = f"The first request with this Idempotency-Key was not answered within {seconds} s."
    return ApiError(
        409, "idempotency_key_in_flight", detail, param="Idempotency-Key", retry_after=1
    )
