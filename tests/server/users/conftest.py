"""Users on both databases, as the accounts beside them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import pytest
from sqlalchemy import select

from payseal.server.accounts import AccountStore, AuditEntry, Database, tables
from payseal.server.users import LinkStore, SessionStore, Throttle, User, UserStore
from tests.clock import Clock
from tests.server.accounts.conftest import (  # noqa: F401
    accounts,
    clock,
    database,
    kind,
    migrated_postgresql,
    migrated_sqlite,
    postgresql,
    url,
)

ACTOR = "test:operator"
PASSWORD = "correct horse battery staple"

Opened: TypeAlias = Callable[[], AbstractContextManager[Database]]


@pytest.fixture
def users(database: Database, clock: Clock, accounts: AccountStore) -> UserStore:  # noqa: F811
    """With an operator, ada, and a merchant, bob; neither has a password."""
    store = UserStore(database, clock=clock)
    store.create("ada", "operator", actor="test:setup")
    store.create("bob", "merchant", "acme", actor="test:setup")
    return store


@pytest.fixture
def ada(users: UserStore) -> User:
    return users.get("ada")


@pytest.fixture
def bob(users: UserStore) -> User:
    return users.get("bob")


@pytest.fixture
def sessions(database: Database, clock: Clock) -> SessionStore:  # noqa: F811
    return SessionStore(database, clock=clock)


@pytest.fixture
def links(database: Database, clock: Clock) -> LinkStore:  # noqa: F811
    return LinkStore(database, clock=clock)


@pytest.fixture
def throttle(database: Database, clock: Clock) -> Throttle:  # noqa: F811
    return Throttle(database, clock=clock)


@pytest.fixture
def trail(accounts: AccountStore) -> Callable[[], list[AuditEntry]]:  # noqa: F811
    """What was entered since the setup, the oldest first."""

    def entered() -> list[AuditEntry]:
        return [entry for entry in reversed(list(accounts.audit())) if entry.actor != "test:setup"]

    return entered


@pytest.fixture
def opened(url: str) -> Opened:  # noqa: F811
    """The same database with connections of its own, as another process has it."""

    @contextmanager
    def another() -> Iterator[Database]:
        mine = Database.open(url)
        try:
            yield mine
        finally:
            mine.close()

    return another


def everything_in(database: Database) -> str:  # noqa: F811
    """Every value of every table."""
    with database.read() as connection:
        return repr([connection.execute(select(table)).all() for table in tables.metadata.sorted_tables])


@contextmanager
def logged(database: Database, caplog: pytest.LogCaptureFixture, level: str) -> Iterator[None]:  # noqa: F811
    """Statements are logged too; at DEBUG with the rows they bring."""
    with caplog.at_level(level):
        logging.getLogger("sqlalchemy.engine").setLevel(level)
        database.engine.echo = "debug" if level == "DEBUG" else True
        try:
            yield
        finally:
            database.engine.echo = False
            logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
