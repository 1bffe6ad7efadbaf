"""The sandbox as one ASGI application: a guard in front of each provider, each with that provider's scheme."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from payseal.credentials import Credential, Identity
from payseal.ledger import Ledger, open_ledger
from payseal.middleware import ASGIMiddleware, provider_refusal
from payseal.schemes import scheme
from payseal.server.sandbox import commercehub, fiserv, startbutton
from payseal.server.sandbox.store import open_store
from payseal.server.vault import DEMO_ACCOUNT, Vault
from payseal.verification import Verifier

__all__ = ["build"]

App: TypeAlias = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

#: An answer of Commerce Hub and of the Payments API is given again for as long (seconds): their texts name up to 24 hours.
_ANSWER_TTL = 86_400


def build(vault: Vault) -> App:
    """The application over one folder: its keys, its database, its ledger."""
    store = open_store(vault.database_file, DEMO_ACCOUNT)
    ledger = open_ledger(f"sqlite:///{vault.ledger_file.resolve()}")
    keys = vault.demo_keys()

    async def session_credential(presented: Identity) -> Credential | None:
        return await asyncio.to_thread(commercehub.find_session_credential, store, vault, presented)

    def guard(app: Any, name: str, credentials: Any, *, idempotent: bool, **overrides: Any) -> App:
        verifier = Verifier(scheme(name, **overrides), credentials)
        guarded: App = ASGIMiddleware(app, verifier, ledger, idempotent=idempotent, answer_ttl=_ANSWER_TTL, render=provider_refusal)
        return guarded

    hub = commercehub.application(store, vault)
    hub_signed = guard(hub, "commercehub-hmac", keys.commercehub, idempotent=True)
    hub_capture = guard(hub, "commercehub-digest", session_credential, idempotent=True)
    payments = guard(fiserv.application(store), "fiserv-payments", keys.fiserv, idempotent=True)
    # The merchant is named by its token here, always: the catalogue leaves that open for those who only have a signKey.
    transfers = guard(
        startbutton.application(store),
        "startbutton-transfer",
        keys.startbutton,
        idempotent=False,
        headers={"Authorization": "Bearer {token}"},
    )
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
