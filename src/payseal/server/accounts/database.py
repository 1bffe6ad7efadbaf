"""The accounts database: which one a URL names, whether its tables are this version's, and how they become so.

SQLite and PostgreSQL behave alike from here on: a transaction begins where it is said to, a writer waits for the writer before it, and
what fails is a `DatabaseError` without a password or a value in it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from payseal.errors import MissingExtra, PaysealError
from payseal.server.sqlite_files import PATIENCE, create_private, prepare

__all__ = ["Database", "DatabaseError"]

_EXAMPLES: Final = "sqlite:///payseal.db, postgresql://user@host/name"
#: Seconds that a connection waits for a server.
_PATIENCE: Final = 5
#: One upgrade at a time (an advisory lock of PostgreSQL): "payseal".
_UPGRADE_LOCK: Final = 0x7061797365616C


class DatabaseError(PaysealError):
    """The accounts database cannot be opened or asked, or is not of this version. Holds neither the URL's password nor a row's values."""


@dataclass(frozen=True, slots=True)
class Database:
    """An open database. `Database.open` checks that its tables are this version's, `Database.upgrade` makes them so."""

    engine: Engine

    @classmethod
    def open(cls, url: str, *, create: bool = False) -> Database:
        """Open the database that a URL names; with ``create``, make it and bring its tables up to date.

        Raises `DatabaseError` when it cannot be reached, when its tables are older (the remedy is in the message) or newer than this
        version of payseal, and `MissingExtra` without the driver.
        """
        database = cls(_engine(_url(url), create=create))
        try:
            if create:
                database.upgrade()
            else:
                database.require_current()
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def connect(cls, url: str, *, create: bool = False) -> Database:
        """Open the database whatever version its tables are of."""
        return cls(_engine(_url(url), create=create))

    @property
    def shown(self) -> str:
        """The URL with its password left out."""
        return self.engine.url.render_as_string(hide_password=True).replace("postgresql+psycopg://", "postgresql://", 1)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that reads: all its statements see the same moment. Raises `DatabaseError`."""
        with _told(self.engine), self.engine.connect() as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: whole, or not at all. Raises `DatabaseError`."""
        with _told(self.engine), self.engine.connect().execution_options(payseal_write=True) as connection, connection.begin():
            yield connection

    def revision(self) -> str | None:
        """The migration that the tables are at; ``None`` before the first."""
        with self.read() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def upgrade(self, to: str = "head") -> str:
        """Run the migrations that are missing, all or none; returns the revision reached. Raises `DatabaseError` for a newer database."""
        with self.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
            found = MigrationContext.configure(connection).get_current_revision()
            if found is not None and found not in _known():
                raise _newer(found)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, to)
            reached = MigrationContext.configure(connection).get_current_revision()
        return reached or ""

    def require_current(self) -> None:
        """Raises `DatabaseError` unless the tables are exactly this version's."""
        found, head = self.revision(), newest()
        if found == head:
            return
        if found is not None and found not in _known():
            raise _newer(found)
        state = "is empty" if found is None else f"is at revision {found}, and this version of payseal needs {head}"
        raise DatabaseError(f"the accounts database {state}: run payseal db upgrade")

    def backup(self, target: Path) -> None:
        """Copy a SQLite database, while it is in use, into a new file that only its owner can read. Raises `DatabaseError`."""
        path = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or path is None:
            raise DatabaseError("a PostgreSQL database is backed up with its own pg_dump")
        try:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            raise DatabaseError("the file for the backup exists already: name a new one") from None
        except OSError as error:
            raise DatabaseError(f"the backup cannot be written: {error.strerror}") from None
        try:
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
                source.backup(copy)
                # One file, whole by itself: without a journal beside it that would have to be copied along.
                copy.execute("PRAGMA journal_mode=DELETE")
                whole = copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        except sqlite3.Error as error:
            target.unlink(missing_ok=True)
            raise DatabaseError(f"the backup failed: {type(error).__name__}") from None
        if not whole:
            target.unlink(missing_ok=True)
            raise DatabaseError("the database is damaged (PRAGMA integrity_check): restore it from an earlier backup")


def newest() -> str:
    """The revision that this version of payseal works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _newer(found: str) -> DatabaseError:
    return DatabaseError(
        f"the accounts database is at revision {found[:40]!r}, made by a newer payseal than this one (which knows up to {newest()}): "
        "update payseal, or restore the backup made before that update; nothing was changed"
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseError(f"that is not the URL of a database; examples: {_EXAMPLES}") from None
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite":
        raise DatabaseError(f"{parsed.drivername[:40]}:// is not taken; examples: {_EXAMPLES}")
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:") or parsed.query or parsed.host:
        raise DatabaseError("a SQLite database is sqlite:///relative.db or sqlite:////absolute.db, without host and options")
    return parsed


def _engine(url: URL, *, create: bool) -> Engine:
    # hide_parameters: a failing statement's text may reach a log, its values do not.
    if url.drivername == "sqlite":
        _sqlite_file(Path(url.database or ""), create=create)
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": PATIENCE})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    arguments = {"connect_timeout": _PATIENCE, "application_name": "payseal", "keepalives_idle": 10, "tcp_user_timeout": 5000}
    try:
        return create_engine(url, hide_parameters=True, connect_args=arguments, isolation_level="READ COMMITTED", pool_pre_ping=True)
    except ModuleNotFoundError:
        raise MissingExtra("a postgresql:// database", "postgresql") from None


def _sqlite_file(path: Path, *, create: bool) -> None:
    """See to it that the file is there."""
    if path.exists():
        return
    if not create:
        raise DatabaseError("there is no such SQLite file: payseal db upgrade makes one")
    try:
        create_private(path)
    except OSError as error:
        raise DatabaseError(f"the SQLite file cannot be made: {error.strerror}") from None


def _configure_sqlite(connection: Any, record: object) -> None:
    prepare(connection)  # transactions begin in _begin_sqlite, for DDL too


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its turn before its first read: what it has read is then still so when it writes.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("payseal_write") else "BEGIN")


@contextmanager
def _told(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise DatabaseError(_reason(error, engine.url.password)) from None
    except SQLAlchemyError as error:
        raise DatabaseError(f"the accounts database: {type(error).__name__}") from None


def _reason(error: DBAPIError, password: object) -> str:
    """The driver's own first line for what has to do with reaching the database; for anything else its name alone."""
    kind = type(error.orig).__name__
    first = (str(error.orig).splitlines() or [""])[0]
    about_reaching = kind in ("OperationalError", "DatabaseError", "ConnectionTimeout") and error.statement is None
    if kind == "OperationalError" and isinstance(error.orig, sqlite3.Error):
        about_reaching = True  # "database is locked", "no such table": SQLite names no values
    if kind == "DatabaseError" and isinstance(error.orig, sqlite3.Error):
        about_reaching = True  # "file is not a database"
    if not about_reaching or (password and str(password) in first):
        return f"the accounts database: {kind}"
    return f"the accounts database: {first}"
