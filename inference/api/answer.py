"""What a door of either protocol writes: a whole answer, or chunks of a stream.

One `Answer` a request; the two protocols and their routes differ only in the words.
"""

from typing import Protocol, TypeVar

from django.http import HttpRequest, HttpResponse

from aiplatform.errors import ApiError
from inference.gateway.answered import Answered, Piece
from inference.gateway.entry import Entry
from inference.gateway.spec import Spec

S = TypeVar("S", bound=Spec, contravariant=True)


class Form(Protocol[S]):
    """How one route puts an answer into bytes. `entry` holds id, counts and timings."""

    door: str  # the route's name in history and metrics
    scope: str  # what a key must be allowed

    def whole(self, spec: S, entry: Entry, answered: Answered) -> bytes:
        """Return the body of an answer that is not streamed."""

    def first(self, spec: S, entry: Entry) -> bytes:
        """Return the event that opens a stream, or nothing."""

    def delta(self, spec: S, entry: Entry, piece: Piece) -> bytes:
        """Return the event that carries what is new of one choice."""

    def last(self, spec: S, entry: Entry, answered: Answered) -> bytes:
        """Return the events that close a stream."""

    def failed(self, entry: Entry, error: ApiError) -> bytes:
        """Return the events that close a stream which fails after it began."""

    def refusal(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        """Return the answer to a request that fails before anything was sent."""


class WholeForm:
    """The part of a form that only streams have, for routes that never stream."""

    def first(self, spec: Spec, entry: Entry) -> bytes:
        return b""

    def delta(self, spec: Spec, entry: Entry, piece: Piece) -> bytes:
        return b""

    def last(self, spec: Spec, entry: Entry, answered: Answered) -> bytes:
        return b""

    def failed(self, entry: Entry, error: ApiError) -> bytes:
        return b""
