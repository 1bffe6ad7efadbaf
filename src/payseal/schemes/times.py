"""The signer's time: how it is written, read strictly, and which times a verifier tries when it is not sent.

Times are whole milliseconds since the epoch inside this module; no `datetime`, so that nothing naive or local can slip in.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from payseal.grammar import DIGITS, Grammar

__all__ = ["MAX_CANDIDATES", "CreatedRule", "TimeFormat", "TimeFormatError", "format_of"]

#: How many times a verifier may have to try for one request when the time is not sent.
MAX_CANDIDATES: Final = 64
#: What a clock gives (seconds since the epoch), from 2001 to 2286: a unix time of then has always as many digits.
EARLIEST: Final = 1e9
LATEST: Final = 9_999_999_999.0
#: Milliseconds: more than a float of seconds lacks of its decimals until then, and less than anything that lies between two clocks.
SHORT: Final = 0.001
#: Characters of a pattern.
_LONGEST: Final = 64
#: How many texts of a pattern are kept: more than one window holds.
_LATELY: Final = 256

#: strftime directive → (field, digits, least, most)
_FIELDS: Final[dict[str, tuple[str, int, int, int]]] = {
    "Y": ("year", 4, 1970, 9999),
    "m": ("month", 2, 1, 12),
    "d": ("day", 2, 1, 31),
    "H": ("hour", 2, 0, 23),
    "M": ("minute", 2, 0, 59),
    "S": ("second", 2, 0, 59),
}
_ORDER: Final = ("year", "month", "day", "hour", "minute", "second")
_GRANULARITY: Final = {"day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1_000}


class TimeFormatError(ValueError):
    """A time format that payseal cannot write and read unmistakably; the text says what to write instead."""


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """One way to write a time, of one length. Made by `format_of`."""

    text: str  # "unix", "unix-ms" or a pattern
    granularity: int  # milliseconds between two texts
    offset: int  # milliseconds that the pattern's clock is ahead of UTC
    width: int  # characters, always as many
    slots: tuple[tuple[str, int, int], ...] = ()  # a pattern's (field, start, end); empty for unix times
    literals: tuple[tuple[str, int], ...] = ()  # a pattern's (text, start)
    #: Texts of a pattern that were written lately, by how many granules after the epoch: a minute's text is the same for a minute.
    _lately: dict[int, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def grammar(self) -> Grammar:
        """Digits, and whatever literals a pattern has between them."""
        return Grammar.of(DIGITS | frozenset("".join(text for text, _ in self.literals)), self.width, self.width)

    def write(self, milliseconds: int) -> str:
        """The text for that time, rounded down to what the format can say. Raises `ValueError` when it has no such text."""
        if not self.slots:
            text = str(milliseconds // self.granularity)
        else:
            granule = (milliseconds + self.offset) // self.granularity
            text = self._lately.get(granule, "")
            if not text:
                if len(self._lately) >= _LATELY:
                    self._lately.clear()
                text = self._lately[granule] = self._spelled(granule * self.granularity // 1000)
        if len(text) != self.width or milliseconds < 0:
            raise ValueError("that time cannot be written in this format")
        return text

    def _spelled(self, seconds: int) -> str:
        """A pattern's text for that time by its own clock."""
        moment = time.gmtime(seconds)
        if moment.tm_year > 9999:
            raise ValueError("that time cannot be written in this format")
        values = dict(zip(_ORDER, moment[:6], strict=True))
        characters = [""] * self.width
        for part, start, end in self.slots:
            characters[start:end] = str(values[part]).zfill(end - start)
        for literal, start in self.literals:
            characters[start : start + len(literal)] = literal
        return "".join(characters)

    def read(self, text: str) -> int | None:
        """The time in milliseconds, or ``None``: exactly ``width`` characters, ASCII digits where digits belong, a real date."""
        if len(text) != self.width or not text.isascii():
            return None
        if not self.slots:
            return int(text) * self.granularity if text.isdigit() else None
        if any(text[start : start + len(literal)] != literal for literal, start in self.literals):
            return None
        values = {"hour": 0, "minute": 0, "second": 0}
        for part, start, end in self.slots:
            digits = text[start:end]
            if not digits.isdigit():
                return None
            values[part] = int(digits)
        for part, _, least, most in _FIELDS.values():
            if not least <= values[part] <= most:
                return None
        if values["day"] > _days_in_month(values["year"], values["month"]):
            return None
        days = _days_since_epoch(values["year"], values["month"], values["day"])
        seconds = days * 86_400 + values["hour"] * 3_600 + values["minute"] * 60 + values["second"]
        return seconds * 1000 - self.offset


def format_of(text: str, zone: str = "UTC") -> TimeFormat:
    """The format that ``unix``, ``unix-ms`` or a strftime pattern of ``%Y %m %d %H %M %S`` names, in a zone such as ``UTC`` or ``+01:00``.

    Raises `TimeFormatError`. Named zones with daylight saving are refused: they repeat an hour each year, and a captured request
    would become fresh again in it.
    """
    if text in ("unix", "unix-ms"):
        if _zone(zone):
            raise TimeFormatError("a unix time has no time zone: leave the zone out")
        # Ten digits of seconds last until 2286, thirteen of milliseconds as long.
        return TimeFormat(text, 1000, 0, 10) if text == "unix" else TimeFormat(text, 1, 0, 13)
    if text != text.strip():
        raise TimeFormatError("a pattern cannot begin or end with a space: a header does not keep it")
    if len(text) > _LONGEST:
        raise TimeFormatError(f"a pattern is longer than {_LONGEST} characters")
    slots: list[tuple[str, int, int]] = []
    literals: list[tuple[str, int]] = []
    position = 0
    for token in re.finditer(r"%(.?)|([^%]+)", text):
        if token[2] is not None:
            if not (token[2].isascii() and token[2].isprintable()) or DIGITS.intersection(token[2]):
                raise TimeFormatError("literal text between the fields must be printable ASCII without digits")
            literals.append((token[2], position))
            position += len(token[2])
            continue
        if token[1] not in _FIELDS:
            raise TimeFormatError(f"%{token[1]} is not taken: unix, unix-ms, or a pattern of %Y %m %d %H %M %S")
        field, digits, _, _ = _FIELDS[token[1]]
        if any(field == seen for seen, _, _ in slots):
            raise TimeFormatError(f"%{token[1]} stands twice")
        slots.append((field, position, position + digits))
        position += digits
    present = [field for field in _ORDER if any(field == seen for seen, _, _ in slots)]
    if len(present) < 3 or present != list(_ORDER[: len(present)]):
        raise TimeFormatError(
            "the pattern must hold %Y %m %d and then %H, %M, %S as far as it goes: a time with a part left out comes again"
        )
    return TimeFormat(text, _GRANULARITY[present[-1]], _zone(zone), position, tuple(slots), tuple(literals))


@dataclass(frozen=True, slots=True)
class CreatedRule:
    """When a request counts as fresh. ``tolerance`` and ``future`` are milliseconds."""

    format: TimeFormat
    tolerance: int
    future: int

    def write(self, seconds: float) -> str:
        """The text for a time in seconds since the epoch. Raises `ValueError` for a time that is none."""
        if type(seconds) is float and EARLIEST <= seconds < LATEST and not self.format.slots:
            # Never rounded up: half a millisecond ahead of its own clock, a signer would be refused where nothing may lie in the future.
            return str(int(seconds * 1000 + SHORT) // self.format.granularity)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
            raise ValueError("created must be seconds since the epoch")
        milliseconds = seconds * 1000 if isinstance(seconds, int) else math.floor(seconds * 1000 + SHORT)
        return self.format.write(milliseconds)

    def fresh(self, created: int, now: int) -> bool:
        """Whether a request made somewhere in ``[created, created + granularity)`` can lie in the window around ``now``."""
        return created + self.format.granularity > now - self.tolerance and created <= now + self.future

    def last_moment(self, created: int) -> int:
        """The time (milliseconds) from which a request created then is no longer accepted."""
        return created + self.format.granularity + self.tolerance

    @property
    def candidate_count(self) -> int:
        """How many texts a window can hold, at most."""
        return (self.tolerance + self.future) // self.format.granularity + 2

    def candidates(self, now: int) -> Iterator[tuple[int, str]]:
        """Every (time, text) that is fresh at ``now``, the nearest to it first."""
        step = self.format.granularity
        current = (now + self.format.offset) // step * step - self.format.offset
        for distance in range(self.candidate_count + 1):
            for created in (current - distance * step, current + distance * step)[: 2 if distance else 1]:
                if created >= 0 and self.fresh(created, now):
                    yield created, self.format.write(created)


def _zone(text: str) -> int:
    if text in ("UTC", "Z", "+00:00"):
        return 0
    match = re.fullmatch(r"([+-])(\d\d):([0-5]\d)", text, re.ASCII)
    if not match or int(match[2]) > 14:
        raise TimeFormatError(
            f"the zone {text!r} is not taken: UTC, or an offset such as +01:00 "
            "(a zone with daylight saving repeats an hour each year, and with it old requests)"
        )
    offset = (int(match[2]) * 60 + int(match[3])) * 60_000
    return offset if match[1] == "+" else -offset


def _days_in_month(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _days_since_epoch(year: int, month: int, day: int) -> int:
    """Days from 1 January 1970 in the proleptic Gregorian calendar, counting years from March so that leap days come last."""
    year -= month <= 2
    month = (month + 9) % 12
    return year * 365 + year // 4 - year // 100 + year // 400 + (month * 153 + 2) // 5 + day - 1 - 719_468
