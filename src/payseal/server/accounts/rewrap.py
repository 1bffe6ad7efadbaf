"""Changing the master key: every secret sealed anew under the primary key, in batches, while everything goes on."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, select, update

from payseal.server.accounts import tables
from payseal.server.accounts.changes import change
from payseal.server.accounts.database import Database
from payseal.server.accounts.issuing import subject_of
from payseal.server.accounts.keyring import KeyRing

__all__ = ["keys_in_use", "rewrap"]

_BATCH: Final = 200


def keys_in_use(database: Database) -> dict[str, int]:
    """The ids of the master keys that secrets are sealed with, and how many each."""
    query = select(tables.secrets.c.sealed_with, func.count()).group_by(tables.secrets.c.sealed_with).order_by(tables.secrets.c.sealed_with)
    with database.read() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def rewrap(database: Database, ring: KeyRing, *, actor: str, now: float, batch: int = _BATCH) -> int:
    """Seal everything that another key sealed with the primary one; returns how many. May be stopped and begun again at any time.

    Each batch is one short transaction, so that no request and no other change waits for the whole. Raises `CredentialError` when a
    secret's own master key is missing (nothing of its batch is changed then), `DatabaseError`.
    """
    ring.require(set(keys_in_use(database)))
    done = 0
    while True:
        query = select(tables.secrets).where(tables.secrets.c.sealed_with != ring.primary).order_by(tables.secrets.c.id).limit(batch)
        with change(database, actor, now) as made:
            rows = made.connection.execute(query).all()
            for row in rows:
                subject = subject_of(row.id, row.keyid, row.kind)
                sealed = ring.seal(ring.unseal(row.sealed, subject), subject)
                made.connection.execute(
                    update(tables.secrets).where(tables.secrets.c.id == row.id).values(sealed=sealed, sealed_with=ring.primary)
                )
            if not rows:
                made.record("master-key.rewrap", to=ring.primary, secrets=done)
                return done
        done += len(rows)
