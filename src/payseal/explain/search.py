"""The search for the mistakes: one alone, then two together, then three; cheapest first, within a time budget.

A request has a few dimensions (key, algorithm, shape, id, time, body), each with the value that belongs there and the variants that
clients put in its place. A combination is tried by computing one MAC and looking it up among what was received.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations, islice, product
from typing import Any, Final, TypeAlias

from payseal.explain.bodies import MODERATE
from payseal.explain.keys import Key, Mac, Maker
from payseal.explain.received import Received
from payseal.explain.shapes import HIDDEN_TOKEN, Shape
from payseal.explain.times import Far, Times
from payseal.explain.variants import Dimension, Variant

__all__ = ["Found", "Search"]

#: The clock is read once in so many MACs.
_STRIDE: Final = 32
#: What does not change the text that is signed.
_SIGNERS: Final = ("key", "maker")
#: Keys and algorithms that are prepared at once.
_MACS: Final = 64
#: Variants of one dimension that are made before the first of them is tried.
_AT_ONCE: Final = 4
#: Of the times that may be right where none was sent, those that combinations are tried with first, or only.
_TIMES: Final = 2
#: Variants of another dimension that far times are combined with.
_FEW: Final = 12

#: Variants as often as they are asked for.
_Variants: TypeAlias = Callable[[], Iterator[Variant[Any]]]
#: How many variants of each dimension are tried, the likeliest first: all combinations are more than a budget holds. ``together`` are
#: variants of one dimension that take several mistakes.
_Most: TypeAlias = Mapping[str, int]
_NONE: Final[_Most] = {}
_EVERY: Final = dict.fromkeys(("body", "created", "key", "nonce", "keyid", "maker", "shape", "together"), sys.maxsize)
_SINGLY: Final[_Most] = _EVERY | {"body": 24, "created": 60}
_COMMON: Final[_Most] = {"body": 24, "created": 22, "key": 8, "nonce": 4, "keyid": 2, "maker": 6, "shape": 12, "together": 120}
_LIKELY: Final[_Most] = {"body": 40, "created": 30, "key": 14, "nonce": 6, "keyid": 3, "maker": 12, "shape": 24, "together": 200}
_SELDOM: Final[_Most] = {"body": 80, "created": 60, "key": 24, "nonce": 6, "keyid": 3, "maker": 20, "shape": 60, "together": 400}
_COMMON_BY_THREES: Final[_Most] = {"body": 12, "created": 14, "key": 6, "nonce": 3, "keyid": 1, "maker": 5, "shape": 8, "together": 40}
_LIKELY_BY_THREES: Final[_Most] = {"body": 30, "created": 30, "key": 12, "nonce": 3, "keyid": 1, "maker": 6, "shape": 14, "together": 300}


@dataclass(frozen=True, slots=True)
class Found:
    """A combination whose MAC is the one received."""

    variants: tuple[Variant[Any], ...]
    encoding: tuple[str, ...]
    #: What was signed, with an access token hidden, and the time in it where that belongs there (empty where it does not).
    text: bytes = field(default=b"", repr=False)
    created: bytes = b""


class OutOfBudget(Exception):
    """The time is up."""


class Search:
    """One search. ``key``, ``maker``, ``shape`` and ``texts`` are those that belong there; ``near`` holds the variants of each dimension,
    the likelier dimensions first; ``times`` are the times that belong there, and those that are too many to be combined."""

    def __init__(
        self,
        *,
        received: Received,
        key: Key | None,
        maker: Maker,
        shape: Shape,
        texts: dict[str, bytes],
        times: Times,
        near: Mapping[str, Dimension[Any]],
        digests: dict[str, Callable[[bytes], bytes]],
        time_left: Callable[[], float],
    ) -> None:
        self._received = received
        self._key, self._maker, self._shape, self._texts = key or Key(b""), maker, shape, texts
        self._created = [text.encode("utf-8", "replace") for text in times.right] or [b""]
        self._near, self._times, self._digests = near, times, digests
        self._macs: dict[int, Mac] = {}
        self._time_left = time_left
        self._stride = _STRIDE if len(texts["{body}"]) <= MODERATE else 1
        self._until_look = self._stride
        self.examined = 0
        #: Whether every combination was tried.
        self.finished = False

    def run(self) -> Found | None:
        """The first combination that is proven, with as few mistakes as there are; ``None`` when there is none, or the time is up."""
        try:
            found = self._found()
        except OutOfBudget:
            return None
        self.finished = found is None and self._time_left() > 0
        return found

    def _found(self) -> Found | None:
        """One mistake, then two, then three; of each the likely ones first. The farthest times are so many that two common mistakes are
        tried before them, and all that is left of two comes after the likely ones of three."""
        recent, other = self._created[:_TIMES], self._created[_TIMES:]
        return (
            self._tried({}, self._created)
            or self._combined(1, _SINGLY, recent)
            or self._far(self._times.far)
            or self._combined(1, _EVERY, recent, after=_SINGLY)
            or self._far(self._times.farther)
            or self._combined(1, _EVERY, other)
            or self._combined(2, _COMMON, recent)
            or self._far(self._times.farthest)
            or self._combined(2, _LIKELY, recent, after=_COMMON)
            or self._combined(2, _SELDOM, recent, after=_LIKELY)
            or self._combined(3, _COMMON_BY_THREES, recent)
            or self._combined(3, _LIKELY_BY_THREES, recent, after=_COMMON_BY_THREES)
            or self._combined(2, _EVERY, recent, after=_SELDOM)
            or self._far_with_another()
            or self._combined(3, _EVERY, recent, after=_LIKELY_BY_THREES)
        )

    def _combined(self, mistakes: int, most: _Most, times: Sequence[bytes], after: _Most = _NONE) -> Found | None:
        """Every combination of near variants with that many mistakes in all, spread over as few dimensions as can be; of the first so many
        of each dimension, without what was tried with fewer of them (``after``)."""
        for width in range(1, mistakes + 1):
            for names in combinations(self._near, width):
                for counts in _compositions(mistakes, width):
                    limits = [name if count == 1 else "together" for name, count in zip(names, counts, strict=True)]
                    # The first dimension that has a new variant divides the combinations, so that each comes once.
                    for new in range(width):
                        variants: dict[str, _Variants] = {}
                        for place, (name, count, limit) in enumerate(zip(names, counts, limits, strict=True)):
                            old, high = after.get(limit, 0), most[limit]
                            start, stop = (old, high) if place == new else (0, old if place < new else high)
                            variants[name] = partial(self._near[name].of, count, start, stop)
                        found = self._tried(variants, times)
                        if found is not None:
                            return found
        return None

    def _far(self, families: Iterable[Far], name: str = "", variant: Variant[Any] | None = None) -> Found | None:
        """The far times, alone or with another mistake."""
        chosen = {} if variant is None else {name: variant}
        shape, texts = self._settled(chosen)
        if shape.count("{created}") != 1:
            return None
        before, after = _around("{created}", shape, texts)
        mac, holds = self._mac(chosen), self._received.holds
        for family in families:
            coming = family.texts()
            while chunk := list(islice(coming, self._stride)):
                self._spend(len(chunk))
                for created in chunk:
                    if holds(mac(before + created + after)):
                        return self._proof(chosen | {"created": family.variant(created.decode())}, created)
        return None

    def _far_with_another(self) -> Found | None:
        """One mistake that there are many ways to make, with one that there are few."""
        for name in ("body", "key", "maker"):
            for variant in self._near[name].of(1, 0, _FEW) if name in self._near else ():
                found = self._far((*self._times.far, *self._times.farther), name, variant)
                if found is not None:
                    return found
        return None

    def _tried(self, variants: Mapping[str, _Variants], times: Sequence[bytes]) -> Found | None:
        """Every combination of one variant of each dimension, at each time that may be right: a MAC for each, looked up."""
        signers = {name: each for name, each in variants.items() if name in _SIGNERS}
        covered = {name: each for name, each in variants.items() if name not in _SIGNERS}
        size = min(self._stride, _AT_ONCE) if len(variants) == 1 else self._stride
        chosen = product(*(each() for each in signers.values()))
        holds = self._received.holds
        while few := list(islice(chosen, _MACS)):
            macs = [(signer, self._mac(signer)) for signer in (dict(zip(signers, each, strict=True)) for each in few)]
            for batch in self._signed(covered, times, size):
                for signer, mac in macs:
                    self._spend(len(batch.texts))
                    for place, text in enumerate(batch.texts):
                        if holds(mac(text)):
                            return self._proof(batch.chosen(place) | signer, batch.created)
        return None

    def _signed(self, variants: Mapping[str, _Variants], times: Sequence[bytes], size: int) -> Iterator[_Batch]:
        """The texts that may have been signed, some at once."""
        # The dimension whose variants follow one another fastest: the text around them is put together once.
        inner = next((name for name in variants if name != "shape"), "")
        place = f"{{{inner}}}"
        outer_names = [name for name in variants if name != inner]
        # What does not depend on the time comes once, and not again with other times.
        first = times[:1] if times[:1] == self._created[:1] else ()
        series = partial(_series, variants[inner], size) if inner else None
        if series and outer_names:
            made = list(series())
            series = partial(iter, made)
        for chosen in product(*(variants[name]() for name in outer_names)):
            outer = dict(zip(outer_names, chosen, strict=True))
            shape, texts = self._settled(outer)
            if not all(self._matters(name, shape) for name in variants):
                continue
            simple = shape.count(place) == 1 and not (inner == "body" and self._digests)
            for created in times if "created" not in variants and "{created}" in shape else first:
                texts = texts if "created" in variants else texts | {"{created}": created}
                if series is None:
                    yield _Batch([_joined(shape, texts)], created, outer)
                elif simple:
                    before, after = _around(place, shape, texts)
                    for few, values in series():
                        yield _Batch([before + value + after for value in values], created, outer, inner, few)
                else:
                    for few, _ in series():
                        yield _Batch([_joined(shape, self._changed(texts, inner, each)) for each in few], created, outer, inner, few)

    def _settled(self, chosen: Mapping[str, Variant[Any]]) -> tuple[Shape, dict[str, bytes]]:
        """The shape and its texts with these variants."""
        texts = self._texts
        for name, variant in chosen.items():
            if name not in ("shape", *_SIGNERS):
                texts = self._changed(texts, name, variant)
        return (chosen["shape"].value if "shape" in chosen else self._shape), texts

    def _changed(self, texts: dict[str, bytes], name: str, variant: Variant[Any]) -> dict[str, bytes]:
        changed = texts | {f"{{{name}}}": _bytes(variant.value)}
        if name == "body":
            changed |= {place: digest(variant.value) for place, digest in self._digests.items()}
        return changed

    def _matters(self, name: str, shape: Shape) -> bool:
        """Whether that dimension is in what is signed."""
        return name == "shape" or f"{{{name}}}" in shape or (name == "body" and any(place in shape for place in self._digests))

    def _spend(self, macs: int) -> None:
        """Count MACs that are about to be computed, and look at the clock now and then."""
        self.examined += macs
        self._until_look -= macs
        if self._until_look <= 0:
            self._until_look = self._stride
            if self._time_left() <= 0:
                raise OutOfBudget

    def _mac(self, chosen: Mapping[str, Variant[Any]]) -> Mac:
        """What makes MACs with that key and algorithm: prepared once, where only one of them is another."""
        key, maker = chosen.get("key"), chosen.get("maker")
        mark = id(key or maker)
        found = None if key and maker else self._macs.get(mark)
        if found is None:
            found = (maker.value if maker else self._maker)(key.value if key else self._key)
            if not (key and maker):
                self._macs[mark] = found
        return found

    def _proof(self, chosen: Mapping[str, Variant[Any]], created: bytes) -> Found:
        """What a MAC that was received says: the mistakes, and the text that was signed."""
        shape, texts = self._settled(chosen)
        texts = {"{created}": created} | texts
        encoding = self._received.mistakes(self._mac(chosen)(_joined(shape, texts)))
        return Found(
            tuple(chosen[name] for name in self._near if name in chosen),
            encoding,
            _joined(shape, texts | {"{token}": HIDDEN_TOKEN}),
            b"" if "created" in chosen else created,
        )


@dataclass(slots=True)
class _Batch:
    """Texts that may have been signed, the time in them, and what they are made of: variants that they have in common, and one each."""

    texts: list[bytes]
    created: bytes
    outer: dict[str, Variant[Any]]
    inner: str = ""
    variants: Sequence[Variant[Any]] = ()

    def chosen(self, place: int) -> dict[str, Variant[Any]]:
        """The variants of one text."""
        return self.outer | {self.inner: self.variants[place]} if self.inner else self.outer


def _series(variants: _Variants, size: int) -> Iterator[tuple[list[Variant[Any]], list[bytes]]]:
    """So many variants at once, and what they put into the text."""
    coming = variants()
    while few := list(islice(coming, size)):
        yield few, [_bytes(variant.value) for variant in few]


def _joined(shape: Shape, texts: Mapping[str, bytes]) -> bytes:
    return b"".join([piece if isinstance(piece, bytes) else texts[piece] for piece in shape])


def _around(place: str, shape: Shape, texts: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """What is signed before the one place and after it."""
    at = shape.index(place)
    return _joined(shape[:at], texts), _joined(shape[at + 1 :], texts)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "replace")


def _compositions(total: int, width: int) -> Iterator[tuple[int, ...]]:
    """The ways to write ``total`` as ``width`` numbers from 1 up."""
    if width == 1:
        yield (total,)
        return
    for first in range(1, total - width + 2):
        for rest in _compositions(total - first, width - 1):
            yield (first, *rest)
