"""The decision log: written in groups, bounded by age and by number, never waited for, and without what must not be in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from payseal.middleware import Decision
from payseal.server.accounts import Database, tables
from payseal.server.accounts.decided import Chosen, latest
from payseal.server.accounts.decisions import DecisionLog
from tests.clock import Clock


def decision(**changes: Any) -> Decision:
    values = {
        "code": "accepted", "status": None, "scheme": "fiserv-payments", "account": "acme", "keyid": "known", "request_id": "id-1",
        "client": "192.0.2.1", "latency": 0.000123, "trace": "0f5a2c6e-7d1b-4c83-9a64-5b2d8e1f3c70",
    }  # fmt: skip
    return Decision(**{**values, **changes})


@pytest.fixture
def log(database: Database, clock: Clock) -> Iterator[DecisionLog]:
    made = DecisionLog(database, lambda keyid: keyid == "known", queue=2000, interval=0.01, clock=clock)
    yield made
    made.close()


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.decisions)).scalar_one()


def test_a_decision_is_kept_as_it_was(database: Database, log: DecisionLog, clock: Clock) -> None:
    log.record(decision())
    log.record(decision(code="invalid-signature", status=401, account=None))
    log.close()
    refused, accepted = latest(database)
    del accepted["id"], refused["id"]
    assert accepted == {
        "at": clock(), "code": "accepted", "status": None, "scheme": "fiserv-payments", "account": "acme", "keyid": "known",
        "request_id": "id-1", "client": "192.0.2.1", "latency": 123, "trace": "0f5a2c6e-7d1b-4c83-9a64-5b2d8e1f3c70",
    }  # fmt: skip
    assert (refused["code"], refused["status"], refused["account"]) == ("invalid-signature", 401, None)
    assert [row["code"] for row in latest(database, Chosen(code="accepted"))] == ["accepted"]
    assert latest(database, Chosen("other")) == []


MISPLACED: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"account": None}, "known", None),  # unproven: anything could stand there
    ({"account": None, "keyid": "a-secret-in-the-wrong-place"}, None, None),
    ({"account": None, "request_id": "30DD879C-ee2f-11db-8314-0800200c9a66"}, "known", "30DD879C-ee2f-11db-8314-0800200c9a66"),
    ({"request_id": "4242424242424242"}, "known", None),
    ({"request_id": "order-4242-4242-4242-4242"}, "known", None),
    ({"request_id": "x" * 129}, "known", None),
    ({"request_id": None, "keyid": None}, None, None),
]


def test_what_a_client_sends_in_the_wrong_place_is_not_kept(database: Database, log: DecisionLog) -> None:
    for changes, _, _ in MISPLACED:
        log.record(decision(**changes))
    log.close()
    kept = [(row["keyid"], row["request_id"]) for row in latest(database)]
    assert kept[::-1] == [(keyid, request_id) for _, keyid, request_id in MISPLACED]


def test_decisions_are_written_in_groups(database: Database, log: DecisionLog) -> None:
    inserts: list[int] = []
    event.listen(
        database.engine, "before_execute", lambda connection, clause, many, *rest: inserts.append(len(many)) if clause.is_insert else None
    )
    with database.write():  # SQLite's one writer is busy: they pile up
        for _ in range(1200):
            log.record(decision())
    log.close()
    assert count(database) == 1200
    assert len(inserts) <= 12
    assert max(inserts) == 500


def test_a_full_queue_is_counted_and_delays_nobody(database: Database, log: DecisionLog, caplog: pytest.LogCaptureFixture) -> None:
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE decisions"))
        took = []
        for _ in range(3000):
            began = time.perf_counter()
            log.record(decision())
            took.append(time.perf_counter() - began)
    log.close()
    assert sorted(took)[2900] < 0.005
    assert log.lost >= 1000 - 500  # the writer may hold a group of its own
    assert count(database) + log.lost == 3000
    assert f"{log.lost} decisions were not recorded" in caplog.text


def test_what_cannot_be_written_waits_until_it_can(database: Database, log: DecisionLog, caplog: pytest.LogCaptureFixture) -> None:
    with database.write() as connection:
        connection.execute(text("ALTER TABLE decisions RENAME TO elsewhere"))
    log.record(decision())
    deadline = time.monotonic() + 5
    while "cannot be recorded" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with database.write() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO decisions"))
    log.close()
    assert count(database) == 1
    assert log.lost == 0


def test_the_log_is_bounded_by_age_and_by_number(database: Database, clock: Clock) -> None:
    log = DecisionLog(database, lambda keyid: True, max_age=100, max_count=1000, queue=2000, interval=60, clock=clock)

    def fill(number: int) -> None:
        for _ in range(number):
            log.record(decision())
        log.flush()

    fill(700)
    clock.now += 101
    fill(10)
    deleted: list[int] = []
    event.listen(
        database.engine,
        "after_cursor_execute",
        lambda connection, cursor, statement, *rest: deleted.append(cursor.rowcount) if statement.startswith("DELETE") else None,
    )
    assert log.tidy() == 700
    assert count(database) == 10
    fill(1500)
    assert log.tidy() == 510
    assert count(database) == 1000
    assert max(deleted) <= 500  # in bounded batches
    assert log.tidy() == 0
    log.close()


def test_threads_record_at_once(database: Database, log: DecisionLog) -> None:
    def work() -> None:
        for _ in range(200):
            log.record(decision())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert count(database) + log.lost == 800
    assert log.lost == 0


def test_no_row_can_stop_the_others(database: Database, log: DecisionLog) -> None:
    log.record(decision(latency=1e9, keyid="k" * 200, account="a" * 200, client="c" * 200))
    log.record(decision())
    log.close()
    last, odd = latest(database)
    assert last["keyid"] == "known"
    assert (odd["keyid"], odd["account"], odd["latency"], len(odd["client"])) == (None, None, 2**31 - 1, 45)
