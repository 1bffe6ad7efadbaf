"""ASGI middleware: the application behind it sees only requests that are genuine, fresh and here for the first time."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from concurrent.futures import Future
from typing import Any, Final, TypeAlias, Unpack
from urllib.parse import quote

from payseal.credentials import Credential
from payseal.errors import LedgerError, Rejected
from payseal.ledger import Ledger, open_ledger
from payseal.ledger.grouping import GroupedLedger
from payseal.ledger.protocol import Answer, Claim, Outcome, fingerprint
from payseal.middleware import report
from payseal.middleware.decision import ACCEPTED, ANSWERED_AGAIN
from payseal.middleware.guard import Guard, Options, Seen, content_length
from payseal.middleware.paths import begins, prefixes_of
from payseal.request import Request
from payseal.verification import Authenticated, Verifier

__all__ = ["ASGIMiddleware"]

#: Looked up once: an enumeration's members are found by a search.
_FRESH: Final = Outcome.FRESH

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Characters that stand for themselves in a path (pchar of RFC 3986, and the slash).
_PATH: Final = "/:@!$&'()*+,;=~-._"


class ASGIMiddleware:
    """Verifies each request and claims its id before the application sees it; the proof is in ``scope["payseal"]`` (`Authenticated`).

    ``ledger`` is a `Ledger` or the URL of one. ``only`` chooses what is protected: everything by default, or paths that begin
    with one of the prefixes, or what a function of the scope says. The other options are those of `Guard`. The verifier's lookup may
    be an async function. Answers to refused requests are `problem` details unless ``render`` says otherwise.

    WebSockets are refused where requests are protected: nothing in them is signed. Raises `ValueError`, `LedgerError`.
    """

    def __init__(
        self,
        app: ASGIApp,
        verifier: Verifier,
        ledger: Ledger | str,
        *,
        only: str | Iterable[str] | Callable[[Scope], bool] | None = None,
        **options: Unpack[Options],
    ) -> None:
        self.app = app
        self.guard = Guard(verifier, open_ledger(ledger) if isinstance(ledger, str) else ledger, **options)
        self._protects = _selector(only)
        self._background: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (self._protects is not None and not self._protects(scope)):
            await self._other(scope, receive, send)
            return
        # What waits for nothing is called and not awaited: each coroutine on the way costs every request.
        guard = self.guard
        client = scope.get("client")
        seen = Seen(client[0] if client else None)
        # As they are now: some servers add to the list what comes after the body (trailers), which is no part of what is verified.
        headers = list(scope["headers"])
        try:
            request = Request(scope["method"], target_of(scope), headers)
            length = None if request.raw is None else request.raw.get(b"content-length")
            if length is None or len(length) >= guard.digits or not length.isdigit():  # what cannot be seen to be small enough
                content_length(request.values("content-length"), guard.max_body)
            message = await receive()
            body = message.get("body")
            if message.get("more_body", False) or type(body) is not bytes or len(body) > guard.max_body:
                body = await self._rest(message, receive)
                if body is None:
                    return  # the client left in the middle of its request
            request.body, seen.request = body, request
            try:
                authenticated = guard.unsigned_sender(request) if guard.unsigned is not None else None
                if authenticated is None:
                    authenticated = guard.verifier.verify(request) if guard.verifier.at_once else await self._looked_up(request, seen)
                seen.authenticated = authenticated
                if guard.admit is not None:
                    guard.require_admitted(authenticated, seen.client)
                keep = guard.idempotent is not False and guard.keeps(request)
                scope_of_id, request_id, mark, ttl = authenticated.scope, authenticated.id, fingerprint(request), guard.ttls[keep]
                if guard.ledger.blocking:
                    claim = await self._claim(scope_of_id, request_id, mark, ttl)
                else:
                    claim = guard.ledger.claim(scope_of_id, request_id, mark, ttl, lease=guard.lease, redo=guard.redo)
                again = None if claim.outcome is _FRESH else guard.answer_again(claim, keep=keep)
            except Rejected:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a lookup or a backend raises: in doubt, refuse
                report.failed("checking a request", error)
                raise Rejected("unavailable", diagnosis=type(error).__name__) from None
        except Rejected as rejected:
            await _give(await guard.refuse_async(rejected, seen), scope, send)
            return
        if again is not None:
            guard.tell(ANSWERED_AGAIN, again.status, seen)
            await _give(again, scope, send)
            return
        if guard.telling:
            guard.tell(ACCEPTED, None, seen)
        exchange = _Kept(self, claim, send) if keep else _Exchange(self, claim, send)
        receive = _given_back(body, receive)
        del body, message  # where the application fails, this frame's locals may be logged
        try:
            await self.app({**scope, "headers": headers, "payseal": authenticated}, receive, exchange.send)
        except asyncio.CancelledError:
            # Its threads go on, and may have done the work by now: an id that is let go of might be paid for twice. Its lease ends it.
            await exchange.left()
            raise
        except Exception:
            await exchange.settle()
            raise
        if not exchange.settled:
            await exchange.finish()

    async def _looked_up(self, request: Request, seen: Seen) -> Authenticated:
        """The proof, where finding the credential may have to be waited for."""
        verifier = self.guard.verifier
        seen.presented = presented = verifier.read(request)
        found: Any = verifier.find(presented)
        if not isinstance(found, Credential) and inspect.isawaitable(found):
            found = await found
        return verifier.check(request, presented, found)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is not a request to be verified."""
        kind = scope["type"]
        if kind in ("lifespan", "http") or (kind == "websocket" and self._protects is not None and not self._protects(scope)):
            await self.app(scope, receive, send)
        elif kind == "websocket":
            report.websocket_refused(self.guard.verifier.scheme.name)
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": 1008, "reason": "requests here must be signed"})
        else:
            raise RuntimeError(f"a connection of type {kind!r} cannot be verified, and is not passed on")

    async def _rest(self, message: Message, receive: Receive) -> bytes | None:
        """The whole body from its first message on, or ``None`` when the client leaves. Raises `Rejected` once it is too large, before more
        of it is read."""
        limit = self.guard.max_body
        pieces: list[bytes] = []
        size = 0
        while message["type"] != "http.disconnect":
            piece = message.get("body", b"")
            size += len(piece)
            if size > limit:
                raise Rejected("body-too-large", f"The body may have up to {limit} bytes")
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)  # bytes, which nobody changes after they were checked
            message = await receive()
        return None

    async def _claim(self, scope: str, id: str, fingerprint: bytes, ttl: float) -> Claim:
        """The claim, of a ledger that may have to wait for it."""
        guard = self.guard
        if isinstance(guard.ledger, GroupedLedger):
            return await _grouped(guard.ledger, guard.ledger.claim_soon(scope, id, fingerprint, ttl, lease=guard.lease, redo=guard.redo))
        task = self._start(asyncio.to_thread(guard.ledger.claim, scope, id, fingerprint, ttl, lease=guard.lease, redo=guard.redo))
        try:
            claim: Claim = await asyncio.shield(task)
        except asyncio.CancelledError:
            # The thread claims all the same, for nobody: let go of it, or an honest retry waits for the lease to end.
            task.add_done_callback(self._let_go)
            raise
        return claim

    def _let_go(self, task: asyncio.Task[Claim]) -> None:
        if not task.cancelled() and task.exception() is None and task.result().outcome is Outcome.FRESH:
            self._start(asyncio.to_thread(self.guard.settle, task.result(), None, keep=False))

    async def settle(self, claim: Claim, status: int | None, answer: Answer | None, *, keep: bool) -> None:
        """`Guard.settle`, without waiting in this thread, and to its end even when this task is cancelled meanwhile."""
        ledger = self.guard.ledger
        if isinstance(ledger, GroupedLedger):
            settled = ledger.awaited(self.guard.settle_soon(ledger, claim, status, answer, keep=keep))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ledger.patience):
                    await asyncio.shield(settled)
        elif ledger.blocking:
            await asyncio.shield(self._start(asyncio.to_thread(self.guard.settle, claim, status, answer, keep=keep)))
        else:
            self.guard.settle(claim, status, answer, keep=keep)

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._background.add(task)  # the event loop itself keeps only weak references
        task.add_done_callback(self._background.discard)
        return task


class _Exchange:
    """One answer on its way out, and the claim that it settles exactly once.

    A started answer tells how the work ended: with a status below 500 it was done, whatever happens afterwards. The ledger is told
    before the last bytes leave, so that whoever has seen the answer finds the id used.
    """

    __slots__ = ("_claim", "_middleware", "_send", "_status", "settled")
    #: Whether the answer is kept, to be given again.
    keep = False

    def __init__(self, middleware: ASGIMiddleware, claim: Claim, send: Send) -> None:
        self._middleware = middleware
        self._claim = claim
        self._send = send
        self._status: int | None = None
        #: Whether the ledger was told, or is being told.
        self.settled = False

    def send(self, message: Message) -> Awaitable[None]:
        """What the application calls as ``send``, and awaits."""
        if message["type"] != "http.response.start" or self.settled:
            return self._send(message)
        self._status = message["status"]
        if self._middleware.guard.ledger.blocking:
            return self._settled_first(message)
        self.settled = True
        self._middleware.guard.settle(self._claim, self._status, keep=False)
        return self._send(message)

    async def _settled_first(self, message: Message) -> None:
        await self.settle()
        await self._send(message)

    async def settle(self, answer: Answer | None = None) -> None:
        """Tell the ledger, the first time that this is called."""
        if not self.settled:
            self.settled = True
            await self._middleware.settle(self._claim, self._status, answer, keep=self.keep)

    async def left(self) -> None:
        """The application was stopped in the middle of its work. How that ended is known where its answer had begun, and nowhere else."""
        if self._status is not None:
            await self.settle()
        elif not self.settled:
            self.settled = True
            report.cancelled(self._middleware.guard.verifier.scheme.name)

    async def finish(self) -> None:
        """The application has returned: whatever it left unfinished is the server's to judge."""
        await self.settle()


class _Kept(_Exchange):
    """An answer that is held back until it is whole, so that it can be given again; one that cannot be kept is let go of at once."""

    __slots__ = ("_held", "_size")
    keep = True

    def __init__(self, middleware: ASGIMiddleware, claim: Claim, send: Send) -> None:
        super().__init__(middleware, claim, send)
        #: Messages held back until the answer is whole; None once it is streamed.
        self._held: list[Message] | None = []
        self._size = 0

    def send(self, message: Message) -> Awaitable[None]:
        return self._send(message) if self._held is None else self._hold(self._held, message)

    async def _hold(self, held: list[Message], message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self._status = message["status"]
            # Trailers come after the body; an answer with them is not kept. Nor is one that failed.
            if self._status < 500 and not message.get("trailers", False):
                held.append(message)
                return
            await self._stream()
        elif kind == "http.response.body" and self._status is not None:
            held.append(message)
            self._size += len(message.get("body", b""))
            if self._size > self._middleware.guard.max_answer:
                await self._stream()
            elif not message.get("more_body", False):
                await self._stream(_answer_of(held))
            return
        elif self._status is not None:
            await self._stream()
        await self._send(message)

    async def _stream(self, answer: Answer | None = None) -> None:
        """Settle, then let go of what is held; all that follows passes through."""
        await self.settle(answer)
        held, self._held = self._held or [], None
        for message in held:
            await self._send(message)

    async def finish(self) -> None:
        if self._held is not None:
            await self._stream()
        await super().finish()


async def _grouped(ledger: GroupedLedger, future: Future[Claim]) -> Claim:
    """The claim, or `LedgerError` when the ledger's time is over. Whoever leaves earlier leaves no claim behind."""
    try:
        async with asyncio.timeout(ledger.patience):
            return await ledger.awaited(future)
    except TimeoutError:
        ledger.abandon(future)
        raise LedgerError(f"the ledger did not answer within {ledger.timeout:g} s") from None
    except BaseException:
        ledger.abandon(future)
        raise


def target_of(scope: Scope) -> str:
    """The request target as it stood on the request line.

    ``raw_path`` and ``query_string`` are the bytes that were sent. A server that gives no ``raw_path`` has decoded the path for good:
    then it is quoted again in the one usual way. That is never looser than what was signed: a client that spelled its path otherwise is
    refused where the scheme covers the target, and the application, which is given the decoded path alone, could not tell the two
    spellings apart either.
    """
    raw: bytes | None = scope.get("raw_path")
    query: bytes = scope.get("query_string", b"")
    if raw is None:
        path = quote(scope["path"], safe=_PATH, errors="surrogatepass")
    else:
        path = (raw.partition(b"?")[0] if b"?" in raw else raw).decode("latin-1")
    return f"{path}?{query.decode('latin-1')}" if query else path


def _selector(only: str | Iterable[str] | Callable[[Scope], bool] | None) -> Callable[[Scope], bool] | None:
    """What chooses; ``None`` where everything is protected."""
    if only is None or callable(only):
        return only
    prefixes = prefixes_of(only)
    return lambda scope: begins(scope["path"], scope.get("root_path", ""), prefixes)


def _given_back(body: bytes, receive: Receive) -> Receive:
    """``receive`` for the application: the body once, in one piece, then whatever the server has to say (that the client left)."""
    rest = [body]

    async def replayed() -> Message:
        if rest:
            return {"type": "http.request", "body": rest.pop(), "more_body": False}
        return await receive()

    return replayed


def _answer_of(messages: list[Message]) -> Answer:
    start, *bodies = messages
    headers = tuple((bytes(name), bytes(value)) for name, value in start.get("headers", ()))
    return Answer(start["status"], headers, b"".join(message.get("body", b"") for message in bodies))


async def _give(answer: Answer, scope: Scope, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})
