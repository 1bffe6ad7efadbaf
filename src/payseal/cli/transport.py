"""One request over one connection, with the standard library. No redirect is followed, nothing is tried twice."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from dataclasses import dataclass

from payseal.cli.failures import NO_ANSWER, Stop
from payseal.cli.values import Url
from payseal.request import Request

__all__ = ["Answer", "exchange"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


def exchange(url: Url, request: Request, content: bytes, *, timeout: float) -> Answer:
    """Send ``request``, whose headers are complete, with the body ``content``. ``timeout`` is seconds, for each wait.

    Raises `Stop`. Whether the request can have been processed is a part of its text: for a payment that is the question.
    """
    connection: http.client.HTTPConnection
    if url.secure:
        connection = http.client.HTTPSConnection(url.host, url.port, timeout=timeout, context=ssl.create_default_context())
    else:
        connection = http.client.HTTPConnection(url.host, url.port, timeout=timeout)
    with contextlib.closing(connection):
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:
            raise Stop(f"no connection to {url.authority}: {_reason(error, timeout)}; nothing was sent", NO_ANSWER) from None
        try:
            return _answer(connection, request, content)
        except (OSError, http.client.HTTPException) as error:
            raise Stop(
                f"no answer from {url.authority}: {_reason(error, timeout)}; the request was sent and may have been processed: "
                "ask for its outcome before it is sent again",
                NO_ANSWER,
            ) from None


def _answer(connection: http.client.HTTPConnection, request: Request, content: bytes) -> Answer:
    connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers:
        connection.putheader(name, value)
    # A server may answer (413, 401) and close before it has read everything; its answer is then what counts.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.endheaders(content or None)
    with connection.getresponse() as response:
        return Answer(response.status, response.reason, response.getheaders(), response.read())


def _reason(error: BaseException, timeout: float) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({(error.reason or 'unknown').replace('_', ' ').lower()})"
    if isinstance(error, TimeoutError):
        return f"nothing came for {timeout:g} s"
    if isinstance(error, http.client.IncompleteRead):
        return "the answer broke off"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed"
    if isinstance(error, http.client.HTTPException):
        return f"what came is not HTTP ({type(error).__name__})"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
