"""What holds on every ledger that processes share: races, crashes, forks, and stores that do not grow."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import psycopg
import pytest

from payseal import LedgerError
from payseal.ledger import Answer, Outcome, PostgreSQLLedger, open_ledger
from payseal.ledger.grouping import GroupedLedger
from tests.clock import Clock
from tests.servers import PostgresServer

_RACE = """
import queue, sys, threading
from payseal.ledger import Outcome, open_ledger
ledger = open_ledger(sys.argv[1])
ledger.timeout = ledger.patience = 60
ids, fresh, failed = queue.SimpleQueue(), [], []
for number in range(2000):
    ids.put(number)
def race():
    try:
        while True:
            number = ids.get_nowait()
            claim = ledger.claim("s", str(number), b"f", 600)
            if claim.outcome is Outcome.FRESH:
                assert claim.complete()
                fresh.append(number)
            else:
                assert claim.outcome in (Outcome.IN_FLIGHT, Outcome.DONE)
    except queue.Empty:
        pass
    except BaseException as error:
        failed.append(error)
        raise
print("ready", flush=True)
sys.stdin.readline()
threads = [threading.Thread(target=race) for _ in range(32)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
ledger.close()
print(*fresh)
sys.exit(bool(failed))
"""


def test_of_8_processes_with_2000_claims_each_exactly_one_is_fresh_for_each_id(url: str) -> None:
    # They also make the file or the table at the same time.
    command = [sys.executable, "-c", _RACE, url]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        fresh = [number for worker in workers for number in worker.communicate()[0].split()]
        assert [worker.returncode for worker in workers] == [0] * 8
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert Counter(fresh) == {str(number): 1 for number in range(2000)}


def test_a_table_that_many_make_at_once_is_a_ledger_for_each_of_them(postgres: PostgresServer) -> None:
    """Seen once: who had looked for the table before it was there still did not see it after waiting for its turn to make it."""
    failures: list[Exception] = []

    def make(barrier: threading.Barrier) -> None:
        barrier.wait()
        try:
            PostgreSQLLedger(postgres.url, timeout=20).close()
        except LedgerError as error:
            failures.append(error)

    for _ in range(8):
        postgres.execute("DROP TABLE IF EXISTS payseal_claims")
        barrier = threading.Barrier(6)
        threads = [threading.Thread(target=make, args=(barrier,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


def test_a_table_that_is_something_else_is_refused_and_left_alone(postgres: PostgresServer) -> None:
    postgres.execute("DROP TABLE IF EXISTS payseal_claims", "CREATE TABLE payseal_claims (mine text)")
    try:
        with pytest.raises(LedgerError, match="not this version's"):
            PostgreSQLLedger(postgres.url)
        assert postgres.execute("SELECT * FROM payseal_claims") == []
    finally:
        postgres.execute("DROP TABLE payseal_claims")


def test_a_process_killed_between_claim_and_complete_leaves_a_claim_that_is_neither_lost_nor_repeated(url: str) -> None:
    script = (
        "import os, signal, sys\n"
        "from payseal.ledger import open_ledger\n"
        "open_ledger(sys.argv[1]).claim('s', 'id', b'f', 600, lease=60)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, url], check=False).returncode == -signal.SIGKILL
    ledger = open_ledger(url)
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.IN_FLIGHT
    ledger.close()
    later = open_ledger(url, clock=lambda: time.time() + 61)
    assert later.claim("s", "id", b"f", 600).outcome is Outcome.UNKNOWN
    assert later.claim("s", "id", b"f", 600, redo=True).outcome is Outcome.FRESH
    later.close()


def test_a_process_killed_in_the_middle_of_many_leaves_each_claim_whole(url: str) -> None:
    script = (
        "import os, sys, threading\n"
        "from payseal.ledger import Answer, open_ledger\n"
        "ledger = open_ledger(sys.argv[1])\n"
        "def work(name):\n"
        "    for number in range(100_000):\n"
        "        ledger.claim('s', f'{name}-{number}', b'f', 600).complete(Answer(200, body=b'paid' * 50))\n"
        "        os.write(1, f'{name}-{number}\\n'.encode())\n"
        "for name in 'abcd':\n"
        "    threading.Thread(target=work, args=name).start()\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", script, url], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    told = [worker.stdout.readline().strip() for _ in range(60)]
    worker.kill()
    told += worker.stdout.read().splitlines()
    worker.wait()
    worker.stdout.close()
    ledger = open_ledger(url)
    for name in told[-30:]:  # whoever was told has not been told too much
        assert ledger.claim("s", name, b"f", 600).answer == Answer(200, body=b"paid" * 50)
    ledger.close()


def test_it_is_all_still_there_for_another_connection(url: str) -> None:
    one, other = open_ledger(url), open_ledger(url)
    assert other.complete(one.claim("s", "id", b"f", 600), Answer(200, body=b"kept"))
    assert one.claim("s", "id", b"f", 600).answer == Answer(200, body=b"kept")
    one.close()
    other.close()


def test_a_closed_ledger_opens_again(url: str) -> None:
    ledger = open_ledger(url)
    assert isinstance(ledger, GroupedLedger)
    ledger.claim("s", "id", b"f", 600)
    ledger.close()
    assert ledger._grouping._thread is None
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.IN_FLIGHT
    ledger.close()


# Newer Pythons warn of what this test is about.
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_forked_workers_claim_over_connections_of_their_own(url: str) -> None:
    ledger = open_ledger(url)
    ledger.claim("s", "parent", b"f", 600)
    stop = threading.Event()

    def busy() -> None:
        number = 0
        while not stop.is_set():
            ledger.claim("s", f"busy-{number}", b"f", 600)
            number += 1

    thread = threading.Thread(target=busy)
    thread.start()
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def child(number: int) -> None:
        claims = [ledger.claim("s", each, b"f", 600) for each in ("parent", f"child-{number}")]
        answers.put(([claim.outcome.value for claim in claims], claims[1].complete()))

    try:
        workers = [context.Process(target=child, args=(number,)) for number in range(4)]
        for worker in workers:
            worker.start()
        found = [answers.get() for _ in workers]
        for worker in workers:
            worker.join(10)
    finally:
        stop.set()
        thread.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert found == [(["in-flight", "fresh"], True)] * 4
    assert [ledger.claim("s", f"child-{number}", b"f", 600).outcome for number in range(4)] == [Outcome.DONE] * 4
    ledger.close()


def test_callers_who_claim_at_the_same_moment_share_a_group(url: str) -> None:
    ledger = open_ledger(url)
    assert isinstance(ledger, GroupedLedger)
    sizes: list[int] = []
    run = ledger._grouping._run

    def counted(jobs: list[object], deadline: float) -> None:
        sizes.append(len(jobs))
        run(jobs, deadline)  # type: ignore[arg-type]

    ledger._grouping._run = counted  # type: ignore[assignment]
    futures = [ledger.claim_soon("s", str(number % 100), b"f", 600, redo=number % 2 == 0) for number in range(400)]
    outcomes = Counter(future.result(10).outcome for future in futures)
    assert outcomes == {Outcome.FRESH: 100, Outcome.IN_FLIGHT: 300}
    assert sum(sizes) == 400
    assert len(sizes) < 40
    ledger.close()


def test_a_claim_settled_twice_in_one_group_is_settled_once(url: str) -> None:
    ledger = open_ledger(url)
    assert isinstance(ledger, GroupedLedger)
    for settle in (ledger.complete_soon, ledger.release_soon):
        claims = [ledger.claim("s", f"{settle.__name__}-{number}", b"f", 600) for number in range(20)]
        told = [[settle(claim), settle(claim)] for claim in claims]
        assert [sorted(future.result(10) for future in each) for each in told] == [[False, True]] * 20
    ledger.close()


def test_groups_that_overlap_in_another_order_do_not_block_each_other(url: str) -> None:
    ledgers = [open_ledger(url) for _ in range(4)]
    found: Counter[str] = Counter()
    failures: list[BaseException] = []

    def work(number: int) -> None:
        ledger = ledgers[number]
        assert isinstance(ledger, GroupedLedger)
        ids = [str(each) for each in range(60)]
        if number % 2:
            ids.reverse()
        try:
            for _ in range(8):
                claims = [future.result(20) for future in [ledger.claim_soon("s", each, b"f", 600, lease=0, redo=True) for each in ids]]
                mine = [claim for claim in claims if claim.outcome is Outcome.FRESH]
                released = [future.result(20) for future in [ledger.release_soon(claim) for claim in reversed(mine)]]
                found.update(str(each) for each in released)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert found["True"] > 0
    for ledger in ledgers:
        ledger.close()


def test_stats_count_each_id_once_by_its_state(url: str, clock: Clock) -> None:
    ledger = open_ledger(url, clock=clock)
    for number in range(7):
        ledger.claim("s", f"over-{number}", b"f", 10)
    clock.now += 11
    ledger.claim("s", "left", b"f", 600, lease=1)
    clock.now += 2
    for number in range(3):
        ledger.claim("s", f"held-{number}", b"f", 600)
    for number in range(4):
        ledger.claim("s", f"done-{number}", b"f", 600).complete(Answer(200, body=b"paid"))
    stats = ledger.stats()
    assert (stats.in_flight, stats.unknown, stats.done) == (3, 1, 4)
    assert stats.expired <= 7
    assert stats.total == 8 + stats.expired
    assert stats.size is not None
    assert stats.size > 1000
    ledger.close()


def vacuum(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM payseal_claims")


@pytest.mark.parametrize("many", [int(os.environ.get("PAYSEAL_TEST_CLAIMS", "12000"))])
def test_the_store_stops_growing(url: str, many: int) -> None:
    """Ids live for a twelfth of the test; with all of them claimed the store is as large as it was after a third."""
    clock, done = Clock(), 0
    # A server that takes ids out by its own clock is given a life in real time.
    real = url.startswith("valkey:")
    ledger = open_ledger(url) if real else open_ledger(url, clock=clock)
    assert isinstance(ledger, GroupedLedger)
    sizes, held, began = [], [], time.monotonic()
    while done < many:
        ttl = 1.0 if real else 100.0
        for future in [ledger.claim_soon("s", str(done + number), b"f", ttl) for number in range(500)]:
            assert future.result(20).outcome is Outcome.FRESH
        done += 500
        clock.now += 100 * 12 * 500 / many
        if real:  # spread over 4 seconds, or as long as it takes
            time.sleep(max(0.0, began + 4 * done / many - time.monotonic()))
        if done % (many // 12) < 500:
            if url.startswith("postgresql:"):
                vacuum(url)  # what autovacuum does, which comes by once a minute
            stats = ledger.stats()
            sizes.append(stats.size or 0)
            held.append(stats.total)
    print(f"{url.partition(':')[0]}: {many} claims in {time.monotonic() - began:.1f} s, held {held}, bytes {sizes}")
    assert max(held) <= many / 2
    assert held[-1] <= max(held[:5]) * 1.2 + 500
    assert sizes[-1] <= max(sizes[:5]) * 1.35 + 100_000
    ledger.close()
