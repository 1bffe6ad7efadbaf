"""Decisions as they are made: a stream of server-sent events, of ready rows for the table.

It reads what was recorded, so that it shows what every server did that shares the database. Whoever is signed out stops seeing it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from payseal.errors import PaysealError
from payseal.server.accounts.decided import Chosen, following, newest_id
from payseal.server.console.door import HEADERS, cookie_name, encrypted
from payseal.server.console.requests import chosen_for
from payseal.server.console.rows import rows_of
from payseal.server.console.services import Services
from payseal.server.users import Session

__all__ = ["routes"]

#: Seconds between two looks, and looks between two checks of the session.
_INTERVAL: Final = 0.5
_CHECK_EVERY: Final = 10
#: Rows sent at one look. Where there are more, the next look follows sooner (seconds).
_ROWS: Final = 50
_HURRY: Final = 0.05
#: Streams open at one time, and of one user.
_STREAMS: Final = 100
_OF_ONE: Final = 10


def routes(services: Services) -> list[Route]:
    """The stream."""
    open_streams: Counter[int] = Counter()

    async def stream(request: Request) -> Response:
        token = request.cookies.get(cookie_name(encrypted=encrypted(request)))
        try:
            session = await services.in_thread(services.sessions.find, token) if token else None
            if session is None or token is None:
                return _plain("sign in first", 401)
            if request.method == "HEAD":
                return Response(headers=HEADERS, media_type="text/event-stream")
            chosen, last = await services.in_thread(_begun, services, session, request)
        except PaysealError:
            return _plain("the database cannot be asked at the moment", 503)
        user = session.user.id
        if open_streams.total() >= _STREAMS or open_streams[user] >= _OF_ONE:
            return _plain("too many streams are open", 503)
        open_streams[user] += 1
        return _Counted(events(request, token, chosen, last), lambda: _closed(open_streams, user))

    async def events(request: Request, token: str, chosen: Chosen, last: int) -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        looks = 0
        while not await request.is_disconnected() and not services.stopping.is_set():
            looks += 1
            rows: list[dict[str, Any]] = []
            try:
                if looks % _CHECK_EVERY == 0:
                    session = await services.in_thread(services.sessions.find, token)
                    if session is None:
                        return
                    chosen = await services.in_thread(_chosen, services, session, request)  # there may be a new key
                rows = await services.in_thread(following, services.database, chosen, after=last, limit=_ROWS)
            except PaysealError:
                yield ": the database cannot be asked\n\n"
            for row in rows:
                last = row["id"]
                yield _event(row)
            if not rows and looks % 20 == 0:
                yield ": still here\n\n"
            await asyncio.sleep(_HURRY if len(rows) == _ROWS else _INTERVAL)

    return [Route("/console/requests/stream", stream)]


class _Counted(StreamingResponse):
    """A stream that says when it is over, however it ends."""

    def __init__(self, events: AsyncIterator[str], over: Callable[[], None]) -> None:
        headers = {**HEADERS, "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._over = over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._over()


def _closed(open_streams: Counter[int], user: int) -> None:
    open_streams[user] -= 1
    if not open_streams[user]:
        del open_streams[user]


def _begun(services: Services, session: Session, request: Request) -> tuple[Chosen, int]:
    """What is asked for, and after which decision: the last one that the browser has, or the newest there is."""
    newest = newest_id(services.database)
    asked = request.headers.get("last-event-id") or request.query_params.get("after", "")
    last = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else newest
    return _chosen(services, session, request), min(last, newest)


def _chosen(services: Services, session: Session, request: Request) -> Chosen:
    account = session.user.account if session.user.role != "operator" else None
    return chosen_for(services, account, {name: value.replace("\0", "\ufffd") for name, value in request.query_params.items()})


def _event(row: dict[str, Any]) -> str:
    lines = str(rows_of([row], arrived=True)).split("\n")
    return f"id: {row['id']}\nevent: decision\n" + "".join(f"data: {line}\n" for line in lines if line) + "\n"


def _plain(text: str, status: int) -> Response:
    return Response(f"{text}\n", status, HEADERS, "text/plain")
