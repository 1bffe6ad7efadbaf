"""The least that an ASGI middleware can be: one that does nothing, one that reads the body, one that verifies and remembers by hand.

They say what part of the middleware's cost is Python's and the server's, and what part is payseal's own.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from hmac import compare_digest
from time import time
from typing import Any

__all__ = ["ByHand", "Passing", "Reading"]


class Passing:
    """Only calls the application."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Reading(Passing):
    """Reads the body to its end, and gives it to the application."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        pieces = [message["body"]]
        while message.get("more_body", False):
            message = await receive()
            pieces.append(message["body"])

        async def again() -> Any:
            return {"type": "http.request", "body": b"".join(pieces), "more_body": False}

        await self.app(scope, again, send)


class ByHand(Passing):
    """Fiserv's signature, the window, an id claimed once and marked as done, with nothing that could be left out: one key, one answer to
    all that is wrong, no header looked at twice, bodies in one piece, ids that are never forgotten. Not for use.
    """

    def __init__(self, app: Any, key: bytes) -> None:
        super().__init__(app)
        # RFC 2104: the two halves of the key, each hashed once and for all.
        self.inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key.ljust(64, b"\0"))).copy
        self.outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key.ljust(64, b"\0"))).copy
        self.ids: dict[tuple[bytes, bytes], Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        message = await receive()
        body = message["body"]
        keyid, nonce, created = headers[b"api-key"], headers[b"client-request-id"], headers[b"timestamp"]
        first = self.inner()
        first.update(keyid + nonce + created)
        first.update(body)
        second = self.outer()
        second.update(first.digest())
        signed = compare_digest(b2a_base64(second.digest(), newline=False), headers[b"message-signature"])
        mark = hashlib.sha256(scope["method"].encode() + scope["raw_path"] + body).digest()
        entry, key = (mark, False), (keyid, nonce)
        if not signed or abs(time() - int(created) / 1000) > 300 or self.ids.setdefault(key, entry) is not entry:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return

        async def again() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        def settled(message: Any) -> Any:
            if message["type"] == "http.response.start":
                self.ids[key] = (mark, True)
            return send(message)

        await self.app({**scope, "payseal": keyid}, again, settled)
