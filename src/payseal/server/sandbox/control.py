"""The operator's way into a running sandbox: orders to fail, over HTTP, with the token that lies in the sandbox's folder."""

from __future__ import annotations

import hmac
import json
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from payseal.server.sandbox.faults import KINDS, Desk, Fault, Kind, Rule

__all__ = ["CONTROL", "FAULTS", "PROVIDERS", "Order", "control_routes"]

CONTROL: Final = "/control"
FAULTS: Final = f"{CONTROL}/faults"
PROVIDERS: Final = ("fiserv", "commercehub", "startbutton")
_LONGEST: Final = 65_536  # bytes of an order


class Order(BaseModel):
    """An order to fail. ``seconds`` is how long, or by how much a clock is off; ``times`` how many requests (``None``: all)."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    provider: Annotated[str, Field(pattern=f"^({'|'.join(PROVIDERS)})$")] | None = None
    path: Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$", max_length=200)] = "/"
    seconds: Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)] | None = None
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = 1

    def rule(self) -> Rule:
        """As the desk takes it. Raises `ValueError` where the seconds do not fit the kind."""
        if self.seconds is not None and not KINDS[self.kind].seconds:
            raise ValueError(f"{self.kind} takes no seconds")
        if self.seconds is not None and self.kind is not Kind.CLOCK_SKEW and not 0 <= self.seconds <= 600:
            raise ValueError(f"{self.kind} takes 0 to 600 seconds")
        return Rule(Fault.of(self.kind, self.seconds), self.provider, self.path, self.times)


def control_routes(desk: Desk, token: str) -> list[Route]:
    """GET lists the orders, POST lays one down, DELETE takes one back or all. ``token`` is to be sent as a bearer token."""
    expected = f"Bearer {token}".encode()

    async def orders(request: Request) -> Response:
        # A header of one's own, and JSON: no page in a browser can send that here from elsewhere.
        if not hmac.compare_digest(request.headers.get("authorization", "").encode("utf-8", "surrogateescape"), expected):
            return _said(401, "the control token is in the sandbox's folder: control.token")
        if request.method == "GET":
            return JSONResponse([_shown(rule) for rule in desk.rules()])
        if request.method == "DELETE":
            return JSONResponse({"cleared": desk.clear(_number(request.path_params.get("id")))})
        return await _ordered(request)

    async def _ordered(request: Request) -> Response:
        raw = b""
        async for piece in request.stream():
            raw += piece
            if len(raw) > _LONGEST:
                return _said(413, "an order is a short JSON object")
        try:
            rule = Order.model_validate_json(raw).rule()
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            return _said(400, f"{'.'.join(str(part) for part in first['loc']) or 'the body'}: {first['msg']}")
        except ValueError as error:
            return _said(400, str(error))
        return JSONResponse(_shown(desk.add(rule)), 201)

    return [
        Route(FAULTS, orders, methods=["GET", "POST", "DELETE"]),
        Route(FAULTS + "/{id}", orders, methods=["DELETE"]),
    ]


def _number(id: str | None) -> int | None:
    """An order's number; 0, which none has, for what is no number or too long to be read as one."""
    if id is None:
        return None
    return int(id) if id.isascii() and id.isdigit() and len(id) < 18 else 0


def _shown(rule: Rule) -> dict[str, Any]:
    seconds = rule.fault.seconds if KINDS[rule.fault.kind].seconds else None
    return {
        "id": rule.id,
        "kind": rule.fault.kind,
        "provider": rule.provider,
        "path": rule.path,
        "seconds": seconds,
        "times": rule.times,
    }


def _said(status: int, message: str) -> Response:
    return Response(json.dumps({"message": message}), status, media_type="application/json")
