"""What waits in a runner, whatever kind of work it is: what queue and deadlines need to know."""

from typing import Protocol, TypeVar


class Request(Protocol):
    """What every request to a runner says of whom it is for and how soon."""

    @property
    def request_id(self) -> str: ...

    @property
    def tenant(self) -> str: ...

    @property
    def priority(self) -> int: ...

    @property
    def weight(self) -> float: ...

    @property
    def deadline_s(self) -> float | None: ...


class Queued(Protocol):
    """One thing in the fair queue."""

    aged: bool  # it runs because its class had waited too long

    @property
    def request(self) -> Request: ...

    @property
    def cost(self) -> float:
        """What its tenant is charged when it is taken: tokens, or whatever the kind counts in."""

    @property
    def unused(self) -> float:
        """What it was charged for and did not take."""


class Timed(Protocol):
    """One thing that may have a deadline."""

    @property
    def request(self) -> Request: ...


Q = TypeVar("Q", bound=Queued)
T = TypeVar("T", bound=Timed)
