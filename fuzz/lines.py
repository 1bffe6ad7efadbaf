"""Changes whole lines and what they say, since most inputs are lines of names and values: a change inside one often only breaks it."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Final

__all__ = ["by_line"]

#: A name, what stands between it and its value, and the value.
_NAMED: Final = re.compile(rb"([^=:\n]*[=:][ \t]*)(.*)", re.DOTALL)


def by_line(chance: random.Random, data: bytes, words: Sequence[bytes]) -> bytes:
    """The input with one line left out, repeated, exchanged with another, or given another value."""
    lines = data.split(b"\n")
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    named = _NAMED.fullmatch(lines[at])
    kind = chance.randrange(6 if named else 4)
    if kind == 0 and len(lines) > 1:
        del lines[at]
    elif kind == 1:
        lines.insert(other, lines[at])
    elif kind == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif named is None or kind == 3:
        lines.insert(at, chance.choice(words).strip(b"\n") if words else b"")
    elif kind == 4:
        lines[at] = named[1] + chance.choice(words).strip(b"\n") if words else named[1]
    else:
        from_there = _NAMED.fullmatch(lines[other])
        lines[at] = named[1] + (from_there[2] if from_there else lines[other])
    return b"\n".join(lines)
