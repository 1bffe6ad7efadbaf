"""What may a ledger answer? Written from the words of the `Ledger` protocol and docs/ledger.md alone, in plain data.

The model holds, for each id, the *set* of all that a ledger may remember of it. A call whose answer is known leaves of that set what agrees
with the answer, and nothing may be left over: an empty set is a ledger that broke its word. A call of which nobody knows whether it was
made adds to the set. Calls made at the same moment may have happened in any order.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from payseal.ledger import Answer, Outcome, Stats

__all__ = ["DOUBT", "LOST", "REFUSED", "Call", "Claiming", "Completing", "Model", "Name", "Releasing", "Told"]

Name: TypeAlias = tuple[str, str]  # scope, id


@dataclass(frozen=True)
class Kept:
    """What is remembered of an id; ``None`` in its place: nothing."""

    fingerprint: bytes
    holder: int
    expires: float
    lease_ends: float
    done: bool = False
    answer: Answer | None = None
    #: From this time on (of `time.monotonic`) it may be gone whatever the clock says.
    fleeting: float = math.inf


@dataclass(frozen=True)
class Claiming:
    """``holder`` is the number by which the claim is known here, should it be FRESH."""

    name: Name
    fingerprint: bytes
    ttl: float
    lease: float
    redo: bool
    holder: int


@dataclass(frozen=True)
class Completing:
    name: Name
    holder: int
    answer: Answer | None
    ttl: float | None


@dataclass(frozen=True)
class Releasing:
    name: Name
    holder: int


Call: TypeAlias = Claiming | Completing | Releasing
State: TypeAlias = Kept | None
#: A claim's outcome and answer, whether a claim was settled, or a word for an answer that never came.
Told: TypeAlias = tuple[Outcome, Answer | None] | bool | str

#: It may have been made, once, and nobody will take it back: the caller is dead.
DOUBT: Final = "in doubt"
#: It may have been made; a claim is released by the ledger itself, which was left without an answer, some time or never.
LOST: Final = "lost"

#: The ledger said that it cannot be judged.
REFUSED: Final = "refused"
#: Seconds by which a clock may be put back before a ledger may refuse.
_STEP: Final = 30.0


def happens(call: Call, state: State, at: float, looked: float) -> tuple[Told, State]:
    """What a call answers and leaves behind. ``looked`` is the time by which it judges what is there."""
    kept = state if state is not None and state.expires > looked else None
    match call:
        case Claiming():
            new = Kept(call.fingerprint, call.holder, at + call.ttl, at + call.lease)
            if kept is None:
                return (Outcome.FRESH, None), new
            if kept.fingerprint != call.fingerprint:
                return (Outcome.MISMATCH, None), state
            if kept.done:
                return (Outcome.DONE, kept.answer), state
            if looked < kept.lease_ends:
                return (Outcome.IN_FLIGHT, None), state
            if not call.redo:
                return (Outcome.UNKNOWN, None), state
            return (Outcome.FRESH, None), replace(new, expires=max(new.expires, kept.expires))
        case _ if kept is None or kept.done or kept.holder != call.holder:
            return False, state
        case Completing():
            return True, replace(kept, done=True, answer=call.answer, expires=max(kept.expires, at + (call.ttl or 0.0)))
        case Releasing():
            return True, None


def _is_so(call: Call, state: State, at: float) -> bool:
    """Whether what a call would bring about is so already."""
    if state is None or state.expires <= at:
        return isinstance(call, Releasing)
    return isinstance(call, Completing) and state.done and state.holder == call.holder


class Model:
    """``grain``: seconds by which a ledger may misjudge a moment. ``real``: it also counts real time, and takes out an id whose life has
    passed by that."""

    def __init__(self, now: float, *, grain: float = 0.0, real: bool = False) -> None:
        self.now = now
        self._looks = (0.0, -grain, grain) if grain else (0.0,)
        self._real = real
        #: Until when the last of the ids that are over by now was alive.
        self._over = -math.inf
        self._possible: defaultdict[Name, set[State]] = defaultdict(lambda: {None})

    def told(self, *calls: tuple[Call, Told], began: float = math.inf, twice: bool = False) -> None:
        """What calls made at the same moment were answered; ``began`` (of `time.monotonic`) is before the first was made. ``twice``: they
        may have been sent twice, so that one that finds nothing left to do cannot tell whether it has done it itself, and may say so. Raises
        `AssertionError` when no ledger may say so."""
        for name in {call.name for call, _ in calls}:
            made = [(call, told) for call, told in calls if call.name == name]
            before = self._seen(name)
            after: set[State] = set()
            for order in itertools.permutations(made):
                states = before
                for call, told in order:
                    states = {each for state in states for each in self._after(call, told, state, began, twice)}
                after |= states
            assert after, f"at {self.now!r}, {made} after any of {before}"
            self._possible[name] = after

    def moved(self, now: float) -> None:
        """The clock goes on, or back. What was over before may have been taken out, even where it would be alive again."""
        for name in self._possible:
            self._possible[name] = self._seen(name)
            if any(state is not None and state.expires <= self.now + max(self._looks) for state in self._possible[name]):
                self._possible[name].add(None)
        self.now = now

    def counted(self, stats: Stats) -> None:
        """Raises `AssertionError` for counts that no ledger may give."""
        labels = [{self._label(state, look) for state in self._seen(name) for look in self._looks} for name in list(self._possible)]
        for label in ("in_flight", "unknown", "done", "expired"):
            may = sum(label in each for each in labels)
            must = sum({label} == each for each in labels) if label != "expired" else 0  # what is over may be taken out at any time
            assert must <= getattr(stats, label) <= may, f"{label} of {stats}, not from {must} to {may}"

    def may_refuse(self, call: Call) -> bool:
        """Whether the clock was put back to a time at which ids may be alive that have been taken out."""
        return isinstance(call, Claiming) and self.now < self._over - _STEP + max(self._looks)

    def boundaries(self) -> list[float]:
        """The times at which something changes by itself."""
        states = itertools.chain.from_iterable(self._possible.values())
        return sorted({time for state in states if state is not None for time in (state.expires, state.lease_ends)})

    def _seen(self, name: Name) -> set[State]:
        states = self._possible[name]
        over = [state.expires for state in states if state is not None and state.expires <= self.now + max(self._looks)]
        self._over = max([self._over, *over])
        early = any(state is not None and state.fleeting <= time.monotonic() for state in states)
        return states | {None} if early else states

    def _after(self, call: Call, told: Told, state: State, began: float, twice: bool) -> Iterator[State]:
        if isinstance(told, str):
            yield state  # it was not made
        if told == REFUSED:
            return
        for look in self._looks:
            answered, new = happens(call, state, self.now, self.now + look)
            if new is not None and new is not state:
                life = new.expires - self.now - max(self._looks) if self._real else math.inf
                lost = told == LOST and isinstance(call, Claiming)
                new = replace(new, fleeting=-math.inf if lost else began + life)
            if isinstance(told, str) or told == answered or (twice and told is True and _is_so(call, state, self.now + look)):
                yield new

    def _label(self, state: State, look: float) -> str | None:
        if state is None:
            return None
        at = self.now + look
        if state.expires <= at:
            return "expired"
        return "done" if state.done else "in_flight" if at < state.lease_ends else "unknown"
