"""How a refusal is worded: RFC 9457 problem details, or the provider's own error body where the scheme has one.

What is shown is the same for an unknown key and for a wrong signature; the operator's diagnosis never gets this far.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from payseal.errors import Rejected
from payseal.ledger.protocol import Answer
from payseal.request import Request
from payseal.schemes import Scheme

__all__ = ["Refused", "Renderer", "new_trace", "problem", "provider_refusal"]


@dataclass(frozen=True, slots=True)
class Refused:
    """All that an answer may say of a refused request."""

    #: Without its diagnosis.
    rejected: Rejected
    scheme: Scheme
    #: A UUID made for this refusal; the log line carries it too.
    trace: str
    #: The request's nonce as it was presented; empty where there is none, or it could not be read.
    request_id: str
    #: The request as it arrived, with its body and its tokens: only for a renderer that may tell its sender more than a stranger is
    #: told. ``None`` where it was not read to its end.
    request: Request | None = field(default=None, repr=False)


#: Words a refusal: what is sent instead of the application's answer. For the ASGI middleware it may be an async function.
Renderer: TypeAlias = Callable[[Refused], Answer | Awaitable[Answer]]


def problem(refused: Refused) -> Answer:
    """The refusal as ``application/problem+json`` (RFC 9457). ``code`` is a key of `payseal.errors.REJECTIONS`; ``instance`` names this
    one occurrence, and is what a client can quote to the operator."""
    rejected = refused.rejected
    body = {
        "type": f"urn:payseal:problem:{rejected.code}",
        "title": rejected.title,
        "status": rejected.status,
        "detail": rejected.detail or rejected.title,
        "code": rejected.code,
        "instance": f"urn:uuid:{refused.trace}",
    }
    return _answer(refused, b"application/problem+json", json.dumps(body).encode("ascii"))


def provider_refusal(refused: Refused) -> Answer:
    """The refusal as the scheme's provider words it (the scheme's ``[refusal]``); as `problem` where the scheme has no words of its own."""
    words = refused.scheme.refusal
    if words is None:
        return problem(refused)
    body = words.render(refused.rejected, trace=refused.trace, request_id=refused.request_id)
    return _answer(refused, b"application/json", body)


def new_trace() -> str:
    """A name for one refusal."""
    return str(uuid.uuid4())


def _answer(refused: Refused, content_type: bytes, body: bytes) -> Answer:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
    ]
    if refused.rejected.status == 401:
        # RFC 9110, section 11.6.1: a 401 says how to do better. A scheme's name is lower-case words and hyphens, safe in quotes.
        headers.append((b"www-authenticate", f'HMAC realm="{refused.scheme.name}"'.encode("ascii")))
    return Answer(refused.rejected.status, tuple(headers), body)
