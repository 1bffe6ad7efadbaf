"""Vectors that others published to break a verifier: wrong and cut tags, and the headers of webhooks. The genuine ones must pass."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from attacks.rows import Row, Tally

from payseal import Credential, Rejected, Request, Scheme, Verifier
from payseal.mac import ENCODINGS

__all__ = ["VECTORS", "answered", "attack", "webhooks"]

VECTORS: Final = Path(__file__).resolve().parent.parent / "tests" / "vectors"
_HASHES: Final = ("sha256", "sha384", "sha512")
_MACS, _SIGNATURES = "tests/core/test_published_macs.py", "tests/core/test_published_signatures.py"


def attack(quick: bool) -> list[Row]:
    """Wycheproof's tags, RFC 4231's with a bit changed, and the two sets of webhooks."""
    every = 10 if quick else 1
    rows = [_wycheproof(each, every) for each in _HASHES]
    rows.append(_rfc4231(every))
    rows.append(_webhooks("standard-webhooks.json", "Standard Webhooks: hostile headers and bodies"))
    rows.append(_webhooks("convoy.json", "Convoy's hostile signatures, and more in their style"))
    return rows


# --- tags ------------------------------------------------------------------------------------------------------------------------------


def _bare(hash: str, encoding: str) -> Scheme:
    return Scheme.load(VECTORS / "webhooks" / "bare.toml", signature={"algorithm": f"hmac-{hash}", "encoding": encoding})


def _tag(verifier: Verifier, encoding: str, tag: bytes, message: bytes) -> str | None:
    return _verdict(verifier, Request("POST", "/", [("X-Signature", ENCODINGS[encoding].encode(tag))], message), 0.0)


def _wycheproof(hash: str, every: int) -> Row:
    document: Any = json.loads((VECTORS / "wycheproof" / f"hmac_{hash}_test.json").read_text("utf-8"))
    tally = Tally(f"Wycheproof, HMAC {hash.upper()}: tags wrong in each way, or cut short", _MACS)
    for encoding in ("hex", "base64"):
        scheme = _bare(hash, encoding)
        for test in [test for group in document["testGroups"] for test in group["tests"]][::every]:
            tag, message = bytes.fromhex(test["tag"]), bytes.fromhex(test["msg"])
            genuine = test["result"] == "valid" and len(tag) == scheme.signature.algorithm.size
            verdict = _tag(Verifier(scheme, Credential(secret=bytes.fromhex(test["key"]))), encoding, tag, message)
            _count(tally, f"test {test['tcId']}", verdict, genuine=genuine)
    return tally.row()


def _rfc4231(every: int) -> Row:
    tally = Tally("RFC 4231: each bit of each tag changed", _MACS)
    cases: Any = json.loads((VECTORS / "rfc4231.json").read_text("utf-8"))
    for number, case in enumerate(cases, start=1):
        for name in _HASHES:
            scheme = _bare(name, "hex")
            tag, message = bytes.fromhex(case["macs"][name]), bytes.fromhex(case["data"])
            if len(tag) != scheme.signature.algorithm.size:
                continue  # the case of tags that are cut short
            verifier = Verifier(scheme, Credential(secret=bytes.fromhex(case["key"])))
            _count(tally, f"case {number}", _tag(verifier, "hex", tag, message), genuine=True)
            for bit in range(0, 8 * len(tag), every):
                changed = (int.from_bytes(tag) ^ (1 << bit)).to_bytes(len(tag))
                _count(tally, f"case {number}, bit {bit}", _tag(verifier, "hex", changed, message), genuine=False)
    return tally.row()


# --- webhooks --------------------------------------------------------------------------------------------------------------------------


def webhooks(file: str) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Each vector of a file of ``tests/vectors/webhooks``, and the code that it was answered with (`None`: accepted)."""
    for vector in json.loads((VECTORS / "webhooks" / file).read_text("utf-8")):
        yield vector, answered(vector)


def answered(vector: dict[str, Any]) -> str | None:
    """What a verifier says to one vector."""
    scheme = Scheme.load(VECTORS / "webhooks" / f"{vector['scheme']}.toml", **vector["overrides"])
    verifier = Verifier(scheme, Credential(secret=base64.b64decode(vector["secret"])))
    headers = [(name, value) for name, value in vector["headers"]]
    return _verdict(verifier, Request("POST", "/webhooks", headers, base64.b64decode(vector["body"])), vector["at"])


def _webhooks(file: str, called: str) -> Row:
    tally = Tally(called, _SIGNATURES)
    for vector, code in webhooks(file):
        _count(tally, vector["name"], code, genuine=vector["code"] is None)
    return tally.row()


def _verdict(verifier: Verifier, request: Request, now: float) -> str | None:
    try:
        verifier.verify(request, now=now)
    except Rejected as rejected:
        return rejected.code
    return None


def _count(tally: Tally, name: str, code: str | None, *, genuine: bool) -> None:
    if genuine:
        if code is None:
            tally.held("accepted: genuine")
        else:
            tally.through(f"{name} is genuine, and refused: {code}")
    elif code is None:
        tally.through(f"{name} is accepted")
    else:
        tally.held(code)
