"""Whether a signature base can be split in one way only.

A base is components one after the other. Where two of them can have any length and nothing tells where one ends, bytes can be moved
from one to the next and a *different* request carries the captured signature. The check peels off, from both ends, whatever has a
known end; if more than one component is left, the base is ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from payseal.grammar import DIGITS, Grammar
from payseal.schemes.template import Component, Part
from payseal.schemes.times import CreatedRule, TimeFormat, format_of

__all__ = ["LEADING", "UUID_LENGTH", "ambiguous_run", "displacing", "guarded", "other_reading"]

#: How many bytes of the body matter to `other_reading`: the longest id and the longest time.
LEADING: Final = 256 + 32
#: How many characters a UUID has.
UUID_LENGTH: Final = 36
#: 1 January 2010 in milliseconds: no request was signed with any of these schemes before.
_FIRST_PLAUSIBLE: Final = 1_262_304_000_000
#: The unit that the same provider's other samples sign in.
_OTHER_UNIT: Final = {"unix": format_of("unix-ms"), "unix-ms": format_of("unix")}


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


def other_reading(nonce: str, created: str, following: bytes, rule: CreatedRule, ids: Grammar, now: int) -> bool:
    """Whether the bytes ``nonce ‖ created ‖ following`` can also be read with a *longer* id, and a time that once was now after it.

    That is what a captured request looks like when the end of its id was moved into the time to make it fresh again: what was pushed
    out of the time now leads the body. ``following`` is how the body begins, ``ids`` what an id can be. An honest body does not begin
    with what an id or a time is made of (JSON begins with a brace), so this costs it nothing.
    """
    lead = following[:1].decode("latin-1")
    displaced = lead in DIGITS or lead in ids.alphabet
    lacking = UUID_LENGTH - len(nonce)  # characters that a UUID has more
    cut = 0 < lacking <= len(created)
    if not displaced and not cut:
        return False
    text = created + following.decode("latin-1")
    # A request signed in the other unit leaves no trace in the body: 1782000123 after an id that ends in 179 is 1791782000123. Only the
    # id tells, where it is a UUID that lacks exactly the characters that the time begins with.
    if cut and [len(group) for group in (nonce + text[:lacking]).split("-")] == [8, 4, 4, 4, 12]:
        other = _OTHER_UNIT.get(rule.format.text, rule.format)
        if _once_was_now(text, lacking, other, rule, now):
            return True
    if not displaced:
        return False
    for shift in range(1, (ids.longest or 0) - len(nonce) + 1):
        if text[shift - 1 : shift] not in ids.alphabet:
            return False
        if _once_was_now(text, shift, rule.format, rule, now) and ids.accepts(nonce + text[:shift]):
            return True
    return False


def displacing(ids: Grammar) -> frozenset[bytes]:
    """What a body begins with when something was pushed out of an id or a time: the bytes without one of which `other_reading` finds
    nothing, unless the id is shorter than a UUID. Soon asked, and hardly ever so."""
    return frozenset(character.encode("latin-1") for character in DIGITS | ids.alphabet)


def _once_was_now(text: str, start: int, form: TimeFormat, rule: CreatedRule, now: int) -> bool:
    moment = form.read(text[start : start + form.width])
    return moment is not None and _FIRST_PLAUSIBLE <= moment <= now + rule.future


def guarded(run: Sequence[Part], grammar_of: Callable[[Component], Grammar]) -> bool:
    """Whether an ambiguous run is the one shape that can be made safe when a request is checked: two components with a time of
    fixed length, digits only, between them. The window fixes its value, and `other_reading` refuses what remains."""
    if len(run) != 3 or not all(isinstance(part, Component) for part in run):
        return False
    first, middle, last = (part for part in run if isinstance(part, Component))
    return first.name == "nonce" and middle.name == "created" and last.name == "body" and grammar_of(middle).alphabet == DIGITS
