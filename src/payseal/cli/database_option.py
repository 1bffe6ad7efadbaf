"""``--database URL`` and ``--master-keys FILE``: the accounts database and what opens its secrets."""

from __future__ import annotations

import functools
import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from payseal.cli.failures import wrong_use
from payseal.errors import MissingExtra

try:
    from payseal.server.accounts.database import Database
    from payseal.server.accounts.issuing import CredentialStore
    from payseal.server.accounts.keyring import VARIABLE, KeyRing
    from payseal.server.accounts.store import AccountStore
except ModuleNotFoundError as error:
    raise MissingExtra("this command", "server") from error

__all__ = ["Place", "actor", "database_options"]

_DEFAULT_KEYS = Path("master.keys")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the accounts are."""

    url: str
    keys_file: Path | None

    @contextmanager
    def database(self, *, create: bool = False, any_version: bool = False) -> Iterator[Database]:
        """The open database, closed afterwards. Raises `DatabaseError`."""
        opened = Database.connect(self.url, create=create) if any_version else Database.open(self.url, create=create)
        try:
            yield opened
        finally:
            opened.close()

    @contextmanager
    def accounts(self) -> Iterator[AccountStore]:
        """The accounts."""
        with self.database() as database:
            yield AccountStore(database)

    @contextmanager
    def credentials(self, *, issuing: bool = False) -> Iterator[CredentialStore]:
        """The credentials; with the master keys where something is issued. A revocation must not wait for a file to be found."""
        with self.database() as database:
            yield CredentialStore(database, self.ring() if issuing else None)

    @property
    def keys_path(self) -> Path:
        """The file that master keys are kept in."""
        return self.keys_file or _DEFAULT_KEYS

    def ring(self) -> KeyRing:
        """The master keys: of ``--master-keys``, else of the environment, else of ``master.keys`` here. Raises `CredentialError`."""
        if self.keys_file is None and not _in_environment() and _DEFAULT_KEYS.exists():
            return KeyRing.load(_DEFAULT_KEYS)
        return KeyRing.load(self.keys_file)


def actor() -> str:
    """Who makes a change from the command line, for the audit trail."""
    # Of the process, not of the environment: what USER says anyone can set.
    try:
        import pwd

        name = pwd.getpwuid(os.getuid()).pw_name
    except ModuleNotFoundError:  # Windows
        name = getpass.getuser()
    except KeyError:  # a user without a name, as in some containers
        name = str(os.getuid())
    return f"cli:{name}"[:200]


def database_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options; the command is given them as ``place``, a `Place`."""

    @click.option(
        "--database",
        "url",
        metavar="URL",
        envvar="PAYSEAL_DATABASE",
        default="sqlite:///payseal.db",
        help="sqlite:///payseal.db (the default) or postgresql://user@host/name; else PAYSEAL_DATABASE, where a password belongs.",
    )
    @click.option(
        "--master-keys",
        "keys_file",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help=f"The file of master keys. Else the keys themselves in {VARIABLE}, or master.keys here.",
    )
    @functools.wraps(command)
    def with_place(*, url: str, keys_file: Path | None, **rest: Any) -> None:
        if not url:
            wrong_use("--database takes the URL of a database, such as sqlite:///payseal.db")
        command(place=Place(url, keys_file), **rest)

    return with_place


def _in_environment() -> bool:
    return bool(os.environ.get(VARIABLE, "").strip())
