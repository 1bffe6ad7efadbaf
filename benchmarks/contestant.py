"""What is timed: one way of signing a body, and of verifying what was signed. And whether it does that at all, which is asked first.

Both begin where a program stands that holds a body and, to verify, the headers that came with it; both end with what is sent or decided.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

#: The key of every contestant, as text and, where a library wants it so, in its own spelling.
SECRET = "0123456789abcdef0123456789abcdef"
KEY = SECRET.encode()
KEYID = "key-1"
METHOD, PATH, HOST = "POST", "/payments/v1/charges", "api.example"
URL = f"https://{HOST}{PATH}"


def as_it_is(body: bytes) -> Any:
    """What `Contestant.outgoing` is where the body itself is signed."""
    return body


def together(body: bytes, signed: Any) -> Any:
    """What `Contestant.incoming` is where body and headers are verified as they are."""
    return body, signed


@dataclass(frozen=True, slots=True)
class Contestant:
    """One row of the table. ``sign`` takes what ``outgoing`` makes of a body; ``verify`` what ``incoming`` makes of a body and of what
    ``sign`` gave. Only ``sign`` and ``verify`` are timed. ``verify`` raises one of ``refusals``, or returns ``False``, for what it refuses;
    without one there is no verifying."""

    name: str
    #: What it covers and does, in a few words, for whoever reads the table.
    does: str
    sign: Callable[[Any], Any]
    verify: Callable[[Any], Any] | None
    refusals: tuple[type[Exception], ...] = ()
    outgoing: Callable[[bytes], Any] = as_it_is
    incoming: Callable[[bytes, Any], Any] = together
    #: Whether it is somebody else's library, to be compared with; and whose, and of which version.
    package: str = ""

    @property
    def version(self) -> str:
        """Of the package; empty where there is none."""
        try:
            return version(self.package) if self.package else ""
        except PackageNotFoundError:
            return ""

    def accepts(self, body: bytes, signed: Any) -> bool:
        """Whether ``signed`` is verified together with that body."""
        assert self.verify is not None
        try:
            return self.verify(self.incoming(body, signed)) is not False
        except self.refusals:
            return False


class Unfit(Exception):
    """A contestant that does not do what its row says."""


def check(contestant: Contestant, size: int = 256) -> None:
    """Sign, verify, and change the body. Raises `Unfit` when what was signed is refused, or what was changed is not."""
    body = json_body(size)
    changed = body.replace(b"charge", b"refund")
    signed = contestant.sign(contestant.outgoing(body))
    if contestant.verify is None:
        check_signing(contestant, body, changed)
        return
    if not contestant.accepts(body, signed):
        raise Unfit(f"{contestant.name} refuses what it signed")
    if contestant.accepts(changed, signed):
        raise Unfit(f"{contestant.name} verifies another body than was signed")


def check_signing(contestant: Contestant, body: bytes, changed: bytes) -> None:
    """Where nothing verifies: the same body is signed alike at the same time, and another body otherwise."""
    for _ in range(10):  # the time may move on in between, and then nothing is shown
        first, other, again = (str(sorted(contestant.sign(contestant.outgoing(each)).items())) for each in (body, changed, body))
        if first == again:
            break
    if first != again or first == other:
        raise Unfit(f"{contestant.name} does not sign the body")


def json_body(size: int) -> bytes:
    """A payment's JSON of exactly that many bytes, since some contestants parse what they verify."""
    document: dict[str, Any] = {"type": "charge", "amount": {"total": "12.04", "currency": "EUR"}, "items": [], "note": ""}
    item = {"sku": "A-1000", "title": "a thing that is sold", "quantity": 1, "price": "12.04"}
    document["items"] = [item] * max(0, (size - 200) // (len(json.dumps(item)) + 2))
    document["note"] = "n" * (size - len(json.dumps(document)))
    body = json.dumps(document).encode()
    assert len(body) == size
    return body
