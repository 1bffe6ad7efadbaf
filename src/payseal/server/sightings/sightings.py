"""The last requests, by their trace. Nothing of this is ever written down: a restart forgets it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from payseal.explain.causes import Explanation
from payseal.server.sightings.sighting import Sighting, explained

__all__ = ["Sightings"]

_KEPT: Final = 1000
#: Bytes of memory.
_ROOM: Final = 16_777_216


class Sightings:
    """Keeps the last sightings: ``kept`` of them, and no more than fit into ``room`` bytes. Safe to use from several threads."""

    def __init__(self, kept: int = _KEPT, room: int = _ROOM) -> None:
        self._kept, self._room, self._taken = kept, room, 0
        self._lock = threading.Lock()
        self._by_trace: OrderedDict[str, Sighting] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Sightings {len(self._by_trace)} of {self._kept}>"

    def add(self, sighting: Sighting) -> None:
        """Keep it; the oldest give way."""
        with self._lock:
            self._put(sighting)

    def find(self, trace: str) -> Sighting | None:
        """The sighting of that trace, while it is kept."""
        with self._lock:
            return self._by_trace.get(trace)

    def explain(self, trace: str, explanation: Explanation) -> None:
        """Put the explanation to its sighting. Takes as long as comparing two bodies does."""
        found = self.find(trace)
        if found is None:
            return
        told = explained(found, explanation)
        with self._lock:
            if self._by_trace.get(trace) is found:
                self._put(told)

    def _put(self, sighting: Sighting) -> None:
        trace = sighting.decision.trace
        before = self._by_trace.get(trace)
        self._taken += sighting.size - (before.size if before is not None else 0)
        self._by_trace[trace] = sighting
        while self._by_trace and (len(self._by_trace) > self._kept or self._taken > self._room):
            _, oldest = self._by_trace.popitem(last=False)
            self._taken -= oldest.size
