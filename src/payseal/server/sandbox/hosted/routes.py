"""Where the demo shop's payment page is, and what the page may ask of the shop."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Final

import anyio
from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from payseal.errors import CredentialError
from payseal.server.assets import asset
from payseal.server.sandbox.hosted.merchant import MERCHANT, Merchant, Unavailable
from payseal.server.sandbox.hosted.order import Order, Ticket
from payseal.server.sandbox.hosted.page import answer_json, notice, payment_page
from payseal.server.sandbox.provider import Backing

__all__ = ["hosted_routes"]

_STATIC: Final = Path(__file__).parent / "static"
#: Payments that the shop works on at a time. Threads of its own: the payment system, in this same process, needs the others to answer.
_AT_A_TIME: Final = 8
#: The longest document (bytes) that the page sends.
_LONGEST: Final = 4096


class _ChargeOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    ticket: str = Field(repr=False)


def hosted_routes(backing: Backing) -> list[Route]:
    """The routes, for the application around the providers. The shop is the demo account's."""
    threads = anyio.CapacityLimiter(_AT_A_TIME)

    def merchant(request: Request) -> Merchant:
        host, port = request.scope["server"]  # where this request came in: not what it says of itself
        return Merchant(backing.vault.demo_keys().commercehub, (host, port), backing.clock)

    def begin(request: Request, order: Order) -> Response:
        try:
            shop = merchant(request)
            issued = shop.begin()
        except (CredentialError, Unavailable):
            sentence = "The payment system does not take the demo account's key, or does not answer. The sandbox's log says why."
            return notice(502, "No payment can begin", sentence)
        session = {
            **issued.model_dump(include={"sessionId", "keyId", "publicKey", "accessToken"}),
            "apiKey": shop.credential.keyid,
            "merchantDetails": MERCHANT,
            "timeToLive": issued.accessTokenTimeToLive,
            "now": int(backing.clock() * 1000),
            "ticket": Ticket.new(issued.sessionId, order).seal(backing.vault),
        }
        return payment_page(order.shown, order.currency, session)

    def settle(request: Request, ticket: Ticket) -> Response:
        try:
            return answer_json(200, asdict(merchant(request).charge(ticket)))
        except (CredentialError, Unavailable):
            return answer_json(502, {"message": "The payment system gave no clear answer."})

    async def pay(request: Request) -> Response:
        if _own_origin(request) is None:
            return notice(421, "Wrong address", "This page is served under the sandbox's own address on this machine alone.")
        try:
            order = Order(amount=request.query_params.get("amount", "12.04"), currency=request.query_params.get("currency", "EUR"))
        except ValidationError:
            sentence = "The amount must be above 0 with no more decimals than its currency, such as /pay?amount=12.04&currency=EUR."
            return notice(400, "This cannot be paid", sentence)
        return await to_thread.run_sync(begin, request, order, limiter=threads)

    async def charge(request: Request) -> Response:
        origin = _own_origin(request)
        if origin is None or request.headers.get("origin") != origin:
            return answer_json(403, {"message": "Only the payment page itself may ask for this."})
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return answer_json(415, {"message": "The body must be sent as Content-Type: application/json."})
        try:
            asked = _ChargeOrder.model_validate_json(await _body(request))
        except ValidationError:
            return answer_json(400, {"message": 'The body must be {"ticket": "…"}.'})
        ticket = Ticket.unseal(backing.vault, request.path_params["session_id"], asked.ticket)
        if ticket is None:
            return answer_json(403, {"message": "The ticket is not this session's."})
        return await to_thread.run_sync(settle, request, ticket, limiter=threads)

    return [
        Route("/pay", pay),
        *(asset(f"/pay/static/{file.name}", file) for file in (*_STATIC.glob("*.js"), *_STATIC.glob("*.css"))),
        Route("/pay/{session_id}/charge", charge, methods=["POST"]),
    ]


def _own_origin(request: Request) -> str | None:
    """The origin that the request was sent to, when it is this server on this machine; ``None`` under any other name, which a
    stranger's name server could have pointed here."""
    port = request.scope["server"][1]
    host = request.headers.get("host", "")
    return f"http://{host}" if host in (f"127.0.0.1:{port}", f"[::1]:{port}", f"localhost:{port}") else None


async def _body(request: Request) -> bytes:
    """The body, as far as one is taken: a longer one is cut, and is no JSON then."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST:
            return b""
    return body
