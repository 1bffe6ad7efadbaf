"""The provider's words: which kind of error a status is, which code a refusal has, and the shape of both.

The codes are the gateway's own where it publishes one for the case.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request

from payseal.server.sandbox.fiserv.models import DeclinedResponse, ErrorBody, ErrorDetail, ErrorResponse, ResponseType, Status
from payseal.server.sandbox.fiserv.rules import Kind, Reason
from payseal.server.sandbox.provider import Failure, request_id, trace_id

__all__ = ["DOCUMENTED", "GATEWAY_CODES", "ISSUER_DECLINED", "RESPONSE_TYPES", "Declined", "not_allowed", "not_found", "shape"]

#: HTTP status → ``responseType``; any other status is a ``ServerError``.
RESPONSE_TYPES: Final[dict[int, ResponseType]] = {
    400: ResponseType.BAD_REQUEST,
    401: ResponseType.UNAUTHENTICATED,
    403: ResponseType.UNAUTHORIZED,
    404: ResponseType.NOT_FOUND,
    405: ResponseType.BAD_REQUEST,
    409: ResponseType.GATEWAY_DECLINED,
    413: ResponseType.BAD_REQUEST,
    415: ResponseType.UNSUPPORTED_MEDIA_TYPE,
    422: ResponseType.ENDPOINT_DECLINED,
}

#: What the gateway does not do (409 ``GatewayDeclined``) → code and message.
GATEWAY_CODES: Final[dict[Reason, tuple[str, str]]] = {
    Reason.ORDER_EXISTS: ("5003", "The order already exists in the database."),
    Reason.NOT_ALL_OF_IT: ("5007", "A void is of the whole transaction: leave the amount out, or give all of it."),
    Reason.NOTHING_TO_RETURN: ("5009", "Nothing was captured here that can be returned."),
    Reason.RETURNED: ("5017", "What was returned, in whole or in part, cannot be voided."),
    Reason.NOT_VOIDABLE: ("5019", "The transaction was voided already, or is itself a void."),
    Reason.CAPTURED: ("5022", "The pre-authorisation was captured: void its post-authorisations first."),
    Reason.NOTHING_LEFT_TO_CAPTURE: ("10424", "The pre-authorisation is captured in full."),
    Reason.NOT_AN_OPEN_PREAUTH: ("10501", "Only a pre-authorisation that was not voided can be post-authorised."),
    Reason.MORE_THAN_AUTHORISED: ("10503", "The amount is more than what is left of the pre-authorisation."),
    Reason.MORE_THAN_CAPTURED: ("10601", "The amount is more than what is left to be returned."),
    Reason.OTHER_CURRENCY: ("22813", "The order is in another currency."),
}

#: What the card's issuer says when it declines (422 ``EndpointDeclined``): code and message.
ISSUER_DECLINED: Final = ("05", "The card's issuer declined the payment.")

_DESCRIPTIONS: Final = {
    400: "The request is not valid; `details` names every field that is wrong.",
    401: "The signature is missing or wrong, or its time has passed.",
    403: "The account's requests are not taken from this address.",
    404: "There is no such transaction or order of this account.",
    409: "The gateway's rules do not allow it; or the request id is in flight.",
    415: "The body is not sent as application/json.",
    422: "The issuer declined; or the request id was used for another request.",
}

#: The errors that every operation documents, for its OpenAPI page.
DOCUMENTED: Final[dict[int | str, dict[str, Any]]] = {
    **{status: {"model": ErrorResponse, "description": text} for status, text in _DESCRIPTIONS.items()},
    422: {"model": DeclinedResponse, "description": _DESCRIPTIONS[422]},
    "default": {"model": ErrorResponse, "description": "Something failed on this side."},
}


class Declined(Failure):
    """The issuer does not pay. ``now`` is in seconds since the epoch; ``kind`` is none where no money was to move."""

    def __init__(self, kind: Kind | None, now: int) -> None:
        code, message = ISSUER_DECLINED
        super().__init__(422, message, code=code)
        self.kind, self.now = kind, now


def not_allowed(reason: Reason) -> Failure:
    """The refusal for what the gateway does not do."""
    code, message = GATEWAY_CODES[reason]
    return Failure(409, message, code=code)


def not_found(what: str) -> Failure:
    """The refusal for a ``what`` that is not there, or is another account's."""
    return Failure(404, f"There is no {what} with this id.")


def shape(failure: Failure, request: Request) -> dict[str, Any]:
    """The error body."""
    details = [ErrorDetail(field=field, message=message) for field, message in failure.details]
    common: dict[str, Any] = {
        "clientRequestId": request_id(request),
        "apiTraceId": trace_id(),
        "responseType": RESPONSE_TYPES.get(failure.status, ResponseType.SERVER_ERROR),
        "error": ErrorBody(code=failure.code or str(failure.status), message=failure.message, details=details or None),
    }
    if isinstance(failure, Declined):
        body: ErrorResponse = DeclinedResponse(
            **common, transactionType=failure.kind, transactionTime=failure.now, transactionStatus=Status.DECLINED
        )
    else:
        body = ErrorResponse(**common)
    # The request's id is there in every answer, be it null; what does not apply is left out.
    return {"clientRequestId": body.clientRequestId, **body.model_dump(mode="json", exclude_none=True)}
