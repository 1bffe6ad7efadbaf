"""Around a provider's guard: where requests meet the operator's orders, and where answers get lost.

Outside the guard, so that *after* means after: the work is done and its answer is in the ledger, and only the client does not know.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from starlette.requests import Request

from payseal.server.sandbox.faults.desk import Desk
from payseal.server.sandbox.faults.kinds import Fault, Kind
from payseal.server.sandbox.faults.misled import skew, wrong_key
from payseal.server.sandbox.faults.stage import KEY, Stage

__all__ = ["ABORT", "FaultLayer"]

App: TypeAlias = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

#: Where the server puts, in an ASGI scope, what drops this connection. ASGI itself has no word for it.
ABORT: Final = "payseal.abort"

_BEFORE: Final = frozenset({Kind.ERROR_BEFORE, Kind.TIMEOUT_BEFORE, Kind.DROP_BEFORE})
_AFTER: Final = frozenset({Kind.ERROR_AFTER, Kind.TIMEOUT_AFTER, Kind.DROP_AFTER})


class FaultLayer:
    """``provider`` names the system in orders; ``failed`` words its 500, as the provider's error body."""

    def __init__(self, app: App, desk: Desk, provider: str, failed: Callable[[Request], dict[str, Any]]) -> None:
        self._app, self._desk, self._provider, self._failed = app, desk, provider, failed

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stage = Stage(self._desk, self._provider, self._desk.take(self._provider, scope["path"]))
        scope = {**scope, KEY: stage}
        fault = stage.fault
        if fault is not None and fault.kind in _BEFORE:
            await self._end(fault, scope, receive, send)
            return
        if fault is not None and fault.kind is Kind.SLOW:
            await asyncio.sleep(fault.seconds)
        skew.set(fault.seconds if fault is not None and fault.kind is Kind.CLOCK_SKEW else 0.0)
        wrong_key.set(fault is not None and fault.kind is Kind.WRONG_KEY)
        held = False

        async def answered(message: MutableMapping[str, Any]) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                held = _is_lost(stage.fault, message["status"])
            if not held:
                await send(message)

        await self._app(scope, receive, answered)
        if held and stage.fault is not None:
            await self._end(stage.fault, scope, receive, send)

    async def _end(self, fault: Fault, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if fault.kind in (Kind.ERROR_BEFORE, Kind.ERROR_AFTER):
            body = json.dumps(self._failed(Request(scope))).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        if fault.kind in (Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER):
            await _left(receive, fault.seconds)
        if ABORT in scope:
            scope[ABORT]()
        await _left(receive, 1.0)  # the server has to see that the connection is gone, or it answers for us


def _is_lost(fault: Fault | None, status: int) -> bool:
    """Whether an answer with this status is kept from the client: one that says the work was done, or that it was kept from being done."""
    if fault is None:
        return False
    return (fault.kind in _AFTER and status < 400) or (fault.kind in _BEFORE and status >= 500)


async def _left(receive: Any, seconds: float) -> None:
    """Wait until the client leaves, or for so long."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        pass
