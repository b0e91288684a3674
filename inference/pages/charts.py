"""Bars of a chart, laid out here so that a page needs no script to draw them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 180
_LEFT: Final = 52  # room for the scale's numbers
_BOTTOM: Final = 22
_TOP: Final = 10
_GAP: Final = 0.25  # of a bar's room
_MAX_LABELS: Final = 7
_STEPS: Final = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's bar: `first` below, `second` on top of it. Lengths in the chart's own units."""

    x: float
    width: float
    first_y: float
    first_height: float
    second_y: float
    second_height: float
    title: str
    label: str  # below it; empty where there is no room


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the scale."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws."""

    bars: list[Bar]
    lines: list[Line]
    left: int = _LEFT
    width: int = WIDTH
    height: int = HEIGHT


def day_chart(days: Sequence[tuple[date, int, int]], units: tuple[str, str]) -> Chart:
    """Return the chart of two amounts a day, stacked; `units` name them: `prompt tokens`, ….

    An empty second unit leaves the second amount out of the titles.
    """
    top = _round_up(max((first + second for _, first, second in days), default=0))
    room = (WIDTH - _LEFT) / max(1, len(days))
    every = -(-len(days) // _MAX_LABELS)
    bars = [
        _bar(index, day, room, top, units, labelled=index % every == 0)
        for index, day in enumerate(days)
    ]
    return Chart(bars, [Line(_y(amount, top), short(amount)) for amount in (0, top / 2, top)])


def short(amount: float) -> str:
    """Return an amount in few characters: `950`, `1.5k`, `2M`."""
    for bound, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= bound:
            return f"{amount / bound:.3g}{unit}"
    return f"{amount:.3g}"


def share(amount: float, whole: float) -> float:
    """Return how long a bar of 100 is for that part of the whole."""
    return round(100 * amount / whole, 2) if whole else 0.0


def _bar(
    index: int,
    day: tuple[date, int, int],
    room: float,
    top: float,
    units: tuple[str, str],
    *,
    labelled: bool,
) -> Bar:
    moment, first, second = day
    first_y, second_y = _y(first, top), _y(first + second, top)
    further = f", {second:,} {units[1]}" if units[1] else ""
    return Bar(
        x=round(_LEFT + room * (index + _GAP / 2), 2),
        width=round(room * (1 - _GAP), 2),
        first_y=first_y,
        first_height=round(_y(0, top) - first_y, 2),
        second_y=second_y,
        second_height=round(first_y - second_y, 2),
        title=f"{moment:%-d %B}: {first:,} {units[0]}{further}",
        label=f"{moment:%-d %b}" if labelled else "",
    )


def _y(amount: float, top: float) -> float:
    height = HEIGHT - _TOP - _BOTTOM
    return round(_TOP + height * (1 - amount / top), 2)


def _round_up(amount: int) -> float:
    """Return a round number that is no less, so that the scale has numbers one can read."""
    magnitude = 1
    while magnitude * 10 < amount:
        magnitude *= 10
    return next(float(magnitude * step) for step in _STEPS if magnitude * step >= amount)
