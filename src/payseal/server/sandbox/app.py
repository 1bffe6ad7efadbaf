"""The sandbox as one ASGI application: a guard in front of each provider, each with that provider's scheme."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from payseal.credentials import Credential, Identity
from payseal.ledger import Ledger, open_ledger
from payseal.middleware import ASGIMiddleware, provider_refusal
from payseal.schemes import scheme
from payseal.server.accounts import AccountVerifier, Database, Directory
from payseal.server.accounts.decisions import DecisionLog
from payseal.server.accounts.unsigned import TokenAlone
from payseal.server.sandbox import commercehub, fiserv, startbutton
from payseal.server.sandbox.store import open_store
from payseal.server.vault import DEMO_ACCOUNT, Vault
from payseal.verification import Authenticated, Verifier

__all__ = ["opened"]

App: TypeAlias = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

#: An answer of Commerce Hub and of the Payments API is given again for as long (seconds): their texts name up to 24 hours.
_ANSWER_TTL = 86_400


@contextmanager
def opened(vault: Vault) -> Iterator[App]:
    """The application over one folder: its accounts, its databases, its ledger. Closed in the end, with every decision written.

    Raises `CredentialError`, `DatabaseError`.
    """
    database = Database.open(vault.accounts_url)
    try:
        with Directory(database, vault.ring) as directory:
            decisions = DecisionLog(database, lambda keyid: directory.by_keyid(keyid) is not None)
            try:
                yield _build(vault, directory, decisions)
            finally:
                decisions.close()
    finally:
        database.close()


def _build(vault: Vault, directory: Directory, decisions: DecisionLog) -> App:
    store = open_store(vault.database_file, DEMO_ACCOUNT)
    ledger = open_ledger(f"sqlite:///{vault.ledger_file.resolve()}")

    async def session_credential(presented: Identity) -> Credential | None:
        found = await asyncio.to_thread(commercehub.find_session_credential, store, presented)
        # A session ends with the credential that began it.
        return found if found is not None and directory.by_keyid(found.keyid or "") is not None else None

    def admit(who: Authenticated, client: str | None) -> bool:
        account = directory.account(who.account)
        return account is not None and account.allows(client)

    def guard(app: Any, verifier: Verifier, *, idempotent: bool, unsigned: TokenAlone | None = None) -> App:
        guarded: App = ASGIMiddleware(
            app,
            verifier,
            ledger,
            idempotent=idempotent,
            answer_ttl=_ANSWER_TTL,
            render=provider_refusal,
            on_decision=decisions.record,
            admit=admit,
            unsigned=unsigned,
        )
        return guarded

    hub = commercehub.application(store, vault)
    hub_signed = guard(hub, AccountVerifier(directory, "commercehub-hmac"), idempotent=True)
    sessions: Any = session_credential  # async, as the middleware takes it
    hub_capture = guard(hub, Verifier(scheme("commercehub-digest"), sessions), idempotent=True)
    payments = guard(fiserv.application(store), AccountVerifier(directory, "fiserv-payments"), idempotent=True)
    # The merchant is named by its token here, always: the catalogue leaves that open for those who only have a signKey.
    merchants = AccountVerifier(directory, "startbutton-transfer", headers={"Authorization": "Bearer {token}"})
    without_signature = TokenAlone(merchants, "require_signed_transfers")
    transfers = guard(startbutton.application(store), merchants, idempotent=False, unsigned=without_signature)
    # The first that fits; a path of its own before the prefix that holds it.
    table: list[tuple[str, App]] = [
        (commercehub.CAPTURE, hub_capture),
        *((prefix, hub_signed) for prefix in commercehub.PREFIXES),
        *((prefix, payments) for prefix in fiserv.PREFIXES),
        (startbutton.PREFIX, transfers),
        ("", _front(ledger)),
    ]

    async def sandbox(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        app = next(app for prefix, app in table if not prefix or path == prefix or path.startswith(f"{prefix}/"))
        await app(scope, receive, send)

    return sandbox


def _front(ledger: Ledger) -> App:
    """What needs no signature: where things are, and whether they work."""

    def index(request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "payseal": "sandbox",
                "fiserv-payments": ["POST /gateway/v2/payments", "GET /gateway/v2/payments/{id}"],
                "startbutton-transfer": ["POST /transaction/transfer"],
                "commercehub-hmac": ["POST /payments-vas/v1/security/credentials", "POST /payments/v1/charges"],
                "commercehub-digest": ["POST /payments-vas/v1/card-capture"],
            }
        )

    def health(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    app: App = Starlette(routes=[Route("/", index), Route("/healthz", health)])
    return app
