"""WSGI middleware (PEP 3333): the application behind it sees only requests that are genuine, fresh and here for the first time."""

from __future__ import annotations

import inspect
import io
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, TypeAlias, Unpack
from urllib.parse import quote_from_bytes
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from payseal.errors import Rejected
from payseal.ledger import Ledger, open_ledger
from payseal.ledger.protocol import Answer, Claim, fingerprint
from payseal.middleware import report
from payseal.middleware.decision import ACCEPTED, ANSWERED_AGAIN
from payseal.middleware.guard import Guard, Options, Seen, content_length
from payseal.middleware.paths import begins, prefixes_of
from payseal.request import Request
from payseal.verification import Verifier

__all__ = ["WSGIMiddleware"]

_ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

#: Characters that stand for themselves in a path (pchar of RFC 3986, and the slash).
_PATH: Final = "/:@!$&'()*+,;=~-._"
_AUTHORITY: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
#: These two stand without a prefix (RFC 3875, section 4.1). With one they came as ``Content_Type`` and ``Content_Length``, which no
#: application takes for them.
_UNPREFIXED: Final = frozenset({"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"})


class WSGIMiddleware:
    """Verifies each request and claims its id before the application sees it; the proof is in ``environ["payseal.authenticated"]``
    (`payseal.Authenticated`).

    ``ledger`` is a `Ledger` or the URL of one. ``only`` chooses what is protected: everything by default, or paths that begin
    with one of the prefixes, or what a function of the environ says. The other options are those of `Guard`. Answers to refused
    requests are `problem` details unless ``render`` says otherwise.

    WSGI hands headers over joined by name, so that a header sent twice is one value with a comma, and ``_`` cannot be told from ``-``:
    let the server drop names with underscores, as they do. Raises `ValueError`, `LedgerError`, and `TypeError` for an async lookup.
    """

    def __init__(
        self,
        app: WSGIApplication,
        verifier: Verifier,
        ledger: Ledger | str,
        *,
        only: str | Iterable[str] | Callable[[WSGIEnvironment], bool] | None = None,
        **options: Unpack[Options],
    ) -> None:
        if inspect.iscoroutinefunction(verifier.find):
            raise TypeError("an async lookup needs ASGIMiddleware: give this verifier a plain function")
        self.app = app
        self.guard = Guard(verifier, open_ledger(ledger) if isinstance(ledger, str) else ledger, **options)
        self._protects = _selector(only)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self._protects(environ):
            return self.app(environ, start_response)
        guard = self.guard
        seen = Seen(environ.get("REMOTE_ADDR") or None)
        try:
            body = _body(environ, guard.max_body)
            try:
                seen.request = request = Request(environ["REQUEST_METHOD"], target_of(environ), _headers(environ), body)
                authenticated = guard.unsigned_sender(request)
                if authenticated is None:
                    authenticated = guard.verified(request, seen)
                seen.authenticated = authenticated
                guard.require_admitted(authenticated, seen.client)
                keep = guard.keeps(request)
                claim = guard.ledger.claim(
                    authenticated.scope, authenticated.id, fingerprint(request), guard.ttls[keep], lease=guard.lease, redo=guard.redo
                )
                again = guard.answer_again(claim, keep=keep)
            except Rejected:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a lookup or a backend raises: in doubt, refuse
                report.failed("checking a request", error)
                raise Rejected("unavailable", diagnosis=type(error).__name__) from None
        except Rejected as rejected:
            return _give(guard.refuse(rejected, seen), environ, start_response)
        if again is not None:
            guard.tell(ANSWERED_AGAIN, again.status, seen)
            return _give(again, environ, start_response)
        guard.tell(ACCEPTED, None, seen)
        _give_back(environ, body)
        environ["payseal.authenticated"] = authenticated
        return _Exchange(guard, claim, start_response, keep=keep).run(self.app, environ)


class _Exchange:
    """One answer on its way out, and the claim that it settles exactly once. It is the iterable that the server is given.

    A started answer tells how the work ended: with a status below 500 it was done, whatever happens afterwards. The ledger is told
    before the last bytes leave, so that whoever has seen the answer finds the id used.
    """

    def __init__(self, guard: Guard, claim: Claim, start_response: StartResponse, *, keep: bool) -> None:
        self._guard = guard
        self._claim = claim
        self._start_response = start_response
        self._keep = keep
        self._settled = False
        #: The answer's status, its line and its headers as the application last gave them; None until it does.
        self._start: tuple[int, str, list[tuple[str, str]]] | None = None
        #: Whether the answer is on its way to the server, and the server's ``write``.
        self._begun = False
        self._write: Callable[[bytes], object] = self._hold
        #: Bytes held back: until the answer is whole where it is kept, else until the server asks for them.
        self._held: deque[bytes] = deque()
        self._size = 0
        self._answer: Iterable[bytes] = ()
        self._rest: Iterator[bytes] = iter(())

    def run(self, app: WSGIApplication, environ: WSGIEnvironment) -> Iterable[bytes]:
        """Call the application; what it raises is raised, after the claim is settled."""
        try:
            self._answer = app(environ, self.start_response)
            self._rest = iter(self._answer)
        except BaseException as error:
            self._broken_off(error)
            raise
        return self

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: _ExcInfo | None = None, /) -> Callable[[bytes], object]:
        """What the application calls as ``start_response``."""
        if self._begun:
            return self._start_response(status, headers, exc_info)  # the server raises exc_info where headers have left
        if exc_info and exc_info[1] is not None and self._size:
            raise exc_info[1].with_traceback(exc_info[2])  # held back or not, the application has written
        if self._start is not None and not exc_info:
            raise AssertionError("start_response was called twice without exc_info (PEP 3333)")
        self._start = (int(status[:3]), status, headers)
        return self.write

    def write(self, data: bytes) -> None:
        """What the application is given as ``write`` by `start_response`."""
        if not self._begun:
            self._hold(data)
            if self._keep and self._size <= self._guard.max_answer:
                return
            self._begin()
            data = b"".join(self._held)
            self._held.clear()
        self._write(data)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return self._next()
        except StopIteration:
            raise
        except BaseException as error:
            self._broken_off(error)
            raise

    def close(self) -> None:
        """Called by the server at the end, or when the client has left."""
        try:
            self._settle()
        finally:
            close = getattr(self._answer, "close", None)
            if close is not None:
                close()

    def _next(self) -> bytes:
        while not self._begun:
            piece = next(self._rest, None)
            if piece is None:
                self._end()
            elif piece:  # an empty piece sends nothing, and the application may still change its mind
                self._hold(piece)
                if not self._keep or self._size > self._guard.max_answer:
                    self._begin()
        return self._held.popleft() if self._held else next(self._rest)

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        self._size += len(data)

    def _end(self) -> None:
        """The application is through, and nothing of its answer has left yet."""
        if self._start is None:
            raise AssertionError("the application ended without calling start_response (PEP 3333)")
        if not self._keep:
            self._begin()
            return
        status, _, headers = self._start
        pairs = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)
        self._begin(Answer(status, pairs, b"".join(self._held)))

    def _begin(self, answer: Answer | None = None) -> None:
        """Settle, then start the answer; all that follows passes through."""
        if self._start is None:
            raise AssertionError("the application sent a body before calling start_response (PEP 3333)")
        self._settle(answer)
        _, line, headers = self._start
        self._write = self._start_response(line, headers)
        self._begun = True

    def _broken_off(self, error: BaseException) -> None:
        """The application ended with that. What is no failure of its own, as a server's SystemExit after its time-out, may have met it
        with its work done: an id that is let go of might be paid for twice, so that without a status the lease ends it."""
        if isinstance(error, Exception) or self._start is not None:
            self._settle()
        elif not self._settled:
            self._settled = True
            report.cancelled(self._guard.verifier.scheme.name)

    def _settle(self, answer: Answer | None = None) -> None:
        if not self._settled:
            self._settled = True
            self._guard.settle(self._claim, self._start[0] if self._start else None, answer, keep=self._keep)


def target_of(environ: WSGIEnvironment) -> str:
    """The request target as it stood on the request line.

    Servers that keep it say so in ``RAW_URI`` or ``REQUEST_URI``, which no header can set. Elsewhere the path was decoded for good and is
    quoted again in the one usual way. That is never looser than what was signed: a client that spelled its path otherwise is refused where
    the scheme covers the target, and the application, which is given the decoded path alone, could not tell the two spellings apart
    either. Of an absolute target (``GET http://host/path``) the path and query are what was signed. Anything else is left as it is, so that
    a scheme which covers the target refuses it: a server makes of ``http:/path`` the path ``/path``, and not what a slash in front would.
    """
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if isinstance(raw, str):
        absolute = _AUTHORITY.match(raw)
        if absolute is None:
            return raw
        rest = raw[absolute.end() :]
        return rest if rest.startswith("/") else f"/{rest}"
    path = quote_from_bytes(f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}".encode("latin-1"), safe=_PATH)
    query = environ.get("QUERY_STRING", "")
    return f"{path or '/'}?{query}" if query else path or "/"


def _headers(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    pairs = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_") and name not in _UNPREFIXED]
    pairs += [(name.replace("_", "-"), environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)]
    return pairs


def _body(environ: WSGIEnvironment, limit: int) -> bytes:
    """The whole body and never more. Raises `Rejected` when it is too large (before it is read) or ends early."""
    length = content_length([environ["CONTENT_LENGTH"]] if environ.get("CONTENT_LENGTH") else [], limit)
    chunked = "HTTP_TRANSFER_ENCODING" in environ
    if chunked or length is None:
        # Without a length the stream's end is the body's end only where the server says so; elsewhere reading on would wait for ever.
        if environ.get("wsgi.input_terminated"):
            body = _read(environ["wsgi.input"], limit + 1)
            if len(body) > limit:
                raise Rejected("body-too-large", f"The body may have up to {limit} bytes")
            return body
        if chunked:
            raise Rejected("incomplete-body", "This server takes no chunked body: send a Content-Length")
        return b""
    body = _read(environ["wsgi.input"], length)
    if len(body) < length:
        raise Rejected("incomplete-body", f"The body ended after {len(body)} of {length} bytes")
    return body


def _read(stream: Any, size: int) -> bytes:
    pieces: list[bytes] = []
    while size > 0:
        try:
            piece = stream.read(size)
        except Exception as error:  # noqa: BLE001 - each server has its own word for a client that left
            raise Rejected("incomplete-body", diagnosis=type(error).__name__) from None
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _give_back(environ: WSGIEnvironment, body: bytes) -> None:
    """Let the application read the body as if nobody had."""
    environ["wsgi.input"] = io.BytesIO(body)
    environ["wsgi.input_terminated"] = True
    if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None or body:
        environ["CONTENT_LENGTH"] = str(len(body))


def _selector(only: str | Iterable[str] | Callable[[WSGIEnvironment], bool] | None) -> Callable[[WSGIEnvironment], bool]:
    if only is None:
        return lambda environ: True
    if callable(only):
        return only
    prefixes = prefixes_of(only)
    return lambda environ: begins(_text(environ, "PATH_INFO"), _text(environ, "SCRIPT_NAME"), prefixes)


def _text(environ: WSGIEnvironment, name: str) -> str:
    # WSGI hands bytes over as latin-1 text; what frameworks route on is UTF-8.
    text: str = environ.get(name, "")
    return text.encode("latin-1").decode("utf-8", "replace")


def _give(answer: Answer, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    phrase = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus.__members__.values() else "Unknown"
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
    start_response(f"{answer.status} {phrase}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]
