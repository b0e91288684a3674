"""A step that was asked of the device, and whose tokens nobody has taken yet."""

from dataclasses import dataclass, field

from inference.engine.graphs.choice import Begun
from inference.engine.sequence import Sequence


@dataclass(eq=False)
class Flight:
    """Whose rows they are: nobody's where all tokens are made already, or the row was cut off."""

    rows: list[Sequence | None]
    decoded: int  # so many of the rows wrote a token; those behind ended a prompt
    begun: Begun | None = None  # a choice that the device is at,
    tokens: list[int] = field(default_factory=list)  # or what was chosen
    places: dict[Sequence, int] = field(init=False)

    def __post_init__(self) -> None:
        self.places = {one: row for row, one in enumerate(self.rows) if one is not None}
        for one, row in self.places.items():
            one.in_flight += 1
            one.ahead += self._wrote(row)

    def land(self, row: int) -> Sequence | None:
        """Return whose row it is, which is no longer in this flight."""
        one, self.rows[row] = self.rows[row], None
        if one is not None:
            del self.places[one]
            one.in_flight -= 1
            one.ahead -= self._wrote(row)
        return one

    def cut(self, one: Sequence | None) -> None:
        """Drop what is made for a sequence, if anything is: it is to be made again."""
        row = None if one is None else self.places.get(one)
        if one is None or row is None:
            return
        self.land(row)
        if self.begun is not None and one.request.sampling.temperature > 0:
            one.uniforms.put_back(self.begun.uniform[row])

    def _wrote(self, row: int) -> int:
        return int(row < self.decoded)
