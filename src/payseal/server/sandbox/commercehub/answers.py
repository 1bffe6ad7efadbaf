"""Answers, made of what was done."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Final, Literal

from fastapi import Request

from payseal.server.sandbox.cards import KeptCard
from payseal.server.sandbox.commercehub.amounts import Amount
from payseal.server.sandbox.commercehub.models import (
    CaptureAnswer,
    Card,
    CredentialsAnswer,
    GatewayResponse,
    PaymentReceipt,
    ProcessingDetails,
    ProcessorResponse,
    Source,
    TransactionAnswer,
)
from payseal.server.sandbox.commercehub.rules import Kind, State
from payseal.server.sandbox.commercehub.sessions import TIME_TO_LIVE, Issued
from payseal.server.sandbox.commercehub.transactions import Transaction
from payseal.server.sandbox.provider import request_id, trace_id

__all__ = ["captured", "done", "issued"]

_TYPES: Final[dict[Kind, Literal["CHARGE", "CANCEL", "REFUND"]]] = {
    Kind.CHARGE: "CHARGE",
    Kind.CAPTURE: "CHARGE",
    Kind.CANCEL: "CANCEL",
    Kind.REFUND: "REFUND",
}
_APPROVAL: Final = ("000", "APPROVAL")
_DECLINE: Final = ("006", "DECLINED")


def issued(session: Issued, request: Request) -> CredentialsAnswer:
    """A session that was begun."""
    public_key = base64.b64encode(session.public_key).decode("ascii")
    return CredentialsAnswer(
        gatewayResponse=GatewayResponse(transactionProcessingDetails=_processing(request, session.issued)),
        keyId=session.key_id,
        publicKey=public_key,
        keyLength=len(public_key),
        accessToken=session.token,
        accessTokenIssuedTime=_timestamp(session.issued),
        accessTokenTimeToLive=TIME_TO_LIVE,
        sessionId=session.id,
        expiresAt=_timestamp(session.expires),
    )


def captured(card: KeptCard, request: Request, now: float) -> CaptureAnswer:
    """A card that lies in its session."""
    return CaptureAnswer(
        gatewayResponse=GatewayResponse(
            transactionType="TOKENIZE", transactionState="AUTHORIZED", transactionProcessingDetails=_processing(request, now)
        ),
        source=Source(sourceType="PaymentCard", card=_card(card)),
    )


def done(transaction: Transaction) -> TransactionAnswer:
    """A transaction, as it is answered when it is made and when it is asked for."""
    declined = transaction.state is State.DECLINED
    code, message = _DECLINE if declined else _APPROVAL
    charged = transaction.kind is Kind.CHARGE
    return TransactionAnswer(
        gatewayResponse=GatewayResponse(
            transactionType=_TYPES[transaction.kind],
            transactionState=transaction.state.value,
            transactionOrigin="ECOM",
            transactionProcessingDetails=ProcessingDetails(
                transactionTimestamp=_timestamp(transaction.created),
                orderId=transaction.order_id,
                apiTraceId=trace_id(),
                clientRequestId=transaction.client_request_id,
                transactionId=transaction.id,
            ),
        ),
        source=Source(
            sourceType="PaymentSession" if charged else "PaymentCard",
            card=_card(KeptCard(transaction.last4, transaction.brand, transaction.month, transaction.year)),
        ),
        paymentReceipt=PaymentReceipt(
            approvedAmount=None if declined else Amount.of(transaction.amount, transaction.currency),
            processorResponseDetails=ProcessorResponse(
                approvalStatus="DECLINED" if declined else "APPROVED",
                approvalCode=None if declined else _approval_code(transaction.id),
                responseCode=code,
                responseMessage=message,
            ),
        ),
    )


def _processing(request: Request, now: float) -> ProcessingDetails:
    return ProcessingDetails(transactionTimestamp=_timestamp(now), apiTraceId=trace_id(), clientRequestId=request_id(request))


def _card(card: KeptCard) -> Card:
    return Card(last4=card.last4, scheme=card.brand, expirationMonth=card.month, expirationYear=f"20{card.year}")


def _approval_code(id: str) -> str:
    """The same each time the transaction is asked for."""
    return f"OK{int(id[:8], 16) % 10_000:04}"


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
