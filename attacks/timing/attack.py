"""What the clock gives away: how far a comparison got, and which keys and users there are.

A row's number is how many single times were measured. Told apart, which is what "got through" counts, is a kind of request that takes another
time than its reference, beyond doubt and beyond what is allowed (`attacks.timing.told_apart`). The row says how small a difference would have been found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

from attacks.rows import Row
from attacks.timing import prefixes, sign_in
from attacks.timing.clocks import BY_THE_CLOCK, OF_THE_PROCESSOR, Maker
from attacks.timing.door import REFERENCE, Door
from attacks.timing.told_apart import Difference, Verdict, judged
from benchmarks.progress import Progress

_TESTS: Final = "tests/test_timing.py"
_Kinds: TypeAlias = Mapping[str, Maker]
#: What there is to measure, and which of them is the reference.
_Subject: TypeAlias = AbstractContextManager[tuple[_Kinds, str]]


@dataclass(frozen=True)
class _Attack:
    """``blocks`` and ``rounds`` are those of a full run. ``allowed`` is a share of the reference's time. ``blind``: told apart is what the
    kinds must be here, or else nothing can be said of the other rows."""

    words: str
    kinds: Callable[[], _Subject]
    blocks: int
    rounds: int
    allowed: float = 0.0
    blind: bool = False
    clock: Callable[[], int] = BY_THE_CLOCK


@contextmanager
def _macs(scheme: str) -> Iterator[tuple[_Kinds, str]]:
    kinds = prefixes.macs(scheme)
    yield kinds, prefixes.reference(kinds)


@contextmanager
def _tokens() -> Iterator[tuple[_Kinds, str]]:
    kinds = prefixes.tokens()
    yield kinds, prefixes.reference(kinds)


@contextmanager
def _early_exit() -> Iterator[tuple[_Kinds, str]]:
    with prefixes.early_exit():
        kinds = prefixes.macs("fiserv-payments")
        none, all_but_one = prefixes.reference(kinds), list(kinds)[-1]
        yield {name: kinds[name] for name in (none, all_but_one)}, none


@contextmanager
def _strangers(scheme: str, *, own_unit: bool = False) -> Iterator[tuple[_Kinds, str]]:
    with Door(scheme, own_unit=own_unit) as door:
        yield {stranger: door.verifying(stranger) for stranger in door.strangers}, REFERENCE


@contextmanager
def _over_a_socket() -> Iterator[tuple[_Kinds, str]]:
    with Door("fiserv-payments", own_unit=True) as door, door.line() as line:

        def maker(stranger: str) -> Maker:
            return lambda: line.asking(door.request(stranger))

        yield {stranger: maker(stranger) for stranger in door.strangers}, REFERENCE


@contextmanager
def _guesses() -> Iterator[tuple[_Kinds, str]]:
    with sign_in.guesses() as kinds:
        yield kinds, sign_in.REFERENCE


#: The share of the time of refusing a request that finding its key may make: SECURITY.md says so.
ALLOWED: Final = 0.2
ATTACKS: Final = (
    _Attack("a MAC that is right in its first 1 to 31 bytes", lambda: _macs("fiserv-payments"), 1000, 40),
    _Attack("the same in hexadecimal, by the general path", lambda: _macs("startbutton-webhook"), 800, 40),
    _Attack("an access token that is right in its first 1 to 42 characters", _tokens, 700, 40),
    _Attack("the first row's MACs, against a comparison that stops at the first difference", _early_exit, 300, 40, blind=True),
    _Attack(
        "an unknown, revoked, expired or disabled key, one of another scheme, with a unit of its own, or walled in",
        lambda: _strangers("fiserv-payments", own_unit=True),
        300,
        30,
        ALLOWED,
    ),
    _Attack("the same, named by an access token", lambda: _strangers("startbutton-transfer"), 160, 20, ALLOWED),
    _Attack("the same keys, over a socket", _over_a_socket, 200, 12, ALLOWED),
    _Attack("a name that nobody has, at the console's sign-in", _guesses, 24, 4, ALLOWED, clock=OF_THE_PROCESSOR),
)


def attack(quick: bool) -> list[Row]:
    """Measure every subject."""
    rows = []
    with Progress("timing") as progress:
        for number, each in enumerate(ATTACKS):
            progress.tell(number, len(ATTACKS), each.words)
            with each.kinds() as (kinds, reference):
                blocks = max(each.blocks // 8, 10) if quick else each.blocks
                verdict = judged(kinds, reference, blocks=blocks, rounds=each.rounds, allowed=each.allowed, clock=each.clock)
            rows.append(_blind(each, verdict) if each.blind else _row(each, verdict))
    return rows


def _row(each: _Attack, verdict: Verdict) -> Row:
    seen = {f"GOT THROUGH: {kind} told apart by {_time(found.size)}": 1 for kind, found in verdict.told.items()}
    silent = verdict.count - len(seen)
    if each.allowed:
        largest = verdict.largest
        words = f"at most {_time(abs(largest.size))} apart of {_time(largest.reference)}, {each.allowed:.0%} allowed"
    else:
        words = "no difference"
    return Row(each.words, verdict.count, len(seen), seen | {f"{words}; {_time(verdict.smallest)} would have been seen": silent}, _TESTS)


def _blind(each: _Attack, verdict: Verdict) -> Row:
    found: list[Difference] = list(verdict.told.values())
    words = f"found, {_time(found[0].size)}: the measure is not blind" if found else "GOT THROUGH: not found, the measure is blind"
    return Row(each.words, verdict.count, 0 if found else 1, {words: verdict.count}, _TESTS)


def _time(nanoseconds: float) -> str:
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.1f} {unit}"
    return f"{nanoseconds:.0f} ns"
