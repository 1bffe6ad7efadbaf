"""What an attack came to: how often it was tried, how often it got through, and what was seen instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``attack``: what was done, in a few words. ``tried``: how many times. ``through``: how many of those did what they must never do; where it is
    not 0, the run fails. ``seen``: what happened instead, and how often; the most frequent is shown first. ``tests``: the file that holds the same
    in the everyday tests, from the root of the repository.
    """

    attack: str
    tried: int
    through: int
    seen: Mapping[str, int]
    tests: str


@dataclass
class Tally:
    """Counts while an attack goes on. ``held("signature-mismatch")`` for each that was refused, ``through(...)`` for each that was not."""

    attack: str
    tests: str
    _seen: Counter[str] = field(default_factory=Counter)
    _through: Counter[str] = field(default_factory=Counter)

    def held(self, seen: str, times: int = 1) -> None:
        self._seen[seen] += times

    def through(self, seen: str, times: int = 1) -> None:
        self._through[seen] += times

    def row(self) -> Row:
        through = self._through.total()
        seen = {**{f"GOT THROUGH: {what}": times for what, times in self._through.most_common()}, **dict(self._seen.most_common())}
        return Row(self.attack, self._seen.total() + through, through, seen, self.tests)
