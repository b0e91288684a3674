"""Why a caller was turned away."""

from typing import Self


class AuthenticationRefused(Exception):
    """The credentials stand for nobody. `code` is machine-readable, `detail` safe to show."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    @classmethod
    def missing(cls) -> Self:
        """No credentials at all."""
        return cls(
            "missing_api_key",
            "No API key. Send it as `Authorization: Bearer <key>` or `X-API-Key: <key>`.",
        )

    @classmethod
    def invalid(cls) -> Self:
        """Credentials that nobody has."""
        return cls("invalid_api_key", "Incorrect API key.")


class ConcurrentChange(Exception):
    """Somebody else changed or deleted the same row at the same moment. Nothing was written."""
