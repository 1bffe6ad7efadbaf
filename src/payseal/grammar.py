"""What a piece of text may look like: which characters, how long. Small enough to reason about.

A regular expression can be matched but hardly analysed. To prove that a signature base can be split in one way only, and that a
header template can be read back, payseal must know of every component which characters it can hold and how long it can be. That
is a `Grammar`; `pattern` makes one from the bounded subset of regular expressions that scheme files may use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = [
    "ANYTHING",
    "BASE64",
    "BASE64URL",
    "DIGITS",
    "HEX_LOWER",
    "HEX_UPPER",
    "VISIBLE",
    "Grammar",
    "PatternError",
    "pattern",
]

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS: Final = frozenset("0123456789")
HEX_LOWER: Final = frozenset("0123456789abcdef")
HEX_UPPER: Final = frozenset("0123456789ABCDEF")
BASE64: Final = frozenset(_LETTERS + "0123456789" + "+/=")
BASE64URL: Final = frozenset(_LETTERS + "0123456789" + "-_=")
#: VCHAR of RFC 5234: what a header value can hold without spaces.
VISIBLE: Final = frozenset(chr(code) for code in range(0x21, 0x7F))
#: Every byte: the body's alphabet.
ANYTHING: Final = frozenset(chr(code) for code in range(0x100))


@dataclass(frozen=True, slots=True)
class Grammar:
    """The texts a component can be: characters from ``alphabet``, ``shortest`` to ``longest`` of them (``None``: no bound).

    ``initial`` is what the first character can be; ``match`` narrows further where it is given.
    """

    alphabet: frozenset[str]
    shortest: int
    longest: int | None
    initial: frozenset[str]
    match: Callable[[str], object] | None = None

    @classmethod
    def of(cls, alphabet: frozenset[str], shortest: int, longest: int | None, initial: str = "") -> Grammar:
        """A grammar in which any character may stand anywhere, but for the first where ``initial`` says."""
        return cls(alphabet, shortest, longest, frozenset(initial) or alphabet)

    @property
    def members(self) -> bytes:
        """The alphabet's ASCII characters. An ASCII text holds no other character where ``text.encode().translate(None, members)`` is
        empty: `accepts` at a third of the time, for whoever keeps the members."""
        return "".join(sorted(character for character in self.alphabet if character.isascii())).encode()

    @property
    def plain(self) -> bool:
        """Whether length and alphabet say all there is to say."""
        return self.match is None and self.initial == self.alphabet

    @property
    def fixed(self) -> bool:
        """Whether every text has the same length."""
        return self.shortest == self.longest

    def accepts(self, text: str) -> bool:
        """Whether ``text`` is one of these texts."""
        if len(text) < self.shortest or (self.longest is not None and len(text) > self.longest):
            return False
        if not self.alphabet.issuperset(text) or (text and text[0] not in self.initial):
            return False
        return self.match is None or self.match(text) is not None


class PatternError(ValueError):
    """A pattern that this module cannot prove bounded; the text says what to write instead."""


_LONGEST: Final = 256
#: How many ways a pattern may have to match one text, at most: what a backtracking matcher goes through before it says no.
_WAYS: Final = 65_536
_TEXT: Final = 1_024
_GROUPS: Final = 16
_CLASSES: Final = {"d": DIGITS, "w": frozenset(_LETTERS + "0123456789" + "_")}


def pattern(text: str) -> Grammar:
    """The grammar of a bounded regular expression: literals, ``[classes]``, ``\\d``, ``\\w``, ``{n}``, ``{m,n}``, ``?``, groups and ``|``.

    Raises `PatternError` for what has no bound (``*``, ``+``, ``{m,}``) or what cannot be analysed (look-around, back references).
    """
    if len(text) > _TEXT:
        raise PatternError(f"is longer than {_TEXT} characters")
    reader = _PatternReader(text)
    alphabet, shortest, longest, initial, ways = reader.alternatives()
    if reader.rest:
        raise PatternError(f"unbalanced {reader.rest[0]!r}")
    if longest > _LONGEST:
        raise PatternError(f"matches up to {longest} characters; {_LONGEST} is the most")
    if longest == 0 or not alphabet <= VISIBLE:
        raise PatternError("must match visible ASCII characters, at least one")
    if shortest == 0:
        raise PatternError("matches the empty text; ask for at least one character")
    if ways > _WAYS:
        raise PatternError("can match one text in too many ways, which takes long to find out: use fewer parts of varying length")
    try:
        match = re.compile(text, re.ASCII).fullmatch
    except re.error as error:
        raise PatternError(f"is not a regular expression: {error.msg}") from None
    # One class, repeated: what its length and its alphabet say is all of it, and needs no matching.
    return Grammar(alphabet, shortest, longest, initial, None if reader.atoms == 1 else match)


#: alphabet, shortest, longest, first characters, how many ways there are to match
_Span = tuple[frozenset[str], int, int, frozenset[str], int]


class _PatternReader:
    """Reads a pattern from left to right, keeping for each part what it can match."""

    def __init__(self, text: str) -> None:
        self.rest = text
        self.depth = 0
        self.atoms = 0

    def alternatives(self) -> _Span:
        found = self.sequence()
        while self.rest.startswith("|"):
            self.rest = self.rest[1:]
            other = self.sequence()
            found = (found[0] | other[0], min(found[1], other[1]), max(found[2], other[2]), found[3] | other[3], found[4] + other[4])
        return found

    def sequence(self) -> _Span:
        alphabet: frozenset[str] = frozenset()
        initial: frozenset[str] = frozenset()
        shortest = longest = 0
        ways = 1
        while self.rest and self.rest[0] not in "|)":
            part = self.repeated()
            if shortest == 0:  # everything so far can be empty, so this part can come first
                initial |= part[3]
            alphabet, shortest, longest, ways = alphabet | part[0], shortest + part[1], longest + part[2], ways * part[4]
        return alphabet, shortest, longest, initial, ways

    def repeated(self) -> _Span:
        alphabet, shortest, longest, initial, ways = self.atom()
        if self.rest.startswith(("*", "+")):
            raise PatternError(f"{self.rest[0]!r} has no upper bound: write {{1,64}} or another bound")
        if self.rest.startswith("?"):
            self.rest, shortest, ways = self.rest[1:], 0, ways + 1
        elif bounds := re.match(r"\{(\d{1,4})(,(\d{1,4}))?\}", self.rest, re.ASCII):
            self.rest = self.rest[bounds.end() :]
            least = int(bounds[1])
            most = int(bounds[3]) if bounds[2] else least
            if least > most:
                raise PatternError(f"{{{least},{most}}} counts down")
            shortest, longest, ways = shortest * least, longest * most, most - least + 1  # of one character: groups are not repeated
        elif self.rest.startswith("{"):
            raise PatternError("only {n} and {m,n} are taken")
        if self.rest[:1] in ("?", "*", "+", "{") and self.rest:
            raise PatternError("one quantifier for each part")
        return alphabet, shortest, longest, initial, ways

    def atom(self) -> _Span:
        first, self.rest = self.rest[0], self.rest[1:]
        self.atoms += 1
        if first == "(":
            if self.rest.startswith("?:"):
                self.rest = self.rest[2:]
            elif self.rest.startswith("?"):
                raise PatternError("look-around, flags and named groups are not taken; plain groups are")
            self.depth += 1
            if self.depth > _GROUPS:
                raise PatternError(f"groups lie more than {_GROUPS} deep in one another")
            found = self.alternatives()
            self.depth -= 1
            if not self.rest.startswith(")"):
                raise PatternError("a group is not closed")
            self.rest = self.rest[1:]
            if self.rest[:1] == "{":
                # A repeated group of repeats is where matching time explodes.
                raise PatternError("a group cannot be repeated; write it out")
            return found
        if first == "[":
            return self.one_of(self.character_class())
        if first == "\\":
            return self.one_of(self.escape())
        if first in ".^$*+?{})]":
            raise PatternError(
                {".": "'.' matches anything: name the characters, such as [A-Za-z0-9-]"}.get(
                    first, f"{first!r} is not taken here (the whole text is matched; escape it to mean itself)"
                )
            )
        return self.one_of(frozenset(first))

    def escape(self) -> frozenset[str]:
        if not self.rest:
            raise PatternError("ends in a backslash")
        letter, self.rest = self.rest[0], self.rest[1:]
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter.isalnum():
            raise PatternError(f"\\{letter} is not taken; \\d, \\w and escaped punctuation are")
        return frozenset(letter)

    def character_class(self) -> frozenset[str]:
        if self.rest.startswith("^"):
            raise PatternError("[^…] is open-ended: name the characters that are allowed")
        members: set[str] = set()
        while self.rest and self.rest[0] != "]":
            letter, self.rest = self.rest[0], self.rest[1:]
            if letter == "[":
                raise PatternError("escape '[' inside a class")
            if letter in "-&~|" and self.rest.startswith(letter):
                raise PatternError(f"{letter}{letter} inside a class may come to mean something else: escape the second")
            here = self.escape() if letter == "\\" else frozenset(letter)
            if len(here) == 1 and self.rest.startswith("-") and not self.rest.startswith("-]"):
                end, self.rest = self.rest[1:2], self.rest[2:]
                if end == "-":
                    raise PatternError("escape '-' at the end of a range")
                ends = self.escape() if end == "\\" else frozenset(end)
                (start,), end = here, min(ends, default="")
                if len(ends) != 1 or end < start:
                    raise PatternError(f"the range {start}-{end} is empty, or does not end in one character")
                here = frozenset(chr(code) for code in range(ord(start), ord(end) + 1))
            members |= here
        if not self.rest or not members:
            raise PatternError("a character class is empty or not closed")
        self.rest = self.rest[1:]
        return frozenset(members)

    @staticmethod
    def one_of(characters: frozenset[str]) -> _Span:
        return characters, 1, 1, characters, 1
