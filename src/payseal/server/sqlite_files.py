"""A SQLite file of the server: made for its owner's eyes alone, and opened by several at once without one of them failing."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Final

__all__ = ["PATIENCE", "create_private", "prepare"]

#: Seconds that a connection waits for its turn to write.
PATIENCE: Final = 10
_PAUSE: Final = 0.01


def create_private(path: Path) -> None:
    """An empty file that only its owner can read, unless there is one; SQLite gives the same mode to the files beside it.

    Raises `OSError`. Never opens a file that is there: closing it again would drop every lock this process has on it
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def prepare(connection: sqlite3.Connection) -> None:
    """Settings of a new connection: readers beside a writer, nothing lost in a power cut, transactions that begin where they are told to.

    Raises `sqlite3.Error`. Turning the write-ahead log on does not wait its turn, whatever the connection's time-out, so that is done here.
    """
    connection.isolation_level = None
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE)
        else:
            break
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
