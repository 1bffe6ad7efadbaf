"""One-time links: once, in time, for a user who may come in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from payseal.server.accounts import AuditEntry, Database, tables
from payseal.server.users import LinkStore, User, UserError
from tests.clock import Clock

from .at_once import at_once
from .conftest import ACTOR, Opened
from .test_sessions import NO_TOKENS


def test_a_link_works_once(links: LinkStore, ada: User, bob: User) -> None:
    first, second, other = (links.issue(user.id, actor=ACTOR) for user in (ada, ada, bob))
    assert len({first, second, other}) == 3
    assert {len(token) for token in (first, second, other)} == {43}
    assert links.redeem(first) == ada
    assert links.redeem(first) is None
    assert links.redeem(other) == bob
    assert links.redeem(second) == ada  # another link of the same user is one of its own


def test_a_link_works_until_its_time(links: LinkStore, ada: User, clock: Clock) -> None:
    tokens = [links.issue(ada.id, actor=ACTOR), links.issue(ada.id, actor=ACTOR), links.issue(ada.id, ttl=60, actor=ACTOR)]
    clock.now += 60
    assert links.redeem(tokens[2]) is None
    clock.now += 839
    assert links.redeem(tokens[0]) == ada
    clock.now += 1
    assert links.redeem(tokens[1]) is None


@pytest.mark.parametrize("ttl", [0, -1, 86_401, float("inf"), float("nan")])
def test_a_link_lasts_a_day_at_most(links: LinkStore, ada: User, ttl: float) -> None:
    with pytest.raises(UserError, match="a day"):
        links.issue(ada.id, ttl=ttl, actor=ACTOR)


def test_a_link_is_for_a_user_who_is_there(links: LinkStore) -> None:
    for nobody in (0, 99, 2**63):
        with pytest.raises(UserError, match="payseal users list"):
            links.issue(nobody, actor=ACTOR)


def test_a_link_of_a_disabled_user_lets_nobody_in(database: Database, links: LinkStore, ada: User) -> None:
    token = links.issue(ada.id, actor=ACTOR)
    with database.write() as connection:  # by other means than the store's, which deletes it
        connection.execute(update(tables.users).values(disabled=1.0))
    assert links.redeem(token) is None


def test_what_is_no_token_lets_nobody_in(links: LinkStore, ada: User) -> None:
    token = links.issue(ada.id, actor=ACTOR)
    for text in (*NO_TOKENS, "x" * 101, "\ud800" * 1_000_000, token[:-1], token + "x", token.swapcase(), f"#{token}"):
        assert links.redeem(text) is None
    assert links.redeem(token) == ada


def test_the_database_has_the_digest_alone(database: Database, links: LinkStore, ada: User) -> None:
    token = links.issue(ada.id, actor=ACTOR)
    with database.read() as connection:
        row = connection.execute(select(tables.links)).one()
    assert bytes(row.token_sha256) == hashlib.sha256(token.encode()).digest()
    assert token not in repr(row)


def test_of_several_at_once_exactly_one_is_let_in(
    opened: Opened, database: Database, clock: Clock, ada: User, trail: Callable[[], list[AuditEntry]]
) -> None:
    for _ in range(5):
        token = LinkStore(database, clock=clock).issue(ada.id, actor=ACTOR)

        def redeem(token: str = token) -> User | None:
            with opened() as mine:  # connections of its own, as another process has
                return LinkStore(mine, clock=clock).redeem(token)

        answers = at_once(4, redeem)
        assert answers.count(None) == 3
        assert answers.count(ada) == 1
    assert [entry.action for entry in trail()].count("link.redeem") == 5


def test_old_links_go(database: Database, links: LinkStore, ada: User, clock: Clock) -> None:
    for _ in range(5):
        links.issue(ada.id, actor=ACTOR)
    clock.now += 900
    kept = links.issue(ada.id, actor=ACTOR)
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.links)).scalar_one() == 1
    assert links.redeem(kept) == ada
