"""Startbutton's routes: each parses, asks, and words the answer."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Path, Query, Request

from payseal.server.sandbox.faults import stage_of
from payseal.server.sandbox.provider import Backing, Failure, authenticated, provider_app
from payseal.server.sandbox.startbutton import models, transfers, wallets, wording
from payseal.server.sandbox.startbutton.banks import INSTITUTIONS, Channel, Currency
from payseal.server.sandbox.startbutton.webhooks.targets import Rules, parsed
from payseal.server.vault import DEMO_ACCOUNT

__all__ = ["READS", "SIGNED", "application"]

#: Where the access token is enough.
READS: Final = ("/transaction/status", "/wallet", "/bank")
#: Where a signature is asked for while the account's switch is on.
SIGNED: Final = "/transaction"

_REFUSALS: Final = {
    400: "Nothing was done: the message names the field, or what stands against it.",
    401: "The access token or the signature is missing or wrong, or its minute is over.",
    403: "The address is not on the account's list.",
    404: "There is no such transaction.",
    409: "This reference, or this very request, was sent before.",
    415: "The body is not sent as JSON.",
    422: "The same signature on another request.",
}


def _refused(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": models.Refusal, "description": _REFUSALS[status]} for status in statuses}


def application(backing: Backing) -> FastAPI:
    """The provider's application; the middleware in front of it has authenticated every request. Raises `PaysealError`."""
    store, routes, rules = backing.store, APIRouter(), Rules.of(backing.settings.webhook_hosts)
    with store.write() as connection:  # other accounts' are opened when they come
        wallets.open_wallets(connection, DEMO_ACCOUNT, transfers.now_of(backing))

    @routes.post(
        "/transaction/transfer",
        summary="Send money out of a wallet",
        description="Takes the amount at once and settles later. An account may require such requests to be signed.",
        response_model=models.TransferTaken,
        responses=_refused(400, 401, 403, 409, 415, 422),
    )
    def transfer(body: models.Transfer, request: Request) -> models.TransferTaken:
        who = authenticated(request)
        if body.webhookUrl is not None and not rules.may_allow(parsed(body.webhookUrl)):
            raise Failure(400, wording.HOST_NOT_ALLOWED, field="webhookUrl")
        if stage_of(request).meet(body.amount, f"{who.account}/{transfers.given_reference(body) or who.id}"):
            raise Failure(400, wording.DECLINED)
        transfers.send(backing, who, body)
        return models.TransferTaken()

    @routes.get(
        "/transaction/status/{reference}",
        summary="What has become of a transfer",
        description="By the merchant's own reference, or by the one that the pending webhook told.",
        response_model=models.TransactionStatus,
        responses=_refused(400, 401, 403, 404),
    )
    def status(reference: Annotated[str, Path(max_length=100)], request: Request) -> models.TransactionStatus:
        row = transfers.find(store, authenticated(request).account, reference)
        if row is None:
            raise Failure(404, wording.NOT_FOUND)
        return models.TransactionStatus(data=models.EventData(transaction=wording.transaction(row)))

    @routes.get(
        "/wallet",
        summary="The merchant's balances",
        description="One wallet a currency, opened with a balance when the account is first seen.",
        response_model=models.WalletList,
        responses=_refused(401, 403),
    )
    def wallet(request: Request) -> models.WalletList:
        found = wallets.statement(store, authenticated(request).account, transfers.now_of(backing))
        return models.WalletList(data=[wording.wallet(row, held) for row, held in found])

    @routes.get(
        "/bank/list/{currency}",
        summary="Who pays out in a currency",
        description="Banks, or mobile money operators. A transfer may name others too.",
        response_model=models.BankList,
        responses=_refused(400, 401, 403),
    )
    def banks(currency: Currency, type: Annotated[Channel, Query()] = "bank") -> models.BankList:
        listed = INSTITUTIONS[currency][type]
        return models.BankList(data=[models.ListedBank(name=each.name, code=each.code, id=each.id) for each in listed])

    app = provider_app("Startbutton (sandbox)", wording.shape)
    app.include_router(routes)
    return app
