"""The ledger in a file: several processes, crashes, locks, forks, and files that are something else."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

import pytest

from payseal import LedgerError
from payseal.ledger import Answer, Outcome, SQLiteLedger
from tests.clock import Clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


# --- several processes -------------------------------------------------------------------------------------------------------

_RACE = """
import sys
from payseal.ledger import SQLiteLedger, Outcome
ledger = SQLiteLedger(sys.argv[1], timeout=20)
print("ready", flush=True)
sys.stdin.readline()
fresh = []
for number in range(300):
    claim = ledger.claim("s", str(number), b"f", 600)
    if claim.outcome is Outcome.FRESH:
        assert claim.complete()
        fresh.append(number)
print(*fresh)
"""


def test_of_several_processes_exactly_one_is_fresh_for_each_id(path: Path) -> None:
    # They also create the file at the same time.
    workers = [
        subprocess.Popen([sys.executable, "-c", _RACE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    fresh = [number for worker in workers for number in worker.communicate()[0].split()]
    assert [worker.returncode for worker in workers] == [0] * 4
    assert Counter(fresh) == {str(number): 1 for number in range(300)}


def test_a_file_that_many_create_at_once_is_a_ledger_for_each_of_them(tmp_path: Path) -> None:
    """Seen once: between the look at the file's mark and the look at its tables another process had made it a ledger."""
    failures: list[Exception] = []

    def create(path: Path, barrier: threading.Barrier) -> None:
        barrier.wait()
        try:
            SQLiteLedger(path, timeout=20).close()
        except LedgerError as error:
            failures.append(error)

    for number in range(20):
        barrier = threading.Barrier(6)
        threads = [threading.Thread(target=create, args=(tmp_path / f"{number}.db", barrier)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


def test_a_process_killed_at_work_leaves_a_claim_that_is_neither_lost_nor_repeated(path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from payseal.ledger import SQLiteLedger\n"
        "SQLiteLedger(sys.argv[1]).claim('s', 'id', b'f', 600, lease=60)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -signal.SIGKILL
    ledger = SQLiteLedger(path)
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.IN_FLIGHT
    ledger.close()
    later = SQLiteLedger(path, clock=lambda: time.time() + 61)
    assert later.claim("s", "id", b"f", 600).outcome is Outcome.UNKNOWN
    assert later.claim("s", "id", b"f", 600, redo=True).outcome is Outcome.FRESH
    later.close()


def test_it_is_all_still_there_after_a_restart(path: Path, clock: Clock) -> None:
    first = SQLiteLedger(path, clock=clock)
    first.claim("s", "id", b"f", 600).complete(Answer(200, body=b"kept"))
    first.close()
    second = SQLiteLedger(path, clock=clock)
    assert second.claim("s", "id", b"f", 600).answer == Answer(200, body=b"kept")
    second.close()


def test_a_claim_may_be_settled_through_another_connection(path: Path, clock: Clock) -> None:
    one, other = SQLiteLedger(path, clock=clock), SQLiteLedger(path, clock=clock)
    assert other.complete(one.claim("s", "id", b"f", 600), Answer(200))
    assert one.claim("s", "id", b"f", 600).outcome is Outcome.DONE
    one.close()
    other.close()


# --- fork --------------------------------------------------------------------------------------------------------------------


# Newer Pythons warn of what these tests are about.
forks = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


@forks
def test_a_forked_worker_uses_a_connection_of_its_own(path: Path) -> None:
    ledger = SQLiteLedger(path)
    ledger.claim("s", "parent", b"f", 600)
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def child() -> None:
        claims = [ledger.claim("s", each, b"f", 600) for each in ("parent", "child")]
        answers.put(([claim.outcome.value for claim in claims], claims[1].complete(), ledger._pid == os.getpid()))

    worker = context.Process(target=child)
    worker.start()
    found = answers.get()
    worker.join(10)
    assert worker.exitcode == 0
    assert found == (["in-flight", "fresh"], True, True)
    assert ledger.claim("s", "child", b"f", 600).outcome is Outcome.DONE
    ledger.close()


@forks
@pytest.mark.alone
def test_a_fork_waits_for_the_transaction_of_another_thread(path: Path) -> None:
    ledger = SQLiteLedger(path, timeout=30)  # a busy machine is no dead lock
    stop = threading.Event()

    def busy() -> None:
        number = 0
        while not stop.wait(0.001):
            ledger.claim("s", f"busy-{number}", b"f", 600)
            number += 1

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        codes = []
        for number in range(5):
            child = os.fork()
            if child == 0:
                fresh = False
                try:
                    fresh = ledger.claim("s", f"child-{number}", b"f", 600).outcome is Outcome.FRESH
                except BaseException:
                    os.write(2, traceback.format_exc().encode())
                finally:
                    os._exit(0 if fresh else 1)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    finally:
        stop.set()
        thread.join()
    assert codes == [0] * 5
    assert [ledger.claim("s", f"child-{number}", b"f", 600).outcome for number in range(5)] == [Outcome.IN_FLIGHT] * 5
    ledger.close()


def test_a_fork_without_hooks_is_noticed_by_the_process_id(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = SQLiteLedger(path)
    inherited = ledger._connection
    monkeypatch.setattr(ledger, "_pid", -1)
    ledger._lock.acquire()  # by a thread that was not copied
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.FRESH
    assert ledger._connection is not inherited
    assert inherited is not None
    inherited.close()
    ledger.close()


# --- locks, time-outs, recovery ----------------------------------------------------------------------------------------------


def test_a_locked_file_is_an_error_within_the_timeout_and_then_works_again(path: Path) -> None:
    ledger = SQLiteLedger(path, timeout=0.3)
    claim = ledger.claim("s", "before", b"f", 600)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for call in (lambda: ledger.claim("s", "id", b"f", 600), claim.complete, claim.release):
        began = time.monotonic()
        with pytest.raises(LedgerError, match="locked"):
            call()
        assert 0.2 < time.monotonic() - began < 1.5
    other.execute("ROLLBACK")
    other.close()
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.FRESH
    assert claim.complete()
    ledger.close()


def test_threads_that_wait_for_one_another_wait_no_longer_than_the_timeout(path: Path) -> None:
    ledger = SQLiteLedger(path, timeout=0.3)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits: list[float] = []

    def wait() -> None:
        began = time.monotonic()
        with pytest.raises(LedgerError):
            ledger.claim("s", "id", b"f", 600)
        waits.append(time.monotonic() - began)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert len(waits) == 4
    assert max(waits) < 1.5
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.FRESH
    ledger.close()


def test_a_connection_that_broke_is_replaced(path: Path) -> None:
    ledger = SQLiteLedger(path)
    assert ledger._connection is not None
    ledger._connection.close()  # as good as any other way to break it
    with pytest.raises(LedgerError):
        ledger.claim("s", "id", b"f", 600)
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.FRESH
    ledger.close()


def test_a_file_that_was_moved_away_is_not_written_to_any_more(path: Path) -> None:
    ledger = SQLiteLedger(path)
    for name in os.listdir(path.parent):
        os.remove(path.parent / name)
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.FRESH
    other = SQLiteLedger(path)
    assert other.claim("s", "id", b"f", 600).outcome is Outcome.IN_FLIGHT
    ledger.close()
    other.close()


def test_a_closed_ledger_opens_again(path: Path) -> None:
    ledger = SQLiteLedger(path)
    ledger.close()
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.FRESH
    ledger.close()


# --- the file ----------------------------------------------------------------------------------------------------------------


def test_only_its_owner_can_read_it(path: Path) -> None:
    ledger = SQLiteLedger(path)
    ledger.claim("s", "id", b"f", 600)
    modes = {name: stat.S_IMODE((path.parent / name).stat().st_mode) for name in os.listdir(path.parent)}
    assert set(modes) == {"ledger.db", "ledger.db-wal", "ledger.db-shm"}
    assert set(modes.values()) == {0o600}
    ledger.close()


def test_claims_are_on_the_disk_before_the_work_begins(path: Path) -> None:
    ledger = SQLiteLedger(path)
    assert ledger._connection is not None
    assert ledger._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert ledger._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    ledger.close()


def test_expired_rows_leave_a_few_a_claim_and_the_file_stops_growing(path: Path, clock: Clock) -> None:
    ledger = SQLiteLedger(path, clock=clock)
    pages: list[int] = []
    for number in range(600):
        clock.now += 1
        ledger.claim("s", str(number), b"f", 50).complete(Answer(200, body=b"x" * 2000))
        assert ledger._connection is not None
        rows = ledger._connection.execute("SELECT count(*) FROM claims").fetchone()[0]
        assert rows <= 51
        pages.append(ledger._connection.execute("PRAGMA page_count").fetchone()[0])
    assert pages[-1] <= pages[150] + 2
    assert ledger._connection is not None
    plan = " ".join(
        str(row) for row in ledger._connection.execute("EXPLAIN QUERY PLAN SELECT rowid FROM claims WHERE expires <= 0 ORDER BY expires")
    )
    assert "claims_expires" in plan
    ledger.close()


def test_a_backlog_of_expired_rows_is_cleared_in_batches(path: Path, clock: Clock) -> None:
    ledger = SQLiteLedger(path, clock=clock)
    for number in range(100):
        ledger.claim("s", str(number), b"f", 50)
    clock.now += 51
    left = []
    for number in range(20):
        ledger.claim("s", f"new-{number}", b"f", 50)
        assert ledger._connection is not None
        left.append(ledger._connection.execute("SELECT count(*) FROM claims WHERE id NOT LIKE 'new-%'").fetchone()[0])
    assert left[:3] == [92, 84, 76]
    assert left[-1] == 0
    ledger.close()


def test_a_missing_directory_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"there is no directory .*missing: create it"):
        SQLiteLedger(tmp_path / "missing" / "ledger.db")


def test_a_directory_is_not_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerError):
        SQLiteLedger(tmp_path)


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to look at" * 40, b"SQLite format 3\0" + b"\xff" * 5000], ids=["text", "damaged"]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="ledger"):
        SQLiteLedger(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE claims (mine TEXT)")
    other.commit()
    other.close()
    content = path.read_bytes()
    with pytest.raises(LedgerError, match="of its own"):
        SQLiteLedger(path)
    assert path.read_bytes() == content


def test_a_file_of_another_version_is_refused(path: Path) -> None:
    SQLiteLedger(path).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(LedgerError, match="another version"):
        SQLiteLedger(path)


def test_a_file_that_is_damaged_while_in_use_is_an_error(path: Path) -> None:
    ledger = SQLiteLedger(path)
    ledger.claim("s", "id", b"f", 600).complete(Answer(200, body=b"x" * 10_000))
    ledger.close()
    with path.open("r+b") as stream:
        stream.seek(100)
        stream.write(b"\xff" * 20_000)
    for _ in range(2):
        with pytest.raises(LedgerError):
            ledger.claim("s", "id", b"f", 600)
    ledger.close()


def test_a_stored_answer_that_cannot_be_read_is_an_error(path: Path) -> None:
    ledger = SQLiteLedger(path)
    ledger.claim("s", "id", b"f", 600).complete(Answer(200))
    assert ledger._connection is not None
    ledger._connection.execute("UPDATE claims SET headers = '[1'")
    with pytest.raises(LedgerError, match="damaged"):
        ledger.claim("s", "id", b"f", 600)
    ledger.close()


def test_a_scope_that_is_not_text_is_an_error(path: Path) -> None:
    ledger = SQLiteLedger(path)
    with pytest.raises(LedgerError, match="not text"):
        ledger.claim("\ud800", "id", b"f", 600)
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.FRESH
    ledger.close()
