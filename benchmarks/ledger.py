"""Claims a second: each ledger with one caller, and with many who wait at once in one process. All in one run, on this machine.

    python benchmarks/ledger.py [--seconds 2] [--callers 64] [--more 256] [--group 512] [--json FILE] [memory sqlite postgresql valkey …]

``--group 1`` sends each call by itself.

A name stands for a server that the script starts itself, a URL for one that is there already (its claims stay behind, for ten minutes).
``alone`` is one thread that claims, waits, and claims again. ``threads`` are as many threads as there are callers, ``tasks`` as many
asyncio tasks: what the WSGI and the ASGI middleware do; ``more`` are tasks again, ``--more`` of them. ``ratio`` is the best of these by ``alone``. ``cpu`` is what a claim costs this
process with the tasks, in microseconds of processor time: other work on the machine shows in the other figures and hardly in it. The time of
one `hmac.digest`, measured beside it, tells how fast the machine was just then.

A ledger in memory keeps nobody waiting: it is called directly, from tasks too, and claims ids that were made before the clock started.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hmac
import itertools
import json
import platform
import sys
import tempfile
import threading
import time
import timeit
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from payseal.ledger import Ledger, MemoryLedger, Outcome, grouping, open_ledger  # noqa: E402
from payseal.ledger.grouping import GroupedLedger  # noqa: E402

TTL = 600.0
#: Claims of a ledger in memory for one figure, and how often it is taken: the median counts.
DIRECT, ROUNDS = 128_000, 9
Names = Callable[[], str]


@dataclass(frozen=True)
class Figures:
    """Of one ledger. Claims a second; ``cpu`` and ``hmac`` in microseconds."""

    ledger: str
    alone: float
    threads: float
    tasks: float
    more: float
    cpu: float
    hmac: float

    @property
    def ratio(self) -> float:
        """What many callers are worth."""
        return max(self.threads, self.tasks, self.more) / self.alone


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
    _together([call] * callers)
    return sum(counts) / (time.perf_counter() - began)


def with_tasks(ledger: GroupedLedger, callers: int, seconds: float) -> tuple[float, float]:
    """Claims a second, and microseconds of processor time for each."""
    name, end = names(), time.perf_counter() + seconds

    async def call() -> int:
        count = 0
        while time.perf_counter() < end:
            claim = await ledger.awaited(ledger.claim_soon("bench", name(), b"f" * 32, TTL))
            assert claim.outcome is Outcome.FRESH
            count += 1
        return count

    async def run() -> tuple[float, float]:
        began, used = time.perf_counter(), time.process_time()
        count = sum(await asyncio.gather(*(call() for _ in range(callers))))
        return count / (time.perf_counter() - began), (time.process_time() - used) / count * 1e6

    return asyncio.run(run())


def directly(callers: int) -> tuple[float, float]:
    """A new ledger in memory and so many threads: claims a second, and microseconds of processor time for each; medians."""
    rates, costs = [], []
    for _ in range(ROUNDS):
        ledger, name = MemoryLedger(), names()
        shares = [[name() for _ in range(DIRECT // callers)] for _ in range(callers)]

        def call(ids: list[str], claim: Callable[..., object] = ledger.claim) -> None:
            for each in ids:
                claim("bench", each, b"f" * 32, TTL)

        gc.collect()
        began, used = time.perf_counter(), time.process_time()
        if callers == 1:
            call(shares[0])
        else:
            _together([lambda ids=ids: call(ids) for ids in shares])  # type: ignore[misc]
        took, used = time.perf_counter() - began, time.process_time() - used
        assert ledger.size == sum(map(len, shares))
        rates.append(ledger.size / took)
        costs.append(used / ledger.size * 1e6)
    return sorted(rates)[ROUNDS // 2], sorted(costs)[ROUNDS // 2]


def _together(calls: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def url_of(name: str, stack: ExitStack) -> str:
    """The URL of a ledger that lives as long as the stack."""
    if name == "sqlite":
        return f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/ledger.db"
    if name in ("postgresql", "valkey"):
        from tests import servers

        server = servers.PostgresServer() if name == "postgresql" else servers.ValkeyServer("--appendonly", "yes")
        stack.callback(server.close)
        return server.url
    return name


def measured(name: str, callers: int, more: int, seconds: float) -> Figures:
    """All figures of one ledger."""
    before = digest_time()
    if name in ("memory", "memory://"):
        (alone, cpu), (threads, _) = directly(1), directly(callers)
        return Figures("memory", alone, threads, alone, alone, cpu, min(before, digest_time()))
    with ExitStack() as stack:
        ledger = open_ledger(url_of(name, stack))
        assert isinstance(ledger, GroupedLedger)
        stack.callback(ledger.close)
        with_threads(ledger, 4, 0.3)  # the first calls prepare statements
        alone = with_threads(ledger, 1, seconds)
        threads = with_threads(ledger, callers, seconds)
        tasks, cpu = with_tasks(ledger, callers, seconds)
        with_more, _ = with_tasks(ledger, more, seconds)
        shown = name.partition(":")[0]  # a URL may hold a password
        return Figures(shown, alone, threads, tasks, with_more, cpu, min(before, digest_time()))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure")
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--more", type=int, default=256)
    parser.add_argument("ledgers", nargs="*", default=["memory", "sqlite", "postgresql", "valkey"], help="names or URLs")
    parser.add_argument("--group", type=int, default=grouping._GROUP, help="calls sent together at most; 1 shows what grouping is worth")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args(argv)
    setattr(grouping, "_GROUP", given.group)  # noqa: B010 - it is a constant to everybody else
    print(
        f"claims a second; {given.callers} callers where there are many, {given.more} where there are more; Python {platform.python_version()}"
    )
    print(f"{'ledger':<12}{'alone':>10}{'threads':>10}{'tasks':>10}{'more':>10}{'ratio':>8}{'cpu':>11}{'hmac':>11}")
    rows = []
    for name in given.ledgers:
        row = measured(name, given.callers, given.more, given.seconds)
        rows.append({**asdict(row), "ratio": row.ratio})
        claims = f"{row.alone:>10,.0f}{row.threads:>10,.0f}{row.tasks:>10,.0f}{row.more:>10,.0f}"
        print(f"{row.ledger:<12}{claims}{row.ratio:>8.1f}{row.cpu:>8.1f} µs{row.hmac:>8.2f} µs", flush=True)
    if given.json is not None:
        settings = {
            "callers": given.callers,
            "more": given.more,
            "seconds": given.seconds,
            "group": given.group,
            "python": platform.python_version(),
        }
        given.json.write_text(json.dumps({"unit": "claims a second; cpu and hmac in µs", **settings, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
