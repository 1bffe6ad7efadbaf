"""Passwords: kept as Argon2id hashes, checked at one cost for everybody, and found nowhere."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from argon2 import Parameters, PasswordHasher
from sqlalchemy import select, update

from payseal.server.accounts import AuditEntry, Database, tables
from payseal.server.users import LinkStore, SessionStore, UserError, UserStore, passwords

from .at_once import at_once
from .conftest import ACTOR, PASSWORD, everything_in, logged


class Counted:
    """The hasher, with what it is asked counted; what it answers is its own."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self.calls: list[str] = []
        self.at_once = 0
        self._now = 0
        self._lock = threading.Lock()

    def verify(self, *args: Any) -> Any:
        return self._call("verify", *args)

    def hash(self, *args: Any) -> Any:
        return self._call("hash", *args)

    def check_needs_rehash(self, kept: str) -> bool:
        return self._hasher.check_needs_rehash(kept)

    def _call(self, name: str, *args: Any) -> Any:
        with self._lock:
            self.calls.append(name)
            self._now += 1
            self.at_once = max(self.at_once, self._now)
        try:
            time.sleep(0.005)  # so that there is time for others to come
            return getattr(self._hasher, name)(*args)
        finally:
            with self._lock:
                self._now -= 1


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted(passwords.HASHER)
    monkeypatch.setattr(passwords, "HASHER", counted)
    return counted


def kept_of(database: Database, name: str) -> str:
    with database.read() as connection:
        return str(connection.execute(select(tables.users.c.password).where(tables.users.c.name == name)).scalar_one())


def test_a_password_lets_its_user_in_and_nothing_else_does(users: UserStore) -> None:
    users.set_password("ada", PASSWORD, actor=ACTOR)
    ada = users.get("ada")
    assert ada.has_password
    assert users.verify_password("ada", PASSWORD) == users.verify_password("ADA", PASSWORD) == ada
    for wrong in ("", PASSWORD + " ", PASSWORD[:-1], PASSWORD.upper(), PASSWORD + "\0", "\ud800" * 12, "x" * 100_000):
        assert users.verify_password("ada", wrong) is None
    users.set_password("ada", "another one that is long", actor=ACTOR)
    assert users.verify_password("ada", PASSWORD) is None
    assert users.verify_password("ada", "another one that is long") == ada


def test_the_parameters_are_owasp_s(database: Database, users: UserStore) -> None:
    users.set_password("ada", PASSWORD, actor=ACTOR)
    assert kept_of(database, "ada").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_everybody_costs_one_computation_and_gets_one_answer(users: UserStore, hasher: Counted) -> None:
    for name in ("ada", "bob"):
        users.set_password(name, PASSWORD, actor=ACTOR)
    users.disable("bob", ACTOR)
    users.create("eve", "operator", actor=ACTOR)
    tries = [
        ("ada", "wrong"),  # the password is wrong
        ("ada", "x" * 2000),  # nobody's could be so long
        ("bob", PASSWORD),  # disabled
        ("bob", "wrong"),
        ("eve", PASSWORD),  # has none
        ("nobody", PASSWORD),
        ("no such name!", PASSWORD),
        ("", ""),
        ("\0", "\ud800"),
        ("x" * 10_000, PASSWORD),
    ]
    for name, password in tries:
        hasher.calls.clear()
        assert users.verify_password(name, password) is None
        assert hasher.calls == ["verify"], name
    hasher.calls.clear()
    assert users.verify_password("ada", PASSWORD) is not None
    assert hasher.calls == ["verify"]


def test_the_hash_that_is_nobody_s_costs_what_a_real_one_does() -> None:
    real = passwords.hashed(PASSWORD)
    assert not passwords.outdated(passwords._NOBODYS)
    assert [len(part) for part in passwords._NOBODYS.split("$")] == [len(part) for part in real.split("$")]
    assert not passwords.matches(None, PASSWORD)


def test_no_more_than_two_computations_at_a_time(users: UserStore, hasher: Counted) -> None:
    users.set_password("ada", PASSWORD, actor=ACTOR)
    answers = at_once(8, lambda: users.verify_password("ada", PASSWORD))
    assert None not in answers
    assert hasher.at_once == 2


def test_a_hash_made_with_other_parameters_is_made_anew(database: Database, users: UserStore) -> None:
    old = PasswordHasher.from_parameters(Parameters(passwords.PARAMETERS.type, 19, 16, 32, time_cost=1, memory_cost=64, parallelism=1))
    with database.write() as connection:
        connection.execute(update(tables.users).values(password=old.hash(PASSWORD)))
    assert users.verify_password("ada", "wrong") is None
    assert "m=64" in kept_of(database, "ada")
    assert users.verify_password("ada", PASSWORD) is not None
    assert "m=19456" in kept_of(database, "ada")
    assert "m=64" in kept_of(database, "bob")
    assert users.verify_password("ada", PASSWORD) is not None


@pytest.mark.parametrize("kept", ["", "nonsense", "$argon2id$v=19$m=19456,t=2,p=1$AAAA", "$argon2id$v=19$m=19456,t=2,p=1$$"])
def test_a_damaged_hash_lets_nobody_in(database: Database, users: UserStore, kept: str, caplog: pytest.LogCaptureFixture) -> None:
    with database.write() as connection:
        connection.execute(update(tables.users).values(password=kept))
    assert users.verify_password("ada", PASSWORD) is None
    assert "could not be checked" in caplog.text
    assert PASSWORD not in caplog.text


def test_one_text_typed_on_two_keyboards_is_one_password(users: UserStore) -> None:
    composed, decomposed = "größe über alles", "gro\u0308ße u\u0308ber alles"
    assert composed != decomposed
    users.set_password("ada", decomposed, actor=ACTOR)
    assert users.verify_password("ada", composed) is not None
    users.set_password("ada", "ﬁfteen words x", actor=ACTOR)
    assert users.verify_password("ada", "fifteen words x") is not None


TAKEN = ["twelve chars", "aaaaaaaaaaaa", "x" * 1024, "パスワードは長い方がよいです", "            ", "with\nline\0ends"]
NOT_TAKEN = [
    ("", "12 characters"),
    ("elevenchars", "12 characters"),
    ("a\u0308" * 11, "12 characters"),  # as many as are seen, not as are sent
    ("x" * 1025, "1024 characters"),
    ("long.enough.name", "own name"),
    ("Long.Enough.Name", "own name"),
    ("ｌｏｎｇ.ｅｎｏｕｇｈ.ｎａｍｅ", "own name"),
    ("\ud800" * 12, "Unicode"),
]


@pytest.mark.parametrize("password", TAKEN, ids=ascii)
def test_length_is_all_that_is_asked(users: UserStore, password: str) -> None:
    users.set_password("ada", password, actor=ACTOR)
    assert users.verify_password("ada", password) is not None


@pytest.mark.parametrize(("password", "says"), NOT_TAKEN, ids=lambda text: ascii(text)[:20])
def test_what_is_not_taken_is_said_and_not_repeated(users: UserStore, password: str, says: str) -> None:
    users.create("long.enough.name", "operator", actor=ACTOR)
    with pytest.raises(UserError, match=says) as caught:
        users.set_password("Long.Enough.Name", password, actor=ACTOR)
    assert not password or password not in str(caught.value)
    assert not users.get("long.enough.name").has_password


def test_a_new_password_signs_its_user_out_everywhere(users: UserStore, sessions: SessionStore, links: LinkStore) -> None:
    ada, bob = users.list()
    tokens = [sessions.begin(ada, client=None, agent="") for _ in range(2)]
    link = links.issue(ada.id, actor=ACTOR)
    other = sessions.begin(bob, client=None, agent="")
    users.set_password("ada", PASSWORD, actor=ACTOR)
    assert [sessions.find(token) for token in tokens] == [None, None]
    assert links.redeem(link) is None
    assert sessions.find(other) is not None


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_a_password_is_found_nowhere(
    database: Database,
    users: UserStore,
    sessions: SessionStore,
    links: LinkStore,
    trail: Callable[[], list[AuditEntry]],
    caplog: pytest.LogCaptureFixture,
    level: str,
) -> None:
    with logged(database, caplog, level):
        users.set_password("ada", PASSWORD, actor=ACTOR)
        user = users.verify_password("ada", PASSWORD)
        assert user is not None
        token = sessions.begin(user, client="192.0.2.1", agent="x")
        session = sessions.find(token)
        link = links.issue(user.id, actor=ACTOR)
        links.redeem(link)
    assert session is not None
    kept = kept_of(database, "ada")
    given, made = (PASSWORD, token, link), (session.csrf, kept, kept.rpartition("$")[2])
    shown = repr((user, users.list(), users, session, sessions, sessions.list(user.id), links, trail()))
    assert "UPDATE users" in caplog.text
    for hidden in (*given, *made):
        assert hidden not in shown
        # At DEBUG the database's library logs the rows it was given, and what it was given is no secret of a person.
        assert hidden not in caplog.text or (level == "DEBUG" and hidden in made)
    everything = everything_in(database)
    assert kept in everything  # it was really read
    for hidden in given:
        for form in (hidden, hidden.encode().hex(), base64.b64encode(hidden.encode()).decode()):
            assert form not in everything
