"""Any bytes as a scheme file give `SchemeError` or a scheme, and a scheme keeps what it says.

- It signs a request and verifies it; another body under that signature is refused.
- So is every other reading of the signed bytes: what was moved from one component to its neighbour is no longer that request.
- Its refusal is JSON; its request can be explained; what loads once loads always.

An input: the file.
"""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path
from typing import Any, Final

from fuzz.request import EVERYTHING, LISTED, covered
from fuzz.targets import broken

import payseal
from payseal import Credential, Rejected, Request, Scheme, SchemeError, Signer, Verifier
from payseal.errors import REJECTIONS
from payseal.schemes import catalogue_names
from payseal.schemes.template import Component

_CREDENTIAL: Final = Credential("merchant-1", "Sk3-that-is-never-shown", "t0ken")
_BODY: Final = b'{"amount":1000}'
_TARGET: Final = "/a/b?c=d"
#: 21 June 2026, 00:02:03 UTC, as much in seconds as in anything finer.
_NOW: Final = 1_782_000_123.0
_VARIANT: Final = """
extends = "fiserv-payments"
name = "a"
[created]
format = "unix"
[nonce]
pattern = "[0-9a-f-]{36}"
[headers]
Api-Key = false
Key = "{keyid}"
"""
#: How far a boundary is moved (characters), and ids that could be cut.
_FAR: Final = 40
_IDS: Final = ("7-1812", "order-1782000123456-ab", "1782000123000", "30dd879c-ee2f-41db-8314-0800200c9179", "a0a0", "20260621")


def seeds() -> list[bytes]:
    """The catalogue, schemes that sign more, a variant, and what lies deep in itself."""
    folder = Path(payseal.schemes.__file__).parent / "catalogue"
    texts = [(folder / f"{name}.toml").read_text("utf-8") for name in catalogue_names()]
    deep = (f"a = {'[' * 1500}", f"a = {'{b = ' * 900}", ".".join("a" * 200) + " = 1")
    return [text.encode() for text in (*texts, EVERYTHING, LISTED, _VARIANT, *deep)]


def one(data: bytes) -> str:
    """Load it; sign, verify, read in other ways, explain."""
    try:
        scheme = _loaded(data)
    except SchemeError as error:
        broken(not error.file or not str(error), "an error does not say where")
        return "SchemeError"
    _loaded(data)  # again: whether a file is right is no matter of chance
    for nonce in _nonces(scheme, len(data)):
        signed = _signed(scheme, nonce, random.Random(data))
        verifier = Verifier(scheme, _CREDENTIAL, allow_unkeyed=not scheme.keyed)
        verifier.verify(signed, now=_NOW)
        own = _covered(verifier, signed)
        for request in (Request(signed.method, signed.target, signed.headers, _BODY + b" "), *_other_readings(scheme, signed)):
            _refused(verifier, request, own)
    _refusal(scheme)
    _explained(scheme, signed)
    return "a scheme that signs and verifies"


def _loaded(data: bytes) -> Scheme:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "scheme.toml")
            path.write_bytes(data)
            return Scheme.load(path)
    return Scheme.loads(text)


def _nonces(scheme: Scheme, choice: int) -> list[str | None]:
    """None, for one that the signer makes; and one that could be cut, where the scheme takes such."""
    taken = [each for each in _IDS if scheme.nonce is not None and scheme.nonce.grammar.accepts(each)]
    return [None, *taken[choice % len(taken) :][:1]] if taken else [None]


def _signed(scheme: Scheme, nonce: str | None, chance: random.Random) -> Request:
    """A request with every header that the scheme covers, signed."""
    parts = [part for part in scheme.signature.base.parts if isinstance(part, Component)]
    written = {rule.key for rule in scheme.headers}
    headers = {part.header or "host": "a.b:1" for part in parts if part.name in ("header", "host")}
    pairs = [(name, value) for name, value in headers.items() if name not in written]
    added = Signer(scheme, _CREDENTIAL, random=chance.randbytes).sign(Request("POST", _TARGET, pairs, _BODY), created=_NOW, nonce=nonce)
    return Request("POST", _TARGET, [*pairs, *added.items()], _BODY)


def _covered(verifier: Verifier, request: Request) -> tuple[object, ...]:
    presented = verifier.read(request)
    return covered(verifier.scheme, request, presented.keyid, presented.nonce, presented.created)


def _refused(verifier: Verifier, request: Request, own: tuple[object, ...]) -> None:
    """Refused now, and at the time that it would be fresh at."""
    with contextlib.suppress(Rejected):
        presented = verifier.read(request)
        for now in {_NOW, max(_NOW, (presented.created or 0) / 1000)}:
            with contextlib.suppress(Rejected):
                verifier.verify(request, now=now)
                broken(_covered(verifier, request) != own, "what was signed as one request is accepted as another")


def _other_readings(scheme: Scheme, signed: Request) -> Iterator[Request]:
    """Requests whose signature base has the same bytes, cut in other places: two neighbours of any length, or two around a third whose
    length stays."""
    carried = {part: text for rule in scheme.headers for part, text in rule.read(signed.values(rule.key)[0])}
    parts = scheme.signature.base.parts
    places = [at for at, part in enumerate(parts) if isinstance(part, Component) and not part.digest]
    texts = [part if isinstance(part, str) else _text(part, scheme, signed, carried) for part in parts]
    for few in (*pairwise(places), *zip(places, places[1:], places[2:], strict=False)):
        before, *between, after = texts[few[0] : few[-1] + 1]
        whole = "".join((before, *between, after))
        for cut in range(max(0, len(before) - _FAR), min(len(whole), len(before) + _FAR)):
            moved = _cut(whole, cut, between, few[1] - few[0] - 1 if len(few) == 3 else None)
            if moved is not None and cut != len(before):
                yield _with(scheme, signed, carried, {parts[at]: moved[at - few[0]] for at in few})


def _cut(whole: str, cut: int, between: list[str], free: int | None) -> list[str] | None:
    """``whole`` in as many pieces as it had, the first of which ends at ``cut`` and the others but the last as long as they were; ``None``
    where a literal does not stand where it belongs then. Only the piece ``free`` may be another text."""
    pieces, at = [whole[:cut]], cut
    for number, text in enumerate(between):
        pieces.append(whole[at : at + len(text)])
        if number != free and pieces[-1] != text:
            return None
        at += len(text)
    return [*pieces, whole[at:]] if at <= len(whole) else None


def _text(part: Component, scheme: Scheme, signed: Request, carried: dict[Component, str]) -> str:
    """What the base has in that place."""
    if part in carried:
        return carried[part]
    if part.name in ("header", "host"):
        return signed.values(part.header or "host")[0]
    if part.name == "created":  # which is not sent
        return scheme.created.write(_NOW) if scheme.created is not None else ""
    own = {"method": signed.method, "target": signed.target, "path": signed.path, "query": signed.query, "body": _BODY.decode()}
    return own[part.name]


def _with(scheme: Scheme, signed: Request, carried: dict[Component, str], changed: dict[Any, str]) -> Request:
    """The request with these texts in the places of its own."""
    texts = {part.name: text for part, text in changed.items() if part.name not in ("header", "host")}
    headers = {part.header or "host": text for part, text in changed.items() if part.name in ("header", "host")}
    for rule in scheme.headers:
        if any(part in changed for part in rule.components):
            headers[rule.key] = rule.write(lambda part: changed.get(part, carried[part]))
    path, query = texts.get("path", signed.path), texts.get("query", signed.query)
    return Request(
        texts.get("method", signed.method),
        texts.get("target", f"{path}?{query}"),
        [(name, headers.get(name.lower(), value)) for name, value in signed.headers],
        texts.get("body", _BODY.decode()).encode("latin-1"),
    )


def _refusal(scheme: Scheme) -> None:
    """What a server would answer."""
    if scheme.refusal is not None:
        for code in REJECTIONS:
            json.loads(scheme.refusal.render(Rejected(code), trace="t", request_id="r"))


def _explained(scheme: Scheme, signed: Request) -> None:
    ticks = count()
    for request in (signed, Request("GET", "/", signed.headers[1:], b"x"), Request("POST", "/y", signed.headers, b"[1]")):
        found = payseal.explain(request, scheme, _CREDENTIAL, now=_NOW, budget=next(ticks) + 4, clock=lambda: float(next(ticks)))
        broken(found.verified != (request is signed), "explained as it is not")
