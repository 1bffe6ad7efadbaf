"""How long do several kinds of work take, measured side by side?

In a round each kind is done once, in a random order, so that whatever the machine does meanwhile happens to all of them alike. In each block of
rounds the work is made anew, so that where an object happens to lie in memory is noise and not a difference. Of a block, a kind's time is the
mean of the middle half of its measurements: what another process or an interrupt adds stands at the upper end, and is left out.
"""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter_ns, thread_time_ns
from typing import Final, TypeAlias

__all__ = ["BY_THE_CLOCK", "OF_THE_PROCESSOR", "Maker", "Times", "Work", "measured"]

#: What is timed; what it returns is thrown away.
Work: TypeAlias = Callable[[], object]
#: Makes the work of one block.
Maker: TypeAlias = Callable[[], Work]
#: Of each kind, its time (nanoseconds) in each block.
Times: TypeAlias = Mapping[str, list[float]]

#: What times are read from (nanoseconds): as somebody outside would, or only while this thread runs, for work so long that others get in between.
BY_THE_CLOCK: Final = perf_counter_ns
OF_THE_PROCESSOR: Final = thread_time_ns


def measured(kinds: Mapping[str, Maker], *, blocks: int, rounds: int, clock: Callable[[], int] = BY_THE_CLOCK) -> Times:
    """The times of all kinds; each is done ``blocks × rounds`` times, and ``rounds`` is 4 or more."""
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    with _no_collection():
        for _ in range(blocks):
            order = list(kinds)
            random.shuffle(order)
            work = {kind: kinds[kind]() for kind in order}
            for each in work.values():
                each()  # what the first time prepares is not what is measured
            for kind, found in _block(work, order, rounds, clock).items():
                quarter = len(found) // 4
                times[kind].append(statistics.fmean(sorted(found)[quarter : len(found) - quarter]))
    return times


def _block(work: Mapping[str, Work], order: list[str], rounds: int, clock: Callable[[], int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {kind: [] for kind in order}
    for _ in range(rounds):
        random.shuffle(order)
        for kind in order:
            each = work[kind]
            began = clock()
            each()
            found[kind].append(clock() - began)
    return found


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the collector of garbage, which would come to one kind and not to another."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
