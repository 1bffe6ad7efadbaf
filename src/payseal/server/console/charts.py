"""Charts as SVG, drawn on the server: no script, readable in light and dark, with the numbers in a table beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Bar", "Chart", "bars"]

_WIDTH: Final = 720
_HEIGHT: Final = 180
_LEFT: Final = 44
_BOTTOM: Final = 22
_TOP: Final = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One column: what was accepted below, what was refused on top of it. All in the chart's own units."""

    x: float
    width: float
    good_y: float
    good_height: float
    bad_y: float
    bad_height: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws. ``lines`` are (y, label) of the grid, ``labels`` (x, text) below."""

    width: int
    height: int
    left: int
    bars: list[Bar]
    lines: list[tuple[float, str]]
    labels: list[tuple[float, str]]


def bars(values: Sequence[tuple[str, int, int]], every: int) -> Chart:
    """Stacked columns of (label, good, bad); every ``every``-th label is written."""
    top = _ceiling(max([good + bad for _, good, bad in values], default=0))
    floor = _HEIGHT - _BOTTOM
    scale = (floor - _TOP) / top
    step = (_WIDTH - _LEFT) / max(len(values), 1)
    drawn = []
    for place, (label, good, bad) in enumerate(values):
        good_height, bad_height = round(good * scale, 2), round(bad * scale, 2)
        drawn.append(
            Bar(
                x=round(_LEFT + place * step + step * 0.1, 2),
                width=round(step * 0.8, 2),
                good_y=round(floor - good_height, 2),
                good_height=good_height,
                bad_y=round(floor - good_height - bad_height, 2),
                bad_height=bad_height,
                title=f"{label}: {good} accepted, {bad} refused",
            )
        )
    lines = [(round(floor - top * part * scale, 2), f"{top * part:g}") for part in (0, 0.5, 1)]
    labels = [(round(_LEFT + (place + 0.5) * step, 2), label) for place, (label, _, _) in enumerate(values) if place % every == 0]
    return Chart(_WIDTH, _HEIGHT, _LEFT, drawn, lines, labels)


def _ceiling(largest: int) -> int:
    """The first of 2, 4, 10, 20, 40, 100 … that is not below it: its half is a whole number too."""
    size = 1
    while True:
        for step in (2, 4, 10):
            if step * size >= largest:
                return step * size
        size *= 10
