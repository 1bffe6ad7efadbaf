"""How much memory: what a million remembered ids take, and what signing and verifying a large body takes beside the body itself.

Each is measured in a process of its own: ``python -m benchmarks.memory ids memory 1000000``, ``python -m benchmarks.memory body payseal``.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import time
import tracemalloc
import uuid
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from benchmarks.child import Unavailable, line_of
from benchmarks.contestant import Contestant, json_body
from benchmarks.ours import PAYSEAL, contestants
from benchmarks.peers import installed
from benchmarks.progress import Progress

from payseal.ledger import Ledger, open_ledger
from payseal.ledger.grouping import GroupedLedger

BODY = 64 * 1024 * 1024
IDS = 1_000_000
LEDGERS = ("memory", "sqlite")
#: Claims that wait at once: as many as the ledger groups, and more coming.
_WINDOW = 2048


def measure(ids: int, body: int, seconds: float) -> dict[str, Any]:
    """Both tables. ``seconds`` is how long each ledger is filled at most: what it took until then is told with the number of ids."""
    # One of payseal's rows says it for all: a request holds the body, it does not copy it.
    names = [PAYSEAL, *(each.name for each in installed()[0])]
    steps = [*LEDGERS, *names]
    ledgers, bodies = [], []
    with Progress("memory") as progress:
        for done, step in enumerate(steps):
            progress.tell(done, len(steps), step)
            try:
                if step in LEDGERS:
                    ledgers.append(line_of("memory", "ids", step, str(ids), str(seconds), limit=seconds + 60))
                else:
                    bodies.append(line_of("memory", "body", step, str(body), limit=60))
            except Unavailable as reason:
                print(f"{step}: {reason}", file=sys.stderr)
    return {"ledgers": ledgers, "body_bytes": body, "bodies": bodies}


def remembered(kind: str, ids: int, seconds: float) -> dict[str, Any]:
    """Bytes that so many ids take, each as long as a UUID and claimed for longer than this runs."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger("memory://" if kind == "memory" else f"sqlite:///{folder}/ledger.db")
        gc.collect()
        before = resident()
        count = fill(ledger, ids, seconds)
        gc.collect()
        grown = resident() - before
        ledger.close()
        files = sum(file.stat().st_size for file in Path(folder).iterdir())
    return {"ledger": kind, "ids": count, "bytes": files if kind == "sqlite" else grown, "kind": "file" if kind == "sqlite" else "process"}


def fill(ledger: Ledger, ids: int, seconds: float) -> int:
    """Claim that many, or as many as there is time for."""
    scope, fingerprint, end = "fiserv-payments:key-1", bytes(range(32)), time.monotonic() + seconds
    waiting: deque[Future[Any]] = deque()
    count = 0
    while count < ids and (count % 1024 or time.monotonic() < end):
        count += 1
        if isinstance(ledger, GroupedLedger):
            waiting.append(ledger.claim_soon(scope, str(uuid.uuid4()), fingerprint, 3600.0))
            if len(waiting) > _WINDOW:
                waiting.popleft().result()
        else:
            ledger.claim(scope, str(uuid.uuid4()), fingerprint, 3600.0)
    for future in waiting:
        future.result()
    return count


def resident() -> int:
    """Bytes of this process that are in memory."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        # The most there ever was; a ledger that only grows has it now. Kilobytes, but for macOS.
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def peak(name: str, size: int) -> dict[str, Any]:
    """Bytes that signing and verifying ask Python for, at most, while the body itself is there already."""
    (contestant,) = (each for each in [*contestants(), *installed()[0]] if each.name == name)
    small, body = json_body(256), json_body(size)
    rehearse(contestant, small)  # the first call prepares this and that
    sending = contestant.outgoing(body)
    extra, signed = traced(contestant.sign, sending)
    found: dict[str, Any] = {"name": name, "sign": extra, "verify": None}
    if contestant.verify:
        found["verify"], _ = traced(contestant.verify, contestant.incoming(body, signed))
    return found


def rehearse(contestant: Contestant, body: bytes) -> None:
    """Once, with another body."""
    signed = contestant.sign(contestant.outgoing(body))
    assert contestant.verify is None or contestant.accepts(body, signed)


def traced(call: Any, argument: Any) -> tuple[int, Any]:
    """Bytes at the peak beyond those at the beginning, and what the call gave."""
    gc.collect()
    tracemalloc.start()
    try:
        result = call(argument)
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    what, name, size, *limit = sys.argv[1:]
    print(json.dumps(remembered(name, int(size), float(limit[0])) if what == "ids" else peak(name, int(size))))
