"""Request ids: the formats that a signer can make, and what a verifier takes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from payseal.grammar import Grammar

__all__ = ["NONCE_FORMATS", "NonceRule"]

#: The formats, each as it is laid out: ``x`` is a random hexadecimal digit, ``v`` a variant (8, 9, a or b), ``l`` a random letter from a to
#: f, ``-`` itself, and a digit stands in the place of a random one. ``uuid4`` is version 4 of RFC 9562; ``hex`` is as long, without hyphens.
#:
#: The last character is a letter because some providers sign ``id ‖ time ‖ body`` with nothing in between. An id that ends in a letter
#: leaves no digit that could be moved into the time by whoever captures the request, whatever the provider's verifier is like.
NONCE_FORMATS: Final = {"uuid4": "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxl", "hex": "x" * 31 + "l"}

_DIGITS: Final = b"0123456789abcdef"
_TABLES: Final = {
    "x": bytes.maketrans(b"", b""),
    "v": bytes.maketrans(_DIGITS, b"89ab" * 4),
    "l": bytes.maketrans(_DIGITS, b"abcdefabcdefabcd"),
}
#: How many ids are made at once: asking the system for randomness costs more than all the rest of an id.
_BATCH: Final = 128
#: By format, the ids that are made and not handed out yet. ``list.pop`` takes one in a single step, so that no two threads can have the
#: same; a process that forks leaves none behind for its child to hand out too.
_POOLS: Final[dict[str, list[str]]] = {name: [] for name in NONCE_FORMATS}


def _ids(layout: str, random: Callable[[int], bytes], count: int) -> list[str]:
    """New ids, made column by column: every id's first digit, every id's second, so that the work is done by a few long slices."""
    digits = random(16 * count).hex().encode("ascii")
    made = bytearray(layout.encode("ascii") * count)
    width, taken = len(layout), 0
    for at, kind in enumerate(layout):
        if kind in _TABLES:
            made[at::width] = digits[taken : taken + count].translate(_TABLES[kind])
        if kind != "-":
            taken += count
    text = made.decode("ascii")
    return [text[start : start + width] for start in range(0, len(text), width)]


def _forget() -> None:
    for pool in _POOLS.values():
        pool.clear()


if hasattr(os, "register_at_fork"):  # not where nothing forks
    # Before too, since the child's hooks run in the order in which they were registered, and another one may sign.
    os.register_at_fork(before=_forget, after_in_child=_forget)


@dataclass(frozen=True, slots=True)
class NonceRule:
    """The request id: what a signer makes, what a verifier takes."""

    format: str
    grammar: Grammar

    @property
    def accepts_its_own(self) -> bool:
        """Whether the grammar takes every id that the format can make, and not only the one that was tried when it was loaded."""
        layout, grammar = NONCE_FORMATS[self.format], self.grammar
        fits = grammar.shortest <= len(layout) <= (grammar.longest or 0)
        return fits and grammar.plain and grammar.alphabet.issuperset(f"-{_DIGITS.decode()}" if "-" in layout else _DIGITS.decode())

    def make(self, random: Callable[[int], bytes]) -> str:
        """A new id from a source of random bytes such as `os.urandom`, which is asked for 16 of them."""
        (made,) = _ids(NONCE_FORMATS[self.format], random, 1)
        return made

    def maker(self, random: Callable[[int], bytes]) -> Callable[[], str]:
        """What makes one id after the other: one at a time, or, where the source is `os.urandom` itself, many in advance."""
        if random is not os.urandom:
            return lambda: self.make(random)
        layout, pool = NONCE_FORMATS[self.format], _POOLS[self.format]

        def next_id() -> str:
            while True:
                try:
                    return pool.pop()
                except IndexError:
                    pool.extend(_ids(layout, os.urandom, _BATCH))

        return next_id
