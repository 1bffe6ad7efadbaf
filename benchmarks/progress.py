"""How far a long run is: one line on the terminal, written over; without a terminal a line now and then."""

from __future__ import annotations

import sys
import time

#: Seconds between two lines where there is no terminal.
_QUIET = 15.0


class Progress:
    """Which part, and how far. Used as ``with Progress("signing") as progress: progress.tell(3, 10)``."""

    def __init__(self, part: str) -> None:
        self.part = part
        self._began = time.monotonic()
        self._said = self._began
        self._terminal = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        self._write("begins", always=True)
        return self

    def __exit__(self, *failure: object) -> None:
        self._write("done" if failure[0] is None else "failed", always=True)
        if self._terminal:
            print(file=sys.stderr)

    def tell(self, done: int, of: int, what: str = "") -> None:
        """``done`` of so many; ``what`` is being done just now."""
        self._write(f"{done} of {of}{what and ', '}{what}")

    def _write(self, text: str, *, always: bool = False) -> None:
        now = time.monotonic()
        if self._terminal:
            print(f"\r\x1b[K{self.part}: {text} ({now - self._began:.0f} s)", end="", file=sys.stderr, flush=True)
        elif always or now - self._said > _QUIET:
            self._said = now
            print(f"{self.part}: {text} ({now - self._began:.0f} s)", file=sys.stderr, flush=True)
