"""Whether a signature base can be split in one way only.

A base is components one after the other. Where two of them can have any length and nothing tells where one ends, bytes can be moved
from one to the next and a *different* request carries the captured signature. The check peels off, from both ends, whatever has a
known end; if more than one component is left, the base is ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from payseal.grammar import DIGITS, Grammar
from payseal.schemes.template import Component, Part
from payseal.schemes.times import CreatedRule

__all__ = ["FIRST_PLAUSIBLE", "ambiguous_run", "guarded", "other_reading"]

#: 1 January 2010 in milliseconds: no request was signed with any of these schemes before.
FIRST_PLAUSIBLE = 1_262_304_000_000


def ambiguous_run(parts: Sequence[Part], grammar_of: Callable[[Component], Grammar], *, known: Collection[str] = ()) -> list[Part]:
    """The part of ``parts`` that can be split in two ways: empty for a sound base.

    Components in ``known`` are left out. In a signature base ``keyid`` and ``token`` are: the credential fixes them, and with them the
    key of the MAC.
    """
    run: list[Part] = [part for part in parts if not (isinstance(part, Component) and part.name in known)]

    def has_end(part: Part, following: Part | None) -> bool:
        if isinstance(part, str):
            return True
        grammar = grammar_of(part)
        if grammar.fixed:
            return True
        if isinstance(following, str):
            return following[0] not in grammar.alphabet
        return following is not None and grammar_of(following).shortest > 0 and not grammar_of(following).initial & grammar.alphabet

    def has_start(part: Part, preceding: Part | None) -> bool:
        if isinstance(part, str):
            return True
        grammar = grammar_of(part)
        return grammar.fixed or (isinstance(preceding, str) and preceding[-1] not in grammar.alphabet)

    while run and has_end(run[0], run[1] if len(run) > 1 else None):
        del run[0]
    while run and has_start(run[-1], run[-2] if len(run) > 1 else None):
        del run[-1]
    return run if len(run) > 1 else []


def other_reading(created: str, following: bytes, rule: CreatedRule, now: int, preceding_accepts: Callable[[str], bool]) -> bool:
    """Whether the bytes ``created ‖ following`` can also be read with a *later* start: as a time that once was now, after a longer id.

    That is what a captured request looks like when characters of its id were moved into the time to make it fresh again: the
    digits pushed out of the time now lead the body. ``following`` is how the body begins. Honest bodies do not begin with a digit,
    so this costs them nothing.
    """
    digits = len(following) - len(following.lstrip(b"0123456789"))
    if not digits:
        return False
    text = created + following[:digits].decode("ascii")
    width = rule.format.width
    for shift in range(1, digits + 1):
        original = rule.format.read(text[shift : shift + width])
        if original is not None and FIRST_PLAUSIBLE <= original <= now + rule.future and preceding_accepts(text[:shift]):
            return True
    return False


def guarded(run: Sequence[Part], grammar_of: Callable[[Component], Grammar]) -> bool:
    """Whether an ambiguous run is the one shape that can be made safe when a request is checked: two components with a time of
    fixed length, digits only, between them. The window fixes its value, and `other_reading` refuses what remains."""
    if len(run) != 3 or not all(isinstance(part, Component) for part in run):
        return False
    first, middle, last = (part for part in run if isinstance(part, Component))
    return first.name == "nonce" and middle.name == "created" and last.name == "body" and grammar_of(middle).alphabet == DIGITS
