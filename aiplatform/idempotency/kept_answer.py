"""An answer as it is kept and given again."""

from typing import Final, Self

import msgspec
from django.http import HttpResponse
from django.http.response import HttpResponseBase

REPLAYED: Final = "Idempotent-Replayed"
# What belongs to the answer; the others belong to one request and are made anew.
_KEPT_HEADERS: Final = ("Content-Type", "Cache-Control", "X-Accel-Buffering", "Location")


class KeptAnswer(msgspec.Struct, frozen=True):
    """Status, headers and every byte of the body; a stream's events one behind the other."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, response: HttpResponseBase, body: bytes) -> Self:
        """Return `response` with the body that it had, or will have had."""
        headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
        return cls(response.status_code, headers, body)

    @property
    def is_success(self) -> bool:
        """Whether it is of those that are kept."""
        return 200 <= self.status < 300

    def again(self) -> HttpResponse:
        """Return the answer to give to who asks again."""
        headers = {**self.headers, REPLAYED: "true"}
        return HttpResponse(self.body, status=self.status, headers=headers)
