"""What the gateway asks of a door: the HTTP views, and later websockets, jobs and batch lines."""

from typing import Protocol

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.gateway.answered import Answered, Piece
from inference.gateway.entry import Entry
from inference.gateway.spec import Spec


class Door(Protocol):
    """One request at one door. Each method is called at most once, but for `send`."""

    entry: Entry  # with the request's id, the door's name and the client already in

    async def authenticate(self) -> Principal:
        """Return who is calling. Raises AuthenticationRefused or ApiError."""

    async def parse(self, principal: Principal) -> Spec:
        """Return what is asked. Raises ApiError, or a ValidationError of DRF."""

    async def open(self, answered: Answered) -> None:
        """The request is admitted and a replica has accepted it.

        `answered` gathers what is sent; it is complete when `finish` is called without an error.
        """

    async def send(self, piece: Piece) -> None:
        """Pass on what is new. May take its time: the engine does not wait for it."""

    async def finish(self, error: ApiError | None) -> None:
        """Everything is settled; the entry says what it came to."""
