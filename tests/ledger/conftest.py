"""A clock that a test can move, one ledger of each kind, and the servers that two of them need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from payseal.ledger import Ledger, MemoryLedger, PostgreSQLLedger, RedisLedger, SQLiteLedger
from tests.clock import Clock
from tests.servers import PostgresServer, ValkeyServer

#: The backends that several processes share.
SHARED = ["sqlite", "postgresql", "valkey"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres_of_all() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def valkey_of_all() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    yield server
    server.close()


@pytest.fixture
def postgres(postgres_of_all: PostgresServer) -> PostgresServer:
    """A PostgreSQL server without claims."""
    postgres_of_all.empty()
    return postgres_of_all


@pytest.fixture
def valkey(valkey_of_all: ValkeyServer) -> ValkeyServer:
    """A Valkey server without claims."""
    valkey_of_all.client.flushall()
    return valkey_of_all


@pytest.fixture(params=["memory", *SHARED])
def ledger(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Iterator[Ledger]:
    made: Ledger
    if request.param == "memory":
        made = MemoryLedger(clock=clock)
    elif request.param == "sqlite":
        made = SQLiteLedger(tmp_path / "ledger.db", clock=clock)
    elif request.param == "postgresql":
        made = PostgreSQLLedger(request.getfixturevalue("postgres").url, clock=clock)
    else:
        made = RedisLedger(request.getfixturevalue("valkey").url, clock=clock)
    yield made
    made.close()


@pytest.fixture(params=SHARED)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a ledger without claims that several processes share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    found: str = request.getfixturevalue("postgres" if request.param == "postgresql" else "valkey").url
    return found
