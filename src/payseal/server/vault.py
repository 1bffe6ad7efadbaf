"""The sandbox's own folder: its keys, its master key, its database. Everything in it is readable by its owner alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from payseal.credentials import Credential
from payseal.errors import CredentialError

__all__ = ["DEMO_ACCOUNT", "DemoKeys", "Vault"]

DEMO_ACCOUNT = "demo"


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
    _master: bytes = field(repr=False)

    @classmethod
    def open(cls, folder: Path) -> Vault:
        """Open the folder, and make it, the master key and the demo keys where they are missing.

        Raises `CredentialError` when the folder holds a database and the master key that belongs to it is gone or damaged.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "master.key"
        if not path.exists():
            if (folder / "sandbox.db").exists():
                raise CredentialError(
                    f"{path} is missing and sandbox.db was made with it: put it back, or move the folder away to begin anew"
                )
            _write_private(path, secrets.token_hex(32) + "\n")
        try:
            master = bytes.fromhex(path.read_text("ascii").strip())
        except ValueError:
            master = b""
        if len(master) != 32:
            raise CredentialError(f"{path} does not hold a master key (64 hexadecimal digits): put it back from a copy")
        vault = cls(folder, master)
        if not vault.keys_file.exists():
            _write_private(vault.keys_file, _new_demo_keys())
        return vault

    @property
    def keys_file(self) -> Path:
        """The demo account's keys, in the form that ``payseal --credentials`` reads."""
        return self.folder / "keys.toml"

    @property
    def database_file(self) -> Path:
        """The embedded database: what was accepted."""
        return self.folder / "sandbox.db"

    @property
    def ledger_file(self) -> Path:
        """The memory of request ids."""
        return self.folder / "ledger.db"

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

    def derive(self, purpose: str, subject: str) -> str:
        """A secret that belongs to ``subject``, always the same and kept nowhere: 43 URL-safe characters."""
        mac = hmac.digest(self._master, f"{purpose}\0{subject}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac).decode("ascii").rstrip("=")

    def seal(self, plain: bytes, subject: str) -> bytes:
        """Encrypt for the database (AES-256-GCM), bound to ``subject``."""
        nonce = os.urandom(12)
        return nonce + AESGCM(self._master).encrypt(nonce, plain, subject.encode())

    def unseal(self, sealed: bytes, subject: str) -> bytes:
        """What `seal` was given. Raises `CredentialError` when it was made with another master key or for another subject."""
        try:
            return AESGCM(self._master).decrypt(sealed[:12], sealed[12:], subject.encode())
        except (InvalidTag, ValueError):
            raise CredentialError("sealed with another master key") from None


def _write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(path)


def _new_demo_keys() -> str:
    def word(size: int) -> str:
        return secrets.token_urlsafe(size).replace("-", "a").replace("_", "b")

    return f"""\
# Keys of the sandbox's demo account, made on this machine. They open nothing but this sandbox.

[fiserv]
keyid = "{word(24)}"
secret = "{word(32)}"

[startbutton]
# token is the SECRET_KEY that names the merchant, secret the signKey.
token = "sk_test_{word(18)}"
secret = "{word(32)}"

[commercehub]
keyid = "{word(24)}"
secret = "{word(32)}"
"""
