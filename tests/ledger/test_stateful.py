"""Whatever is done to a ledger, in whatever order: does it answer as the model does? One model, every backend."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.hypothesis_profiles import TIMEOUT, settings
from tests.ledger.conftest import SHARED
from tests.ledger.machine import Machine, MortalMachine, OutageMachine, WiredMachine
from tests.ledger.stores import MemoryStore, PostgresStore, SQLiteStore, Store, ValkeyStore
from tests.servers import ValkeyServer

pytestmark = TIMEOUT


@pytest.fixture(scope="module")
def durable_valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer("--appendonly", "yes", "--appendfsync", "always")
    yield server
    server.close()


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Of the kind that the test names."""
    made: Store
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "sqlite":
        made = SQLiteStore(tmp_path)
    elif request.param == "postgresql":
        made = PostgresStore(request.getfixturevalue("postgres"))
    else:
        made = ValkeyStore(request.getfixturevalue("durable_valkey"))
    yield made
    made.close()


def tried(machine: Callable[[Any, Counter[str]], Machine], store: Store, examples: int, steps: int) -> Counter[str]:
    """What was done, and how often."""
    done: Counter[str] = Counter()
    try:
        make: Any = functools.partial(machine, store, done)
        run_state_machine_as_test(make, settings=settings(examples, stateful_step_count=steps))
    finally:
        print(dict(done))
    return done


@pytest.mark.parametrize(("store", "examples"), [("memory", 100), ("sqlite", 18)], indirect=["store"])
def test_clients_that_come_and_go(store: Store, examples: int) -> None:
    assert tried(Machine, store, examples, 30)["steps"] > 0


@pytest.mark.parametrize("store", ["postgresql", "valkey"], indirect=True)
def test_a_server_whose_wires_break(store: Store) -> None:
    assert tried(WiredMachine, store, 18, 25)["answers lost"] > 0


@pytest.mark.parametrize("store", ["postgresql", "valkey"], indirect=True)
def test_a_server_that_is_killed(store: Store) -> None:
    assert tried(OutageMachine, store, 3, 12)["servers killed"] > 0


@pytest.mark.parametrize("store", SHARED, indirect=True)
def test_processes_that_are_killed(store: Store) -> None:
    assert tried(MortalMachine, store, 4, 12)["processes killed"] > 0
