"""Claims a second: each ledger with one caller, and with many who wait at once in one process. All in one run, on this machine.

    python benchmarks/ledger.py [--seconds 2] [--callers 64] [--group 512] [memory sqlite postgresql valkey …]

``--group 1`` sends each call by itself.

A name stands for a server that the script starts itself, a URL for one that is there already (its claims stay behind, for ten minutes).
``alone`` is one thread that claims, waits, and claims again. ``threads`` are as many threads as there are callers, ``tasks`` as many
asyncio tasks: what the WSGI and the ASGI middleware do. ``ratio`` is the better of the two by ``alone``. The time of one `hmac.digest`,
measured beside it, tells how fast the machine was just then.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import itertools
import sys
import tempfile
import threading
import time
import timeit
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from payseal.ledger import Ledger, Outcome, grouping, open_ledger  # noqa: E402
from payseal.ledger.grouping import GroupedLedger  # noqa: E402

TTL = 600.0
Names = Callable[[], str]


def names() -> Names:
    """Ids that nobody has claimed."""
    prefix, numbers = uuid.uuid4().hex, itertools.count()
    return lambda: f"{prefix}-{next(numbers)}"


def digest_time() -> float:
    """Microseconds that HMAC-SHA256 of 256 bytes takes, the least of some."""
    return min(timeit.repeat(lambda: hmac.digest(b"key", bytes(256), "sha256"), number=5000, repeat=5)) / 5000 * 1e6


def with_threads(ledger: Ledger, callers: int, seconds: float) -> float:
    """Claims a second."""
    counts: list[int] = []
    name, end = names(), time.perf_counter() + seconds

    def call() -> None:
        count = 0
        while time.perf_counter() < end:
            assert ledger.claim("bench", name(), b"f" * 32, TTL).outcome is Outcome.FRESH
            count += 1
        counts.append(count)

    began = time.perf_counter()
    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def with_tasks(ledger: Ledger, callers: int, seconds: float) -> float:
    """Claims a second."""
    if not isinstance(ledger, GroupedLedger):
        return with_threads(ledger, 1, seconds)  # it is called directly, whoever calls
    name, end = names(), time.perf_counter() + seconds

    async def call() -> int:
        count = 0
        while time.perf_counter() < end:
            claim = await ledger.awaited(ledger.claim_soon("bench", name(), b"f" * 32, TTL))
            assert claim.outcome is Outcome.FRESH
            count += 1
        return count

    async def run() -> float:
        began = time.perf_counter()
        counts = await asyncio.gather(*(call() for _ in range(callers)))
        return sum(counts) / (time.perf_counter() - began)

    return asyncio.run(run())


def url_of(name: str, stack: ExitStack) -> str:
    """The URL of a ledger that lives as long as the stack."""
    if name == "memory":
        return "memory://"
    if name == "sqlite":
        return f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/ledger.db"
    if name in ("postgresql", "valkey"):
        from tests.ledger import servers

        server = servers.PostgresServer() if name == "postgresql" else servers.ValkeyServer("--appendonly", "yes")
        stack.callback(server.close)
        return server.url
    return name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure")
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("ledgers", nargs="*", default=["memory", "sqlite", "postgresql", "valkey"], help="names or URLs")
    parser.add_argument("--group", type=int, default=grouping._GROUP, help="calls sent together at most; 1 shows what grouping is worth")
    given = parser.parse_args()
    setattr(grouping, "_GROUP", given.group)  # noqa: B010 - it is a constant to everybody else
    print(f"claims a second; {given.callers} callers where there are many")
    print(f"{'ledger':<12}{'alone':>10}{'threads':>10}{'tasks':>10}{'ratio':>8}{'hmac':>12}")
    for name in given.ledgers:
        with ExitStack() as stack:
            ledger = open_ledger(url_of(name, stack))
            stack.callback(ledger.close)
            with_threads(ledger, 4, 0.3)  # the first calls prepare statements
            hmac_before = digest_time()
            alone = with_threads(ledger, 1, given.seconds)
            threads = with_threads(ledger, given.callers, given.seconds)
            tasks = with_tasks(ledger, given.callers, given.seconds)
            shown = name.partition(":")[0]  # a URL may hold a password
            row = f"{shown:<12}{alone:>10,.0f}{threads:>10,.0f}{tasks:>10,.0f}{max(threads, tasks) / alone:>8.1f}"
            print(f"{row}{min(hmac_before, digest_time()):>9.2f} µs", flush=True)


if __name__ == "__main__":
    main()
