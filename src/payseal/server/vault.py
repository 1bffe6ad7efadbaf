"""The sandbox's own folder: its master keys, its databases, the demo account's keys. Everything in it is readable by its owner alone."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from payseal.credentials import Credential
from payseal.errors import CredentialError
from payseal.server.accounts import tables
from payseal.server.accounts.database import Database
from payseal.server.accounts.issuing import CredentialStore
from payseal.server.accounts.keyring import KeyRing, add_master_key, write_private
from payseal.server.accounts.store import AccountStore

__all__ = ["DEMO_ACCOUNT", "DemoKeys", "Vault", "control_token"]

DEMO_ACCOUNT = "demo"
_ACTOR = "sandbox"
_CONTROL = "control.token"
#: Name in the keys file → the scheme of its credential.
_DEMO_SCHEMES = {"fiserv": "fiserv-payments", "startbutton": "startbutton-transfer", "commercehub": "commercehub-hmac"}
_HEADING = """\
# Keys of the sandbox's demo account, made on this machine. They open nothing but this sandbox.
# Its database holds them encrypted: this is the only place that shows them. Without this file new ones are made, and these end.
"""


@dataclass(frozen=True, slots=True)
class DemoKeys:
    """The demo account's credentials at the three providers."""

    fiserv: Credential
    startbutton: Credential
    commercehub: Credential


@dataclass(frozen=True, slots=True)
class Vault:
    """The folder. Made on first use by `Vault.open`."""

    folder: Path
    ring: KeyRing
    #: URLs of accounts and of a ledger elsewhere, which may hold a password; empty: the folder's own files.
    _accounts: str = field(default="", repr=False)
    _ledger: str = field(default="", repr=False)

    @classmethod
    def open(cls, folder: Path, *, accounts: str = "", ledger: str = "") -> Vault:
        """Open the folder, and make it, the master key and the demo account where they are missing. ``accounts`` and ``ledger`` are the
        URLs of others than the folder's own.

        Raises `CredentialError` when there is a database and the master keys that belong to it are gone or damaged, and for accounts
        that no sandbox has made; `DatabaseError` when the accounts cannot be reached.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "master.keys"
        if not path.exists():
            for name in ("accounts.db", "sandbox.db"):
                if (folder / name).exists():
                    raise CredentialError(
                        f"{path} is missing and {name} was made with it: put it back, or move the folder away to begin anew"
                    )
            add_master_key(path)
        if not (folder / _CONTROL).exists():
            write_private(folder / _CONTROL, f"{secrets.token_urlsafe(32)}\n")
        vault = cls(folder, KeyRing.load(path), accounts, ledger)
        vault._prepare()
        return vault

    @property
    def keys_file(self) -> Path:
        """The demo account's keys, in the form that ``payseal --credentials`` reads."""
        return self.folder / "keys.toml"

    @property
    def accounts_file(self) -> Path:
        """Accounts, credentials, the audit trail and the decisions, unless they are elsewhere."""
        return self.folder / "accounts.db"

    @property
    def accounts_url(self) -> str:
        """Where the accounts are, as ``--database`` takes it."""
        return self._accounts or f"sqlite:///{self.accounts_file}"

    @property
    def database_file(self) -> Path:
        """The embedded database: what was accepted."""
        return self.folder / "sandbox.db"

    @property
    def ledger_file(self) -> Path:
        """The memory of request ids, unless that is elsewhere."""
        return self.folder / "ledger.db"

    @property
    def ledger_url(self) -> str:
        """Where the memory of request ids is, as ``--ledger`` takes it."""
        return self._ledger or f"sqlite:///{self.ledger_file.resolve()}"

    @contextmanager
    def running(self, address: str) -> Iterator[None]:
        """Say in the folder where the sandbox is reached, for as long as the block runs."""
        path = self.folder / "address"
        path.write_text(f"{address}\n", "ascii")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def demo_keys(self) -> DemoKeys:
        """The demo account's credentials. Raises `CredentialError` when the file was damaged."""
        try:
            tables = tomllib.loads(self.keys_file.read_text("utf-8"))
            made = {
                name: Credential(table.get("keyid"), table["secret"], table.get("token"), account=DEMO_ACCOUNT)
                for name, table in tables.items()
            }
            return DemoKeys(made["fiserv"], made["startbutton"], made["commercehub"])
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError):
            raise CredentialError(f"{self.keys_file} cannot be read: delete it and start again to have new keys made") from None

    def seal(self, plain: bytes, subject: str) -> bytes:
        """Encrypt for the sandbox's own database, bound to ``subject``."""
        return self.ring.seal(plain, f"payseal/sandbox/{subject}")

    def unseal(self, sealed: bytes, subject: str) -> bytes:
        """What `seal` was given. Raises `CredentialError` when its master key is gone, or it was made for another subject."""
        return self.ring.unseal(sealed, f"payseal/sandbox/{subject}")

    def _prepare(self) -> None:
        """Bring the accounts up to date, and issue the demo account's credentials unless there are some that can still be read."""
        database = Database.open(self.accounts_url, create=not self._accounts or self._nothing_there())
        try:
            accounts, credentials = AccountStore(database), CredentialStore(database, self.ring)
            there = {account.id for account in accounts.list()}
            if self._accounts and there and DEMO_ACCOUNT not in there:
                raise CredentialError("that database holds accounts which no sandbox has made: give the sandbox a database of its own")
            with database.read() as connection:  # before anything is changed: these may be another folder's
                self.ring.require(set(connection.execute(select(tables.secrets.c.sealed_with).distinct()).scalars()))
            if DEMO_ACCOUNT not in there:
                accounts.create(DEMO_ACCOUNT, "The sandbox's demo account", actor=_ACTOR)
            issued_before = credentials.list(DEMO_ACCOUNT)
            if issued_before and self.keys_file.exists() and self._kept_keyids() <= {record.keyid for record in issued_before}:
                return
            for record in issued_before:
                if record.label == _ACTOR and record.revoked is None:
                    credentials.revoke(record.keyid, actor=_ACTOR)
            lines = [_HEADING]
            for name, scheme in _DEMO_SCHEMES.items():
                issued = credentials.create(DEMO_ACCOUNT, scheme, label=_ACTOR, actor=_ACTOR)
                # token is Startbutton's SECRET_KEY, which names the merchant; secret is its signKey.
                parts = {"keyid": issued.keyid, "token": issued.token, "secret": issued.secret}
                lines.append(f"[{name}]\n" + "".join(f'{part} = "{value}"\n' for part, value in parts.items() if value is not None))
            write_private(self.keys_file, "\n".join(lines))
        finally:
            database.close()

    def _nothing_there(self) -> bool:
        """Whether the accounts elsewhere are still to be made. Those that are there are not brought up to date: they may be real ones."""
        database = Database.connect(self.accounts_url, create=True)
        try:
            return database.revision() is None
        finally:
            database.close()

    def _kept_keyids(self) -> set[str]:
        """Whose keys the keys file holds; none for a file that cannot be read, which `demo_keys` says."""
        try:
            keys = self.demo_keys()
        except CredentialError:
            return set()
        return {each.keyid for each in (keys.fiserv, keys.startbutton, keys.commercehub) if each.keyid is not None}


def control_token(folder: Path) -> str:
    """What steers the sandbox that runs on the folder. Raises `CredentialError` when there is none."""
    path = folder / _CONTROL
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if len(token) < 32:
        raise CredentialError(f"{path} cannot be read: delete it and start the sandbox again to have a new one made")
    return token
