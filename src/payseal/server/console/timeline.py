"""When a request was signed and when it came, against the window in which it counts as fresh; drawn to scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from payseal.server.console.pages import span
from payseal.server.sightings import Sighting

__all__ = ["Timeline", "timeline_of"]

_WIDTH: Final = 720
_MARGIN: Final = 60


@dataclass(frozen=True, slots=True)
class Timeline:
    """Places on the drawing (its own units), and what they mean. Times are seconds since the epoch."""

    width: int
    received: float
    received_x: float
    created: float | None
    created_x: float | None
    #: The window around the moment of arrival: what was created in it is fresh.
    opens: float
    opens_x: float
    closes: float
    closes_x: float
    fresh: bool | None
    sentence: str


def timeline_of(sighting: Sighting) -> Timeline | None:
    """The drawing; ``None`` where the scheme has no time."""
    rule = sighting.scheme.created
    if rule is None:
        return None
    received = sighting.at
    opens, closes = received - rule.tolerance / 1000, received + rule.future / 1000
    read = rule.format.read(sighting.created) if sighting.created else None
    created = None if read is None else read / 1000
    fresh = None if read is None else rule.fresh(read, int(received * 1000))
    # What lies far outside is drawn at the edge: the window stays to be seen.
    reach = closes - opens
    first, last = opens - reach, closes + reach

    def place(moment: float) -> float:
        inside = min(max(moment, first), last)
        return round(_MARGIN + (inside - first) / (last - first) * (_WIDTH - 2 * _MARGIN), 1)

    return Timeline(
        width=_WIDTH,
        received=received,
        received_x=place(received),
        created=created,
        created_x=None if created is None else place(created),
        opens=opens,
        opens_x=place(opens),
        closes=closes,
        closes_x=place(closes),
        fresh=fresh,
        sentence=_sentence(sighting, received, created, fresh),
    )


def _sentence(sighting: Sighting, received: float, created: float | None, fresh: bool | None) -> str:
    if not sighting.scheme.created_sent:
        return "The time is not sent: a verifier tries those of its window."
    if created is None:
        return "The time that was sent is missing, or is not written as the scheme has it."
    away = received - created
    when = "at the same moment as" if abs(away) < 0.5 else f"{span(abs(away))} {'before' if away > 0 else 'after'}"
    return f"It was signed {when} it came here: {'inside' if fresh else 'outside'} the window."
