"""Commerce Hub's endpoints. The middleware in front of them has authenticated every request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request

from payseal.server.sandbox.cards import KeptCard
from payseal.server.sandbox.commercehub import answers, cardblock
from payseal.server.sandbox.commercehub.models import (
    CancelRequest,
    CaptureAnswer,
    CaptureRequest,
    ChargeRequest,
    CredentialsAnswer,
    CredentialsRequest,
    EncryptionData,
    ErrorAnswer,
    InquiryRequest,
    RefundRequest,
    TransactionAnswer,
)
from payseal.server.sandbox.commercehub.payments import Asker, Payments
from payseal.server.sandbox.commercehub.rules import Kind
from payseal.server.sandbox.commercehub.sessions import Session, Sessions
from payseal.server.sandbox.commercehub.wording import Wrong, refusal, shape
from payseal.server.sandbox.exact_json import ExactRoute
from payseal.server.sandbox.faults import stage_of
from payseal.server.sandbox.provider import Backing, authenticated, provider_app

__all__ = ["CAPTURE", "PREFIXES", "application"]

PREFIXES: Final = ("/payments-vas/v1", "/payments/v1")
#: The one path that is authenticated with an access token and a message digest.
CAPTURE: Final = "/payments-vas/v1/card-capture"


def application(backing: Backing, sessions: Sessions) -> FastAPI:
    """The provider's application."""
    routes, payments = APIRouter(route_class=ExactRoute), Payments(backing, sessions)

    # Plain functions: they run in worker threads, where a key pair may take its time and the database its turn.

    @routes.post(
        "/payments-vas/v1/security/credentials",
        status_code=201,
        summary="Begin a session: a key pair, an access token, half an hour",
        **_answers(CredentialsAnswer),
    )
    def credentials(body: CredentialsRequest, request: Request) -> CredentialsAnswer:
        return answers.issued(sessions.begin(authenticated(request)), request)

    @routes.post(CAPTURE, summary="Lay a card into the session whose access token authenticates this request", **_answers(CaptureAnswer))
    def card_capture(body: CaptureRequest, request: Request) -> CaptureAnswer:
        session = sessions.of(request.headers["authorization"].removeprefix("Bearer "))
        if session is None:
            raise refusal(Wrong.SESSION_OVER)
        card = _card_in(body.source.encryptionData, session, backing)
        if not sessions.keep(session, card):
            raise refusal(Wrong.SESSION_OVER)
        return answers.captured(card, request, backing.clock())

    @routes.post(
        "/payments/v1/charges",
        status_code=201,
        summary="Charge the card in a session, or capture a charge that was only authorised",
        **_answers(TransactionAnswer, 404),
    )
    def charges(body: ChargeRequest, request: Request) -> TransactionAnswer:
        if body.source is not None and body.amount is not None:
            capture = body.transactionDetails.captureFlag
            return answers.done(payments.charge(_asker(request), body.source.sessionId, body.amount, capture=capture))
        assert body.referenceTransactionDetails is not None  # the model has seen to it
        charge = body.referenceTransactionDetails.referenceTransactionId
        return answers.done(payments.sequel(_asker(request), Kind.CAPTURE, charge, body.amount))

    @routes.post("/payments/v1/cancels", status_code=201, summary="Cancel a charge, whole or in part", **_answers(TransactionAnswer, 404))
    def cancels(body: CancelRequest, request: Request) -> TransactionAnswer:
        charge = body.referenceTransactionDetails.referenceTransactionId
        return answers.done(payments.sequel(_asker(request), Kind.CANCEL, charge, body.amount))

    @routes.post(
        "/payments/v1/refunds", status_code=201, summary="Refund a captured charge, whole or in part", **_answers(TransactionAnswer, 404)
    )
    def refunds(body: RefundRequest, request: Request) -> TransactionAnswer:
        charge = body.referenceTransactionDetails.referenceTransactionId
        return answers.done(payments.sequel(_asker(request), Kind.REFUND, charge, body.amount))

    @routes.post(
        "/payments/v1/transaction-inquiry",
        status_code=201,
        summary="What became of a transaction, an order or a request",
        **_answers(list[TransactionAnswer], 404),
    )
    def transaction_inquiry(body: InquiryRequest, request: Request) -> list[TransactionAnswer]:
        ((by, value),) = body.referenceTransactionDetails.model_dump(exclude_none=True).items()
        return [answers.done(each) for each in payments.found(_asker(request), by, value)]

    app = provider_app("Commerce Hub (sandbox)", shape)
    app.include_router(routes)
    return app


def _answers(model: Any, *errors: int) -> dict[str, Any]:
    """What a route answers, for FastAPI."""
    return {
        "response_model": model,
        "response_model_exclude_none": True,
        "responses": {status: {"model": ErrorAnswer} for status in (400, 401, *errors, 500)},
    }


def _asker(request: Request) -> Asker:
    return Asker(authenticated(request), stage_of(request))


def _card_in(data: EncryptionData, session: Session, backing: Backing) -> KeptCard:
    """What may be kept of the encrypted card. Raises `Failure`."""
    if data.keyId != session.key_id:
        raise refusal(Wrong.KEY_ID)
    try:
        cut = cardblock.cut_of(data.encryptionBlockFields)
    except cardblock.CutError as error:
        raise refusal(Wrong.FIELDS, f"{error}.") from None
    card = cardblock.opened(data.encryptionBlock, cut, session.private_key(backing))
    if card is None:
        raise refusal(Wrong.BLOCK)
    # Said of a card that was read whole: it tells no more of the padding than success would.
    now = datetime.fromtimestamp(backing.clock(), UTC)
    if (2000 + int(card.year), int(card.month)) < (now.year, now.month):
        raise refusal(Wrong.CARD_EXPIRED)
    return card
