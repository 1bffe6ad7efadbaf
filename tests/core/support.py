"""What the tests of the core share: one credential, a signer and a verifier for each scheme, and MACs made without payseal."""

from __future__ import annotations

import base64
import functools
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import payseal
from payseal.errors import REJECTIONS
from payseal.mac import PreparedMac
from payseal.schemes import catalogue_names

KEYID = "merchant-1"
SECRET = "Sk3-example+secret/with=chars"
TOKEN = "saAOM9qjmKfdazqgoZrKbJuukCP9"
NONCE = "30dd879c-ee2f-41db-8314-0800200c9a66"
#: 21 June 2026, 00:02:03 UTC.
NOW = 1_782_000_123.0
CATALOGUE = catalogue_names()
BODY = b'{"amount":1000,"currency":"KES"}'


def credential(**changes: Any) -> payseal.Credential:
    """The credential of these tests, with some of its parts changed."""
    return payseal.Credential(**{"keyid": KEYID, "secret": SECRET, "token": TOKEN, **changes})


@functools.cache
def known(name: str) -> payseal.Scheme:
    """A scheme of the catalogue, loaded once."""
    return payseal.scheme(name)


def signer(scheme: payseal.Scheme | str, **changes: Any) -> payseal.Signer:
    return payseal.Signer(known(scheme) if isinstance(scheme, str) else scheme, credential(**changes))


def verifier(scheme: payseal.Scheme | str, **changes: Any) -> payseal.Verifier:
    """A verifier that knows one credential."""
    scheme = known(scheme) if isinstance(scheme, str) else scheme
    return payseal.Verifier(scheme, {KEYID: credential(**changes)}, allow_unkeyed=not scheme.keyed)


def hmac_base64(base: bytes | str, secret: bytes | str = SECRET, digest: str = "sha256") -> str:
    return base64.b64encode(hmac.digest(_bytes(secret), _bytes(base), digest)).decode()


def hmac_hex(base: bytes | str, secret: bytes | str = SECRET, digest: str = "sha256") -> str:
    return hmac.digest(_bytes(secret), _bytes(base), digest).hex()


def _bytes(text: bytes | str) -> bytes:
    return text.encode() if isinstance(text, str) else text


def rejection(call: Callable[[], object]) -> payseal.Rejected:
    """The refusal that a call ends in, with a code that is in the table, and that code's status."""
    with pytest.raises(payseal.Rejected) as caught:
        call()
    refused = caught.value
    assert type(refused) is payseal.Rejected
    assert (refused.status, refused.title) == REJECTIONS[refused.code]
    return refused


@contextmanager
def counted_macs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Has the name of a method of `PreparedMac` for each MAC that is computed meanwhile."""
    made: list[str] = []

    def counted(name: str) -> Callable[..., bytes]:
        original: Callable[..., bytes] = getattr(PreparedMac, name)

        def count(self: PreparedMac, *pieces: Any) -> bytes:
            made.append(name)
            return original(self, *pieces)

        return count

    with monkeypatch.context() as patch:
        for name in ("digest", "of_two"):
            patch.setattr(PreparedMac, name, counted(name))
        yield made
