"""One process that fuzzes one target: ``python -m fuzz.worker '{"name": …}'``. `fuzz.runs` starts it and reads what it writes.

With atheris, coverage of payseal guides what is tried next. Where there is no atheris for this Python, they are changed by chance.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from fuzz.chance import by_chance, words
from fuzz.lines import by_line
from fuzz.targets import Target, kept

atheris: Any = None
with contextlib.suppress(ImportError):
    atheris = importlib.import_module("atheris")

__all__ = ["GUIDED"]

#: Whether this Python has atheris.
GUIDED: Final = atheris is not None
#: Seconds between two times that the counts are written down.
_OFTEN: Final = 0.25


class _Counted:
    """A target's ``one``, with what came of each input counted, and written into a file now and then: libFuzzer ends the process itself."""

    def __init__(self, one: Callable[[bytes], str], file: Path) -> None:
        self.one, self.file = one, file
        self.counts: Counter[str] = Counter()
        self._began = time.monotonic()
        self._next = 0.0

    def __call__(self, data: bytes) -> None:
        self.counts[self.one(data)] += 1
        if time.monotonic() >= self._next:
            self.write()
            self._next = time.monotonic() + _OFTEN

    def write(self) -> None:
        """In one step, so that whoever reads it never sees half a file."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps({"seconds": time.monotonic() - self._began, "outcomes": self.counts}), "utf-8")
        os.replace(fresh, self.file)


def _guided(target: Target, counts: Path, arguments: list[str], command: list[str]) -> None:
    with atheris.instrument_imports(include=["payseal"]):
        module = target.load()
    # Never fewer than two places to see in what is run first, or libFuzzer takes it that nothing is instrumented.
    call = atheris.instrument_func(_Counted.__call__)
    counted = _Counted(module.one, counts)
    known = words(target.dictionary)

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        chance = random.Random(seed)
        changed: bytes = by_line(chance, data, known)[:longest] if chance.randrange(2) else atheris.Mutate(data, longest)
        return changed

    # Where libFuzzer starts itself again, to merge, it puts its arguments behind the first and has a shell run it.
    atheris.Setup([shlex.join(command), *arguments], lambda data: call(counted, data), custom_mutator=mutate)
    atheris.Fuzz()


def main(given: Mapping[str, Any], again: list[str]) -> None:
    """``given``: the target, where to write, seconds, libFuzzer's arguments; ``again``: those with which libFuzzer started this process, if
    it did. Exit code 0, or libFuzzer's for a crash."""
    target = Target(given["name"], given["module"], Path(given["corpus"]), Path(given["dictionary"]))
    counts = Path(given["counts"])
    if GUIDED:
        _guided(target, counts, again or given["arguments"], [sys.executable, "-m", "fuzz.worker", json.dumps(given)])
        return
    module = target.load()
    counted = _Counted(module.one, counts)
    code = by_chance(counted, [*module.seeds(), *kept(target)], target.dictionary, given["seconds"], given["artifacts"])
    counted.write()
    sys.exit(code)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
