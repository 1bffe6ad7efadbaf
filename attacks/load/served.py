"""Good clients while something else goes on: are they served, and how long does it take?"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from attacks.load.requests import GOOD, Maker, http
from attacks.rows import Row, Tally
from attacks.sandbox_process import SandboxProcess
from attacks.sending import exchange

__all__ = ["Served", "good_clients"]

_TESTS: Final = "tests/test_attacks_load.py"
#: Seconds that a good client may wait, whatever others do. On loopback, with nothing else to do, an answer takes a hundredth.
_PATIENT: Final = 5.0


@dataclass
class Served:
    """Good clients, one after the other, while something else goes on."""

    answers: list[tuple[float, str]] = field(default_factory=list)

    def row(self, attack: str) -> Row:
        tally = Tally(attack, _TESTS)
        good = sorted(seconds for seconds, what in self.answers if what == "served")
        for seconds, what in self.answers:
            if what != "served":
                tally.through(what)
            elif seconds > _PATIENT:
                tally.through(f"served after more than {_PATIENT:g} s")
        if good and good[-1] <= _PATIENT:
            tally.held(f"served, in {statistics.median(good) * 1000:,.0f} ms as a rule, in {good[-1] * 1000:,.0f} ms at most", len(good))
        return tally.row()


@contextlib.contextmanager
def good_clients(sandbox: SandboxProcess, maker: Maker, pause: float = 0.1) -> Iterator[Served]:
    """They pay for as long as the block runs, each on a connection of its own."""
    served, over = Served(), threading.Event()

    def pay() -> None:
        while not over.wait(pause):
            _, method, path, headers, body = maker.good(GOOD[len(served.answers) % len(GOOD)])
            began = time.monotonic()
            try:
                answer = exchange(sandbox.port, http(method, path, headers, body), timeout=20.0)
            except TimeoutError:
                what = "neither an answer nor a closed connection"
            else:
                what = "closed" if answer is None else "served" if answer.status in (200, 201) else f"refused with {answer.status}"
            served.answers.append((time.monotonic() - began, what))

    thread = threading.Thread(target=pay)
    thread.start()
    try:
        yield served
    finally:
        over.set()
        thread.join()
