"""How full a ledger is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Stats"]


@dataclass(frozen=True, slots=True)
class Stats:
    """What a ledger holds at one moment, by state. Every id that is held is counted once."""

    #: Claimed, within its lease.
    in_flight: int
    #: Claimed, its lease over: nobody knows how it ended.
    unknown: int
    #: Completed.
    done: int
    #: Over, and not taken out yet.
    expired: int
    #: Bytes it takes, about: the file, the table with its indexes, the server's memory. ``None`` where that is not cheap to know.
    size: int | None

    @property
    def total(self) -> int:
        """All ids that are held."""
        return self.in_flight + self.unknown + self.done + self.expired
