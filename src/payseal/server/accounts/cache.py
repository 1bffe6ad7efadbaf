"""Credentials in memory, kept fresh: no request waits for the database, and a revocation is seen everywhere within a second.

A thread asks for one number, the revision, a few times a second. When it has grown, the accounts that changed are loaded and put in
place of the old ones at once. An answer is trusted for ``max_staleness`` seconds from the moment the question was *asked*: when the
database cannot be reached for longer, lookups raise, the middleware answers 503, and nothing is accepted in doubt.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import select

from payseal.errors import CredentialError, PaysealError
from payseal.server.accounts import tables
from payseal.server.accounts.database import Database
from payseal.server.accounts.entries import Entry, read_entries
from payseal.server.accounts.issuing import token_digest
from payseal.server.accounts.keyring import KeyRing
from payseal.server.accounts.records import Account
from payseal.server.accounts.store import read_accounts

__all__ = ["Directory"]

_logger: Final = logging.getLogger("payseal")

#: Accounts that one statement loads at most.
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What the database said at one moment. Replaced as a whole, so that readers need no lock."""

    revision: int = -1
    accounts: Mapping[str, Account] = field(default_factory=dict)
    by_keyid: Mapping[str, Entry] = field(default_factory=dict)
    by_token: Mapping[bytes, Entry] = field(default_factory=dict)
    #: scheme → every set of overrides that a credential of it has.
    overrides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Of every credential there ever was: keyid → keyid, and digest of its token → keyid.
    names: Mapping[str | bytes, str] = field(default_factory=dict)


class Directory:
    """Finds credentials without asking the database. Start it before use: ``with Directory(database, ring) as directory``.

    ``poll`` and ``max_staleness`` are seconds. A process that is forked after the start goes on with a thread of its own. Raises
    `CredentialError` at the start when a master key is missing that secrets were sealed with, `DatabaseError` when it cannot be asked.
    """

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        *,
        poll: float = 0.25,
        max_staleness: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not 0 < poll < max_staleness <= 1.0:
            raise ValueError("poll must be shorter than max_staleness, and max_staleness at most one second")
        self._database, self._ring = database, ring
        self._poll, self._max_staleness, self._clock = poll, max_staleness, clock
        self._snapshot = _Snapshot()
        self._fresh_until = 0.0  # of time.monotonic()
        self._failing = False
        self._started = False
        self._renew()
        # A child has the data and not the thread: its locks may be held by a thread that is not there.
        myself = weakref.ref(self)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=lambda: _after_fork(myself()))

    def _renew(self) -> None:
        self._stop = threading.Event()
        self._loading = threading.Lock()
        self._waking = threading.Lock()
        self._thread: threading.Thread | None = None

    def forked(self) -> None:
        """Called in the child of a fork."""
        self._renew()
        self._fresh_until, self._failing = 0.0, False
        # Connections belong to the parent: left alone, not closed, so that its conversation is not ended for it.
        self._database.engine.dispose(close=False)

    def __repr__(self) -> str:
        return f"<Directory revision {self._snapshot.revision}, {len(self._snapshot.by_keyid)} credentials>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Load everything, and begin to keep it fresh."""
        with self._database.read() as connection:
            in_use = set(connection.execute(select(tables.secrets.c.sealed_with).distinct()).scalars())
        self._ring.require(in_use)
        self.refresh()
        self._started = True
        self._run()

    def close(self) -> None:
        """Stop; lookups raise from now on. The database stays open."""
        self._started = False
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._fresh_until = 0.0

    @property
    def revision(self) -> int:
        """The change that is known: it grows by one with every change in the database."""
        return self._snapshot.revision

    def refresh(self) -> None:
        """Look for changes now, in this thread. Raises `DatabaseError`."""
        with self._loading:
            asked = time.monotonic()
            known = self._snapshot
            with self._database.read() as connection:
                revision = connection.execute(select(tables.revision.c.number)).scalar_one()
                if revision != known.revision:
                    # A smaller number: another database was put in this one's place, and nothing that is known counts.
                    known = self._loaded(connection, _Snapshot() if revision < known.revision else known, revision)
            self._snapshot = known
            self._fresh_until = asked + self._max_staleness

    def account(self, id: str) -> Account | None:
        """That account, or ``None``. Raises `CredentialError` when what is known is too old to be trusted."""
        return self._trusted().accounts.get(id)

    def by_keyid(self, keyid: str) -> Entry | None:
        """The credential of that keyid, or ``None``: unknown, revoked, or of a disabled account. Raises `CredentialError` in doubt."""
        return self._trusted().by_keyid.get(keyid)

    def by_token(self, token: str) -> Entry | None:
        """The credential with that access token, or ``None``. Raises `CredentialError` in doubt."""
        return self._trusted().by_token.get(token_digest(token))

    def keyid_of(self, *, keyid: str | None = None, token: str | None = None) -> str | None:
        """The keyid of a credential that is ours by that keyid or that token, be it in use, revoked or of a disabled account: to say whose a
        refused request was, never to accept one. Raises nothing: what was known last is good enough for that."""
        name = keyid if token is None else token_digest(token)
        return None if name is None else self._snapshot.names.get(name)

    def of_account(self, id: str) -> list[Entry]:
        """Every credential of that account which is neither revoked nor disabled. Raises `CredentialError` in doubt."""
        return [entry for entry in self._trusted().by_keyid.values() if entry.account == id]

    def overrides_in_use(self, scheme: str) -> tuple[str, ...]:
        """Every set of overrides that a credential of that scheme has, as JSON text; ``{}``, which is none, left out."""
        return self._snapshot.overrides.get(scheme, ())

    def _trusted(self) -> _Snapshot:
        if time.monotonic() < self._fresh_until:
            return self._snapshot
        if self._started and self._caught_up():
            return self._snapshot
        raise CredentialError("the credentials could not be kept fresh: the accounts database does not answer")

    def _caught_up(self) -> bool:
        """Whether a look in this thread makes it fresh again, where the thread that should have looked is late.

        After a fork it is not there; on a busy machine it may not have had its turn. Where it waits for the database, or was refused by
        it, no request waits too.
        """
        if self._thread is not None and (self._failing or self._loading.locked()):
            return False
        with self._waking:
            if time.monotonic() >= self._fresh_until:
                self._attempt()
            self._run()
        return time.monotonic() < self._fresh_until

    def _loaded(self, connection: Any, known: _Snapshot, revision: int) -> _Snapshot:
        """``known`` with every account that changed after it put in anew."""
        query = select(tables.accounts.c.id).where(tables.accounts.c.revision > known.revision)
        changed = list(connection.execute(query).scalars())
        gone = set(changed)
        accounts, names = dict(known.accounts), dict(known.names)
        by_keyid = {keyid: entry for keyid, entry in known.by_keyid.items() if entry.account not in gone}
        for start in range(0, len(changed), _BATCH):
            part = changed[start : start + _BATCH]
            found = {account.id: account for account in read_accounts(connection, part)}
            accounts.update(found)
            column = tables.credentials.c
            for row in connection.execute(select(column.keyid, column.token_sha256).where(column.account.in_(part))):
                names[row.keyid] = row.keyid
                if row.token_sha256 is not None:
                    names[row.token_sha256] = row.keyid
            for entry in read_entries(connection, part, self._ring):
                if found[entry.account].disabled is None:
                    by_keyid[entry.keyid] = entry
                    if entry.problem:
                        _logger.error("%s", entry.problem)
        by_token = {entry.token_sha256: entry for entry in by_keyid.values() if entry.token_sha256 is not None}
        overrides: dict[str, set[str]] = {}
        for entry in by_keyid.values():
            if entry.overrides != "{}":
                overrides.setdefault(entry.scheme, set()).add(entry.overrides)
        variants = {scheme: tuple(sorted(texts)) for scheme, texts in overrides.items()}
        return _Snapshot(revision, accounts, by_keyid, by_token, variants, names)

    def _run(self) -> None:
        with self._loading:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep_fresh, args=(self._stop,), name="payseal-accounts", daemon=True)
                self._thread.start()

    def _keep_fresh(self, stop: threading.Event) -> None:
        while not stop.wait(self._poll):
            self._attempt()

    def _attempt(self) -> None:
        try:
            self.refresh()
        except Exception as error:  # noqa: BLE001 - whatever a driver raises: the thread must live to see the database again
            if not self._failing:
                text = str(error) if isinstance(error, PaysealError) else ""
                _logger.error(
                    "the accounts database does not answer, requests are refused until it does: %s: %s", type(error).__name__, text
                )
            self._failing = True
        else:
            if self._failing:
                _logger.warning("the accounts database answers again")
            self._failing = False


def _after_fork(directory: Directory | None) -> None:
    if directory is not None:
        directory.forked()
