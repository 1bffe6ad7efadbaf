"""A server that is down, deaf, full, read-only or started again: refused within the time, never FRESH, and well again without a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from payseal import LedgerError
from payseal.ledger import Answer, Outcome, PostgreSQLLedger, RedisLedger, SQLiteLedger, open_ledger
from payseal.ledger.remote import RemoteLedger
from tests.clock import Clock
from tests.ledger.cut import Wire
from tests.servers import PostgresServer, ValkeyServer

Server = PostgresServer | ValkeyServer


@pytest.fixture(params=["postgresql", "valkey"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue("postgres" if request.param == "postgresql" else "valkey")
    return found


def opened(server: Server, timeout: float = 1.0) -> RemoteLedger:
    return PostgreSQLLedger(server.url, timeout=timeout) if isinstance(server, PostgresServer) else RedisLedger(server.url, timeout=timeout)


def within(seconds: float, call: Callable[[], object], match: str = ".") -> None:
    """It raises `LedgerError`, and does not take longer."""
    began = time.monotonic()
    with pytest.raises(LedgerError, match=match):
        call()
    assert time.monotonic() - began < seconds


def eventually(what: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(LedgerError):
            if what():
                return
        assert time.monotonic() < end
        time.sleep(0.1)


def fresh(ledger: RemoteLedger, name: str) -> bool:
    return ledger.claim("s", name, b"f", 600).outcome is Outcome.FRESH


def test_a_server_that_is_killed_refuses_and_serves_again_when_it_is_back(server: Server) -> None:
    ledger = opened(server)
    claim = ledger.claim("s", "before", b"f", 600)
    server.kill()
    try:
        for _ in range(2):
            within(2, lambda: ledger.claim("s", "while", b"f", 600), "reached|terminat|closed|starting")
            within(2, claim.complete)
            within(2, claim.release)
            within(2, ledger.stats)
        within(5, lambda: opened(server))
    finally:
        server.start()
    eventually(lambda: fresh(ledger, "after"))
    assert ledger.claim("s", "after", b"f", 600).outcome is Outcome.IN_FLIGHT
    ledger.close()


def test_a_server_that_was_started_again_between_two_calls_costs_no_call(server: Server) -> None:
    ledger = opened(server, timeout=5)
    ledger.claim("s", "before", b"f", 600)
    server.kill()
    server.start()
    assert fresh(ledger, "after")
    if isinstance(server, PostgresServer):
        assert ledger.claim("s", "before", b"f", 600).outcome is Outcome.IN_FLIGHT
    server.kill()
    server.start()
    assert ledger.stats().unknown == 0
    ledger.close()


def test_a_server_that_is_deaf_refuses_within_the_time_and_keeps_no_claim_for_those_who_left(server: Server) -> None:
    ledger = opened(server)
    claim = ledger.claim("s", "before", b"f", 600)
    failures: list[BaseException] = []

    def call(number: int) -> None:
        try:
            ledger.claim("s", f"lost-{number}", b"f", 600)
        except LedgerError as error:
            failures.append(error)

    with server.stopped():
        threads = [threading.Thread(target=call, args=(number,)) for number in range(40)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - began < 2
        assert len(failures) == 40
        within(2, claim.complete)
        within(2, claim.release)

        async def call_soon() -> None:
            async with asyncio.timeout(2):
                await asyncio.wrap_future(ledger.claim_soon("s", "soon", b"f", 600))

        with pytest.raises((LedgerError, TimeoutError)):
            asyncio.run(call_soon())
    eventually(lambda: fresh(ledger, "after"))
    for number in range(40):  # an honest retry is neither a replay nor in flight
        eventually(lambda number=number: fresh(ledger, f"lost-{number}"))  # type: ignore[misc]
    ledger.close()


def wire_to(server: Server) -> tuple[Wire, RemoteLedger]:
    if isinstance(server, ValkeyServer):
        port = server.port
        wire = Wire(lambda: socket.create_connection(("127.0.0.1", port)))
        return wire, RedisLedger(f"redis://127.0.0.1:{wire.port}", timeout=3)
    path = server.url.rpartition("host=")[2] + "/.s.PGSQL.5432"

    def connect() -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.connect(path)
        return client

    wire = Wire(connect)
    return wire, PostgreSQLLedger(f"postgresql://postgres@127.0.0.1:{wire.port}/postgres?sslmode=disable&gssencmode=disable", timeout=3)


@pytest.fixture
def wired(server: Server) -> Iterator[tuple[Wire, RemoteLedger]]:
    wire, ledger = wire_to(server)
    yield wire, ledger
    ledger.close()
    wire.close()


def test_a_claim_whose_answer_is_lost_is_asked_again_and_is_the_same_claim(wired: tuple[Wire, RemoteLedger]) -> None:
    wire, ledger = wired
    wire.losing = 1
    claim = ledger.claim("s", "cut-claim", b"f", 600)
    assert (claim.outcome, wire.losing) == (Outcome.FRESH, 0)
    wire.losing = 1
    assert claim.complete(Answer(200, body=b"kept"))
    assert wire.losing == 0
    assert ledger.claim("s", "cut-claim", b"f", 600).answer == Answer(200, body=b"kept")
    other = ledger.claim("s", "cut-release", b"f", 600)
    wire.losing = 1
    assert other.release()
    assert fresh(ledger, "cut-release")


def test_a_claim_whose_answer_stays_lost_is_let_go_when_the_server_answers_again(wired: tuple[Wire, RemoteLedger]) -> None:
    wire, ledger = wired
    wire.losing = 2
    within(4, lambda: ledger.claim("s", "cut-twice", b"f", 600))
    assert wire.losing == 0
    eventually(lambda: fresh(ledger, "cut-twice"))


@pytest.mark.parametrize("scheme", ["redis", "valkey", "postgresql"])
def test_a_server_that_accepts_and_says_nothing_is_given_up(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        kind = PostgreSQLLedger if scheme == "postgresql" else RedisLedger
        within(4, lambda: kind(f"{scheme}://127.0.0.1:{port}/0", timeout=0.5))


# --- full and read-only ------------------------------------------------------------------------------------------------------


def test_a_full_valkey_refuses_and_forgets_nothing(valkey: ValkeyServer) -> None:
    ledger = RedisLedger(valkey.url)
    claim = ledger.claim("s", "before", b"f", 600)
    valkey.client.config_set("maxmemory", 1)
    try:
        within(1, lambda: ledger.claim("s", "id", b"f", 600), "full")
        within(1, lambda: claim.complete(Answer(200)), "full")
        within(1, lambda: ledger.claim("s", "id", b"f", 600), "full")
    finally:
        valkey.client.config_set("maxmemory", 0)
    assert ledger.claim("s", "before", b"f", 600).outcome is Outcome.IN_FLIGHT
    assert fresh(ledger, "id")
    assert claim.complete(Answer(200))
    ledger.close()


def test_a_full_valkey_does_not_lose_the_claim_that_would_be_taken_over(valkey: ValkeyServer) -> None:
    ledger = RedisLedger(valkey.url)
    ledger.claim("s", "id", b"f", 600, lease=0)
    valkey.client.config_set("maxmemory", 1)
    try:
        within(1, lambda: ledger.claim("s", "id", b"f", 600, redo=True), "full")
    finally:
        valkey.client.config_set("maxmemory", 0)
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.UNKNOWN
    ledger.close()


def test_a_full_file_refuses_and_then_works_again(tmp_path: Path) -> None:
    ledger = SQLiteLedger(tmp_path / "ledger.db")
    claim = ledger.claim("s", "before", b"f", 600)
    assert ledger._connection is not None
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match="full"):
        claim.complete(Answer(200, body=b"x" * 100_000))
    assert claim.complete(Answer(200, body=b"x" * 100_000))  # over a new connection, which has no such limit
    ledger.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_replica_refuses_until_it_is_the_primary(valkey: ValkeyServer) -> None:
    ledger = RedisLedger(valkey.url)
    valkey.client.replicaof("127.0.0.1", "1")
    try:
        for _ in range(2):
            within(1, lambda: ledger.claim("s", "id", b"f", 600), "replica")
    finally:
        valkey.client.replicaof("NO", "ONE")
    assert fresh(ledger, "id")
    ledger.close()


def test_a_read_only_database_refuses_until_it_is_not(postgres: PostgresServer) -> None:
    ledger = PostgreSQLLedger(postgres.url)
    postgres.execute("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    try:
        eventually(lambda: postgres.execute("SHOW default_transaction_read_only") == [("on",)])
        time.sleep(0.3)  # each server process hears of it in its own time
        within(1, lambda: ledger.claim("s", "id", b"f", 600), "read-only")
    finally:
        postgres.execute("SET default_transaction_read_only = off", "ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()")
    eventually(lambda: fresh(ledger, "id"))
    ledger.close()


def test_a_table_that_another_keeps_locked_is_an_error_within_the_time(postgres: PostgresServer) -> None:
    import psycopg

    ledger = PostgreSQLLedger(postgres.url, timeout=0.5)
    ledger.claim("s", "id", b"f", 600)
    with psycopg.connect(postgres.url) as connection:
        connection.execute("LOCK TABLE payseal_claims")
        within(1.5, lambda: ledger.claim("s", "other", b"f", 600), "did not answer")
    eventually(lambda: fresh(ledger, "other"))
    ledger.close()


# --- forgetful servers -------------------------------------------------------------------------------------------------------


def test_a_server_that_would_evict_is_refused(valkey: ValkeyServer, caplog: pytest.LogCaptureFixture) -> None:
    valkey.client.config_set("maxmemory-policy", "volatile-lru")
    try:
        ledger = open_ledger(valkey.url)
        ledger.close()
        assert "set maxmemory-policy to noeviction" in caplog.text
        valkey.client.config_set("maxmemory", "100mb")
        with pytest.raises(LedgerError, match="noeviction"):
            open_ledger(valkey.url)
    finally:
        valkey.client.config_set("maxmemory-policy", "noeviction")
        valkey.client.config_set("maxmemory", 0)


def test_a_server_that_was_told_to_forget_its_scripts_is_told_them_again(valkey: ValkeyServer) -> None:
    ledger = RedisLedger(valkey.url)
    for number in range(3):
        valkey.client.script_flush()
        claim = ledger.claim("s", str(number), b"f", 600)
        assert claim.outcome is Outcome.FRESH
        valkey.client.script_flush()
        assert claim.complete()
    ledger.close()


def test_a_server_that_comes_back_empty_is_served_and_said_loudly(valkey: ValkeyServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "payseal")
    ledger = RedisLedger(valkey.url)
    assert "set appendonly to yes" in caplog.text
    claim = ledger.claim("s", "id", b"f", 600)
    valkey.kill()
    valkey.start()
    assert not claim.complete()
    assert fresh(ledger, "id")
    assert "restarted without appendonly: requests seen before may be accepted again" in caplog.text
    ledger.close()


def test_with_appendonly_claims_outlive_a_kill() -> None:
    server = ValkeyServer("--appendonly", "yes", "--appendfsync", "always")
    try:
        ledger = RedisLedger(server.url)
        for number in range(50):
            ledger.claim("s", str(number), b"f", 600)
        server.kill()
        server.start()
        assert not any(fresh(ledger, str(number)) for number in range(50))
        ledger.close()
    finally:
        server.close()


# --- what nobody may read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@127.0.0.1:1/database",
        "postgresql://user:hunter2%zz@127.0.0.1/database",
        "postgresql://user@127.0.0.1:1/database?password=hunter2",
        "postgresql://127.0.0.1/?hunter2=hunter2",
        "redis://user:hunter2@127.0.0.1:1/0",
        "redis://user:hunter2@127.0.0.1:port/0",
        "redis://user:hunter2@127.0.0.1:1/hunter2",
        "redis://127.0.0.1:1/0?password=hunter2",
        "redis://127.0.0.1:1/0?hunter2=hunter2",
        "rediss://:hunter2@127.0.0.1:1",
        "valkey://:hunter2@127.0.0.1:1",
        "redis://",
        "redis://hunter2@",
    ],
)
def test_no_message_has_the_password(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(LedgerError) as refused:
        open_ledger(url)
    chain: list[BaseException] = [refused.value]
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert "hunter2" not in "".join(map(str, chain)) + caplog.text


def test_a_password_is_used_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    server = ValkeyServer()
    server.client.config_set("requirepass", "hunter2")
    try:
        ledger = open_ledger(f"redis://:hunter2@127.0.0.1:{server.port}/3")
        assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.FRESH
        assert "hunter2" not in repr(ledger) + caplog.text
        assert repr(ledger) == f"<RedisLedger 127.0.0.1:{server.port}/3>"
        ledger.close()
        for wrong in ("", ":hunter3@"):
            with pytest.raises(LedgerError, match="password") as refused:
                open_ledger(f"redis://{wrong}127.0.0.1:{server.port}/3")
            assert "hunter" not in str(refused.value)
    finally:
        server.close()


def test_a_second_completion_whose_answer_is_lost_leaves_the_first(wired: tuple[Wire, RemoteLedger]) -> None:
    wire, ledger = wired
    claim = ledger.claim("s", "cut-completed", b"f", 600)
    assert claim.complete(Answer(200, body=b"the first"))
    wire.losing = 1
    claim.complete(Answer(500, body=b"the second"))
    assert wire.losing == 0
    assert ledger.claim("s", "cut-completed", b"f", 600).answer == Answer(200, body=b"the first")


def test_a_release_whose_answer_is_lost_does_not_say_that_it_freed_what_another_has(wired: tuple[Wire, RemoteLedger]) -> None:
    wire, ledger = wired
    first = ledger.claim("s", "cut-taken", b"f", 600, lease=0)
    second = ledger.claim("s", "cut-taken", b"f", 600, redo=True)
    assert second.outcome is Outcome.FRESH
    wire.losing = 1
    assert not first.release()
    assert wire.losing == 0
    assert second.complete(Answer(200))
    wire.losing = 1
    assert not second.release()
    assert ledger.claim("s", "cut-taken", b"f", 600).outcome is Outcome.DONE


def test_a_database_that_is_put_back_to_a_time_whose_ids_are_forgotten_refuses(postgres: PostgresServer, clock: Clock) -> None:
    ledger, another = (PostgreSQLLedger(postgres.url, clock=clock) for _ in range(2))
    began = clock.now
    ledger.claim("s", "paid", b"f", 600)
    clock.now = began + 3600
    for part in range(10):
        for future in [ledger.claim_soon("s", f"{part}-{number}", b"f", 600) for number in range(100)]:
            future.result(10)
    working = ledger.claim("s", "working", b"f", 600)
    clock.now = began + 1
    for each in (ledger, another):
        for name in ("paid", "new"):
            with pytest.raises(LedgerError, match=r"the clock was put back.* 599 s"):
                each.claim("s", name, b"f", 600)
    assert working.complete()  # what is under way is finished
    clock.now = began + 600
    assert another.claim("s", "paid", b"f", 600).outcome is Outcome.FRESH  # it would be by now in any case
    ledger.close()
    another.close()
