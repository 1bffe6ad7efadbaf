"""The MACs against published vectors: RFC 4231, and Wycheproof's, which also have tags that are wrong in every bit one after the other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from payseal import Credential, Rejected, Request, Scheme, Verifier
from payseal.mac import ALGORITHMS, Algorithm, PreparedMac

VECTORS = Path(__file__).parents[1] / "vectors"
HASHES = ("sha1", "sha256", "sha384", "sha512")


class Vector(NamedTuple):
    """A tag, right or wrong, perhaps cut short, for a key and a message."""

    hash: str
    name: str
    key: bytes
    message: bytes
    tag: bytes
    right: bool


def wycheproof(hash: str) -> list[Vector]:
    document: Any = json.loads((VECTORS / "wycheproof" / f"hmac_{hash}_test.json").read_text("utf-8"))
    found = [
        Vector(
            hash,
            f"test {each['tcId']}",
            bytes.fromhex(each["key"]),
            bytes.fromhex(each["msg"]),
            bytes.fromhex(each["tag"]),
            each["result"] == "valid",
        )
        for group in document["testGroups"]
        for each in group["tests"]
    ]
    assert len(found) == document["numberOfTests"]
    return found


def algorithm(hash: str) -> Algorithm:
    """That HMAC; SHA-1's is known for explaining mistakes alone, and is made here."""
    return ALGORITHMS.get(f"hmac-{hash}") or Algorithm(f"hmac-{hash}", hash, hashlib.new(hash).digest_size, keyed=True)


def rfc4231() -> list[Vector]:
    cases: Any = json.loads((VECTORS / "rfc4231.json").read_text("utf-8"))
    return [
        Vector(name, f"case {number}", bytes.fromhex(case["key"]), bytes.fromhex(case["data"]), bytes.fromhex(mac), True)
        for number, case in enumerate(cases, start=1)
        for name, mac in case["macs"].items()
    ]


def test_rfc_4231() -> None:
    for each in rfc4231():
        made = PreparedMac(algorithm(each.hash), each.key).digest([each.message])
        assert made[: len(each.tag)] == each.tag, (each.hash, each.name)


@pytest.mark.parametrize("hash", HASHES)
def test_wycheproof_s_tags_are_made_and_no_other(hash: str) -> None:
    for each in wycheproof(hash):
        prepared = PreparedMac(algorithm(hash), each.key)
        half = len(each.message) // 2
        for pieces in ([each.message], [each.message[:half], each.message[half:]], [b"", each.message]):
            assert (prepared.digest(pieces)[: len(each.tag)] == each.tag) == each.right, each.name


@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("hash", HASHES[1:])  # no scheme may name SHA-1
def test_a_verifier_takes_the_right_tags_in_full_and_no_other(hash: str, encoding: str) -> None:
    """A tag that is cut short is refused, be it right as far as it goes: no scheme of ours says so."""
    scheme = Scheme.loads(
        f"""
        name = "bare"
        [signature]
        base = "{{body}}"
        algorithm = "hmac-{hash}"
        encoding = "{encoding}"
        [headers]
        X-Signature = "{{signature}}"
        """
    )
    taken = 0
    for each in wycheproof(hash):
        verifier = Verifier(scheme, Credential(secret=each.key))
        encode = scheme.signature.encoding.encode
        request = Request("POST", "/", [("X-Signature", encode(each.tag))], each.message)
        if each.right and len(each.tag) == scheme.signature.algorithm.size:
            verifier.verify(request)
            taken += 1
        else:
            with pytest.raises(Rejected) as refused:
                verifier.verify(request)
            assert refused.value.status in (400, 401)
    assert taken > 10
