"""Webhooks that are to be sent: put here in the transaction that changes the transfer, and kept until they were taken or are given up.

They are sent at least once, and those of one transfer in the order in which things happened: each waits for the one before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, insert, select, update

from payseal.server.sandbox.startbutton import wording
from payseal.server.sandbox.startbutton.tables import outbox, transfers
from payseal.server.sandbox.store import Store

__all__ = ["Letter", "postpone", "put", "remove", "take"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A webhook to be sent now. ``attempt`` counts from 1; ``keyid`` is the credential that sent the transfer."""

    id: int
    event: str
    body: bytes
    attempt: int
    url: str
    account: str
    keyid: str | None
    reference: str


def put(connection: Connection, transfer: Mapping[str, Any], now: int) -> None:
    """Tell of the transfer's status, where somebody wants to hear of it."""
    if transfer["webhook_url"] is None:
        return
    event, body = wording.event_bytes(transfer)
    connection.execute(insert(outbox).values(transfer=transfer["id"], event=event, body=body, attempts=0, due=now))


def take(store: Store, now: int, until: int) -> Letter | None:
    """The webhook that has been due for longest, or ``None``. It is due again at ``until``, should nobody come back to say how it went."""
    with store.read() as connection:
        if connection.execute(_due(now).limit(1)).first() is None:
            return None
    with store.write() as connection:
        row = connection.execute(_due(now).limit(1)).mappings().first()
        if row is None:
            return None
        attempt = row["attempts"] + 1
        connection.execute(update(outbox).where(outbox.c.id == row["id"]).values(attempts=attempt, due=until))
    kept = ("id", "event", "body", "account", "keyid", "reference")
    return Letter(**{name: row[name] for name in kept}, url=row["webhook_url"], attempt=attempt)


def postpone(store: Store, letter: Letter, until: int) -> None:
    """Try again at that time."""
    with store.write() as connection:
        connection.execute(update(outbox).where(outbox.c.id == letter.id).values(due=until))


def remove(store: Store, letter: Letter) -> None:
    """It was taken, or is given up."""
    with store.write() as connection:
        connection.execute(delete(outbox).where(outbox.c.id == letter.id))


def _due(now: int) -> Select[Any]:
    earlier = outbox.alias("earlier")
    is_first: ColumnElement[bool] = ~exists().where(earlier.c.transfer == outbox.c.transfer, earlier.c.id < outbox.c.id)
    wanted = (outbox, transfers.c.webhook_url, transfers.c.account, transfers.c.keyid, transfers.c.reference)
    return (
        select(*wanted)
        .join(transfers, transfers.c.id == outbox.c.transfer)
        .where(outbox.c.due <= now, is_first)
        .order_by(outbox.c.due, outbox.c.id)
    )
