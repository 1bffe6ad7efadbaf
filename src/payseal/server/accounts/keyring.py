"""Master keys: secrets are sealed with the first of a ring (AES-256-GCM), and opened with whichever of it they were sealed with.

What is sealed is bound to where it stands (its associated data), so that a ciphertext moved to another row or column does not open.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from payseal.errors import CredentialError

__all__ = ["VARIABLE", "KeyRing", "add_master_key", "write_private"]

#: The environment variable that holds master keys, in the form of the file.
VARIABLE: Final = "PAYSEAL_MASTER_KEYS"

_KEY: Final = re.compile(r"([a-z0-9][a-z0-9-]{0,31}):([0-9a-fA-F]{64})")
_HEADING: Final = """\
# Master keys of payseal, as id:64 hexadecimal digits. The first seals, all of them open. Whoever has this file and the database
# has every secret: keep a copy, and keep it apart from the database's backups. Without it nothing in the database can be opened.
"""
_VERSION: Final = 1
_NONCE: Final = 12


class KeyRing:
    """Master keys by id; the first is the primary. Shows none of them, and is not pickled."""

    __slots__ = ("_keys", "_lock", "_path", "_seen", "primary")

    #: The id of the key that seals.
    primary: str

    def __init__(self, keys: Mapping[str, bytes], *, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._path = path
        self._seen: object = None
        self._keys: dict[str, AESGCM] = {}
        self._hold(keys)

    @classmethod
    def load(cls, path: Path | None = None, *, environment: Mapping[str, str] | None = None) -> KeyRing:
        """The ring in a file, or, without one, in PAYSEAL_MASTER_KEYS. Nothing is ever made here.

        Raises `CredentialError` when there is none, when it is malformed, or when others can read the file.
        """
        if path is None:
            text = (os.environ if environment is None else environment).get(VARIABLE, "")
            if not text.strip():
                raise CredentialError(
                    f"there is no master key: give --master-keys FILE or set {VARIABLE} to the keys that the database was sealed with "
                    "(payseal db new-master-key makes the first one)"
                )
            return cls(_parsed(text, VARIABLE))
        ring = cls(_read(path), path=path)
        ring._seen = _stamp(path)
        return ring

    def __repr__(self) -> str:
        return f"<KeyRing {len(self._keys)} keys, primary {self.primary!r}>"

    def __reduce__(self) -> Any:
        raise TypeError("master keys are not pickled: load them again from where they are kept")

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the primary first."""
        return tuple(self._keys)

    def seal(self, plain: bytes, subject: str) -> bytes:
        """Encrypt with the primary key, bound to ``subject``. The result names the key."""
        name, nonce = self.primary.encode("ascii"), os.urandom(_NONCE)
        head = bytes([_VERSION, len(name)]) + name
        return head + nonce + self._keys[self.primary].encrypt(nonce, plain, head + subject.encode())

    def unseal(self, sealed: bytes, subject: str) -> bytes:
        """What `seal` was given. Raises `CredentialError` when its master key is missing, or it was made for another subject."""
        end = 2 + sealed[1] if len(sealed) > 1 and sealed[0] == _VERSION else 0
        name = sealed[2:end].decode("ascii", "replace")
        key = self._keys.get(name) or self._reloaded(name)
        if not end or key is None:
            raise CredentialError(f"the master key {name!r} is missing: put it back into the ring" if end else "this was not sealed here")
        try:
            return key.decrypt(sealed[end : end + _NONCE], sealed[end + _NONCE :], sealed[:end] + subject.encode())
        except (InvalidTag, ValueError):
            pass
        raise CredentialError(f"cannot be opened with the master key {name!r}: it is another key of that name, or the row was changed")

    def require(self, ids: set[str]) -> None:
        """Raises `CredentialError` when one of these keys is not in the ring."""
        missing = sorted(name for name in ids if name not in self._keys and self._reloaded(name) is None)
        if missing:
            raise CredentialError(
                f"the database holds secrets sealed with the master key {missing[0]!r}, and that key is missing: put it back from a copy; "
                "nothing was changed"
            )

    def _reloaded(self, name: str) -> AESGCM | None:
        """That key after a look into the file, which may have been given a new one since; ``None`` without it."""
        with self._lock:
            if self._path is not None and (stamp := _stamp(self._path)) != self._seen:
                self._hold(_read(self._path))
                self._seen = stamp
            return self._keys.get(name)

    def _hold(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {name: AESGCM(key) for name, key in keys.items()}
        self.primary = next(iter(keys))


def add_master_key(path: Path) -> str:
    """Put a new key before the others in a file, or make the file (mode 0600); returns its id. Raises `CredentialError`."""
    existing = _read(path) if path.exists() else {}
    number = 1 + max((int(found[1]) for name in existing if (found := re.fullmatch(r"k(\d{1,9})(?:-.*)?", name))), default=0)
    key = secrets.token_bytes(32)
    # A piece of its digest in the name: two keys of one name would seal what only one of them opens.
    name = f"k{number}-{hashlib.sha256(key).hexdigest()[:8]}"
    lines = [f"{each}:{value.hex()}" for each, value in {name: key, **existing}.items()]
    write_private(path, _HEADING + "\n".join(lines) + "\n")
    return name


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all. Raises `CredentialError`."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CredentialError(f"{path} cannot be written: {error.strerror}") from None


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _read(path: Path) -> dict[str, bytes]:
    try:
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            text = stream.read(65_536).decode("utf-8", "replace")
    except FileNotFoundError:
        raise CredentialError(
            f"{path} is missing: put the master keys back from a copy (payseal db new-master-key makes the first)"
        ) from None
    except OSError as error:
        raise CredentialError(f"{path} cannot be read: {error.strerror}") from None
    if os.name == "posix" and stat.S_ISREG(status.st_mode) and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CredentialError(f"{path} can be read by other users of this machine: chmod 600 takes that away")
    return _parsed(text, str(path))


def _parsed(text: str, where: str) -> dict[str, bytes]:
    """Keys by id, in order. No message holds what was found."""
    words = [word for line in text.splitlines() if not line.lstrip().startswith("#") for word in re.split(r"[\s,]+", line) if word]
    keys: dict[str, bytes] = {}
    for number, word in enumerate(words, start=1):
        match = _KEY.fullmatch(word)
        if match is None:
            raise CredentialError(f"{where}: key {number} is not a name, a colon and 64 hexadecimal digits: put it back from a copy")
        if match[1] in keys:
            raise CredentialError(f"{where}: two keys are named {match[1]!r}")
        keys[match[1]] = bytes.fromhex(match[2])
    if not keys:
        raise CredentialError(f"{where} holds no master key (a name, a colon and 64 hexadecimal digits): put it back from a copy")
    return keys
