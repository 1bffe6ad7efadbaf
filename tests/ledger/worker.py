"""A client in a process of its own, which can be killed in the middle of whatever it does. It says what it was told after each call."""

from __future__ import annotations

import contextlib
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from payseal import LedgerError
from payseal.ledger import Claim, Ledger, Outcome, open_ledger
from tests.clock import Clock
from tests.ledger.model import REFUSED, Call, Claiming, Completing, Told

__all__ = ["Worker", "serve"]

#: A call; and the claim's own name for whom a call settles for.
_Job = tuple[Call, str]


def serve(file: int, url: str) -> None:
    """Take lists of calls, each with the time; make one after the other; tell of each before the next begins."""
    pipe, clock = Connection(file), Clock()
    ledger = open_ledger(url, clock=clock)
    pipe.send("ready")
    while True:
        clock.now, jobs = pipe.recv()
        for call, holder in jobs:
            try:
                pipe.send(_made(ledger, call, holder))
            except LedgerError:
                pipe.send((REFUSED, ""))


def _made(ledger: Ledger, call: Call, holder: str) -> tuple[Told, str]:
    if isinstance(call, Claiming):
        claim = ledger.claim(*call.name, call.fingerprint, call.ttl, lease=call.lease, redo=call.redo)
        return (claim.outcome, claim.answer), claim.holder
    claim = Claim(ledger, *call.name, Outcome.FRESH, holder=holder)
    return claim.complete(call.answer, ttl=call.ttl) if isinstance(call, Completing) else claim.release(), holder


class Worker:
    """The process, from outside. It works once, and is killed."""

    def __init__(self, url: str) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        script = "import sys; from tests.ledger.worker import serve; serve(int(sys.argv[1]), sys.argv[2])"
        command = [sys.executable, "-c", script, str(theirs.fileno()), url]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=Path(__file__).parents[2])
        theirs.close()
        assert self._pipe.poll(60)
        assert self._pipe.recv() == "ready"

    def killed_at_work(self, now: float, jobs: Sequence[_Job], answers: int, seconds: float) -> list[tuple[Told, str]]:
        """What it was told before it was killed, that many ``seconds`` after so many ``answers``."""
        self._pipe.send((now, list(jobs)))
        told: list[tuple[Told, str]] = [self._pipe.recv() for _ in range(min(answers, len(jobs)))]
        time.sleep(seconds)
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(EOFError, ConnectionResetError):  # the latter: it was killed before it took the calls
            while True:
                told.append(self._pipe.recv())
        self._pipe.close()
        return told
