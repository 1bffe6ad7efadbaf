"""What needs no signature: where things are, and whether they work."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

__all__ = ["front"]


def front() -> Starlette:
    """The application."""

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

    return Starlette(routes=[Route("/", index), Route("/healthz", health)])
