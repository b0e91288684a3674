"""How callers authenticate, as the OpenAPI schema says it."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class KeyAuthenticationScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """An API key, sent in either of two headers."""

    target_class = "accounts.authentication.KeyAuthentication"
    name = ["bearer", "apiKey"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Return the two ways as alternatives; one mapping with both would ask for both."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        """Return what each of the names means."""
        return [
            {"type": "http", "scheme": "bearer", "description": "An API key or an access token."},
            {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        ]
