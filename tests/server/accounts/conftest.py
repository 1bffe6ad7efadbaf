"""The accounts database on SQLite and on a real PostgreSQL that the test run starts itself: every test that asks for ``url`` runs on both."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from payseal.server.accounts import AccountStore, CredentialStore, Database, Directory, KeyRing
from tests.clock import Clock
from tests.servers import PostgresServer

_numbers = itertools.count()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server of its own. Stopped and deleted when the tests are over, whatever happens in them."""
    server = PostgresServer()
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # a test's database need not outlive a power cut
            server.execute(f"ALTER SYSTEM SET {setting} = off")
        server.execute("SELECT pg_reload_conf()")
        yield server.url
    finally:
        server.close()


def postgresql_database(postgresql: str, template: str = "template0") -> str:
    """A new database on the server; its URL."""
    name = f"payseal_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'".encode())
    return make_url(postgresql).set(database=name).render_as_string(hide_password=False)


@contextmanager
def passing_database(postgresql: str, template: str = "template0") -> Iterator[str]:
    """A new database for one test; its URL. Dropped afterwards: hundreds of them would be gigabytes to write, and to delete in the end."""
    url = postgresql_database(postgresql, template)
    yield url
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "accounts.db"
    database = Database.open(f"sqlite:///{path}", create=True)
    database.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: str) -> str:
    url = postgresql_database(postgresql)
    Database.open(url, create=True).close()
    return make_url(url).database or ""


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
def empty_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'accounts.db'}"
        return
    with passing_database(request.getfixturevalue("postgresql")) as made:
        yield made


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with today's tables and nothing in them."""
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "accounts.db")
        yield f"sqlite:///{tmp_path / 'accounts.db'}"
        return
    with passing_database(request.getfixturevalue("postgresql"), request.getfixturevalue("migrated_postgresql")) as made:
        yield made


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database.open(url)
    yield opened
    opened.close()


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing({"k1": bytes(range(32))})


@pytest.fixture
def accounts(database: Database) -> AccountStore:
    store = AccountStore(database)
    store.create("acme", "Acme Shop", actor="test:setup")
    return store


@pytest.fixture
def keys(database: Database, ring: KeyRing, accounts: AccountStore) -> CredentialStore:
    return CredentialStore(database, ring)


@pytest.fixture
def directory(database: Database, ring: KeyRing, keys: CredentialStore) -> Iterator[Directory]:
    with Directory(database, ring) as started:
        yield started
