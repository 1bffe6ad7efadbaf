"""A signature base as it is shown: each part in the colour of its component, and the same bytes in hexadecimal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from payseal.server.base_parts import Parts
from payseal.server.sightings import Sighting

__all__ = ["Base", "HexLine", "Piece", "base_of", "pieces_of"]

#: Bytes of a base that are shown.
_SHOWN: Final = 4096
_ROW: Final = 16


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the base that belongs to one component; ``kind`` is its name, empty for the template's own text."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class HexLine:
    """Sixteen bytes: where they begin, the bytes as (component, two digits), and what can be printed of them."""

    offset: str
    cells: list[tuple[str, str]]
    printed: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Base:
    """A base to show. ``length`` is of all of it, ``cut`` whether less is shown."""

    pieces: list[Piece]
    lines: list[HexLine]
    length: int
    cut: bool

    @property
    def kinds(self) -> list[str]:
        """The components in it, in their order, each once."""
        return list(dict.fromkeys(piece.kind for piece in self.pieces if piece.kind))


def base_of(sighting: Sighting) -> Base | None:
    """The base of a request that was seen; ``None`` where too much of it was missing."""
    if not sighting.base:
        return None
    return pieces_of(sighting.base, sighting.missing)


def pieces_of(parts: Parts, missing: int = 0) -> Base:
    """The base from its parts; ``missing`` bytes of it are not there."""
    length = sum(len(text) for _, text in parts)
    left, pieces, marked = _SHOWN, [], []
    for kind, text in parts:
        shown, left = text[:left], max(0, left - len(text))
        if shown:
            pieces.append(Piece(kind, "".join(_visible(shown))))
            marked += [(kind, byte) for byte in shown]
    rows = [marked[start : start + _ROW] for start in range(0, len(marked), _ROW)]
    lines = [
        HexLine(
            f"{number * _ROW:05x}",
            [(kind, f"{byte:02x}") for kind, byte in row],
            [(kind, chr(byte) if 0x20 <= byte < 0x7F else "·") for kind, byte in row],
        )
        for number, row in enumerate(rows)
    ]
    return Base(pieces, lines, length + missing, length + missing > len(marked))


def _visible(text: bytes) -> list[str]:
    """The text with control characters as their pictures."""
    shown = []
    for character in text.decode("utf-8", "replace"):
        code = ord(character)
        if character == "\n":
            shown.append("↵\n")
        elif code < 0x20:
            shown.append(chr(0x2400 + code))
        else:
            shown.append(character if character.isprintable() else f"\\u{code:04x}")
    return shown
