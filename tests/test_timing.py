"""What the clock gives away: nothing of how far a comparison got, and next to nothing of which keys and users there are.

A test about time repeats what it finds, three times in all, and is then wrong less than once in a million (`attacks.timing.told_apart` says how that is
counted). It also says how small a difference it would have found, and measures longer where that is not small enough: so it neither fails on
a busy machine nor passes because it saw nothing.
"""

from __future__ import annotations

import hmac
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from attacks.timing import prefixes, sign_in, told_apart
from attacks.timing.attack import ALLOWED
from attacks.timing.clocks import OF_THE_PROCESSOR, Maker, Times
from attacks.timing.door import OWN_UNIT, REFERENCE, STRANGERS, Door, Line
from attacks.timing.told_apart import ALARM, TRIES, Verdict, differences, judged

import payseal
from payseal.errors import REJECTIONS
from payseal.server.accounts import AccountVerifier
from tests.middleware.support import asgi_call

alone = pytest.mark.alone

# --- the measure itself --------------------------------------------------------------------------------------------------------

#: Kinds, blocks, and how often a run is repeated, of measurements that are made up.
KINDS, BLOCKS, RUNS = 5, 60, 150


def made_up(source: random.Random, shift: float = 0.0) -> Times:
    """Times as a busy machine gives them: in each block something that all kinds share, and now and then something that one of them has."""
    times: dict[str, list[float]] = {f"{kind}": [] for kind in range(KINDS + 1)}
    for _ in range(BLOCKS):
        shared = source.expovariate(1 / 2000)
        for kind in times:
            hit = source.expovariate(1 / 900) if source.random() < 0.05 else 0.0
            times[kind].append(15_000 + shared + source.gauss(0, 60) + hit + (shift if kind == "1" else 0.0))
    return times


def test_one_measurement_rarely_finds_what_is_not_there_and_three_never_do() -> None:
    source = random.Random(1)
    found = [[each.beyond(0) != 0 for each in differences(made_up(source), "0")] for _ in range(RUNS)]
    # Of 750 comparisons two or three are expected; more than ten would be seen once in ten thousand.
    assert sum(map(sum, found)) <= 10


def test_three_measurements_find_nothing_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    source = random.Random(2)
    monkeypatch.setattr(told_apart, "measured", lambda *given, **options: made_up(source))
    assert not any(judged({}, "0", blocks=BLOCKS, rounds=1).told for _ in range(RUNS))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_smallest_difference_that_it_says_it_finds_is_found(sign: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = random.Random(3)
    errors = [each.smallest for _ in range(40) for each in differences(made_up(source), "0")]
    smallest = sign * sum(errors) / len(errors)
    monkeypatch.setattr(told_apart, "measured", lambda *given, **options: made_up(source, smallest))
    verdicts = [judged({}, "0", blocks=BLOCKS, rounds=1) for _ in range(RUNS)]
    # 99 % is what it says; of 150, fewer than 143 would be seen once in ten thousand.
    assert sum("1" in verdict.told for verdict in verdicts) >= 143
    assert all(set(verdict.told) <= {"1"} for verdict in verdicts)


def test_what_is_allowed_is_no_difference_and_what_is_more_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    source = random.Random(4)
    for shift, told in ((1000.0, set()), (4000.0, {"1"})):
        monkeypatch.setattr(told_apart, "measured", lambda *given, **options: made_up(source, shift))  # noqa: B023
        assert set(judged({}, "0", blocks=BLOCKS, rounds=1, allowed=0.1).told) == told


def test_it_counts_every_time_that_it_took() -> None:
    done: list[str] = []

    def maker(kind: str) -> Maker:
        return lambda: lambda: done.append(kind)

    verdict = judged({kind: maker(kind) for kind in ("a", "b")}, "a", blocks=5, rounds=4)
    assert verdict.count in {5 * 4 * 2 * tries for tries in range(1, TRIES + 1)}
    assert len(done) == verdict.count * 5 // 4  # and once a block before it counts
    assert verdict.smallest > ALARM * max(each.error for each in verdict.differences)


# --- how far a comparison got --------------------------------------------------------------------------------------------------

PREFIXES: dict[str, Callable[[], dict[str, Maker]]] = {
    "MAC in base64": lambda: prefixes.macs("fiserv-payments"),
    "MAC in hexadecimal": lambda: prefixes.macs("startbutton-webhook"),
    "access token": prefixes.tokens,
}
each_prefix = pytest.mark.parametrize("kinds_of", PREFIXES.values(), ids=list(PREFIXES))


def sure(kinds: Mapping[str, Maker], reference: str, enough: Callable[[Verdict], float], **options: Any) -> Verdict:
    """Nothing is told apart, and a difference that is large enough to matter would have been; measured longer until that can be said."""
    blocks = options.pop("blocks")
    for factor in (1, 4, 12):
        verdict = judged(kinds, reference, blocks=blocks * factor, **options)
        assert not verdict.told
        if verdict.smallest <= enough(verdict):
            return verdict
    raise AssertionError(f"this machine is too busy to say anything: a difference of {verdict.smallest:.0f} ns would go unseen")


@alone
@each_prefix
def test_how_much_is_right_takes_no_time(kinds_of: Callable[[], dict[str, Maker]]) -> None:
    """And the same measure finds a comparison that stops at the first difference: put in its place, it costs several times what would be seen."""
    kinds = kinds_of()
    reference, nearly_all = prefixes.reference(kinds), list(kinds)[-1]
    with prefixes.early_exit():
        leaking = kinds_of()
        found = judged({kind: leaking[kind] for kind in (reference, nearly_all)}, reference, blocks=80, rounds=30)
    assert set(found.told) == {nearly_all}
    step = found.told[nearly_all].size
    assert step > 0
    sure(kinds, reference, lambda verdict: step / 3, blocks=250, rounds=20)


@each_prefix
def test_what_was_sent_is_compared_in_constant_time_alone(kinds_of: Callable[[], dict[str, Maker]], compared: list[int]) -> None:
    """A comparison in C that stops early differs by a nanosecond, which no clock finds here: so it is counted that the right one is used, as often
    whatever is right. Base64 of a MAC that is right in all but its last byte is wrong in its last two characters alone."""
    counts = set()
    for make in kinds_of().values():
        work = make()
        compared.clear()
        work()
        counts.add(len(compared))
    assert len(counts) == 1
    assert counts.pop() >= 2 - ("token" in next(iter(kinds_of())))


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of what is compared in constant time, by the core and from now on."""
    lengths: list[int] = []
    right: Any = hmac.compare_digest

    def counting(left: Any, other: Any) -> bool:
        lengths.append(len(other))
        return bool(right(left, other))

    for module in [module for name, module in sys.modules.items() if name == "hmac" or name.startswith("payseal.")]:
        for name, value in list(vars(module).items()):
            if value is right:
                monkeypatch.setattr(module, name, counting)
    return lengths


# --- which keys there are ------------------------------------------------------------------------------------------------------


def door_of(given: str) -> Door:
    scheme, _, own_unit = given.partition("+")
    return Door(scheme, own_unit=bool(own_unit))


@pytest.fixture(scope="module", params=["fiserv-payments", "fiserv-payments+units", "startbutton-transfer"])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    with door_of(request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def line(door: Door) -> Iterator[Line]:
    with door.line() as connected:
        yield connected


#: What else may be wrong with a request: how its headers are changed.
CHANGES: dict[str, Callable[[str, str], str | None]] = {
    "nothing else": lambda name, value: value,
    "no signature": lambda name, value: None if name in ("Message-Signature", "x-request-id") else value,
    "a short signature": lambda name, value: value[:-1] if name in ("Message-Signature", "x-request-id") else value,
    "an empty signature": lambda name, value: "" if name in ("Message-Signature", "x-request-id") else value,
    "no time": lambda name, value: None if name == "Timestamp" else value,
    "no time that can be read": lambda name, value: "12345" if name == "Timestamp" else value,
    "a time long ago": lambda name, value: "0" * len(value) if name == "Timestamp" else value,
    "no id": lambda name, value: None if name == "Client-Request-Id" else value,
    "an id that is none": lambda name, value: "!" if name == "Client-Request-Id" else value,
    "two things": lambda name, value: {"Timestamp": "x", "Message-Signature": None}.get(name, value),
}


def changed(request: payseal.Request, change: Callable[[str, str], str | None]) -> payseal.Request:
    found = [(name, change(name, value)) for name, value in request.headers]
    return payseal.Request("POST", "/pay", [(name, value) for name, value in found if value is not None], request.body)


def without_chance(status: str, headers: list[tuple[str, str]], body: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
    """An answer without what differs by itself: the second it was given in, and its own number."""
    number = rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert b"instance" not in body or len(re.findall(number, body)) == 1
    return status, [(name, "" if name == "date" else value) for name, value in headers], re.sub(number, b"-", body)


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_every_stranger_gets_the_same_answer(door: Door, line: Line, change: Callable[[str, str], str | None]) -> None:
    """Over a socket, from the real server: the same status line, the same headers in the same order, the same bytes."""
    answers = {stranger: without_chance(*line.ask(changed(door.request(stranger), change))) for stranger in door.strangers}
    # Each is told of the unit that the endpoint has, so what is not in that unit is refused as such for all.
    usual = {stranger: answer for stranger, answer in answers.items() if stranger != OWN_UNIT[0]}
    assert usual == dict.fromkeys(usual, answers[REFERENCE])
    assert answers[REFERENCE][0] == "HTTP/1.1 401 Unauthorized"
    if door.own_unit:  # in that unit the key that has it is not told from any other
        keyids = (door.issued[OWN_UNIT[0]].keyid, door.issued[REFERENCE].keyid, "0" * 32)
        in_seconds = [named(changed(door.request(OWN_UNIT[0]), change), keyid) for keyid in keyids]
        first, *others = [without_chance(*line.ask(request)) for request in in_seconds]
        assert others == [first, first]


def named(request: payseal.Request, keyid: str) -> payseal.Request:
    return changed(request, lambda name, value: keyid if name == "Api-Key" else value)


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_and_in_process_at_the_cost_of_as_many_macs(door: Door, change: Callable[[str, str], str | None], compared: list[int]) -> None:
    seen = set()
    for stranger in door.strangers:
        request = changed(door.request(stranger), change)
        compared.clear()
        reply = asgi_call(door.app, bytes(request.body), list(request.headers))  # type: ignore[arg-type]
        assert reply.status == 401
        assert REJECTIONS[reply.code][0] == 401
        # A MAC is compared by its text; an access token, where there is one, by itself.
        macs = sum(length in (44, 64, 88) for length in compared)
        if stranger != OWN_UNIT[0]:
            seen.add((reply.code, len(reply.body), tuple(reply.headers[:-1]), macs))
    assert len(seen) == 1


def test_what_only_the_owner_of_a_key_learns(door: Door) -> None:
    """With the right signature there are other answers. Whoever has the key may have them."""

    def code(whose: str) -> str:
        request = door.proven(whose)
        reply = asgi_call(door.app, bytes(request.body), list(request.headers))  # type: ignore[arg-type]
        return "accepted" if reply.status == 204 else reply.code

    told = {stranger: code(stranger) for stranger in door.issued}
    refused = {stranger: "invalid-signature" for stranger in STRANGERS if stranger in door.issued}
    assert told == {
        **refused,
        REFERENCE: "accepted",
        "a key that is being rotated": "accepted",  # with the secret from before
        "a key that may not come from here": "address-not-allowed",
        **({OWN_UNIT[0]: "accepted", OWN_UNIT[1]: "accepted"} if door.own_unit else {}),
    } | ({OWN_UNIT[1]: "invalid-signature"} if door.own_unit else {})


def half(verdict: Verdict) -> float:
    return verdict.differences[0].reference / 2


def tenth(verdict: Verdict) -> float:
    """Of the time of refusing a request."""
    return verdict.differences[0].reference / 10


@alone
def test_which_keys_there_are_is_not_told_by_the_time(door: Door) -> None:
    kinds = {stranger: door.verifying(stranger) for stranger in door.strangers}
    sure(kinds, REFERENCE, tenth, blocks=60, rounds=16, allowed=ALLOWED)


@alone
def test_the_measure_finds_a_stranger_who_costs_less() -> None:
    """One whose request cannot be signed by anybody, and is refused before any MAC, as everybody is told."""
    with Door("fiserv-payments") as door:

        def verifying(change: Callable[[str, str], str | None]) -> Maker:
            return lambda: prefixes.refused(door.verifier, changed(door.request(REFERENCE), change))

        kinds = {name: verifying(CHANGES[name]) for name in ("nothing else", "no signature")}
        verdict = judged(kinds, "nothing else", blocks=60, rounds=16, allowed=ALLOWED)
    assert set(verdict.told) == {"no signature"}


@alone
def test_a_unit_of_its_own_gives_no_key_away() -> None:
    """The request is read by every form that is in use, whoever it names. Only by its own, it would take a third less or more."""
    with Door("fiserv-payments", own_unit=True) as door:
        kinds = {stranger: door.verifying(stranger) for stranger in (REFERENCE, "an unknown key", OWN_UNIT[1])}
        sure(kinds, "an unknown key", tenth, blocks=60, rounds=16, allowed=ALLOWED)

        def in_seconds(keyid: str) -> Maker:
            return lambda: prefixes.refused(door.verifier, named(door.request(OWN_UNIT[0]), keyid))

        known = {"its own": in_seconds(door.issued[OWN_UNIT[0]].keyid), "another": in_seconds(door.issued[REFERENCE].keyid)}
        sure({**known, "none": in_seconds("0" * 32)}, "none", tenth, blocks=60, rounds=16, allowed=ALLOWED)


def test_every_form_in_use_is_read_once_whoever_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, counted."""
    read: list[str] = []
    original = payseal.Verifier.read

    def counting(self: payseal.Verifier, request: payseal.Request) -> Any:
        if not isinstance(self, AccountVerifier):
            read.append(self.scheme.created.format.text if self.scheme.created else "")
        return original(self, request)

    monkeypatch.setattr(payseal.Verifier, "read", counting)
    with Door("fiserv-payments", own_unit=True) as door:
        for whole in (True, False):
            for stranger in OWN_UNIT:
                seen = set()
                for keyid in (door.issued[OWN_UNIT[0]].keyid, door.issued[REFERENCE].keyid, "0" * 32):
                    request = named(door.request(stranger), keyid)
                    if not whole:
                        request = changed(request, CHANGES["no signature"])
                    read.clear()
                    prefixes.refused(door.verifier, request)()
                    seen.add(tuple(sorted(read)))
                assert seen == {("unix", "unix-ms")}


@alone
def test_nor_over_a_socket() -> None:
    with Door("fiserv-payments") as door, door.line() as line:

        def asking(stranger: str) -> Maker:
            return lambda: line.asking(door.request(stranger))

        kinds = {stranger: asking(stranger) for stranger in (REFERENCE, "an unknown key", "a revoked key", "a key of a disabled account")}
        sure(kinds, REFERENCE, lambda verdict: 2e6, blocks=40, rounds=8, allowed=ALLOWED)


@alone
def test_a_name_that_nobody_has_costs_what_a_wrong_password_does() -> None:
    with sign_in.guesses() as kinds:
        sure(kinds, sign_in.REFERENCE, half, blocks=8, rounds=4, allowed=ALLOWED, clock=OF_THE_PROCESSOR)
