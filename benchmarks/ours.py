"""payseal, and what it is held against from below: the hash alone, the least that a program can do by hand, and what people write."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import time
import uuid
from collections.abc import Iterator

from benchmarks.contestant import KEY, KEYID, METHOD, PATH, SECRET, Contestant

import payseal
from payseal.credentials import Credentials

#: The row that all others are measured against.
DIGEST = "hmac.digest"
#: The rows that the targets are set for.
PAYSEAL = "payseal"
CREDENTIAL = payseal.Credential(KEYID, SECRET)


def digest(body: bytes) -> bytes:
    """The reference."""
    return hmac.digest(KEY, body, "sha256")


def contestants() -> list[Contestant]:
    """payseal's rows and those written by hand."""
    return [
        *payseal_rows(PAYSEAL, "fiserv-payments", "key id, id, time and body", {KEYID: CREDENTIAL}),
        *payseal_rows(f"{PAYSEAL} startbutton", "startbutton-transfer", "time and body; the minute is found, not sent", CREDENTIAL),
        least(),
        plain(),
    ]


def payseal_rows(name: str, scheme: str, does: str, credentials: Credentials) -> list[Contestant]:
    """`Signer.sign` and `Verifier.verify` with a new `Request` each time, made before the clock starts; and the same with making the
    request of method, path, headers and body, which is where a program begins that has no request yet."""
    signer = payseal.Signer(payseal.scheme(scheme), CREDENTIAL)
    verifier = payseal.Verifier(payseal.scheme(scheme), credentials)

    def whole_sign(body: bytes) -> dict[str, str]:
        return signer.sign(payseal.Request(METHOD, PATH, body=body))

    def whole_verify(received: tuple[bytes, dict[str, str]]) -> payseal.Authenticated:
        body, headers = received
        return verifier.verify(payseal.Request(METHOD, PATH, headers, body))

    return [
        Contestant(
            name,
            f"`{scheme}`: {does}",
            signer.sign,
            verifier.verify,
            (payseal.Rejected,),
            outgoing=lambda body: payseal.Request(METHOD, PATH, body=body),
            incoming=lambda body, headers: payseal.Request(METHOD, PATH, headers, body),
        ),
        Contestant(f"{name} + Request", "the same, and making the `payseal.Request`", whole_sign, whole_verify, (payseal.Rejected,)),
    ]


def plain() -> Contestant:
    """What is written by hand into most programs: it checks nothing that it does not have to."""

    def sign(body: bytes) -> dict[str, str]:
        nonce, created = str(uuid.uuid4()), str(int(time.time() * 1000))
        mac = hmac.new(KEY, (KEYID + nonce + created).encode() + body, hashlib.sha256).digest()
        return {
            "Api-Key": KEYID,
            "Client-Request-Id": nonce,
            "Timestamp": created,
            "Message-Signature": base64.b64encode(mac).decode(),
        }

    def verify(received: tuple[bytes, dict[str, str]]) -> bool:
        body, headers = received
        text = headers["Api-Key"] + headers["Client-Request-Id"] + headers["Timestamp"]
        mac = hmac.new(KEY, text.encode() + body, hashlib.sha256).digest()
        if not hmac.compare_digest(base64.b64encode(mac).decode(), headers["Message-Signature"]):
            return False
        return abs(time.time() * 1000 - int(headers["Timestamp"])) <= 300_000

    return Contestant("by hand, plain", "the same headers and text; no header is checked, no credential looked up", sign, verify)


def least() -> Contestant:
    """The least that Python can do for the same headers: the key is prepared, the randomness fetched in advance. Not for use: after a
    `fork` two processes would give out the same ids."""
    # RFC 2104: the two halves of the key, each hashed once and for all.
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in KEY.ljust(64, b"\0")))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in KEY.ljust(64, b"\0")))
    keyid = KEYID.encode()
    now, encode, same = time.time, binascii.b2a_base64, hmac.compare_digest

    def ids() -> Iterator[str]:
        while True:
            text = os.urandom(16 * 512).hex()
            yield from (
                f"{text[at : at + 8]}-{text[at + 8 : at + 12]}-4{text[at + 13 : at + 16]}-a{text[at + 17 : at + 20]}-{text[at + 20 : at + 32]}"
                for at in range(0, len(text), 32)
            )

    pool = ids()

    def mac_of(text: bytes, body: bytes) -> bytes:
        first = inner.copy()
        first.update(text)
        first.update(body)
        second = outer.copy()
        second.update(first.digest())
        return second.digest()

    def sign(body: bytes) -> dict[str, str]:
        nonce, created = next(pool), str(int(now() * 1000))
        mac = mac_of(keyid + (nonce + created).encode(), body)
        return {
            "Api-Key": KEYID,
            "Client-Request-Id": nonce,
            "Timestamp": created,
            "Message-Signature": encode(mac, newline=False).decode(),
        }

    def verify(received: tuple[bytes, dict[str, str]]) -> bool:
        body, headers = received
        created = headers["Timestamp"]
        mac = mac_of((headers["Api-Key"] + headers["Client-Request-Id"] + created).encode(), body)
        return same(encode(mac, newline=False).decode(), headers["Message-Signature"]) and -300 <= now() - int(created) / 1000 <= 300

    return Contestant("by hand, the least", "the same headers and text; key prepared, randomness pooled, nothing checked", sign, verify)
