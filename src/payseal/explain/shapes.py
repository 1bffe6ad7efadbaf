"""The shapes that a signature base may have had: other orders, separators, parts left out or put in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, permutations
from operator import ne
from typing import Final, TypeAlias

from payseal.explain.variants import Dimension, Variant
from payseal.schemes.template import Component, Part

__all__ = ["HIDDEN_TOKEN", "Piece", "Shape", "baseline_shape", "shapes"]

#: What stands in place of an access token where a signature base is shown.
HIDDEN_TOKEN: Final = b"<access token>"

#: A fixed text, or the place of a value by name.
Piece: TypeAlias = bytes | str
Shape: TypeAlias = tuple[Piece, ...]

_SEPARATORS: Final = {
    ".": "dots",
    ":": "colons",
    "|": "bars",
    "\n": "line ends",
    "&": "ampersands",
    ",": "commas",
    " ": "spaces",
    "-": "hyphens",
    ";": "semicolons",
    "_": "underscores",
    "\r\n": "CR LF",
}
#: Components that may be moved; more than these have too many orders.
_MOST: Final = 5
#: Separators, and orders, that are tried before the others.
_COMMON: Final = 6


def baseline_shape(parts: Sequence[Part]) -> Shape:
    """The scheme's own; components go by their text, such as ``{body}``."""
    return tuple(part.encode("ascii") if isinstance(part, str) else str(part) for part in parts)


def shapes(parts: Sequence[Part], extras: Sequence[tuple[str, bytes]]) -> Dimension[Shape]:
    """The shapes that may have been signed instead. ``extras`` are texts of this request that clients put in, by name."""
    baseline = baseline_shape(parts)
    names = [str(part) for part in parts if isinstance(part, Component)]
    facts = {"base": "".join(str(part) for part in parts).replace("\n", "\\n")}

    def make(mistakes: int) -> Iterator[Variant[Shape]]:
        if mistakes == 1:
            return _single(baseline, names, facts, extras)
        return _double(names, facts, extras) if mistakes == 2 else iter(())

    return Dimension(make, [baseline])


def _orders(names: list[str]) -> list[tuple[str, ...]]:
    """The other orders, those first that leave most in its place."""
    if not 1 < len(names) <= _MOST:
        return []
    return sorted(list(permutations(names))[1:], key=lambda order: sum(map(ne, order, names)))


def _single(baseline: Shape, names: list[str], facts: dict[str, str], extras: Sequence[tuple[str, bytes]]) -> Iterator[Variant[Shape]]:
    literal = any(isinstance(piece, bytes) for piece in baseline)
    separated = _separated(names, facts)
    ordered = _ordered(baseline, names, facts)
    yield from islice(separated, _COMMON)
    yield from islice(ordered, _COMMON)
    yield from separated
    yield from ordered
    for separator, called in _SEPARATORS.items():
        mark = separator.encode()
        if len(names) > 2 and names[-1] == "{body}":  # between the head's parts alone, or before the body alone
            yield Variant((*_joined(names[:-1], mark), names[-1]), ("separator",), {**facts, "separator": called})
            yield Variant((*names[:-1], mark, names[-1]), ("separator",), {**facts, "separator": called})
        yield Variant((*_joined(names, mark), mark), ("separator",), {**facts, "separator": called})
    if literal:
        yield Variant(tuple(names), ("separator",), {**facts, "separator": "nothing"})
    for name in names:
        code = {"{nonce}": "nonce-not-signed", "{keyid}": "keyid-not-signed", "{body}": "body-empty-signed"}.get(name, "component-missing")
        rest = [piece for piece in baseline if piece != name]
        yield Variant(tuple(rest), (code,), {**facts, "component": name})
        if literal and len(names) > 1:
            at = baseline.index(name)
            yield Variant(
                baseline[:at] + baseline[at + 2 :] if at == 0 else baseline[: at - 1] + baseline[at + 1 :],
                (code,),
                {**facts, "component": name},
            )
    for called, text in extras:
        extra = {**facts, "component": called}
        for at in (0, len(baseline), len(baseline) - 1):
            yield Variant((*baseline[:at], text, *baseline[at:]), ("component-extra",), extra)


def _separated(names: list[str], facts: dict[str, str]) -> Iterator[Variant[Shape]]:
    for separator, called in _SEPARATORS.items():
        yield Variant(_joined(names, separator.encode()), ("separator",), {**facts, "separator": called})


def _ordered(baseline: Shape, names: list[str], facts: dict[str, str]) -> Iterator[Variant[Shape]]:
    for order in _orders(names):
        moved = iter(order)
        yield Variant(
            tuple(piece if isinstance(piece, bytes) else next(moved) for piece in baseline), ("order",), {**facts, "order": "".join(order)}
        )


def _double(names: list[str], facts: dict[str, str], extras: Sequence[tuple[str, bytes]]) -> Iterator[Variant[Shape]]:
    for separator, called in _SEPARATORS.items():
        for order in _orders(names)[:23]:
            yield Variant(
                _joined(list(order), separator.encode()), ("order", "separator"), {**facts, "separator": called, "order": "".join(order)}
            )
        for what, text in extras[:6]:
            mark = separator.encode()
            yield Variant(
                (text, mark, *_joined(names, mark)), ("component-extra", "separator"), {**facts, "separator": called, "component": what}
            )
        for name in names if len(names) > 2 else ():
            if name == "{created}":
                yield Variant(
                    _joined([each for each in names if each != name], separator.encode()),
                    ("component-missing", "separator"),
                    {**facts, "component": name, "separator": called},
                )


def _joined(names: Sequence[Piece], mark: bytes) -> Shape:
    joined: list[Piece] = []
    for name in names:
        joined += [mark, name]
    return tuple(joined[1:])
