"""An answer's headers as one text, for backends that keep text."""

from __future__ import annotations

import json

from payseal.errors import LedgerError
from payseal.ledger.protocol import Answer

__all__ = ["packed_headers", "unpacked"]


def packed_headers(answer: Answer) -> str:
    """JSON in ASCII. latin-1 is one character a byte, so nothing is lost and nothing can fail."""
    return json.dumps([[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers])


def unpacked(status: int | None, headers: str | bytes, body: bytes) -> Answer | None:
    """The answer that was kept; none where there is no status. Raises `LedgerError` for what `packed_headers` did not write."""
    if status is None:
        return None
    try:
        return Answer(status, tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(headers)), body)
    except (ValueError, TypeError, AttributeError):
        raise LedgerError("a stored answer cannot be read: the ledger is damaged") from None
