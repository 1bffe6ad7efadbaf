"""Requests whose MAC or access token is right in its first bytes and wrong after them, and a comparison that gives such a thing away.

Whoever could see how far a comparison gets would find a MAC byte by byte. The right one is computed here, since the secret is known.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest import mock

from attacks.timing.clocks import Maker, Work

import payseal

__all__ = ["early_exit", "macs", "reference", "refused", "tokens"]

#: Of the bytes of a MAC, and of the characters of an access token, so many are right.
MAC_BYTES: Final = (0, 1, 4, 8, 16, 31)
TOKEN_CHARACTERS: Final = (0, 1, 8, 16, 32, 42)
_BODY: Final = b'{"amount":1000,"currency":"KES"}'
_SECRET: Final = "a secret that this module knows"
_TOKEN: Final = secrets.token_urlsafe(32)


def reference(kinds: Mapping[str, Maker]) -> str:
    """The kind in which nothing is right: the first."""
    return next(iter(kinds))


def refused(verifier: payseal.Verifier, request: payseal.Request) -> Work:
    """What verifies that request, and expects that it is refused."""

    def work() -> None:
        try:
            verifier.verify(request)
        except payseal.Rejected:
            return
        raise AssertionError("a request that nobody signed was accepted")

    return work


def macs(name: str) -> dict[str, Maker]:
    """For each number of bytes, verifications of a request with a MAC that is right so far. ``name``: fiserv-payments (base64, the fast path)
    or startbutton-webhook (hexadecimal, the general one)."""
    scheme, credential = payseal.scheme(name), payseal.Credential("merchant-1", _SECRET)
    verifier = payseal.Verifier(scheme, {"merchant-1": credential})
    signer = payseal.Signer(scheme, credential)

    def maker(right: int) -> Callable[[], Work]:
        def make() -> Work:
            body = _BODY + secrets.token_bytes(16)  # another MAC each time
            headers = signer.sign(payseal.Request("POST", "/pay", body=body))
            mac = hmac.digest(_SECRET.encode(), _base(headers, body), scheme.signature.algorithm.hash)
            wrong = mac[:right] + bytes(each ^ 0xFF for each in mac[right:])
            for header, value in headers.items():
                if value in (mac.hex(), _base64(mac)):
                    headers[header] = wrong.hex() if value == mac.hex() else _base64(wrong)
                    return refused(verifier, payseal.Request("POST", "/pay", headers, body))
            raise AssertionError("the MAC is not the one that was expected")

        return make

    return {f"{right} bytes": maker(right) for right in MAC_BYTES}


def tokens() -> dict[str, Maker]:
    """For each number of characters, verifications of a well-signed request with an access token that is right so far."""
    scheme = payseal.scheme("commercehub-hmac", headers={"X-Token": "{token}"})
    verifier = payseal.Verifier(scheme, {"merchant-1": payseal.Credential("merchant-1", _SECRET, _TOKEN)})

    def maker(right: int) -> Callable[[], Work]:
        def make() -> Work:
            wrong = _TOKEN[:right] + "".join("-" if each != "-" else "_" for each in _TOKEN[right:])
            signer = payseal.Signer(scheme, payseal.Credential("merchant-1", _SECRET, wrong))
            headers = signer.sign(payseal.Request("POST", "/pay", body=_BODY))
            return refused(verifier, payseal.Request("POST", "/pay", headers, _BODY))

        return make

    return {f"{right} characters": maker(right) for right in TOKEN_CHARACTERS}


def _base(headers: Mapping[str, str], body: bytes) -> bytes:
    """The signature base of both schemes: what stands before the body is sent in headers, or is nothing."""
    return "".join(headers.get(name, "") for name in ("Api-Key", "Client-Request-Id", "Timestamp")).encode() + body


def _base64(mac: bytes) -> str:
    return base64.b64encode(mac).decode()


@contextmanager
def early_exit() -> Iterator[int]:
    """A comparison that stops at the first difference, in every place where payseal has the constant-time one; gives how many places."""
    right: Any = hmac.compare_digest

    def early(left: Any, other: Any) -> bool:
        if len(left) != len(other):
            return False
        for mine, theirs in zip(left, other, strict=True):  # noqa: SIM110 - it is to be seen that it stops
            if mine != theirs:
                return False
        return True

    modules = [module for name, module in list(sys.modules.items()) if name == "hmac" or name.startswith("payseal.")]
    places = [(module, name) for module in modules for name, value in vars(module).items() if value is right]
    with ExitStack() as stack:
        for module, name in places:
            stack.enter_context(mock.patch.object(module, name, early))
        yield len(places)
