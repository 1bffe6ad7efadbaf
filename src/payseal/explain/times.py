"""The times that a client may have signed: other units, other forms, other zones, taken twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, product
from typing import Final

from payseal.explain.variants import Dimension, Variant
from payseal.schemes.times import CreatedRule, TimeFormat

__all__ = ["Far", "Times", "seen_unit", "times_of", "words"]

#: ±: how far apart (milliseconds) two times of one request may lie; and mostly do, and nearly always do.
_TWICE: Final = 5_000
_SOON: Final = 100
_LATER: Final = 1_000
#: How long (milliseconds) a request is under way.
_ARRIVING: Final = 2_000
#: Unix times that are tried first where none was sent.
_SECONDS: Final = 40
_NEAR: Final = 8  # steps of the format, in which they mostly do
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
class Far:
    """Many texts of one kind, made one after the other, and what one of them would be as a variant."""

    texts: Callable[[], Iterator[bytes]]
    variant: Callable[[str], Variant[str]]


@dataclass(frozen=True, slots=True)
class Times:
    """The texts that belong there (one where it was sent; the window's, where it was not), and those that do not: ``near`` ones are
    combined with other mistakes; ``far``, ``farther`` and ``farthest`` ones are many and ever more seldom right, and are tried alone."""

    right: list[str]
    near: Dimension[str]
    far: tuple[Far, ...] = ()
    farther: tuple[Far, ...] = ()
    farthest: tuple[Far, ...] = ()


def times_of(rule: CreatedRule, sent: str | None, now: int) -> Times:
    """The times that a client may have signed; ``sent`` is the one in the header, ``None`` where the scheme sends none."""
    if sent is None:
        right = [text for _, text in rule.candidates(now)]
        return Times(right, Dimension(lambda mistakes: _of_unsent(rule, now, mistakes), right), *_far_from_unsent(rule, now))
    moment = rule.format.read(sent)
    if moment is None:
        seen = seen_unit(sent)
        if seen is None:
            return Times([sent], Dimension(lambda mistakes: ()))
        moment = seen[1]
    known = moment
    return Times([sent], Dimension(lambda mistakes: _of_sent(rule, sent, known), [sent]), *_far_from_sent(rule, sent, known))


def _far_from_sent(rule: CreatedRule, sent: str, moment: int) -> tuple[tuple[Far, ...], ...]:
    step = rule.format.granularity
    near = _near(rule, sent)
    first, second, third, last = (max(near, far // step) + 1 for far in (0, _SOON, _LATER, _TWICE))

    def differing(*shifts: range) -> Far:
        return Far(
            lambda: _texts(rule, (moment + shift * step for together in zip(*shifts, strict=True) for shift in together)),
            lambda text: _differing(rule, moment, text),
        )

    far = [differing(range(-first, -second, -1), range(first, second))]
    if len(sent) == 10 and sent.isdigit():  # the header has seconds, the signature may have milliseconds
        facts: dict[str, object] = {"wanted": words(rule), "unit": "milliseconds or seconds"}
        far.insert(0, Far(lambda: (b"%d" % (moment + each) for each in range(1000)), lambda text: Variant(text, ("created-unit",), facts)))
    return (
        tuple(far),
        (differing(range(-second, -third, -1), range(second, third)),),
        # Of two times so far apart the signature's is mostly the earlier one.
        (differing(range(-third, -last, -1)), differing(range(third, last))),
    )


def _near(rule: CreatedRule, sent: str) -> int:
    """How many steps from the time that was sent still are near: none where it has another unit, and differs for that reason."""
    return _NEAR if rule.format.read(sent) is not None else 0


def _differing(rule: CreatedRule, moment: int, text: str) -> Variant[str]:
    other = rule.format.read(text)
    assert other is not None
    return Variant(text, ("created-differs",), {"milliseconds": abs(other - moment)})


def _texts(rule: CreatedRule, moments: Iterable[int]) -> Iterator[bytes]:
    """The moments as the scheme writes them, without those that it cannot."""
    form = rule.format
    if form.slots:
        return (text.encode() for moment in moments if (text := _written(form, moment)) is not None)
    # Unix times are written here: there are many.
    least, most, step = 10 ** (form.width - 1), 10**form.width, form.granularity
    return (b"%d" % count for moment in moments if least <= (count := moment // step) < most)


def _written(form: TimeFormat, moment: int) -> str | None:
    try:
        return form.write(moment)
    except (ValueError, OverflowError):
        return None


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
    yield Variant("", ("component-missing",), {"component": "the time"})
    kinds = (_fractions(sent, moment), _iso(moment, facts))
    yield from chain.from_iterable(islice(kind, 2) for kind in kinds)
    step = rule.format.granularity
    for text in _texts(rule, (moment + shift * step for distance in range(1, _near(rule, sent) + 1) for shift in (-distance, distance))):
        yield _differing(rule, moment, text.decode())
    yield from chain.from_iterable(kinds)
    yield from _patterns(rule, moment, facts)
    if rule.format.slots:
        yield from _zones(rule, moment)


def _fractions(sent: str, moment: int) -> Iterator[Variant[str]]:
    for digits in (3, 6, 2, 1):
        fraction = f"{moment % 1000:03d}000"[:digits]
        yield Variant(f"{moment // 1000}.{fraction}", ("created-fraction",))
        yield Variant(f"{moment // 1000}.{fraction}".rstrip("0").rstrip("."), ("created-fraction",))
    yield Variant(f"{sent}.0", ("created-fraction",))


def _of_unsent(rule: CreatedRule, now: int, mistakes: int) -> Iterator[Variant[str]]:
    moments = [moment for moment, _ in rule.candidates(now)]
    if mistakes > 1:
        for text, shift in _offsets(rule) if mistakes == 2 else ():
            for variant in _parts_missing(rule, moments[0] + shift) if moments else ():
                yield Variant(variant.value, (*variant.codes, "created-timezone"), {**variant.facts, "offset": text, "zone": _zone(rule)})
        return
    facts: dict[str, object] = {"wanted": words(rule)}
    for moment in moments[:3]:
        zones = _zones(rule, moment)
        for part in _parts_missing(rule, moment):
            yield part
            yield from islice(zones, 2)
        yield from zones
        yield from _patterns(rule, moment, facts)
    yield Variant("", ("component-missing",), {"component": "the time"})
    for moment in moments[3:]:
        yield from _parts_missing(rule, moment)


def _far_from_unsent(rule: CreatedRule, now: int) -> tuple[tuple[Far, ...], ...]:
    step = rule.format.granularity
    latest = next((moment for moment, _ in rule.candidates(now)), now)
    facts: dict[str, object] = {"wanted": words(rule)}

    def beyond(least: int, most: int) -> Far:
        """Times so far from now (milliseconds), nearer ones first."""
        distances = range(least // step + 1, most // step + 1)
        return Far(
            lambda: _texts(rule, (latest + shift * step for distance in distances for shift in (-distance, distance))),
            lambda text: _beyond(rule, now, text),
        )

    def unix(moments: Iterable[int], unit: str) -> Far:
        return Far(lambda: (b"%d" % moment for moment in moments), lambda text: Variant(text, ("created-unit",), {**facts, "unit": unit}))

    second = now // 1000
    seconds = [second, *(second + shift for distance in range(1, rule.tolerance // 1000 + 1) for shift in (-distance, distance))]
    return (
        (unix(seconds[:_SECONDS], "seconds"), beyond(0, _HOUR // 2)),
        (
            unix(seconds[_SECONDS:], "seconds"),
            beyond(_HOUR // 2, _HOUR),
            # Of all milliseconds of the window those that a request takes to arrive.
            unix(range(now, max(now - _ARRIVING, 0), -1), "milliseconds"),
        ),
        (unix([each * 1000 for each in seconds], "milliseconds"), beyond(_HOUR, _DAY)),
    )


def _beyond(rule: CreatedRule, now: int, text: str) -> Variant[str]:
    moment = rule.format.read(text)
    assert moment is not None
    code = "created-outside-window" if moment < now else "created-clock-skew"
    return Variant(text, (code,), {"seconds": abs(now - moment) // 1000, "tolerance": rule.tolerance // 1000})


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
    parts = time.gmtime((moment + rule.format.offset) // 1000)
    pattern = rule.format.text

    def lacking(pattern: str, part: str) -> Variant[str]:
        return Variant(time.strftime(pattern, parts), ("created-part-missing",), {"part": part})

    numbers = {"%Y": parts.tm_year, "%m": parts.tm_mon, "%d": parts.tm_mday, "%H": parts.tm_hour, "%M": parts.tm_min, "%S": parts.tm_sec}
    short = [field for field, number in numbers.items() if field in pattern and number < 10]
    for bare in product((True, False), repeat=len(short)):
        text = pattern
        for field, without in zip(short, bare, strict=True):
            text = text.replace(field, str(numbers[field])) if without else text
        if any(bare):
            yield lacking(text, "leading zeros")
    fields = {"%d": "the day", "%M": "the minute", "%H": "the hour", "%m": "the month", "%Y": "the year"}
    yield from (lacking(pattern.replace(field, ""), name) for field, name in fields.items() if field in pattern)
    yield lacking(pattern.replace("%Y", "%y"), "the century")
    # A month counted from 0, as JavaScript does.
    yield lacking(pattern.replace("%m", f"{parts.tm_mon - 1:02d}"), "one of the month (getMonth() counts from 0)")


def _zones(rule: CreatedRule, moment: int) -> Iterator[Variant[str]]:
    for offset, shift in _offsets(rule):
        text = _written(rule.format, moment + shift)
        if text is not None:
            yield Variant(text, ("created-timezone",), {"offset": offset, "zone": _zone(rule)})


def _zone(rule: CreatedRule) -> str:
    return "UTC" if not rule.format.offset else f"UTC{rule.format.offset / 3_600_000:+g}"


def _offsets(rule: CreatedRule) -> Iterator[tuple[str, int]]:
    """Every whole and half hour that a clock may be from UTC, and milliseconds from the scheme's: whole hours first, near ones first."""
    for half in sorted(range(-24, 29), key=lambda half: (half % 2, abs(half))):
        shift = half * 1_800_000 - rule.format.offset
        if shift:
            yield f"{'+' if half >= 0 else '-'}{abs(half) // 2:02d}:{abs(half) % 2 * 30:02d}", shift
