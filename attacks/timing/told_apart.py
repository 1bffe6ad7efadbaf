"""Can kinds of work be told apart by the time they take, and how small a difference would have been found?

Each kind is held against one reference, block by block. A difference is the mean of the blocks' differences without the tenth at either end; its
standard error is Yuen's, from the winsorised deviation. Both hardly mind the long tail that times have. To crop, to compare two kinds of input
in random order and to look at the statistic t is the idea of dudect: Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?" (2017).

A kind is told apart when one measurement after the other, three in all, finds a difference beyond what is allowed, each time of the same sign
and three standard errors wide. With no difference there one measurement does that once in 300 times for a kind; three of them, both signs and ten
kinds together, come to less than once in a million. A difference is sure to be found when each of the three finds it with 99.7 %, so that all
do with 99 %: that is at 3 + 2.7 standard errors beyond what is allowed. It is called the smallest, and says how much a silence is worth.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from attacks.timing.clocks import BY_THE_CLOCK, Maker, Times, measured

__all__ = ["TRIES", "Difference", "Verdict", "differences", "judged"]

TRIES: Final = 3
#: In standard errors: what counts as a difference, and how far beyond that one lies which is found with 99.7 %. For a normal distribution that
#: would be 2.7; the rest is for the error, which is estimated too.
ALARM: Final = 3.0
POWER: Final = 3.0
_CUT: Final = 0.1


@dataclass(frozen=True)
class Difference:
    """A kind against the reference. All in nanoseconds."""

    kind: str
    size: float
    error: float
    #: The reference's own time.
    reference: float

    @property
    def smallest(self) -> float:
        """The smallest difference, beyond what is allowed, that would have been found with 99 %."""
        return (ALARM + POWER) * self.error

    def beyond(self, allowed: float) -> int:
        """The sign of a difference that is larger than allowed beyond doubt; 0 when there is none."""
        return 0 if abs(self.size) - allowed <= ALARM * self.error else int(math.copysign(1, self.size))


@dataclass(frozen=True)
class Verdict:
    """What came of it. ``told``: each kind that was told apart. ``differences``: those of the last measurement. ``count``: how many single
    times were taken, of all kinds and in all measurements."""

    told: Mapping[str, Difference]
    differences: tuple[Difference, ...]
    count: int

    @property
    def smallest(self) -> float:
        """The smallest difference (nanoseconds), beyond what is allowed, that would have been found in every kind."""
        return max(each.smallest for each in self.differences)

    @property
    def largest(self) -> Difference:
        """The kind that is furthest from the reference."""
        return max(self.differences, key=lambda each: abs(each.size))


def judged(
    kinds: Mapping[str, Maker],
    reference: str,
    *,
    blocks: int,
    rounds: int,
    allowed: float = 0.0,
    clock: Callable[[], int] = BY_THE_CLOCK,
) -> Verdict:
    """Measure, up to three times. ``allowed`` is a share of the reference's own time; ``clock`` as for `measured`."""
    told: dict[tuple[str, int], Difference] | None = None
    count = 0
    for _ in range(TRIES):
        count += blocks * rounds * len(kinds)
        found = differences(measured(kinds, blocks=blocks, rounds=rounds, clock=clock), reference)
        signs = {(each.kind, each.beyond(allowed * each.reference)): each for each in found}
        told = {key: each for key, each in signs.items() if key[1] and (told is None or key in told)}
        if not told:
            break
    return Verdict({kind: each for (kind, _), each in (told or {}).items()}, found, count)


def differences(times: Times, reference: str) -> tuple[Difference, ...]:
    """Each kind but the reference, held against it."""
    typical = statistics.median(times[reference])
    found = []
    for kind, theirs in times.items():
        if kind != reference:
            size, error = _trimmed([mine - other for mine, other in zip(theirs, times[reference], strict=True)])
            found.append(Difference(kind, size, error, typical))
    return tuple(found)


def _trimmed(values: list[float]) -> tuple[float, float]:
    """The trimmed mean, and its standard error."""
    ordered, cut = sorted(values), int(len(values) * _CUT)
    kept = ordered[cut : len(ordered) - cut]
    winsorised = [kept[0]] * cut + kept + [kept[-1]] * cut
    return statistics.fmean(kept), statistics.stdev(winsorised) / ((1 - 2 * cut / len(values)) * math.sqrt(len(values)))
