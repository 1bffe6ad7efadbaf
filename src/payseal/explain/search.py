"""The search for the mistakes: one alone, then two together, then three; cheapest first, within a time budget.

A request has a few dimensions (key, algorithm, shape, id, time, body), each with the value that belongs there and the variants that
clients put in its place. A combination is tried by computing one MAC and looking it up among what was received.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, islice, product
from typing import Any, Final

from payseal.explain.bodies import MODERATE, Bodies
from payseal.explain.keys import Key, Maker
from payseal.explain.received import Received
from payseal.explain.shapes import HIDDEN_TOKEN, Shape
from payseal.explain.times import Times
from payseal.explain.variants import Dimension, Variant

__all__ = ["Found", "Search"]

#: The clock is read once in so many combinations.
_STRIDE: Final = 32
#: Far times that are tried before combinations, and with others.
_FAR_FIRST: Final = 1000
#: How many variants of each dimension are combined by twos and threes first: all of them are more than a budget holds.
_LIKELY: Final = {"body": 80, "created": 60, "key": 24, "nonce": 6, "keyid": 3, "maker": 20, "shape": 60}
_LIKELY_BY_THREES: Final = {"body": 30, "created": 30, "key": 12, "nonce": 3, "keyid": 1, "maker": 6, "shape": 14}
#: The same for variants of one dimension that take several mistakes.
_LIKELY_TOGETHER: Final = 400
#: Unsent times that combinations are tried with.
_TIMES: Final = 2
#: Variants of another dimension that far times are combined with.
_FEW: Final = 12


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
    """One search. ``right`` values are those that belong there; ``near`` holds the variants of each dimension, the
    likelier dimensions first; ``far`` times are made and tried alone."""

    def __init__(
        self,
        *,
        received: Received,
        key: Key | None,
        maker: Maker,
        shape: Shape,
        texts: dict[str, bytes],
        times: Times,
        near: Mapping[str, Dimension[Any] | Bodies],
        digests: dict[str, Callable[[bytes], bytes]],
        time_left: Callable[[], float],
    ) -> None:
        self._received = received
        self._key, self._maker, self._shape, self._texts = key or Key(b""), maker, shape, texts
        self._created = [text.encode("utf-8", "replace") for text in times.right] or [b""]
        self._near, self._far, self._digests = near, times.far, digests
        self._macs: dict[tuple[int, int], Callable[[bytes], bytes]] = {}
        self._time_left = time_left
        self._stride = _STRIDE if len(texts["{body}"]) <= MODERATE else 1
        self.examined = 0
        #: Whether every combination was tried.
        self.finished = False

    def run(self) -> Found | None:
        """The first combination that is proven, with as few mistakes as there are; ``None`` when there is none, or the time is up."""
        try:
            found = next((found for found in self._tried() if found is not None), None)
        except OutOfBudget:
            return None
        self.finished = found is None
        return found

    def _tried(self) -> Iterator[Found | None]:
        yield self._try((), ())
        yield from self._with(1)
        far = self._far()
        yield from (self._try(("created",), (variant,)) for variant in islice(far, _FAR_FIRST))
        yield from self._with(2, _LIKELY)
        yield from (self._try(("created",), (variant,)) for variant in far)
        yield from self._with(3, _LIKELY_BY_THREES)
        yield from self._with(2)
        # One mistake that there are many ways to make, with one that there are few.
        for name in ("body", "key", "maker"):
            for near in self._near[name].of(1)[:_FEW]:
                yield from (self._try(("created", name), (variant, near)) for variant in islice(self._far(), _FAR_FIRST))
        yield from self._with(3)

    def _with(self, mistakes: int, likely: Mapping[str, int] | None = None) -> Iterator[Found | None]:
        """Every combination of near variants with that many mistakes in all, spread over as few dimensions as can be; with ``likely``, of
        the first so many of each dimension."""
        for width in range(1, mistakes + 1):
            for names in combinations(self._near, width):
                for counts in _compositions(mistakes, width):
                    lists = [self._near[name].of(count) for name, count in zip(names, counts, strict=True)]
                    if likely:
                        lists = [
                            variants[: likely[name] if count == 1 else _LIKELY_TOGETHER]
                            for name, count, variants in zip(names, counts, lists, strict=True)
                        ]
                    for chosen in product(*lists):
                        yield self._try(names, chosen)

    def _try(self, names: tuple[str, ...], chosen: tuple[Variant[Any], ...]) -> Found | None:
        """Compute one MAC (one for each time, where it is not known) and look it up."""
        key = maker = None
        shape, texts, times = self._shape, self._texts, self._created
        for name, variant in zip(names, chosen, strict=True):
            if name == "body":
                texts = {**texts, "{body}": variant.value}
                for place, digest in self._digests.items():
                    texts[place] = digest(variant.value)
            elif name == "created":
                times = [variant.value.encode()]
            elif name == "key":
                key = variant
            elif name == "maker":
                maker = variant
            elif name == "shape":
                shape = variant.value
            else:
                texts = {**texts, f"{{{name}}}": variant.value.encode()}
        mac = self._mac(key, maker)
        # Where the time is not known, all of a window's for one mistake; for more of them, now and just before.
        for created in times if len(chosen) < 2 else times[:_TIMES]:
            self.examined += 1
            if self.examined % self._stride == 0 and self._time_left() <= 0:
                raise OutOfBudget
            text = b"".join([piece if isinstance(piece, bytes) else created if piece == "{created}" else texts[piece] for piece in shape])
            encoding = self._received.mistakes(mac(text))
            if encoding is not None:
                shown = {**texts, "{token}": HIDDEN_TOKEN, "{created}": created}
                signed = b"".join([piece if isinstance(piece, bytes) else shown[piece] for piece in shape])
                return Found(chosen, encoding, signed, b"" if "created" in names else created)
        return None

    def _mac(self, key: Variant[Key] | None, maker: Variant[Maker] | None) -> Callable[[bytes], bytes]:
        """What makes MACs with that key and algorithm, prepared once."""
        mark = (id(key), id(maker))
        found = self._macs.get(mark)
        if found is None:
            found = self._macs[mark] = (maker.value if maker else self._maker)(key.value if key else self._key)
        return found


def _compositions(total: int, width: int) -> Iterator[tuple[int, ...]]:
    """The ways to write ``total`` as ``width`` numbers from 1 up."""
    if width == 1:
        yield (total,)
        return
    for first in range(1, total - width + 2):
        for rest in _compositions(total - first, width - 1):
            yield (first, *rest)
