"""The throttle: a few failures are free, then each doubles the wait; nobody is kept out for ever from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, func, select

from payseal.server.accounts import AuditEntry, Database, tables
from payseal.server.users import Throttle, UserStore
from payseal.server.users import throttle as throttling
from payseal.server.users.throttle import RULES, Rule
from tests.clock import Clock

from .at_once import at_once
from .conftest import Opened, everything_in

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.1"


def addresses() -> Callable[[], str]:
    """Another address each time."""
    numbers = iter(range(1, 65_000))
    return lambda: f"10.0.{(number := next(numbers)) // 250}.{number % 250}"


def fail(throttle: Throttle, clock: Clock, name: str, client: str | None, number: int = 1) -> None:
    """So many failures, each as soon as it is looked at."""
    for _ in range(number):
        left = throttle.wait(name, client)
        if left > 0:
            clock.now += left
            assert throttle.wait(name, client) == 0
        throttle.failed(name, client)


def rows(database: Database, table: Any = tables.sign_in_counters) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_the_rules_are_these() -> None:
    assert {kind: rule.free for kind, rule in RULES.items()} == {"name": 5, "place": 5, "client": 20}
    assert [Rule(5).delay(failures) for failures in (0, 5, 6, 7, 14, 15, 16, 10**9)] == [0, 0, 2, 4, 512, 900, 900, 900]


def test_failures_of_a_name_are_free_at_first_and_then_double_the_wait(throttle: Throttle, clock: Clock) -> None:
    another = addresses()
    waits = []
    for _ in range(17):
        client = another()
        waits.append(throttle.wait("ada", client))
        clock.now += waits[-1]
        assert waits[-1] == 0 or throttle.wait("ada", client) == 0
        throttle.failed("ada", client)
    assert waits == [0] * 6 + [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert throttle.wait("bob", another()) == 0
    clock.now += 450.5
    assert throttle.wait("ADA", another()) == pytest.approx(449.5)  # waiting is counted down, and asking costs nothing
    assert throttle.wait("ada", another()) == pytest.approx(449.5)


def test_failures_from_an_address_count_whatever_the_names(throttle: Throttle, clock: Clock) -> None:
    for number in range(21):
        assert throttle.wait(f"user-{number}", HERE) == 0
        throttle.failed(f"user-{number}", HERE)
    assert throttle.wait("somebody", HERE) == 2
    assert throttle.wait("somebody", ELSEWHERE) == 0


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::1", "0.0.0.1", False),
        (None, "testclient", True),
        (None, "", True),
        (None, "192.0.2.1", False),
    ],
)
def test_what_counts_as_one_address(throttle: Throttle, first: str | None, second: str | None, same: bool) -> None:
    for number in range(21):
        throttle.failed(f"user-{number}", first)
    assert (throttle.wait("somebody", second) > 0) is same


def test_an_hour_without_failures_forgets_them(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, clock, "ada", HERE, 8)
    clock.now += 3599
    fail(throttle, clock, "ada", ELSEWHERE)
    assert throttle.wait("ada", ELSEWHERE) == 16
    clock.now += 3600
    fail(throttle, clock, "ada", ELSEWHERE, 5)
    assert throttle.wait("ada", ELSEWHERE) == 0


def test_a_success_forgets_the_name_s_failures(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, clock, "ada", HERE, 7)
    clock.now += throttle.wait("ada", HERE)
    assert throttle.wait("ada", HERE) == 0
    throttle.succeeded("ada", HERE)
    fail(throttle, clock, "ada", ELSEWHERE, 5)
    assert throttle.wait("ada", ELSEWHERE) == 0


def test_one_who_has_a_password_does_not_start_afresh_with_it(throttle: Throttle) -> None:
    """A success does not forget what was tried from its address on others."""
    for number in range(21):
        throttle.failed(f"user-{number}", HERE)
        throttle.succeeded("mallory", HERE)
    assert throttle.wait("user-x", HERE) == 2


def test_nobody_is_kept_out_from_elsewhere(throttle: Throttle, clock: Clock) -> None:
    another = addresses()
    assert throttle.wait("ada", HERE) == 0
    throttle.succeeded("ada", HERE)
    for _ in range(12):
        fail(throttle, clock, "ada", another())
    assert throttle.wait("ada", another()) == 128
    assert throttle.wait("ada", HERE) == 0  # has signed in from here before
    throttle.failed("ada", HERE)
    fail(throttle, clock, "ada", HERE, 5)
    assert throttle.wait("ada", HERE) == 2  # and is counted here all the same
    clock.now += 2
    assert throttle.wait("ada", HERE) == 0
    throttle.succeeded("ada", HERE)
    assert throttle.wait("ada", another()) > 60  # which gives the guesser nothing


def test_a_place_is_known_for_thirty_days(throttle: Throttle, clock: Clock) -> None:
    another = addresses()
    throttle.succeeded("ada", HERE)
    clock.now += 30 * 86_400 - 1
    for _ in range(12):
        throttle.failed("ada", another())
    assert throttle.wait("ada", HERE) == 0
    clock.now += 1
    assert throttle.wait("ada", HERE) > 0


def test_many_at_once_are_not_looked_at_before_the_first_has_failed(opened: Opened, clock: Clock, throttle: Throttle) -> None:
    def ask() -> float:
        with opened() as mine:
            return Throttle(mine, clock=clock).wait("ada", HERE)

    waits = at_once(12, ask)
    assert waits.count(0) == 6  # the free ones, and the one that is to find out
    assert set(waits) == {0.0, 2.0}


def test_a_try_without_an_outcome_is_forgotten_soon(throttle: Throttle, clock: Clock) -> None:
    for _ in range(6):
        assert throttle.wait("ada", HERE) == 0
    assert throttle.wait("ada", HERE) == 2
    clock.now += 60
    fail(throttle, clock, "ada", HERE, 5)
    assert throttle.wait("ada", HERE) == 0


def test_processes_count_together_and_lose_nothing(opened: Opened, clock: Clock, throttle: Throttle) -> None:
    def work() -> None:
        with opened() as mine:
            own = Throttle(mine, clock=clock)
            for _ in range(3):
                own.failed("ada", HERE)

    at_once(4, work)
    assert throttle.wait("ada", ELSEWHERE) == RULES["name"].delay(12) == 128
    for number in range(8):
        throttle.failed(f"user-{number}", HERE)
    assert throttle.wait("somebody", HERE) == 0
    throttle.failed("somebody", HERE)
    assert throttle.wait("somebody", HERE) == 2


def test_names_and_addresses_tried_at_once_wait_for_nobody_in_a_circle(opened: Opened, clock: Clock) -> None:
    tries = iter([(f"user-{number % 2}", f"10.0.0.{number // 2 % 2}") for number in range(8)])

    def work() -> None:
        name, client = next(tries)
        with opened() as mine:
            own = Throttle(mine, clock=clock)
            for _ in range(3):
                own.wait(name, client)
                own.failed(name, client)
                own.succeeded(name, client)

    at_once(8, work)


ODD = ["", "\0", "\ud800", "no name!", "x" * 100_000, "ä", "a\nb"]


@pytest.mark.parametrize("text", ODD, ids=lambda text: ascii(text)[:20])
def test_whatever_is_typed_is_counted(throttle: Throttle, text: str) -> None:
    another = addresses()
    for _ in range(6):
        assert throttle.wait(text, another()) == 0
        throttle.failed(text, another())
    assert throttle.wait(text, another()) > 0
    throttle.wait("ada", text)
    throttle.failed("ada", text)
    throttle.succeeded("ada", text)
    throttle.succeeded(text, text)


def test_a_password_in_the_wrong_place_is_not_kept(
    database: Database, throttle: Throttle, clock: Clock, trail: Callable[[], list[AuditEntry]]
) -> None:
    for typed in ("hunter2-is-my-password", "Hunter2 is my password!"):
        fail(throttle, clock, typed, HERE, 8)
    assert "unter2" not in everything_in(database)
    assert {entry.detail["user"] for entry in trail()} == {None}


def test_a_lock_out_is_in_the_audit_trail_once(
    throttle: Throttle, users: UserStore, clock: Clock, trail: Callable[[], list[AuditEntry]]
) -> None:
    another = addresses()
    fail(throttle, clock, "bob", another(), 5)
    assert trail() == []
    for _ in range(4):
        fail(throttle, clock, "bob", ELSEWHERE)
    throttle.succeeded("ada", "2001:db8::1")
    fail(throttle, clock, "ada", "2001:db8::2", 7)
    for number in range(30):
        throttle.failed(f"user-{number}", HERE)
    assert [(entry.action, entry.actor, entry.account, entry.detail) for entry in trail()] == [
        ("sign-in.lock-out", "sign-in", "acme", {"counter": "name", "user": "bob", "client": ELSEWHERE}),
        ("sign-in.lock-out", "sign-in", None, {"counter": "place", "user": "ada", "client": "2001:db8::/64"}),
        ("sign-in.lock-out", "sign-in", None, {"counter": "client", "user": None, "client": HERE}),
    ]


def test_counters_go_when_they_are_at_nothing_again(database: Database, throttle: Throttle, clock: Clock) -> None:
    for number in range(20):
        fail(throttle, clock, f"user-{number}", f"10.0.0.{number}")
    assert rows(database) == 40
    clock.now += 3600
    assert throttle.wait("ada", HERE) == 0
    assert rows(database) == 2


def test_who_has_to_wait_fills_no_table(database: Database, throttle: Throttle) -> None:
    for _ in range(25):
        throttle.failed("somebody", HERE)
    before = rows(database)
    for number in range(20):
        assert throttle.wait(f"user-{number}", HERE) > 0
    assert rows(database) == before


def test_counters_are_bounded_and_the_locked_ones_stay(
    database: Database, throttle: Throttle, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "_MOST", 30)
    another = addresses()
    for _ in range(12):
        throttle.failed("ada", another())
    for number in range(60):
        clock.now += 0.01
        throttle.wait(f"user-{number}", another())
        throttle.failed(f"user-{number}", another())
    assert rows(database) <= 31
    assert throttle.wait("ada", another()) > 120


def test_places_are_bounded(database: Database, throttle: Throttle, clock: Clock) -> None:
    another = addresses()
    for _ in range(60):
        clock.now += 1
        throttle.succeeded("ada", another())
    throttle.succeeded("bob", HERE)
    assert rows(database, tables.sign_in_places) == 51
    clock.now += 30 * 86_400
    throttle.succeeded("ada", HERE)
    assert rows(database, tables.sign_in_places) == 2  # bob's goes when bob comes


def test_each_is_one_transaction(database: Database, throttle: Throttle) -> None:
    begun: list[str] = []
    event.listen(database.engine, "begin", lambda connection: begun.append("begin"))
    for act in (throttle.wait, throttle.failed, throttle.succeeded):
        begun.clear()
        act("ada", HERE)
        assert begun == ["begin"]
