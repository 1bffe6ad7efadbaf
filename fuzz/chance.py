"""Mutation by chance, for a Python that atheris is not made for: the same inputs for the same seed, nothing learnt from any of them."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import random
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from fuzz.lines import by_line

__all__ = ["CRASHED", "LONGEST", "SLOW", "by_chance", "mutated", "words"]

#: What libFuzzer exits with for an exception.
CRASHED: Final = 77
#: Bytes of an input, at most; and seconds that one may take.
LONGEST: Final = 4_096
SLOW: Final = 10


def words(dictionary: Path) -> list[bytes]:
    """The words of a dictionary as libFuzzer reads it: ``"text"`` a line, with ``\\xAB`` in it."""
    lines = dictionary.read_text("utf-8").splitlines() if dictionary.exists() else []
    quoted = [found[0] for line in lines if not line.startswith("#") and (found := re.search(r'".*"$', line))]
    return [ast.literal_eval(f"b{text}") for text in quoted]


def mutated(chance: random.Random, inputs: Sequence[bytes], known: Sequence[bytes]) -> bytes:
    """One of the inputs, changed in up to five places, and every other time in its lines."""
    data = bytearray(chance.choice(inputs))
    if chance.randrange(2):
        data[:] = by_line(chance, bytes(data), known)
    for _ in range(chance.randint(0, 5)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 1, 1, 2, 4, 16, 64)))
        kind = chance.randrange(7)
        if kind == 0:
            data[start:end] = b""
        elif kind == 1:
            data[start:end] = chance.randbytes(end - start)
        elif kind == 2 and known:
            data[start:end] = chance.choice(known)
        elif kind == 3:
            data[start:start] = data[start:end]
        elif kind == 4:
            other = chance.choice(inputs)
            begin = chance.randrange(len(other) + 1)
            data[start:end] = other[begin : begin + chance.choice((1, 8, 64, LONGEST))]
        elif start < len(data):
            data[start] = chance.choice((data[start] ^ 1 << chance.randrange(8), chance.choice(b'09aAzZ{}"\n \\=:/%\x00\x7f\xff')))
    return bytes(data[:LONGEST])


def by_chance(one: Callable[[bytes], Any], inputs: Sequence[bytes], dictionary: Path, seconds: float, artifacts: str) -> int:
    """Every input, then mutations until the time is up. A crash is written down as libFuzzer does it; returns the exit code."""
    chance, known, end = random.Random(20_260_621), words(dictionary), time.monotonic() + seconds
    tried = iter(inputs)
    data = b""
    try:
        with _limited() as limit:
            while (data := next(tried, b"")) or time.monotonic() < end:
                data = data or mutated(chance, inputs, known)
                limit(SLOW)
                one(data)
    except Exception:
        traceback.print_exc()
        path = Path(f"{artifacts}crash-{hashlib.sha1(data, usedforsecurity=False).hexdigest()}")
        path.write_bytes(data)
        print(f"Test unit written to {path}", file=sys.stderr)
        return CRASHED
    return 0


@contextlib.contextmanager
def _limited() -> Iterator[Callable[[float], object]]:
    """What sets the seconds that are left before `TimeoutError` is raised here; nothing where there is no such timer."""
    if not hasattr(signal, "setitimer"):
        yield lambda seconds: None
        return

    def too_slow(*_: object) -> None:
        raise TimeoutError(f"one input took more than {SLOW} s")

    before = signal.signal(signal.SIGALRM, too_slow)
    try:
        yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
