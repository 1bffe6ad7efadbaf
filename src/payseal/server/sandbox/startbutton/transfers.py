"""The life of a transfer: taken out of a wallet, pending, and settled in its time. What belongs together is written together."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from payseal.server.sandbox.provider import Backing, Failure
from payseal.server.sandbox.startbutton import wording
from payseal.server.sandbox.startbutton.models import Transfer
from payseal.server.sandbox.startbutton.outcomes import GIVEN_BACK, MAGIC, PLANS, USUAL, Status
from payseal.server.sandbox.startbutton.tables import transfers
from payseal.server.sandbox.startbutton.wallets import add, open_wallets, take
from payseal.server.sandbox.startbutton.webhooks import outbox
from payseal.server.sandbox.store import Store
from payseal.verification import Authenticated

__all__ = ["find", "given_reference", "now_of", "send", "settle_due"]

_REFERENCE: Final = re.compile(r"[A-Za-z0-9]{16,100}")
#: Transfers that are settled in one go.
_BATCH: Final = 100


def now_of(backing: Backing) -> int:
    """Milliseconds since the epoch."""
    return int(backing.clock() * 1000)


def given_reference(transfer: Transfer) -> str | None:
    """The merchant's own reference, if it gave one that can be one."""
    return transfer.reference if transfer.reference and _REFERENCE.fullmatch(transfer.reference) else None


def send(backing: Backing, who: Authenticated, transfer: Transfer) -> None:
    """Take the amount out of the wallet and begin the transfer, or do nothing. Raises `Failure`."""
    now, given = now_of(backing), given_reference(transfer)
    plan = MAGIC.get(transfer.amount, USUAL)
    row: dict[str, Any] = {
        "id": secrets.token_hex(12),
        "account": who.account,
        "keyid": who.keyid,
        "reference": given or secrets.token_hex(12),
        "given_reference": given,
        "amount": transfer.amount,
        "currency": transfer.currency,
        "country": transfer.country,
        "recipient_id": secrets.token_hex(12),
        "recipient_name": transfer.recipient_name,
        "channel": transfer.channel,
        "institution": transfer.institution,
        "ending": transfer.ending,
        "status": Status.PENDING.value,
        "plan": plan,
        "created": now,
        "updated": now,
        "due": _due(backing, plan, Status.PENDING, now),
        "webhook_url": transfer.webhookUrl,
    }
    with backing.store.write() as connection:
        if _found(connection, who.account, row["reference"]) is not None:
            raise Failure(409, wording.DUPLICATE)
        open_wallets(connection, who.account, now)
        if not take(connection, who.account, transfer.currency, transfer.amount, now):
            raise Failure(400, wording.insufficient_funds(transfer.currency))
        connection.execute(insert(transfers), row)
        outbox.put(connection, row, now)


def find(store: Store, account: str, reference: str) -> dict[str, Any] | None:
    """That account's transfer, or ``None``."""
    with store.read() as connection:
        row = _found(connection, account, reference)
    return None if row is None else dict(row)


def settle_due(backing: Backing) -> int:
    """Move every transfer on whose time has come; returns how many there were."""
    now = now_of(backing)
    with backing.store.read() as connection:
        due = (
            connection.execute(select(transfers.c.id).where(transfers.c.due <= now).order_by(transfers.c.due).limit(_BATCH)).scalars().all()
        )
    for each in due:
        with backing.store.write() as connection:
            row = connection.execute(select(transfers).where(transfers.c.id == each, transfers.c.due <= now)).mappings().first()
            if row is not None:  # another process may have been faster
                _move_on(backing, connection, row, now)
    return len(due)


def _move_on(backing: Backing, connection: Connection, row: RowMapping, now: int) -> None:
    status = PLANS[row["plan"]][Status(row["status"])]
    changes = {"status": status.value, "updated": now, "due": _due(backing, row["plan"], status, now)}
    connection.execute(update(transfers).where(transfers.c.id == row["id"]).values(changes))
    if status in GIVEN_BACK:
        add(connection, row["account"], row["currency"], row["amount"], now)
    outbox.put(connection, {**row, **changes}, now)


def _due(backing: Backing, plan: str, status: Status, now: int) -> int | None:
    return now + int(backing.settings.settle_after * 1000) if status in PLANS[plan] else None


def _found(connection: Connection, account: str, reference: str) -> RowMapping | None:
    query = select(transfers).where(transfers.c.account == account, transfers.c.reference == reference)
    return connection.execute(query).mappings().first()
