"""A ledger in one SQLite file: shared by every thread and process of one machine, and still there after a crash.

SQLite allows one writer at a time, so each process keeps one connection; a second one would only wait in another place. What threads ask
for at the same moment is one transaction, which holds the write lock from its first read on, and one write to the disk.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from payseal.errors import LedgerError
from payseal.ledger import rules
from payseal.ledger.grouping import ClaimJob, CompleteJob, GroupedLedger, Job, ReleaseJob
from payseal.ledger.packing import packed_headers, unpacked
from payseal.ledger.protocol import Claim, Outcome, fresh
from payseal.ledger.rules import Entry
from payseal.ledger.stats import Stats

__all__ = ["SQLiteLedger"]

_T = TypeVar("_T")

#: Tells a ledger's file from another program's (PRAGMA application_id): "psld".
_APPLICATION: Final = 0x70736C64
_VERSION: Final = 1
#: Expired ids that are deleted at most for each that is claimed. It inserts one, so that the file stops growing.
_BATCH: Final = 8
#: Rows in one statement. Six values each, and an old SQLite takes 999.
_LENGTHS: Final = (160, 40, 8, 1)
#: Seconds between two attempts to open a file that others are opening too.
_PAUSE: Final = 0.01

_TABLES: Final = (
    """CREATE TABLE claims (
        scope TEXT NOT NULL,
        id TEXT NOT NULL,
        fingerprint BLOB NOT NULL,
        holder TEXT NOT NULL,
        expires REAL NOT NULL,
        lease_ends REAL NOT NULL,
        done INTEGER NOT NULL DEFAULT 0,
        status INTEGER,
        headers TEXT,
        body BLOB,
        PRIMARY KEY (scope, id)
    )""",
    "CREATE INDEX claims_expires ON claims (expires)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)
# All rows of a group are looked up by one statement and written by another: each statement lets go of the interpreter's lock, and has to
# wait for it behind every thread that has something to do.
_FIND: Final = """WITH asked (scope, id) AS (VALUES {})
    SELECT scope, id, fingerprint, holder, expires, lease_ends, done, status, headers, body FROM asked CROSS JOIN claims USING (scope, id)"""
_PUT: Final = "INSERT OR REPLACE INTO claims (scope, id, fingerprint, holder, expires, lease_ends) VALUES {}"
_HELD: Final = "WHERE scope = ? AND id = ? AND holder = ? AND done = 0 AND expires > ?"
_COMPLETE: Final = f"UPDATE claims SET done = 1, status = ?, headers = ?, body = ?, expires = max(expires, ?) {_HELD}"  # noqa: S608
_RELEASE: Final = f"DELETE FROM claims {_HELD}"  # noqa: S608
_LEAVING: Final = "SELECT rowid, expires FROM claims WHERE expires <= ? ORDER BY expires LIMIT ?"
_FORGET: Final = f"DELETE FROM claims WHERE rowid IN (SELECT rowid FROM ({_LEAVING}))"  # noqa: S608
_LATEST: Final = f"SELECT max(expires) FROM ({_LEAVING})"  # noqa: S608
# What was made before this table was is given it when it is opened.
_FORGOTTEN: Final = "CREATE TABLE IF NOT EXISTS forgotten (one INTEGER PRIMARY KEY CHECK (one = 1), until REAL NOT NULL)"
_UNTIL: Final = "SELECT until FROM forgotten"
_REMEMBER: Final = "INSERT INTO forgotten VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET until = max(until, excluded.until)"


class SQLiteLedger(GroupedLedger):
    """Remembers in a file, which is created (readable by its owner alone) when it is not there. Not for network file systems.

    ``clock`` gives seconds since the epoch. ``timeout`` (seconds) is how long a call waits for its turn before it raises `LedgerError`.
    After an error the next call opens the file afresh: nothing needs to be restarted. Raises `LedgerError` when the file cannot be
    opened or is not a ledger.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.time, timeout: float = 5.0) -> None:
        name = os.fspath(path)
        if not name or name == ":memory:" or "\0" in name:
            raise LedgerError("a SQLite ledger needs the path of a file; for one in memory use memory://")
        super().__init__(clock, rules.check_timeout(timeout))
        self._path = os.path.abspath(name)  # the process may change its directory
        self._now = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._pid = os.getpid()
        with self._transaction(self._deadline()):
            pass  # a wrong path is better known now than at the first request
        with _registry_lock:
            _registry.add(self)

    def __repr__(self) -> str:
        return f"<SQLiteLedger {self._path!r}>"

    def close(self) -> None:
        """Let go of the file. A later call opens it again."""
        self._grouping.close()
        self._leave_parent()
        with self._lock:
            self._disconnect()

    def _run(self, jobs: list[Job], deadline: float) -> None:
        results: dict[Job, object] = {}
        with self._transaction(deadline) as connection:
            at = rules.now(self._now)  # read in here: a time from before the wait would be too early
            for job in jobs:
                if not isinstance(job, ClaimJob):
                    results[job] = _result(connection, job, at)
            self._claim(connection, [job for job in jobs if isinstance(job, ClaimJob)], at, results)
        for job, result in results.items():  # not before it is on the disk
            if isinstance(result, LedgerError):
                job.fail(result)
            else:
                job.give(result)

    def _claim(self, connection: sqlite3.Connection, jobs: list[ClaimJob], at: float, results: dict[Job, object]) -> None:
        if jobs and (row := connection.execute(_UNTIL).fetchone()) is not None and (doubt := rules.forgotten(at, row[0])):
            results.update((job, LedgerError(f"{self._path}: {doubt}")) for job in jobs)
            return
        entries: dict[tuple[str, str], Entry | LedgerError] = {}
        names = list({(job.scope, job.id): None for job in jobs})
        for part in _parts(names):
            found = connection.execute(_FIND.format(_rows(2, len(part))), [each for name in part for each in name])
            entries.update(((row[0], row[1]), _entry(row[2:])) for row in found)
        new: dict[tuple[str, str], Entry] = {}
        over = [entry.expires for entry in entries.values() if isinstance(entry, Entry) and entry.expires <= at]
        if over:  # about to be replaced, and what they held is forgotten with them
            connection.execute(_REMEMBER, (max(over),))
        for job in jobs:
            name = (job.scope, job.id)
            entry = entries.get(name)
            if isinstance(entry, LedgerError):  # one stored answer that cannot be read is not the others' fault
                results[job] = entry
                continue
            outcome = rules.found(entry, job.fingerprint, at, redo=job.redo)
            if outcome is Outcome.FRESH:
                expires = at + job.ttl if entry is None else max(entry.expires, at + job.ttl)
                new[name] = entries[name] = Entry(job.fingerprint, job.holder, expires, at + job.lease)
                results[job] = fresh(self, job.scope, job.id, job.holder)
            else:
                results[job] = Claim(self, job.scope, job.id, outcome, entry.answer if entry and outcome is Outcome.DONE else None)
        puts = [(*name, put.fingerprint, put.holder, put.expires, put.lease_ends) for name, put in new.items()]
        for rows in _parts(puts):
            connection.execute(_PUT.format(_rows(6, len(rows))), [each for row in rows for each in row])
        if new:
            _forget(connection, at, _BATCH * len(new))

    @contextlib.contextmanager
    def _transaction(self, deadline: float) -> Iterator[sqlite3.Connection]:
        """One transaction, from its first read alone with the file. Whatever goes wrong in it rolls it back and drops the connection,
        since nobody knows what state that is in."""
        self._leave_parent()
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise LedgerError(f"{self._path}: others kept the ledger for more than {self.timeout:g} s")
        try:
            connection = self._connected(deadline)
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._disconnect()
            # SQLite's messages name tables and files, never the values that were passed.
            raise LedgerError(f"{self._path}: {error}") from None
        except BaseException:
            self._disconnect()
            raise
        finally:
            self._lock.release()

    def _connected(self, deadline: float) -> sqlite3.Connection:
        # A file that was moved away or deleted is still there for whoever holds it open: two processes would keep two ledgers.
        if self._connection is not None and _identity(self._path) != self._file:
            self._disconnect()
        if self._connection is None:
            self._connection = self._opened(deadline)
            self._file = _identity(self._path)
        self._connection.execute(f"PRAGMA busy_timeout = {_milliseconds_until(deadline)}")
        return self._connection

    def _opened(self, deadline: float) -> sqlite3.Connection:
        _create(self._path)
        while True:
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                connection.execute(f"PRAGMA busy_timeout = {_milliseconds_until(deadline)}")
                _prepare(connection, self._path)
            except BaseException as error:
                connection.close()
                # Turning WAL on does not wait its turn, whatever the time-out: workers that start at once meet here.
                if not _is_busy(error) or time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE)
            else:
                return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _leave_parent(self) -> None:
        """After a fork that ran no Python hooks (an embedding server's own): a connection must not be used, nor even closed, in
        another process than the one that opened it (sqlite.org/howtocorrupt.html, 2.6), so it is kept and forgotten."""
        if os.getpid() != self._pid:
            _inherited.append(self._connection)
            self._connection = None
            self._lock = threading.Lock()  # its owner may be a thread that does not exist here
            self._pid = os.getpid()

    def _suspend(self) -> None:
        self._lock.acquire()
        self._disconnect()

    def _resume(self) -> None:
        self._pid = os.getpid()
        self._lock.release()


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    """Make sure that this is a ledger, before anything is written to it. Raises `LedgerError`."""
    connection.execute("BEGIN")  # one moment for both: another process may be making it a ledger just now
    application = _pragma(connection, "application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    connection.execute("COMMIT")
    if application != _APPLICATION and (application or tables):
        raise LedgerError(f"{path}: is the database of something else: give the ledger a file of its own")
    if _pragma(connection, "journal_mode = WAL") != "wal":
        raise LedgerError(f"{path}: its file system cannot share memory between processes: put the ledger on a local disk")
    # FULL: a claim that a power cut undoes is a replay that is let in.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 4194304")
    if _pragma(connection, "user_version") == 0:
        connection.execute("BEGIN IMMEDIATE")
        if _pragma(connection, "user_version") == 0:  # else another process was faster
            for statement in _TABLES:
                connection.execute(statement)
        connection.execute("COMMIT")
    if _pragma(connection, "user_version") != _VERSION:
        raise LedgerError(f"{path}: was written by another version of payseal: use that version, or a new file")
    connection.execute(_FORGOTTEN)


def _pragma(connection: sqlite3.Connection, text: str) -> Any:
    return connection.execute(f"PRAGMA {text}").fetchone()[0]


def _create(path: str) -> None:
    """An empty file that only its owner can read, unless there is one. SQLite gives the files beside it the same mode.

    O_EXCL also keeps from opening a file that is in use: closing it again would drop every lock that this process has on it.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass
    except FileNotFoundError:
        raise LedgerError(f"{path}: there is no directory {os.path.dirname(path)}: create it, or give another path") from None
    except OSError as error:
        raise LedgerError(f"{path}: cannot be created: {error.strerror or type(error).__name__}") from None


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _milliseconds_until(deadline: float) -> int:
    return max(0, int((deadline - time.monotonic()) * 1000))


#: What ends by itself, when another has opened or closed the file: PROTOCOL is said after many tries to read who writes.
_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


def _is_busy(error: BaseException) -> bool:
    # The low byte is the kind of error, the rest says more.
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in _BUSY


def _result(connection: sqlite3.Connection, job: Job, at: float) -> object:
    if isinstance(job, CompleteJob):
        answer = job.answer
        kept = (None, None, None) if answer is None else (answer.status, packed_headers(answer), bytes(answer.body))
        held = (job.claim.scope, job.claim.id, job.claim.holder, at)
        return connection.execute(_COMPLETE, (*kept, at + job.ttl, *held)).rowcount == 1
    if isinstance(job, ReleaseJob):
        return connection.execute(_RELEASE, (job.claim.scope, job.claim.id, job.claim.holder, at)).rowcount == 1
    return _counted(connection, at)


def _forget(connection: sqlite3.Connection, at: float, most: int) -> None:
    """Take out ids that are over, the oldest first, and remember until when that holds: see `rules.forgotten`."""
    (latest,) = connection.execute(_LATEST, (at, most)).fetchone()
    if latest is not None:
        connection.execute(_REMEMBER, (latest,))
        connection.execute(_FORGET, (at, most))


def _parts(rows: list[_T]) -> Iterator[list[_T]]:
    """In parts of a few lengths, so that few statements are ever prepared."""
    start = 0
    for length in _LENGTHS:
        while len(rows) - start >= length:
            yield rows[start : start + length]
            start += length


def _rows(columns: int, count: int) -> str:
    return ", ".join([f"({', '.join('?' * columns)})"] * count)


def _entry(row: tuple[Any, ...]) -> Entry | LedgerError:
    fingerprint, holder, expires, lease_ends, done, status, headers, body = row
    try:
        return Entry(fingerprint, holder, expires, lease_ends, bool(done), unpacked(status, headers, body))
    except LedgerError as error:
        return error


def _counted(connection: sqlite3.Connection, at: float) -> Stats:
    held = connection.execute("SELECT expires, lease_ends, done FROM claims")
    return rules.counted(held, at, _pragma(connection, "page_count") * _pragma(connection, "page_size"))


# --- fork: no connection crosses it ------------------------------------------------------------------------------------------
#
# What SQLite knows of its locks is copied into the child and is not true there. So before a fork every ledger waits for its
# transaction to end and closes its connection; parent and child open their own when they next need one.

_registry: weakref.WeakSet[SQLiteLedger] = weakref.WeakSet()
_registry_lock = threading.Lock()
_held: list[SQLiteLedger] = []
_inherited: list[sqlite3.Connection | None] = []


def _before_fork() -> None:
    _registry_lock.acquire()
    for ledger in list(_registry):
        ledger._suspend()  # noqa: SLF001
        _held.append(ledger)


def _after_fork() -> None:
    while _held:
        _held.pop()._resume()  # noqa: SLF001
    if _registry_lock.locked():  # a server that forks by itself may have run this half alone
        _registry_lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
