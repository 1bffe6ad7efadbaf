"""How long a call takes beside the hash: short batches of each, one after the other, many times round.

Machines are never quiet. What is compared is therefore timed side by side: each batch follows one of `hmac.digest` over the same body by
less than a few milliseconds, the ratio is taken of these two, and of all ratios the median and the quartiles. What goes on elsewhere
falls on both.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Quartiles = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Call:
    """Something to be timed. ``fresh`` makes that many arguments, each used for one call; making them is not timed."""

    name: str
    call: Callable[[Any], Any]
    fresh: Callable[[int], list[Any]]


@dataclass(frozen=True, slots=True)
class Timed:
    """What came out: microseconds a call and the ratio to the reference, each as lower quartile, median, upper quartile."""

    name: str
    microseconds: Quartiles
    ratio: Quartiles
    #: Calls in a batch.
    batch: int


def interleaved(
    reference: Call, calls: Sequence[Call], *, rounds: int, batch: float, tell: Callable[[int], None] = lambda done: None
) -> tuple[Timed, list[Timed]]:
    """Time all of them, ``rounds`` times round in an order that changes. A batch lasts about ``batch`` seconds, at least one call.

    ``tell`` is told how many rounds are done.
    """
    order = [(call, batch_size(call, batch)) for call in calls]
    beside = batch_size(reference, batch / 2)
    times: dict[str, list[float]] = {call.name: [] for call in calls}
    ratios: dict[str, list[float]] = {call.name: [] for call in calls}
    references: list[float] = []
    shuffle = random.Random(0).shuffle
    with no_collection():
        for done in range(rounds):
            shuffle(order)
            for call, size in order:
                hashed = timed_batch(reference, beside)
                took = timed_batch(call, size)
                references.append(hashed)
                times[call.name].append(took)
                ratios[call.name].append(took / hashed)
            gc.collect()
            tell(done + 1)
    sizes = {call.name: size for call, size in order}
    one = Timed(reference.name, quartiles(references), (1.0, 1.0, 1.0), beside)
    return one, [Timed(call.name, quartiles(times[call.name]), quartiles(ratios[call.name]), sizes[call.name]) for call in calls]


def timed_batch(call: Call, size: int) -> float:
    """Microseconds that one call takes, on average over a batch."""
    first, *arguments = call.fresh(size + 1)
    function = call.call
    function(first)  # so that no batch is charged with what the one before it pushed out of the caches
    began = time.perf_counter_ns()
    for argument in arguments:
        function(argument)
    return (time.perf_counter_ns() - began) / size / 1000


def batch_size(call: Call, seconds: float) -> int:
    """How many calls take about that long."""
    least = min(timed_batch(call, 3) for _ in range(3)) / 1e6
    return max(1, min(1000, round(seconds / least)))


def quartiles(values: Iterable[float]) -> Quartiles:
    """Lower quartile, median, upper quartile."""
    ordered = sorted(values)
    if len(ordered) < 2:
        return (ordered[0],) * 3
    lower, median, upper = statistics.quantiles(ordered, n=4, method="inclusive")
    return lower, median, upper


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """No garbage is collected but where it is asked for, and what is there already is left out of it."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


@contextlib.contextmanager
def on_one_core() -> Iterator[int | None]:
    """Stay on one core, where the system can be told so: the last, since the first serves the devices. Gives its number or ``None``."""
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {max(before)})
    except OSError:
        yield None
        return
    try:
        yield max(before)
    finally:
        os.sched_setaffinity(0, before)
