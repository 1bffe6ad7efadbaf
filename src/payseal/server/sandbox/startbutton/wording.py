"""What Startbutton says: its errors, and a row of a transfer or a wallet as its answers and webhooks show it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import Request

from payseal.server.sandbox.provider import Failure
from payseal.server.sandbox.startbutton.banks import name_of
from payseal.server.sandbox.startbutton.models import Event, EventData, Recipient, Transaction, Wallet
from payseal.server.sandbox.startbutton.outcomes import Status

__all__ = [
    "DECLINED", "DUPLICATE", "HOST_NOT_ALLOWED", "NOT_FOUND", "event_bytes", "insufficient_funds", "shape", "transaction", "wallet",
]  # fmt: skip

DECLINED: Final = "The transfer was declined by the recipient's institution"
DUPLICATE: Final = "Duplicate transaction"
NOT_FOUND: Final = "Transaction not found"
HOST_NOT_ALLOWED: Final = "webhooks go to this machine alone, and to hosts that the operator lists"

_SETTLED_WELL: Final = frozenset({Status.SUCCESSFUL, Status.REVERSED})


def insufficient_funds(currency: str) -> str:
    """For a wallet that holds too little."""
    return f"Insufficient funds in {currency} wallet"


def shape(failure: Failure, request: Request) -> dict[str, Any]:
    """The provider's error body."""
    return {"success": False, "message": f"{failure.field}: {failure.message}" if failure.field else failure.message}


def transaction(row: Mapping[str, Any]) -> Transaction:
    """A transfer's row as its merchant sees it."""
    status = Status(row["status"])
    return Transaction(
        id=row["id"],
        status=status,
        merchantId=_merchant(row["account"]),
        transactionReference=row["reference"],
        userTransactionReference=row["given_reference"],
        gatewayReference=row["reference"] if status in _SETTLED_WELL else None,
        createdAt=_time(row["created"]),
        updatedAt=_time(row["updated"]),
        amount=row["amount"],
        currency=row["currency"],
        recipient=Recipient(
            recipientName=row["recipient_name"],
            currency=row["currency"],
            institutionType=row["channel"],
            institutionName=name_of(row["currency"], row["channel"], row["institution"]),
            institutionNumber=f"xxxx{row['ending']}",
            id=row["recipient_id"],
        ),
    )


def event_bytes(row: Mapping[str, Any]) -> tuple[str, bytes]:
    """The event that tells of a transfer's status, and the webhook's body: compact JSON, its fields always in the same order."""
    event = Event.model_validate({"event": f"transfer.{row['status']}", "data": EventData(transaction=transaction(row))})
    return event.event, event.model_dump_json(by_alias=True).encode()


def wallet(row: Mapping[str, Any], held: int) -> Wallet:
    """A wallet's row; ``held`` is what its pending transfers have taken."""
    return Wallet(
        id=row["id"],
        currency=row["currency"],
        availableBalance=row["balance"],
        ledgerBalance=row["balance"] + held,
        createdAt=_time(row["created"]),
        updatedAt=_time(row["updated"]),
    )


def _merchant(account: str) -> str:
    """The provider's name for an account: the same every time."""
    return hashlib.sha256(f"startbutton-merchant/{account}".encode()).hexdigest()[:24]


def _time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
