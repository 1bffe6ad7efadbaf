"""Sessions: begun, found, over after a while without use and after a longest time; ended one by one or all at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from payseal.server.accounts import AuditEntry, Database, tables
from payseal.server.users import SessionStore, User, UserError, UserStore
from tests.clock import Clock

from .at_once import at_once
from .conftest import ACTOR, Opened


@pytest.fixture
def statements(database: Database) -> list[str]:
    """The first word of each statement, from now on."""
    made: list[str] = []
    event.listen(
        database.engine, "before_cursor_execute", lambda connection, cursor, statement, *rest: made.append(statement.split(None, 1)[0])
    )
    return made


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.sessions)).scalar_one()


def test_a_session_is_its_user_s(sessions: SessionStore, ada: User, bob: User, clock: Clock) -> None:
    first, second, other = (sessions.begin(user, client="192.0.2.1", agent="Browser/1") for user in (ada, ada, bob))
    found = [sessions.find(token) for token in (first, second, other)]
    assert [None if session is None else session.user for session in found] == [ada, ada, bob]
    assert len({session.csrf for session in found if session is not None}) == 3
    for session, token in zip(found, (first, second, other), strict=True):
        assert session is not None
        assert len(session.csrf) == len(token) == 43  # 256 bits
        assert session.csrf not in repr(session)
        assert (session.created, session.seen, session.expires) == (clock(), clock(), clock() + 7200)
        again = sessions.find(token)
        assert again is not None
        assert again.csrf == session.csrf


def test_the_database_has_the_digest_alone(database: Database, sessions: SessionStore, ada: User) -> None:
    token = sessions.begin(ada, client=None, agent="")
    with database.read() as connection:
        row = connection.execute(select(tables.sessions)).one()
    assert bytes(row.token_sha256) == hashlib.sha256(token.encode()).digest()
    assert sessions.find(bytes(row.token_sha256).hex()) is None


NO_TOKENS = ["", "x", "x" * 43, "x" * 100, "\0", "\ud800", "é" * 43, "' OR 1=1 --", "\U0010ffff" * 100]


def test_what_is_no_token_finds_nothing(sessions: SessionStore, ada: User) -> None:
    token = sessions.begin(ada, client=None, agent="")
    for text in (*NO_TOKENS, token[:-1], token + "x", token.swapcase(), f" {token}", f"{token}\n"):
        assert sessions.find(text) is None
        sessions.end(text)
    assert sessions.find(token) is not None


def test_what_is_too_long_is_not_even_asked_for(sessions: SessionStore, statements: list[str]) -> None:
    for text in ("", "x" * 101, "\ud800" * 1_000_000):
        assert sessions.find(text) is None
        sessions.end(text)
    assert statements == []
    assert sessions.find("x" * 100) is None
    assert statements != []


def test_a_session_ends_when_it_is_not_used(sessions: SessionStore, ada: User, clock: Clock) -> None:
    token = sessions.begin(ada, client=None, agent="")
    for _ in range(3):
        clock.now += 7199
        session = sessions.find(token)
        assert session is not None
        assert (session.seen, session.expires) == (clock(), clock() + 7200)
    clock.now += 7200
    assert sessions.find(token) is None


def test_a_session_ends_however_much_it_is_used(sessions: SessionStore, ada: User, clock: Clock) -> None:
    token = sessions.begin(ada, client=None, agent="")
    end = clock() + 43_200
    while clock() < end:
        session = sessions.find(token)
        assert session is not None
        assert session.expires == min(clock() + 7200, end)
        clock.now += 3600
    assert sessions.find(token) is None


def test_reading_writes_once_a_minute_at_most(sessions: SessionStore, ada: User, clock: Clock, statements: list[str]) -> None:
    token = sessions.begin(ada, client=None, agent="")
    began = clock()
    statements.clear()
    for _ in range(12):
        clock.now += 10
        assert sessions.find(token) is not None
    assert statements.count("UPDATE") == 2
    assert set(statements) - {"BEGIN"} == {"SELECT", "UPDATE"}
    assert sessions.list(ada.id)[0].seen == began + 120


def test_a_minute_s_write_is_made_by_one_of_several(sessions: SessionStore, ada: User, clock: Clock) -> None:
    token = sessions.begin(ada, client=None, agent="")
    clock.now += 60
    found = at_once(6, lambda: sessions.find(token))
    assert {session.seen for session in found if session is not None} == {clock()}
    assert len(found) == 6


def test_short_sessions_are_not_over_before_their_time(database: Database, ada: User, clock: Clock) -> None:
    sessions = SessionStore(database, clock=clock, idle=20, longest=100)
    token = sessions.begin(ada, client=None, agent="")
    for _ in range(6):
        clock.now += 15
        assert sessions.find(token) is not None
    clock.now += 15
    assert sessions.find(token) is None
    for idle, longest in ((0, 10), (-1, 10), (20, 10), (float("nan"), 10)):
        with pytest.raises(ValueError, match="idle"):
            SessionStore(database, idle=idle, longest=longest)


def test_a_session_ends_where_it_is_ended(sessions: SessionStore, ada: User, bob: User) -> None:
    here, there, others = (sessions.begin(user, client=None, agent="") for user in (ada, ada, bob))
    sessions.end(here)
    sessions.end(here)
    assert [sessions.find(token) is None for token in (here, there, others)] == [True, False, False]
    (bobs,) = sessions.list(bob.id)
    for wrong in (bobs.id, 0, -1, 2**63, 10**40):
        sessions.end_one(ada.id, wrong)  # another's is not ended
    for wrong in (0, -1, 2**63, 10**40):
        sessions.end_one(wrong, bobs.id)
    assert [sessions.find(token) is None for token in (there, others)] == [False, False]
    sessions.end_one(bob.id, bobs.id)
    assert [sessions.find(token) is None for token in (there, others)] == [False, True]


def test_all_sessions_end_but_one(sessions: SessionStore, ada: User, bob: User) -> None:
    mine, *others = (sessions.begin(ada, client=None, agent="") for _ in range(4))
    bobs = sessions.begin(bob, client=None, agent="")
    assert sessions.end_all(ada.id, keep=mine) == 3
    assert sessions.find(mine) is not None
    assert [sessions.find(token) for token in others] == [None] * 3
    assert sessions.end_all(ada.id, keep=bobs) == 1  # keeps nothing of another's
    assert sessions.end_all(ada.id) == 0
    assert sessions.find(mine) is None
    assert sessions.find(bobs) is not None
    for nobody in (0, 99, 2**63):
        assert sessions.end_all(nobody) == 0


def test_a_session_is_not_found_while_its_user_is_disabled(database: Database, sessions: SessionStore, ada: User) -> None:
    token = sessions.begin(ada, client=None, agent="")
    with database.write() as connection:  # by other means than the store's, which ends it
        connection.execute(update(tables.users).values(disabled=1.0))
    assert sessions.find(token) is None
    with pytest.raises(UserError, match="disabled"):
        sessions.begin(ada, client=None, agent="")


def test_the_list_is_what_its_user_needs_to_see(sessions: SessionStore, ada: User, bob: User, clock: Clock) -> None:
    sessions.begin(bob, client=None, agent="")
    sessions.begin(ada, client="192.0.2.1", agent="A" * 500)
    clock.now += 3600
    sessions.begin(ada, client="2001:db8::1", agent="B")
    newer, older = sessions.list(ada.id)
    assert newer[1:] == (clock(), clock(), "2001:db8::1", "B")
    assert older[1:] == (clock() - 3600, clock() - 3600, "192.0.2.1", "A" * 120)
    clock.now += 3600
    assert [each.id for each in sessions.list(ada.id)] == [newer.id]
    assert sessions.list(99) == sessions.list(0) == sessions.list(2**63) == []


@pytest.mark.parametrize("text", ["\0", "\ud800", "\x1b[2J", "é", "\U0010ffff", "", "x" * 10_000, "a\r\nb"])
def test_whatever_a_browser_calls_itself_is_taken(sessions: SessionStore, ada: User, text: str) -> None:
    token = sessions.begin(ada, client=text, agent=text)
    assert sessions.find(token) is not None
    (listed,) = sessions.list(ada.id)
    assert listed.agent.isprintable()
    assert len(listed.agent) <= 120


def test_expired_rows_go_a_bounded_number_at_a_time(database: Database, sessions: SessionStore, ada: User, clock: Clock) -> None:
    for _ in range(103):
        sessions.begin(ada, client=None, agent="")
    clock.now += 7200
    kept = sessions.begin(ada, client=None, agent="")
    assert count(database) == 4
    assert sessions.tidy() == 3
    assert sessions.tidy() == 0
    assert sessions.find(kept) is not None


def test_signing_in_while_being_disabled_leaves_no_session(
    opened: Opened, users: UserStore, ada: User, trail: Callable[[], list[AuditEntry]]
) -> None:
    turns = iter(range(6))

    def act() -> Any:
        turn = next(turns)
        with opened() as mine:
            if turn == 3:
                return UserStore(mine).disable("ada", ACTOR)
            try:
                return SessionStore(mine).begin(ada, client=None, agent="")
            except UserError:
                return None

    tokens = [token for token in at_once(6, act) if token is not None]
    users.enable("ada", ACTOR)
    with opened() as mine:
        after = SessionStore(mine)
        assert [after.find(token) for token in tokens] == [None] * len(tokens)
        assert after.list(ada.id) == []
    (disabled,) = (entry for entry in trail() if entry.action == "user.disable")
    assert disabled.detail["sessions_ended"] == len(tokens)
