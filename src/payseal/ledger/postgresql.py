"""A ledger in PostgreSQL: shared by any number of machines, and as durable as the database itself.

A group of claims is one statement, and each kind of statement takes its locks in the same order, by scope and id: groups that overlap
wait for one another and cannot block each other for ever. Each statement is its own transaction (autocommit, read committed).

``synchronous_commit`` is never below ``on``: a claim that a crash undoes is a replay that is let in. Connect directly or through a pooler
that keeps a session (PgBouncer: ``pool_mode = session``).
"""

from __future__ import annotations

import contextlib
import functools
import logging
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

from payseal.errors import LedgerError, MissingExtra
from payseal.ledger import rules
from payseal.ledger.grouping import ClaimJob, CompleteJob, Job, ReleaseJob, StatsJob
from payseal.ledger.packing import packed_headers, unpacked
from payseal.ledger.protocol import Claim, Outcome, fresh
from payseal.ledger.remote import Lost, RemoteLedger
from payseal.ledger.rules import Entry
from payseal.ledger.stats import Stats

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgreSQLLedger"]

_logger: Final = logging.getLogger("payseal")

_VERSION: Final = "payseal ledger, version 1"
#: The advisory lock under which the table is made: "psld".
_LOCK: Final = 0x70736C64
#: Expired ids that are deleted at most for each that is claimed, and the claims after which that is done. With fewer than two for one
#: the table would not shrink after a flood.
_BATCH: Final = 4
_EVERY: Final = 250
#: Bytes of scope and id together: what one row of an index can hold, with some to spare.
_LONGEST: Final = 2000
#: Bytes of answers that one statement stores, about.
_PORTION: Final = 16 * 1024 * 1024
#: How often a claim is tried against rows that come and go.
_ROUNDS: Final = 20

# bytea, since text has no NUL and its order depends on the locale. A row is rewritten when it is completed: the space left on each page
# lets the new version lie beside the old one, without a new entry in the indexes.
_TABLE: Final = f"""
CREATE TABLE payseal_claims (
    scope bytea NOT NULL,
    id bytea NOT NULL,
    fingerprint bytea NOT NULL,
    holder text NOT NULL,
    expires float8 NOT NULL,
    lease_ends float8 NOT NULL,
    done boolean NOT NULL DEFAULT false,
    status integer,
    headers text,
    body bytea,
    PRIMARY KEY (scope, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX payseal_claims_expires ON payseal_claims (expires);
COMMENT ON TABLE payseal_claims IS '{_VERSION}'
"""
# See `rules.forgotten`. What was made before this table was is given it when it is opened.
_FORGOTTEN: Final = "CREATE TABLE payseal_forgotten (one boolean PRIMARY KEY CHECK (one), until float8 NOT NULL)"

# A query of its own, so that it is answered once for each statement and not for each row.
_AT: Final = "(SELECT coalesce(%(at)s::float8, extract(epoch FROM statement_timestamp())::float8))"
_CLAIM: Final = f"""
WITH doubt AS (SELECT until, {_AT} AS at FROM payseal_forgotten WHERE until > {_AT} + {rules.STEP}), made AS (
INSERT INTO payseal_claims AS kept (scope, id, fingerprint, holder, expires, lease_ends)
SELECT scope, id, fingerprint, holder, {_AT} + ttl, {_AT} + lease
FROM unnest(%(scope)b::bytea[], %(id)b::bytea[], %(fingerprint)b::bytea[], %(holder)b::text[], %(ttl)b::float8[], %(lease)b::float8[])
    AS asked (scope, id, fingerprint, holder, ttl, lease)
WHERE NOT EXISTS (SELECT FROM doubt)
ORDER BY scope, id
ON CONFLICT (scope, id) DO UPDATE SET
    fingerprint = excluded.fingerprint, holder = excluded.holder, lease_ends = excluded.lease_ends,
    expires = greatest(kept.expires, excluded.expires), done = false, status = NULL, headers = NULL, body = NULL
WHERE %(over)s AND kept.expires <= {_AT}
    OR %(redo)s AND kept.fingerprint = excluded.fingerprint AND NOT kept.done AND kept.lease_ends <= {_AT}
RETURNING holder
)
SELECT holder, NULL::float8, NULL::float8 FROM made UNION ALL SELECT NULL, at, until FROM doubt
"""  # noqa: S608
_FIND: Final = f"""
SELECT scope, id, fingerprint, holder, expires, lease_ends, done, status, headers, body, {_AT}
FROM payseal_claims JOIN unnest(%(scope)b::bytea[], %(id)b::bytea[]) AS asked (scope, id) USING (scope, id)
"""  # noqa: S608
# Locked in order first: the order in which an UPDATE or a DELETE comes by its rows is nobody's to choose.
_HELD: Final = """held AS (
    SELECT scope, id FROM payseal_claims AS kept JOIN asked USING (scope, id) WHERE kept.holder = asked.holder
    ORDER BY scope, id FOR UPDATE OF kept
)"""
_ANSWERS: Final = f"""
WITH asked AS (
    SELECT * FROM unnest(%(scope)b::bytea[], %(id)b::bytea[], %(holder)b::text[], %(ttl)b::float8[], %(status)b::int4[], %(headers)b::text[],
        %(body)b::bytea[]) AS each (scope, id, holder, ttl, status, headers, body)
), {_HELD}"""  # noqa: S608
_UPDATE: Final = f"""
UPDATE payseal_claims AS kept SET
    done = true, status = asked.status, headers = asked.headers, body = asked.body, expires = greatest(kept.expires, {_AT} + asked.ttl)
FROM held JOIN asked USING (scope, id)
WHERE kept.scope = held.scope AND kept.id = held.id AND kept.holder = asked.holder AND kept.expires > {_AT} AND NOT kept.done
RETURNING kept.holder
"""  # noqa: S608
_COMPLETE: Final = _ANSWERS + _UPDATE
# Sent once more, it finds what was done the first time: that very answer. Both parts see the table as it was before the statement.
_COMPLETE_AGAIN: Final = f"""{_ANSWERS}, written AS ({_UPDATE})
SELECT holder FROM written UNION ALL
SELECT kept.holder FROM payseal_claims AS kept JOIN asked USING (scope, id)
WHERE kept.holder = asked.holder AND kept.expires > {_AT} AND kept.done
    AND (kept.status, kept.headers, kept.body) IS NOT DISTINCT FROM (asked.status, asked.headers, asked.body)
"""  # noqa: S608
_RELEASE: Final = f"""
WITH asked AS (
    SELECT * FROM unnest(%(scope)b::bytea[], %(id)b::bytea[], %(holder)b::text[]) AS each (scope, id, holder)
), {_HELD}
DELETE FROM payseal_claims AS kept USING held JOIN asked USING (scope, id)
WHERE kept.scope = held.scope AND kept.id = held.id AND kept.holder = asked.holder AND kept.expires > {_AT} AND NOT kept.done
RETURNING kept.holder
"""  # noqa: S608
_REPLACED: Final = """
INSERT INTO payseal_forgotten AS kept VALUES (true, %(until)s)
ON CONFLICT (one) DO UPDATE SET until = greatest(kept.until, excluded.until)
"""
# Rows that somebody is claiming again just now are left to them: nobody waits here, whatever the order.
_FORGET: Final = f"""
WITH gone AS (
    DELETE FROM payseal_claims WHERE ctid IN (
        SELECT ctid FROM payseal_claims WHERE expires <= {_AT} ORDER BY expires LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) RETURNING expires
)
INSERT INTO payseal_forgotten AS kept SELECT true, max(expires) FROM gone HAVING count(*) > 0
ON CONFLICT (one) DO UPDATE SET until = greatest(kept.until, excluded.until)
"""  # noqa: S608
_COUNT: Final = f"""
SELECT
    count(*) FILTER (WHERE expires > {_AT} AND NOT done AND lease_ends > {_AT}),
    count(*) FILTER (WHERE expires > {_AT} AND NOT done AND lease_ends <= {_AT}),
    count(*) FILTER (WHERE expires > {_AT} AND done),
    count(*) FILTER (WHERE expires <= {_AT}),
    pg_total_relation_size('payseal_claims')
FROM payseal_claims
"""  # noqa: S608


class PostgreSQLLedger(RemoteLedger):
    """Remembers in the table ``payseal_claims``, which is made when it is not there. PostgreSQL 12 or newer.

    ``url`` is what libpq takes: ``postgresql://user:password@host:port/database?sslmode=verify-full``. ``clock`` gives seconds since the
    epoch; without one the server's own clock counts. ``timeout`` (seconds) bounds each call, connecting included. Raises `LedgerError` when
    the server cannot be reached or the table is something else, and `MissingExtra`.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None, timeout: float = 5.0) -> None:
        super().__init__(clock, rules.check_timeout(timeout))
        try:
            import psycopg.conninfo
        except ImportError:
            raise MissingExtra("a ledger in PostgreSQL", "postgresql") from None
        try:
            settings = psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.Error:
            settings = None
        if settings is None:  # said outside, since the driver's own words repeat the URL, and with it the password
            raise LedgerError("a PostgreSQL ledger is postgresql://user:password@host:port/database")
        self._settings: dict[str, Any] = settings
        self._place = f"{settings.get('host', 'localhost')}/{settings.get('dbname', settings.get('user', ''))}"
        self._claimed = 0
        self._open()

    def __repr__(self) -> str:
        return f"<PostgreSQLLedger {self._place}>"

    def claim_soon(self, scope: str, id: str, fingerprint: bytes, ttl: float, *, lease: float = 60.0, redo: bool = False) -> Future[Claim]:
        if 4 * (len(scope) + len(id)) > _LONGEST:  # at most four bytes a character; one row too long would cost its whole group
            raise LedgerError("a scope or an id that is this long cannot be claimed")
        return super().claim_soon(scope, id, fingerprint, ttl, lease=lease, redo=redo)

    def _connect(self, deadline: float) -> Any:
        import psycopg

        seconds = max(2, int(deadline - time.monotonic()))  # libpq knows whole seconds, and no fewer than two
        settings = {"application_name": "payseal", **self._settings, "connect_timeout": seconds}
        connection = None
        try:
            connection = _connection_class().connect(**settings, autocommit=True)
            connection.deadline = deadline  # type: ignore[attr-defined]
            connection.adapters.register_dumper(_Array, _array_dumper())
            self._prepare(connection)
        except (psycopg.Error, LedgerError) as error:
            if connection is not None:
                self._disconnect(connection)
            raise LedgerError(self._said(error, deadline) if isinstance(error, psycopg.Error) else str(error)) from None
        return connection

    def _disconnect(self, connection: Any) -> None:
        with contextlib.suppress(Exception):
            connection.close()

    def _prepare(self, connection: psycopg.Connection[Any]) -> None:
        # The server gives up when this side does; what it would still do would be done for nobody.
        limit = max(1, int(self.timeout * 1000))
        connection.execute(
            "SELECT set_config('statement_timeout', %(limit)s, false), set_config('default_transaction_isolation', 'read committed', false), "
            "set_config('idle_in_transaction_session_timeout', %(limit)s, false)",
            {"limit": str(limit)},
        )
        # Every statement looks up rows by their key. A plan made while the table was small must not read all of it once it has grown.
        for plan in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin"):
            connection.execute("SELECT set_config(%s, 'off', false)", [plan])
        # remote_apply is more than on, and stays.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')"
        )
        if connection.execute("SELECT current_setting('fsync')").fetchone() != ("on",):
            _logger.warning("the ledger at %s forgets claims when its machine fails: set fsync to on", self._place)
        # Not to_regclass: what it once did not find it may go on not finding after another has made it.
        find = "SELECT obj_description(oid, 'pg_class') FROM pg_class WHERE relname = %s AND pg_table_is_visible(oid)"
        for name, definition in (("payseal_claims", _TABLE), ("payseal_forgotten", _FORGOTTEN)):
            if connection.execute(find, [name]).fetchone() is None:
                with connection.transaction():
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
                    if connection.execute(find, [name]).fetchone() is None:  # else another process was faster
                        connection.execute(definition)
        table = connection.execute(find, ["payseal_claims"]).fetchone()
        comment = table[0] if table else None
        if comment != _VERSION:
            raise LedgerError(f"{self._place}: payseal_claims is not this version's: use that version of payseal, or another database")

    def _send(self, jobs: list[Job], deadline: float, *, again: bool) -> None:
        import psycopg

        self._connection.deadline = deadline
        at = None if self._clock is None else rules.now(self._clock)
        try:
            self._release([job for job in jobs if isinstance(job, ReleaseJob)], at, again=again)
            for portion in _portions([job for job in jobs if isinstance(job, CompleteJob)]):
                self._complete(portion, at, again=again)
            for redo in (False, True):
                self._claim([job for job in jobs if isinstance(job, ClaimJob) and job.redo is redo], at, redo=redo)
            for job in jobs:
                if isinstance(job, StatsJob):
                    job.give(Stats(*self._rows(_COUNT, at=at)[0]))
            if self._claimed >= _EVERY:
                self._forget(at)
        except psycopg.Error as error:
            if self._connection.closed or time.monotonic() >= deadline:
                raise Lost(self._said(error, deadline), again=True) from None
            raise LedgerError(self._said(error, deadline)) from None

    def _claim(self, jobs: Sequence[ClaimJob], at: float | None, *, redo: bool) -> None:
        for turn in range(_ROUNDS):
            if not jobs:
                return
            # Of several claims on one id the first is sent, since a statement may touch a row only once; the others find what it left.
            first = {(job.scope, job.id): job for job in reversed(jobs)}
            made = set()
            for holder, now, until in self._rows(
                _CLAIM, at=at, redo=redo, over=turn > 0, **_names(first.values()), **_claims(first.values())
            ):
                if holder is None:
                    for job in jobs:
                        job.fail(LedgerError(f"{self._place}: {rules.forgotten(now, until)}"))
                    return
                made.add(holder)
            lost = []
            for job in jobs:
                if job.holder in made:
                    job.give(fresh(self, job.scope, job.id, job.holder))
                else:
                    lost.append(job)
            self._claimed += len(made)
            jobs = self._looked_up(lost, at) if lost else ()
        raise LedgerError(f"{self._place}: an id is claimed and released too often to say who has it")

    def _looked_up(self, jobs: Sequence[ClaimJob], at: float | None) -> list[ClaimJob]:
        """Tell those who came too late what they found; gives back those who found nothing any more."""
        names = _names({(job.scope, job.id): job for job in jobs}.values())
        entries = {(bytes(row[0]), bytes(row[1])): row[2:] for row in self._rows(_FIND, at=at, **names)}
        # What is over is replaced in the next round; what it held is forgotten with it, and that is said first.
        over = [expires for _, _, expires, *_, now in entries.values() if expires <= now]
        if over:
            self._rows(_REPLACED, until=max(over))
        left = []
        for job in jobs:
            row = entries.get((job.scope.encode(), job.id.encode()))
            entry, outcome = None, Outcome.FRESH
            try:
                if row is not None:
                    fingerprint, holder, expires, lease_ends, done, status, headers, body, now = row
                    entry = Entry(fingerprint, holder, expires, lease_ends, done, unpacked(status, headers, body))
                    outcome = rules.found(entry, job.fingerprint, now, redo=job.redo)
            except LedgerError as error:
                job.fail(error)
                continue
            if entry is not None and entry.holder == job.holder and not entry.done:  # this very claim, made before the connection broke
                job.give(fresh(self, job.scope, job.id, job.holder))
            elif outcome is Outcome.FRESH:
                left.append(job)
            else:
                job.give(Claim(self, job.scope, job.id, outcome, entry.answer if entry and outcome is Outcome.DONE else None))
        return left

    def _complete(self, jobs: Sequence[CompleteJob], at: float | None, *, again: bool) -> None:
        first = {job.claim.holder: job for job in reversed(jobs)}
        answers = [job.answer for job in first.values()]
        done = self._column(
            _COMPLETE_AGAIN if again else _COMPLETE,
            at=at,
            **_names([job.claim for job in first.values()]),
            holder=_texts(first),
            ttl=_floats(job.ttl for job in first.values()),
            status=_Array(_INT4, [None if answer is None else _INTEGER.pack(answer.status) for answer in answers]),
            headers=_Array(_TEXT, [None if answer is None else packed_headers(answer).encode() for answer in answers]),
            body=_Array(_BYTEA, [None if answer is None else bytes(answer.body) for answer in answers]),
        )
        _tell(jobs, first, set(done))

    def _release(self, jobs: Sequence[ReleaseJob], at: float | None, *, again: bool) -> None:
        first = {job.claim.holder: job for job in reversed(jobs)}
        if first:
            names = _names([job.claim for job in first.values()])
            gone = set(self._column(_RELEASE, at=at, **names, holder=_texts(first)))
            if again:  # what is not there any more may have been freed the first time
                there = {(bytes(row[0]), bytes(row[1])) for row in self._rows(_FIND, at=at, **names)}
                gone |= {name for name, job in first.items() if (job.claim.scope.encode(), job.claim.id.encode()) not in there}
            _tell(jobs, first, gone)

    def _forget(self, at: float | None) -> None:
        """Delete some of what is over. Those who called have been told; that it fails is no failure of theirs."""
        import psycopg

        with contextlib.suppress(psycopg.Error):
            self._rows(_FORGET, at=at, limit=self._claimed * _BATCH)
        self._claimed = 0

    def _rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(statement, values, binary=True)
        return cursor.fetchall() if cursor.description else []

    def _column(self, statement: str, **values: Any) -> list[Any]:
        return [row[0] for row in self._rows(statement, **values)]

    def _said(self, error: psycopg.Error, deadline: float) -> str:
        """What an error means. The server's first line names tables and limits, never the values that were passed; what the driver says
        of connecting may hold anything that stands in the URL."""
        if time.monotonic() >= deadline:
            return f"{self._place}: did not answer within {self.timeout:g} s"
        primary = error.diag.message_primary
        return f"{self._place}: {primary}" if primary else f"{self._place}: cannot be reached"


def _portions(jobs: Sequence[CompleteJob]) -> Iterator[list[CompleteJob]]:
    """In portions that a statement can carry, which is a gigabyte at most."""
    portion: list[CompleteJob] = []
    size = 0
    for job in jobs:
        length = len(job.answer.body) if job.answer else 0
        if portion and size + length > _PORTION:
            yield portion
            portion, size = [], 0
        portion.append(job)
        size += length
    if portion:
        yield portion


def _tell(jobs: Sequence[CompleteJob] | Sequence[ReleaseJob], first: dict[str, Any], settled: set[str]) -> None:
    """A claim is settled once: of several calls for it in one group the first has done it."""
    for job in jobs:
        job.give(job.claim.holder in settled and first[job.claim.holder] is job)


def _names(claims: Any) -> dict[str, _Array]:
    return {"scope": _Array(_BYTEA, [each.scope.encode() for each in claims]), "id": _Array(_BYTEA, [each.id.encode() for each in claims])}


def _claims(jobs: Any) -> dict[str, _Array]:
    return {
        "fingerprint": _Array(_BYTEA, [job.fingerprint for job in jobs]),
        "holder": _texts(job.holder for job in jobs),
        "ttl": _floats(job.ttl for job in jobs),
        "lease": _floats(job.lease for job in jobs),
    }


# --- arrays ------------------------------------------------------------------------------------------------------------------
#
# A list would do, and the driver would look at each of its items to find out what it is. That takes longer than the rest of a claim.

#: Types of PostgreSQL by their numbers (pg_type).
_BYTEA, _TEXT, _FLOAT8, _INT4 = 17, 25, 701, 23
_DOUBLE: Final = struct.Struct("!d")
_INTEGER: Final = struct.Struct("!i")


class _Array:
    """An array of one dimension as the server takes it: each item is its bytes, or ``None`` for NULL."""

    __slots__ = ("data",)

    def __init__(self, type: int, items: Sequence[bytes | None]) -> None:
        parts = [struct.pack("!5i", 1, None in items, type, len(items), 1)]
        for item in items:
            parts += (b"\xff\xff\xff\xff",) if item is None else (_INTEGER.pack(len(item)), item)
        self.data = b"".join(parts)


def _texts(items: Iterable[str]) -> _Array:
    return _Array(_TEXT, [item.encode() for item in items])


def _floats(items: Iterable[float]) -> _Array:
    return _Array(_FLOAT8, [_DOUBLE.pack(item) for item in items])


@functools.cache
def _array_dumper() -> Any:
    from psycopg import adapt, pq

    class Dumper(adapt.Dumper):
        """Leaves the type to the statement, which says it of each array."""

        format = pq.Format.BINARY

        def dump(self, obj: _Array) -> bytes:
            return obj.data

    return Dumper


@functools.cache
def _connection_class() -> type[psycopg.Connection[Any]]:
    import psycopg

    class Bounded(psycopg.Connection[Any]):
        """Waits until its deadline and no longer. A server that is stopped or cut off says nothing, and libpq alone would wait for it."""

        deadline: float

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            return super().wait(gen, interval, max(0.0, self.deadline - time.monotonic()))

    return Bounded
