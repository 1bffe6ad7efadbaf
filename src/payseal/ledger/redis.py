"""A ledger in Redis or Valkey: shared by any number of machines. Each id is one key, which the server takes out when it is over.

A claim is one atomic step of a script. A group is one pipeline, and its claims one script for many keys, since to begin a script, and to read
its answer, costs more than a claim does. Where the server is a node of a cluster each script touches one key.

**What the server must be told.** ``maxmemory-policy noeviction``: any other policy forgets ids when memory runs short, and an id that is
forgotten can be replayed; a server that would is refused. ``appendonly yes``, with ``appendfsync always`` where not even the last second
may be lost: without it a restart forgets everything, which is logged. A replica that is promoted may lack the last claims; ``WAIT`` would
not change that, and a ledger in PostgreSQL with synchronous replication does.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, cast
from urllib.parse import urlsplit

from payseal.errors import LedgerError, MissingExtra
from payseal.ledger import rules
from payseal.ledger.grouping import ClaimJob, CompleteJob, Job, ReleaseJob, StatsJob
from payseal.ledger.packing import packed_headers, unpacked
from payseal.ledger.protocol import Claim, Outcome, fresh
from payseal.ledger.remote import Lost, RemoteLedger
from payseal.ledger.stats import Stats

__all__ = ["RedisLedger"]

_logger: Final = logging.getLogger("payseal")

#: What each key begins with.
_PREFIX: Final = "payseal:"
#: What a URL may say, besides the options of TLS.
_TAKEN: Final = {"host", "port", "db", "username", "password", "connection_class"}
#: Claims in one script at most. The server does nothing else meanwhile, which is less than a millisecond.
_TOGETHER: Final = 128
#: Keys looked at in one step when they are counted.
_PAGE: Final = 1000


class _Script:
    """A script beside this module, and the name under which a server remembers it."""

    def __init__(self, name: str) -> None:
        self.text = (Path(__file__).parent / "lua" / f"{name}.lua").read_bytes()
        self.sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest().encode()


_CLAIM: Final = _Script("claim")
_COMPLETE: Final = _Script("complete")
_RELEASE: Final = _Script("release")
_LOOK: Final = _Script("look")


class RedisLedger(RemoteLedger):
    """Remembers in Redis 6 or newer, or in Valkey.

    ``url`` is ``redis://[[user]:password@]host[:port][/database]``, or the same with ``rediss://`` (TLS), ``valkey://`` or
    ``valkeys://`` (TLS). ``clock`` gives seconds since the epoch; without one the server's own clock counts. ``timeout`` (seconds) bounds
    each call, connecting included. Raises `LedgerError` when the server cannot be reached or would forget ids, and `MissingExtra`.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None, timeout: float = 5.0) -> None:
        super().__init__(clock, rules.check_timeout(timeout))
        self._settings, self._kind = _parsed(url)
        self._place = f"{self._settings.get('host', 'localhost')}:{self._settings.get('port', 6379)}/{self._settings.get('db', 0)}"
        #: The server process that was last spoken to: another one may have forgotten.
        self._server = ""
        self._together = _TOGETHER
        self._open()

    def __repr__(self) -> str:
        return f"<RedisLedger {self._place}>"

    def _connect(self, deadline: float) -> Any:
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError
        from redis.retry import Retry

        seconds = max(0.01, deadline - time.monotonic())
        limits = {"socket_connect_timeout": seconds, "socket_timeout": seconds, "retry": Retry(NoBackoff(), 0)}
        connection = self._kind(**self._settings, **limits, protocol=2, client_name="payseal")
        try:
            connection.connect()
            self._look_over(connection)
            for script in (_CLAIM, _COMPLETE, _RELEASE, _LOOK):
                connection.send_command("SCRIPT", "LOAD", script.text)
                connection.read_response()
        except (RedisError, OSError, UnicodeError, LedgerError) as error:
            self._disconnect(connection)
            raise LedgerError(str(error) if isinstance(error, LedgerError) else f"{self._place}: {_said(error)}") from None
        return connection

    def _disconnect(self, connection: Any) -> None:
        with contextlib.suppress(Exception):
            connection.disconnect()

    def _look_over(self, connection: Any) -> None:
        """Whether this server may be trusted to remember. Raises `LedgerError`."""
        from redis.exceptions import ResponseError

        connection.send_command("INFO")
        try:
            info = dict(line.split(":", 1) for line in cast(bytes, connection.read_response()).decode().splitlines() if ":" in line)
        except ResponseError:
            _logger.warning("the ledger at %s does not tell its settings: make sure that maxmemory-policy is noeviction", self._place)
            self._together = 1
            return
        self._together = _TOGETHER if info.get("cluster_enabled", "1") == "0" else 1
        if info.get("loading", "0") != "0":
            raise LedgerError(f"{self._place}: is still reading its data")
        if info.get("maxmemory_policy", "noeviction") != "noeviction":
            if info.get("maxmemory", "0") != "0":
                raise LedgerError(f"{self._place}: would forget ids when its memory is full: set its maxmemory-policy to noeviction")
            _logger.warning("the ledger at %s would forget ids once maxmemory is set: set maxmemory-policy to noeviction", self._place)
        forgets = info.get("aof_enabled", "1") == "0"
        server = info.get("run_id", "")
        if self._server and server != self._server and forgets:
            _logger.error("the ledger at %s was restarted without appendonly: requests seen before may be accepted again", self._place)
        elif not self._server and forgets:
            _logger.warning("the ledger at %s forgets everything when it is restarted: set appendonly to yes", self._place)
        self._server = server

    def _send(self, jobs: list[Job], deadline: float, *, again: bool) -> None:
        at = b"" if self._clock is None else b"%d" % round(rules.now(self._clock) * 1000)
        calls = [call for job in jobs if (call := _settling(job, at, again=again)) is not None]
        claims = [job for job in jobs if isinstance(job, ClaimJob)]
        calls += [_claiming(claims[start : start + self._together], at) for start in range(0, len(claims), self._together)]
        if calls:
            missing = self._exchange(calls, "EVALSHA", deadline)
            if missing:  # the server was told to forget its scripts; what it does not know it has not done
                self._exchange(missing, "EVAL", deadline)
        for job in jobs:
            if isinstance(job, StatsJob):
                job.give(self._counted(deadline))

    def _exchange(self, calls: list[_Call], command: Literal["EVAL", "EVALSHA"], deadline: float) -> list[_Call]:
        """One pipeline. Tells each job; gives back the calls whose script the server does not have."""
        from redis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError
        from redis.exceptions import TimeoutError as TimedOut

        connection, missing, astray = self._connection, [], False
        scripts = [call.script.sha if command == "EVALSHA" else call.script.text for call in calls]
        sent = [(command, script, *call.arguments) for call, script in zip(calls, scripts, strict=True)]
        try:
            connection.send_packed_command(connection.pack_commands(sent), check_health=False)
            for call in calls:
                try:
                    reply = self._read(deadline)
                except NoScriptError:
                    missing.append(call)
                    continue
                except ResponseError as error:
                    replies = [error] * len(call.jobs)
                else:
                    replies = reply if call.script is _CLAIM else [reply]
                for job, each in zip(call.jobs, replies, strict=True):
                    if isinstance(each, ResponseError):
                        astray = astray or isinstance(each, ReadOnlyError)
                        job.fail(LedgerError(f"{self._place}: {_said(each)}"))
                    else:
                        self._give(job, each)
        except TimedOut:
            raise Lost(f"{self._place}: did not answer within {self.timeout:g} s", again=False) from None
        except (RedisError, OSError) as error:
            raise Lost(f"{self._place}: {_said(error)}", again=True) from None
        if astray:  # another server may be the primary now, under the same name
            self._part()
        return missing

    def _give(self, job: Job, reply: Any) -> None:
        if not isinstance(job, ClaimJob):
            job.give(reply == 1)
            return
        if reply == 1:
            job.give(fresh(self, job.scope, job.id, job.holder))
            return
        try:
            outcome = Outcome(reply[0].decode())
            answer = unpacked(int(reply[1]), reply[2], reply[3]) if outcome is Outcome.DONE and reply[1] is not None else None
        except (LedgerError, ValueError) as error:
            job.fail(error)
        else:
            job.give(Claim(self, job.scope, job.id, outcome, answer))

    def _read(self, deadline: float) -> Any:
        return self._connection.read_response(timeout=max(0.001, deadline - time.monotonic()))

    def _asked(self, command: str, deadline: float, *arguments: Any) -> Any:
        self._connection.send_command(command, *arguments, check_health=False)
        return self._read(deadline)

    def _counted(self, deadline: float) -> Stats:
        """Looks at every key, a page at a time: the server serves others in between."""
        from redis.exceptions import RedisError, ResponseError
        from redis.exceptions import TimeoutError as TimedOut

        held: list[tuple[float, float, bool]] = []
        cursor = b"0"
        try:
            if self._clock is None:
                seconds, microseconds = self._asked("TIME", deadline)
                at = int(seconds) * 1000 + int(microseconds) / 1000
            else:
                at = rules.now(self._clock) * 1000
            while True:
                cursor, keys = self._asked("SCAN", deadline, cursor, "MATCH", f"{_PREFIX}*", "COUNT", _PAGE)
                looks = [("EVALSHA", _LOOK.sha, 1, key) for key in keys]
                self._connection.send_packed_command(self._connection.pack_commands(looks), check_health=False)
                seen = [self._read(deadline) for _ in keys]
                held.extend((float(each[0]), float(each[1]), each[2] == 1) for each in seen if each is not None)  # else it left in between
                if cursor == b"0":
                    break
            memory = re.search(rb"used_memory:(\d+)", self._asked("INFO", deadline, "memory"))
        except ResponseError as error:
            raise LedgerError(f"{self._place}: {_said(error)}") from None
        except (RedisError, OSError) as error:
            raise Lost(f"{self._place}: {_said(error)}", again=not isinstance(error, TimedOut)) from None
        return rules.counted(held, at, int(memory[1]) if memory else None)


class _Call(NamedTuple):
    """A script, what it is given, and whom its answer is for."""

    jobs: Sequence[Job]
    script: _Script
    arguments: tuple[Any, ...]


def _claiming(jobs: Sequence[ClaimJob], at: bytes) -> _Call:
    arguments: list[Any] = [len(jobs), *[_key(job.scope, job.id) for job in jobs], at]
    for job in jobs:
        arguments += (job.fingerprint, job.holder, _milliseconds(job.ttl), _milliseconds(job.lease), b"1" if job.redo else b"0")
    return _Call(jobs, _CLAIM, tuple(arguments))


def _settling(job: Job, at: bytes, *, again: bool) -> _Call | None:
    twice = b"1" if again else b"0"
    if isinstance(job, CompleteJob):
        kept = () if job.answer is None else (job.answer.status, packed_headers(job.answer), bytes(job.answer.body))
        given = (job.claim.holder, _milliseconds(job.ttl), at, twice, *kept)
        return _Call((job,), _COMPLETE, (1, _key(job.claim.scope, job.claim.id), *given))
    if isinstance(job, ReleaseJob):
        return _Call((job,), _RELEASE, (1, _key(job.claim.scope, job.claim.id), job.claim.holder, at, twice))
    return None


def _key(scope: str, id: str) -> str:
    """The scope's length keeps ``a:b`` and ``c`` apart from ``a`` and ``b:c``. The braces have a cluster place it by all of its name."""
    return f"{_PREFIX}{{{len(scope)}:{scope}:{id}}}"


def _milliseconds(seconds: float) -> int:
    return math.ceil(seconds * 1000)


def _said(error: Exception) -> str:
    """What an error means, in words of our own: the driver's may repeat what was sent."""
    from redis import exceptions as its

    for kind, meaning in (
        (its.OutOfMemoryError, "is full (maxmemory): give it more memory"),
        (its.ReadOnlyError, "is a read-only replica: give the URL of the primary"),
        (its.AskError, "is one node of a cluster, and the id belongs to another: give the URL of a server that holds all keys"),
        (its.NoPermissionError, "does not let this user do what a ledger needs"),
        (its.AuthenticationError, "does not take this user and password"),
        (its.BusyLoadingError, "is still reading its data"),
        (its.TimeoutError, "does not answer in time"),
        (its.ResponseError, "refused a command"),
        (its.ConnectionError, "cannot be reached"),
    ):
        if isinstance(error, kind):
            word = re.match(r"[A-Z]{3,20}\b", str(error))
            return f"{meaning} ({word[0]})" if word and kind is its.ResponseError else meaning
    return "cannot be reached"


def _parsed(url: str) -> tuple[dict[str, Any], Any]:
    """The driver's settings, and the kind of connection. Raises `LedgerError`, which does not repeat the URL."""
    try:
        from redis.connection import Connection, parse_url
    except ImportError:
        raise MissingExtra("a ledger in Redis", "redis") from None

    known = url.startswith(("redis://", "rediss://", "valkey://", "valkeys://"))
    try:
        ours = url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
        settings = parse_url(ours) if known else {}  # type: ignore[no-untyped-call]
        database = int(urlsplit(url).path.removeprefix("/") or "0")
    except ValueError:
        known = False
    if not known or not settings.get("host") or any(name not in _TAKEN and not name.startswith("ssl_") for name in settings):
        raise LedgerError("a Redis ledger is redis://[[user]:password@]host[:port][/database], or the same with rediss://, valkey://")
    kind = settings.pop("connection_class", Connection)
    return {**settings, "db": database}, kind
