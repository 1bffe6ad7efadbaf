"""A sandbox to be attacked from outside, in this process, in a folder that is thrown away."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.server.console.conftest import Console

from payseal.server.accounts import Database, Directory
from payseal.server.sandbox.provider import Backing, Settings
from payseal.server.sandbox.serve import bind, serving
from payseal.server.sandbox.store import Store
from payseal.server.vault import Vault

__all__ = ["delivering", "site"]

#: Transfers are settled at once.
_SETTINGS: Final = Settings((), 0.0)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What is logged of such requests is not shown; whoever wants to hear it listens to the loggers themselves."""
    server, own, nobody = logging.getLogger("uvicorn.error"), logging.getLogger("payseal"), logging.NullHandler()
    own.addHandler(nobody)
    server.addHandler(nobody)
    server.propagate = False
    try:
        yield
    finally:
        server.propagate = True
        own.removeHandler(nobody)
        server.removeHandler(nobody)


@contextlib.contextmanager
def site() -> Iterator[Console]:
    """The whole sandbox, on a port of its own."""
    with tempfile.TemporaryDirectory(prefix="payseal-outward-") as folder:
        vault, listener = Vault.open(Path(folder) / "sandbox"), bind(0)
        with _quiet(), serving(vault, listener, _SETTINGS), contextlib.closing(Database.open(vault.accounts_url)) as database:
            yield Console(listener.getsockname()[1], vault, database)


@contextlib.contextmanager
def delivering() -> Iterator[Backing]:
    """What webhooks are sent with, without a server in front."""
    with tempfile.TemporaryDirectory(prefix="payseal-outward-") as folder:
        vault = Vault.open(Path(folder) / "sandbox")
        with (
            _quiet(),
            contextlib.closing(Database.open(vault.accounts_url)) as database,
            contextlib.closing(Store.open(vault.database_file)) as store,
            Directory(database, vault.ring) as directory,
        ):
            yield Backing(store, vault, directory, _SETTINGS, time.time)
