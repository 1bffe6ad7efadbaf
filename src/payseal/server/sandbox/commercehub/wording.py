"""Commerce Hub's errors: their shape, and the status, code and words of each reason. The codes are those of its public list."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from fastapi import Request

from payseal.server.sandbox.commercehub.models import ErrorAnswer, ErrorItem, GatewayResponse, ProcessingDetails
from payseal.server.sandbox.commercehub.rules import Reason
from payseal.server.sandbox.provider import Failure, request_id, trace_id

__all__ = ["Wrong", "refusal", "shape"]


class Wrong(StrEnum):
    """What the application finds wrong with a request that is well formed, beside what its `rules` forbid."""

    KEY_ID = "key-id"
    FIELDS = "fields"
    BLOCK = "block"
    CARD_EXPIRED = "card-expired"
    SESSION_OVER = "session-over"
    NO_SESSION = "no-session"
    NO_CHARGE = "no-charge"
    NO_TRANSACTION = "no-transaction"
    CURRENCY = "currency"


@dataclass(frozen=True, slots=True)
class _Words:
    status: int
    code: str
    message: str
    field: str | None = None


_DATA: Final = "source.encryptionData"
_REFERENCE: Final = "referenceTransactionDetails"
_CHARGE_ID: Final = f"{_REFERENCE}.referenceTransactionId"
_TOTAL: Final = "amount.total"

_WORDS: Final[dict[Wrong | Reason, _Words]] = {
    Wrong.KEY_ID: _Words(400, "302", "The key id is not the session's.", f"{_DATA}.keyId"),
    Wrong.FIELDS: _Words(400, "302", "The fields cannot be read.", f"{_DATA}.encryptionBlockFields"),
    Wrong.BLOCK: _Words(
        400, "302", "No card can be read from the block with the session's key and these fields.", f"{_DATA}.encryptionBlock"
    ),
    Wrong.CARD_EXPIRED: _Words(400, "115", "The card has expired.", "card.expirationYear"),
    Wrong.SESSION_OVER: _Words(400, "102", "The session has expired or was used."),
    Wrong.NO_SESSION: _Words(400, "102", "There is no payment session with a card under this id, or it was used.", "source.sessionId"),
    Wrong.NO_CHARGE: _Words(404, "764", "There is no charge with this transaction id.", _CHARGE_ID),
    Wrong.NO_TRANSACTION: _Words(404, "764", "There is no such transaction.", _REFERENCE),
    Wrong.CURRENCY: _Words(400, "804", "The charge was made in another currency.", "amount.currency"),
    Reason.NOT_AUTHORISED: _Words(400, "819", "The charge was declined and cannot be captured.", _CHARGE_ID),
    Reason.CAPTURED_BEFORE: _Words(400, "826", "The charge is captured already.", _CHARGE_ID),
    Reason.NOTHING_TO_CAPTURE: _Words(400, "821", "The charge was cancelled and cannot be captured.", _CHARGE_ID),
    Reason.CAPTURE_TOO_LARGE: _Words(400, "808", "The capture is larger than what is authorised.", _TOTAL),
    Reason.REFUNDED_ALREADY: _Words(400, "827", "The charge cannot be cancelled: a part of it was refunded.", _CHARGE_ID),
    Reason.NOTHING_TO_CANCEL: _Words(400, "833", "The charge cannot be cancelled: it was declined, or is cancelled already.", _CHARGE_ID),
    Reason.CANCEL_TOO_LARGE: _Words(400, "810", "The cancel is larger than what is left of the charge.", _TOTAL),
    Reason.NOT_CAPTURED: _Words(400, "837", "The charge cannot be refunded: it is not captured, or was cancelled.", _CHARGE_ID),
    Reason.NOTHING_TO_REFUND: _Words(400, "816", "The charge is refunded already.", _CHARGE_ID),
    Reason.REFUND_TOO_LARGE: _Words(400, "810", "The refund is larger than what is left of the charge.", _TOTAL),
}

#: Codes of what is not well formed, by the beginning of the field's name; any other field is ``_INVALID``.
_CODES: Final = (
    ("amount", "105"),
    ("source.encryptionData", "302"),
    ("source", "102"),
    ("merchantDetails", "201"),
)
_INVALID: Final = "100"
_NOT_JSON: Final = "121"


def refusal(wrong: Wrong | Reason, message: str = "") -> Failure:
    """The refusal for a reason; ``message`` where there is more to say."""
    words = _WORDS[wrong]
    return Failure(words.status, message or words.message, code=words.code, field=words.field)


def shape(failure: Failure, request: Request) -> dict[str, Any]:
    """The provider's error body, with every mistake that was found."""
    mistakes: tuple[tuple[str | None, str], ...] = failure.details or ((None, failure.message),)
    items = [ErrorItem(code=failure.code or _code(failure.status, field), field=field, message=message) for field, message in mistakes]
    answer = ErrorAnswer(
        gatewayResponse=GatewayResponse(
            transactionProcessingDetails=ProcessingDetails(apiTraceId=trace_id(), clientRequestId=request_id(request))
        ),
        error=items,
    )
    return answer.model_dump(mode="json", exclude_none=True)


def _code(status: int, field: str | None) -> str:
    if status != 400:
        return str(status)
    if field is None:
        return _NOT_JSON
    return next((code for beginning, code in _CODES if field == beginning or field.startswith(f"{beginning}.")), _INVALID)
