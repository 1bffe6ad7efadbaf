"""The sandbox's own SQLite file: what its three systems accepted. Each system's tables are its own, on this metadata.

Amounts are kept as exact decimal text or whole minor units; of cards, what `cards` keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import DatabaseError

from payseal.errors import PaysealError
from payseal.server.sqlite_files import PATIENCE, create_private, prepare

__all__ = ["Store", "metadata"]

metadata = MetaData()

#: Which tables these are (``PRAGMA user_version``). A sandbox begins anew rather than being migrated.
_VERSION: Final = 3


@dataclass(frozen=True, slots=True)
class Store:
    """The open file."""

    engine: Engine

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open the file, and make it and its tables where they are missing. Raises `PaysealError` for another version's file."""
        create_private(path)
        # hide_parameters: a failing statement's text goes to the log, its values do not.
        engine = create_engine(f"sqlite:///{path}", hide_parameters=True, connect_args={"timeout": PATIENCE})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        store = cls(engine)
        try:
            with store.write() as connection:
                found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
                tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
                if tables and found != _VERSION:
                    raise PaysealError(f"{path} was made by another version of payseal: delete it to begin with an empty sandbox")
                metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {_VERSION}")
        except DatabaseError as error:
            engine.dispose()
            raise PaysealError(f"{path} cannot be used ({error.orig}): delete it to begin with an empty sandbox") from None
        except BaseException:
            engine.dispose()
            raise
        return store

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that reads: all its statements see the same moment."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes, whole or not at all; from its first read alone, so that what it has read is so when it writes."""
        with self.engine.connect().execution_options(payseal_write=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _configure(connection: Any, record: object) -> None:
    prepare(connection)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("payseal_write") else "BEGIN")
