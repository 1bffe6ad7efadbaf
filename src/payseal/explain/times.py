"""The times that a client may have signed: other units, other forms, other zones, taken twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, product
from typing import Final

from payseal.explain.variants import Dimension, Variant
from payseal.schemes.times import CreatedRule, format_of

__all__ = ["Times", "seen_unit", "times_of", "words"]

#: ±: how far apart (milliseconds) two times of one request may lie.
_TWICE: Final = 5_000
_NEAR: Final = 8  # steps of the format
_HOUR: Final = 3_600_000
_DAY: Final = 86_400_000
_WORDS: Final = {"unix": "seconds since 1970 (10 digits)", "unix-ms": "milliseconds since 1970 (13 digits)"}
_UNITS: Final = {10: ("seconds", 1000), 13: ("milliseconds", 1), 16: ("microseconds", 0), 19: ("nanoseconds", 0)}


def words(rule: CreatedRule) -> str:
    """The scheme's time format, for people."""
    return _WORDS.get(rule.format.text, f"the form {rule.format.text}")


def seen_unit(text: str) -> tuple[str, int] | None:
    """The unit that a unix time is written in, and the time in milliseconds; ``None`` for another text."""
    if not (text.isascii() and text.isdigit()) or len(text) not in _UNITS:
        return None
    return _UNITS[len(text)][0], int(text) * 1000 // 10 ** (len(text) - 10)


@dataclass(frozen=True, slots=True)
class Times:
    """The texts that belong there (one where it was sent; the window's, where it was not), and those that do not: ``near`` ones are
    combined with other mistakes, ``far`` ones are many and seldom right, and are made when they are tried."""

    right: list[str]
    near: Dimension[str]
    far: Callable[[], Iterator[Variant[str]]]


def times_of(rule: CreatedRule, sent: str | None, now: int) -> Times:
    """The times that a client may have signed; ``sent`` is the one in the header, ``None`` where the scheme sends none."""
    if sent is None:
        right = [text for _, text in rule.candidates(now)]
        return Times(right, Dimension(lambda mistakes: _of_unsent(rule, now, mistakes), right), lambda: _far_from_unsent(rule, now))
    moment = rule.format.read(sent)
    if moment is None:
        seen = seen_unit(sent)
        if seen is None:
            return Times([sent], Dimension(lambda mistakes: ()), lambda: iter(()))
        moment = seen[1]
    known = moment
    near = Dimension(lambda mistakes: _of_sent(rule, sent, known), [sent])
    if len(sent) == 10 and sent.isdigit():  # the header has seconds, the signature may have milliseconds
        return Times([sent], near, lambda: chain(_within_second(rule, known), _far_from_sent(rule, known)))
    return Times([sent], near, lambda: _far_from_sent(rule, known))


def _within_second(rule: CreatedRule, moment: int) -> Iterator[Variant[str]]:
    for millisecond in range(1000):
        yield Variant(str(moment + millisecond), ("created-unit",), {"wanted": words(rule), "unit": "milliseconds or seconds"})


def _units(moment: int, facts: dict[str, object]) -> Iterator[Variant[str]]:
    yield Variant(str(moment // 1000), ("created-unit",), {**facts, "unit": "seconds"})
    yield Variant(str(moment), ("created-unit",), {**facts, "unit": "milliseconds"})
    for end in ("000", "999"):
        yield Variant(f"{moment}{end}", ("created-unit",), {**facts, "unit": "microseconds"})
    if moment % 1000:  # seconds that were multiplied
        yield Variant(str(moment // 1000 * 1000), ("created-unit",), {**facts, "unit": "seconds, times 1000"})


def _of_sent(rule: CreatedRule, sent: str, moment: int) -> Iterator[Variant[str]]:
    facts: dict[str, object] = {"wanted": words(rule)}
    yield from _units(moment, facts)
    for digits in (1, 2, 3, 6):
        fraction = f"{moment % 1000:03d}000"[:digits]
        yield Variant(f"{moment // 1000}.{fraction}", ("created-fraction",))
        yield Variant(f"{moment // 1000}.{fraction}".rstrip("0").rstrip("."), ("created-fraction",))
    yield Variant(f"{sent}.0", ("created-fraction",))
    yield from _iso(moment, facts)
    yield from _patterns(rule, moment, facts)
    yield Variant("", ("component-missing",), {"component": "the time"})
    if rule.format.slots:
        yield from _zones(rule, [moment])
    yield from _differing(rule, moment, range(1, _NEAR + 1))


def _far_from_sent(rule: CreatedRule, moment: int) -> Iterator[Variant[str]]:
    return _differing(rule, moment, range(_NEAR + 1, _TWICE // rule.format.granularity + 1))


def _differing(rule: CreatedRule, moment: int, distances: range) -> Iterator[Variant[str]]:
    step = rule.format.granularity
    for distance in distances:
        for other in (moment - distance * step, moment + distance * step):
            if other >= 0:
                yield Variant(rule.format.write(other), ("created-differs",), {"milliseconds": abs(other - moment)})


def _of_unsent(rule: CreatedRule, now: int, mistakes: int) -> Iterator[Variant[str]]:
    facts: dict[str, object] = {"wanted": words(rule)}
    moments = [moment for moment, _ in rule.candidates(now)]
    if mistakes > 1:
        for text, half in _offsets() if mistakes == 2 else ():
            for variant in _parts_missing(rule, moments[0] + half * 1_800_000) if moments else ():
                yield Variant(variant.value, (*variant.codes, "created-timezone"), {**variant.facts, "offset": text, "zone": "UTC"})
        return
    yield from islice(_zones(rule, moments[:2]), 24)
    for moment in moments[:3]:
        yield from _parts_missing(rule, moment)
        yield from _patterns(rule, moment, facts)
    yield from _zones(rule, moments[:3])
    for moment in moments[3:]:
        yield from _parts_missing(rule, moment)
    yield Variant("", ("component-missing",), {"component": "the time"})


def _far_from_unsent(rule: CreatedRule, now: int) -> Iterator[Variant[str]]:
    facts: dict[str, object] = {"wanted": words(rule)}
    step = rule.format.granularity
    moments = [moment for moment, _ in rule.candidates(now)]
    latest = moments[0] if moments else now
    yield from _beyond(rule, now, latest, range(1, _HOUR // step + 1))
    # The window in seconds; milliseconds would be too many to try.
    for second in range((now - rule.tolerance) // 1000, (now + rule.future) // 1000 + 1):
        yield Variant(str(second), ("created-unit",), {**facts, "unit": "seconds"})
        yield Variant(str(second * 1000), ("created-unit",), {**facts, "unit": "milliseconds"})
    yield from _beyond(rule, now, latest, range(_HOUR // step + 1, _DAY // step + 1))


def _beyond(rule: CreatedRule, now: int, latest: int, distances: range) -> Iterator[Variant[str]]:
    """Times outside the window, by their distance from now."""
    step = rule.format.granularity
    for distance in distances:
        for moment, code in ((latest - distance * step, "created-outside-window"), (latest + distance * step, "created-clock-skew")):
            if moment >= 0:
                seconds = abs(now - moment) // 1000
                yield Variant(rule.format.write(moment), (code,), {"seconds": seconds, "tolerance": rule.tolerance // 1000})


def _iso(moment: int, facts: dict[str, object]) -> Iterator[Variant[str]]:
    parts = time.gmtime(moment // 1000)
    base, plain = time.strftime("%Y-%m-%dT%H:%M:%S", parts), time.strftime("%Y%m%dT%H%M%S", parts)
    fraction = f"{moment % 1000:03d}"
    for text in (base, f"{base}.{fraction}", f"{base}.{fraction}000", plain):
        for end in ("Z", "", "+00:00", "+0000"):
            yield Variant(text + end, ("created-iso",), facts)
    yield Variant(time.strftime("%Y-%m-%d %H:%M:%S", parts), ("created-iso",), facts)
    yield Variant(time.strftime("%a, %d %b %Y %H:%M:%S GMT", parts), ("created-iso",), facts)


def _patterns(rule: CreatedRule, moment: int, facts: dict[str, object]) -> Iterator[Variant[str]]:
    """Other patterns that such times are written in, and the parts that are forgotten."""
    for pattern in ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"):
        if pattern != rule.format.text:
            code = "created-iso" if "-" in pattern else "created-unit"
            yield Variant(
                time.strftime(pattern, time.gmtime((moment + rule.format.offset) // 1000)),
                (code,),
                {**facts, "unit": f"the form {pattern}"},
            )


def _parts_missing(rule: CreatedRule, moment: int) -> Iterator[Variant[str]]:
    fields = {"%Y": "the year", "%m": "the month", "%d": "the day", "%H": "the hour", "%M": "the minute"}
    parts = time.gmtime((moment + rule.format.offset) // 1000)
    pattern = rule.format.text
    for field, name in fields.items():
        if field in pattern:
            yield Variant(time.strftime(pattern.replace(field, ""), parts), ("created-part-missing",), {"part": name})
    yield Variant(time.strftime(pattern.replace("%Y", "%y"), parts), ("created-part-missing",), {"part": "the century"})
    # A month counted from 0, as JavaScript does.
    month = f"{parts.tm_mon - 1:02d}"
    yield Variant(
        time.strftime(pattern.replace("%m", month), parts),
        ("created-part-missing",),
        {"part": "one of the month (getMonth() counts from 0)"},
    )
    numbers = {"%Y": parts.tm_year, "%m": parts.tm_mon, "%d": parts.tm_mday, "%H": parts.tm_hour, "%M": parts.tm_min, "%S": parts.tm_sec}
    short = [field for field, number in numbers.items() if field in pattern and number < 10]
    for bare in product((False, True), repeat=len(short)):
        text = pattern
        for field, without in zip(short, bare, strict=True):
            text = text.replace(field, str(numbers[field])) if without else text
        if any(bare):
            yield Variant(time.strftime(text, parts), ("created-part-missing",), {"part": "leading zeros"})


def _zones(rule: CreatedRule, moments: list[int]) -> Iterator[Variant[str]]:
    zone = "UTC" if not rule.format.offset else f"UTC{rule.format.offset / 3_600_000:+g}"
    for text, half in _offsets():
        if half * 1_800_000 != rule.format.offset:
            local = format_of(rule.format.text, text)
            for moment in moments:
                yield Variant(local.write(moment), ("created-timezone",), {"offset": text, "zone": zone})


def _offsets() -> Iterator[tuple[str, int]]:
    """Every whole and half hour that a clock may be from UTC: whole hours first, near ones first."""
    for half in sorted(range(-24, 29), key=lambda half: (half % 2, abs(half))):
        if half:
            yield f"{'+' if half > 0 else '-'}{abs(half) // 2:02d}:{abs(half) % 2 * 30:02d}", half
