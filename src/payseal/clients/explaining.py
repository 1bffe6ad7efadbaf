"""Why a server refused what a client auth signed: the request is rebuilt from the response, and explained with the auth's own credential.

::

    response = session.post(url, json=payment, auth=auth)
    if response.status_code == 401:
        print(payseal.explain_response(response, auth).causes)
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from payseal.clients.bodies import Body
from payseal.clients.bound import BoundSigner
from payseal.clients.streams import ReplayedStream
from payseal.credentials import Credential
from payseal.errors import SigningError
from payseal.explain import Check, Explanation, explain
from payseal.request import Request
from payseal.signing import Signer

__all__ = ["explain_response"]

_RIGHT: Final = (
    "the request is right as it left: look at the key that the server has for this key id, at its scheme, at its clock, "
    "and at what lies between (a proxy that rewrites bodies or headers)"
)


class Auth(Protocol):
    """A ``SignatureAuth`` of `payseal.clients.requests`, `payseal.clients.httpx` or `payseal.clients.httpx2`."""

    _signer: BoundSigner


def explain_response(
    response: Any, auth: Auth, *, now: float | None = None, budget: float = 0.5, others: Iterable[Credential] = ()
) -> Explanation:
    """The `Explanation` of the request that this response (of requests, httpx or httpx2) answers.

    The last check is ``as sent``. Where it passed, ``verified`` is true and the client is not at fault: its key, its time and its bytes
    fit each other, so what differs is the server's key, scheme or clock, or something between the two changed the request. Where it
    failed, the causes say what happened to the request after it was signed, or to the clock.

    ``now`` is the verifier's time in seconds since the epoch: by default what the server's ``Date`` header says, so that a clock that
    is off shows, else this machine's. ``budget`` and ``others`` are those of `payseal.explain`. It is for the owner of the key.

    Raises `SigningError` when the body that was sent cannot be read again, and `TypeError` for an auth or a response of another kind.
    """
    bound = getattr(auth, "_signer", None)
    if not isinstance(bound, BoundSigner):
        raise TypeError(f"a SignatureAuth of payseal is wanted, not a {type(auth).__name__}")
    signer: Signer = bound._signer  # noqa: SLF001 - the one reader beside its owner, and nothing of it is shown
    explanation = explain(
        _request_of(response),
        signer.scheme,
        signer.credential,
        now=_time_of(response) if now is None else now,
        budget=budget,
        others=others,
    )
    check = Check("as sent", explanation.verified, _RIGHT if explanation.verified else "")
    return dataclasses.replace(explanation, checks=(*explanation.checks, check))


def _request_of(response: Any) -> Request:
    """The request as a server saw it, were there nothing between."""
    sent: Any = getattr(response, "request", None)
    if hasattr(sent, "path_url"):  # requests
        target, pairs, body = sent.path_url, list(sent.headers.items()), sent.body
    elif hasattr(sent, "extensions"):  # httpx and its continuation
        target, pairs = sent.extensions.get("target", sent.url.raw_path), list(sent.headers.raw)
        body = sent.stream.body if isinstance(sent.stream, ReplayedStream) else _read(sent)
    else:
        raise TypeError(f"a response of requests, httpx or httpx2 is wanted, not a {type(response).__name__}")
    named = [(_text(name), _text(value)) for name, value in pairs]
    if not any(name.lower() == "host" for name, _ in named):
        named.append(("Host", urlsplit(str(sent.url)).netloc.rpartition("@")[2]))
    return Request(sent.method or "", target, named, _content(body))


def _read(sent: Any) -> Any:
    try:
        return sent.read()
    except Exception as error:
        raise _unreadable() from error


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode("utf-8")
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    if not isinstance(body, Body):
        raise _unreadable()
    try:
        return b"".join(body)
    except (OSError, ValueError) as error:  # the caller's file, closed since
        raise _unreadable() from error


def _unreadable() -> SigningError:
    return SigningError("the body that was sent cannot be read again: keep its file open, or pass bytes")


def _time_of(response: Any) -> float:
    """The server's time, seconds since the epoch, where it says it; else this machine's."""
    try:
        return parsedate_to_datetime(str(response.headers.get("Date"))).timestamp()
    except (ValueError, OverflowError, OSError):
        return time.time()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
