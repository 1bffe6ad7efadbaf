"""Users are made, listed, disabled; every change is in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from sqlalchemy import insert

from payseal import CredentialError
from payseal.server.accounts import AuditEntry, Database, DatabaseError, tables
from payseal.server.users import LinkStore, Role, SessionStore, User, UserError, UserStore
from tests.clock import Clock

from .at_once import at_once
from .conftest import ACTOR, PASSWORD, Opened


def test_a_user_is_made_once(users: UserStore, clock: Clock) -> None:
    ada, bob = users.list()
    assert ada == User(ada.id, "ada", "operator", None, clock(), None, False)
    assert bob == User(bob.id, "bob", "merchant", "acme", clock(), None, False)
    assert users.get("ADA") == users.by_id(ada.id) == ada
    for name in ("ada", "Ada"):
        with pytest.raises(UserError, match="already"):
            users.create(name, "operator", actor=ACTOR)
    assert users.list() == [ada, bob]


def test_a_name_is_a_plain_word_in_lower_case(users: UserStore) -> None:
    assert users.create("Grace.Hopper_1@Example-Mail", "operator", actor=ACTOR).name == "grace.hopper_1@example-mail"
    assert users.create("x" * 64, "operator", actor=ACTOR).name == "x" * 64
    # Among them letters whose lower-case form is an ASCII letter: the Kelvin sign, the long s.
    for name in ("", "a b", "x" * 65, "ä", "a\n", "a\0", "a/b", "\u212aay", "\u017fam", "\ud800"):
        with pytest.raises(UserError, match="1 to 64"):
            users.create(name, "operator", actor=ACTOR)
    assert len(users.list()) == 4


@pytest.mark.parametrize(
    ("role", "account", "says"),
    [
        ("merchant", None, "name it"),
        ("operator", "acme", "name none"),
        ("merchant", "nobody", "payseal accounts list"),
        ("merchant", "", "payseal accounts list"),
        ("merchant", "a\0b", "payseal accounts list"),
        ("owner", None, "operator, merchant"),
        ("", "acme", "operator, merchant"),
    ],
)
def test_a_merchant_has_an_account_and_an_operator_none(users: UserStore, role: str, account: str | None, says: str) -> None:
    with pytest.raises(UserError, match=says):
        users.create("eve", cast(Role, role), account, actor=ACTOR)
    assert len(users.list()) == 2


@pytest.mark.parametrize("values", [{"role": "merchant"}, {"role": "operator", "account": "acme"}, {"role": "owner"}])
def test_the_database_refuses_it_too(database: Database, users: UserStore, values: dict[str, str]) -> None:
    with pytest.raises(DatabaseError), database.write() as connection:
        connection.execute(insert(tables.users).values({"name": "eve", "created": 0, **values}))


def test_who_is_not_there_is_said_with_the_remedy_and_not_repeated(users: UserStore) -> None:
    attempts: list[Callable[[str], Any]] = [
        users.get,
        lambda name: users.disable(name, ACTOR),
        lambda name: users.enable(name, actor=ACTOR),
        lambda name: users.set_password(name, PASSWORD, actor=ACTOR),
    ]
    for name in ("distinctive", "Distinctive!", "distinctive\0", "distinctive\ud800"):
        for attempt in attempts:
            with pytest.raises(UserError, match="payseal users list") as caught:
                attempt(name)
            assert "istinctive" not in str(caught.value)
    for nobody in (0, -1, 99, 2**63, 10**40):
        assert users.by_id(nobody) is None


def test_a_change_names_its_actor_or_is_not_made(users: UserStore, ada: User) -> None:
    for actor in ("", "x" * 201, "a\nb"):
        for attempt in (
            lambda: users.create("eve", "operator", actor=actor),  # noqa: B023 - called at once
            lambda: users.disable("ada", actor),  # noqa: B023
            lambda: users.set_password("ada", PASSWORD, actor=actor),  # noqa: B023
        ):
            with pytest.raises(CredentialError, match="actor"):
                attempt()
    assert [user.name for user in users.list()] == ["ada", "bob"]
    assert users.get("ada") == ada


def test_disabling_ends_sessions_and_links(users: UserStore, sessions: SessionStore, links: LinkStore, bob: User, clock: Clock) -> None:
    token = sessions.begin(bob, client=None, agent="")
    link = links.issue(bob.id, actor=ACTOR)
    users.disable("bob", ACTOR)
    assert users.get("bob").disabled == clock()
    assert sessions.find(token) is None
    with pytest.raises(UserError, match="disabled"):
        sessions.begin(bob, client=None, agent="")
    with pytest.raises(UserError, match="disabled"):
        links.issue(bob.id, actor=ACTOR)
    users.enable("bob", ACTOR)
    assert users.get("bob") == bob
    assert sessions.find(token) is None  # it is over, not asleep
    assert links.redeem(link) is None


def test_every_change_is_in_the_audit_trail(
    users: UserStore, sessions: SessionStore, links: LinkStore, bob: User, trail: Callable[[], list[AuditEntry]]
) -> None:
    users.create("eve", "operator", actor=ACTOR)
    sessions.begin(bob, client="192.0.2.1", agent="x")
    users.set_password("bob", PASSWORD, actor=ACTOR)
    users.disable("bob", ACTOR)
    users.enable("bob", ACTOR)
    redeemed = links.redeem(links.issue(bob.id, ttl=60, actor=ACTOR))
    assert redeemed is not None
    sessions.end(sessions.begin(redeemed, client=None, agent="x"))
    sessions.begin(redeemed, client=None, agent="x")
    sessions.end_one(bob.id, sessions.list(bob.id)[0].id)
    sessions.end_all(bob.id, actor=ACTOR)
    bobs, itself = {"user": "bob"}, "user:bob"
    assert [(entry.action, entry.actor, entry.account, entry.detail) for entry in trail()] == [
        ("user.create", ACTOR, None, {"user": "eve", "role": "operator"}),
        ("session.begin", itself, "acme", {**bobs, "client": "192.0.2.1"}),
        ("user.password", ACTOR, "acme", {**bobs, "sessions_ended": 1}),
        ("user.disable", ACTOR, "acme", {**bobs, "sessions_ended": 0}),
        ("user.enable", ACTOR, "acme", bobs),
        ("link.issue", ACTOR, "acme", {**bobs, "seconds": 60}),
        ("link.redeem", itself, "acme", bobs),
        ("session.begin", itself, "acme", {**bobs, "client": None}),
        ("session.end", itself, "acme", bobs),
        ("session.begin", itself, "acme", {**bobs, "client": None}),
        ("session.end", itself, "acme", bobs),
        ("session.end_all", ACTOR, "acme", {**bobs, "sessions_ended": 0}),
    ]


def test_a_change_that_fails_leaves_no_line(users: UserStore, trail: Callable[[], list[AuditEntry]]) -> None:
    with pytest.raises(UserError):
        users.create("ada", "operator", actor=ACTOR)
    with pytest.raises(UserError):
        users.set_password("ada", "short", actor=ACTOR)
    assert trail() == []


def test_one_name_made_by_several_at_once_is_one_user(opened: Opened, users: UserStore) -> None:
    def create() -> bool:
        with opened() as mine:
            try:
                UserStore(mine).create("eve", "operator", actor=ACTOR)
            except UserError:
                return False
            return True

    assert sorted(at_once(4, create)) == [False, False, False, True]
    assert [user.name for user in users.list()] == ["ada", "bob", "eve"]
