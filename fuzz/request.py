"""Whatever arrives as a request is accepted or ends in `Rejected`, and nothing else.

- What is accepted was signed: method, target, headers, id, time and body, as far as the scheme covers them, are those of a request that the
  target signed itself. The fuzzer knows no secret; it may move, repeat, cut and mix what was signed.
- With ``{signature}`` in a header the target signs what the request says of itself, so that the checks after the MAC are reached too.
- The fast path and the general path say the same, down to the diagnosis.
- `payseal.explain` never raises, agrees with the verifier, and shows no secret and no expected MAC.

An input: six letters (scheme, credential, clock, kind of text, kind of body, whether to explain), a line end, ``METHOD target``, headers, a
blank line, a body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, Final

from fuzz.targets import broken

import payseal
from payseal import Authenticated, Credential, Rejected, Request, Scheme, Signer, Verifier
from payseal.errors import REJECTIONS
from payseal.schemes import catalogue_names
from payseal.schemes.template import Component

KEYID, SECRET, TOKEN = "merchant-1", "Sk3-that-is-never-shown", "t0ken-that-is-never-shown"
NONCE = "30dd879c-ee2f-41db-8314-0800200c9a66"
#: 21 June 2026, 00:02:03 UTC.
NOW: Final = 1_782_000_123.0
_PLACE: Final = "{signature}"
_HEADERS: Final = {"content-type": "application/json", "host": "api.example:8443"}

EVERYTHING: Final = """
name = "everything"
[signature]
base = \"\"\"{method}
{target}
{path}
{query}
{host}
{header:content-type}
{header:x-digest}
{keyid}
{token}
{created}.{nonce}
{body:sha512:base64url}
{body}\"\"\"
algorithm = "hmac-sha512"
encoding = "base64url-unpadded"
[headers]
X-Digest = "sha-256=:{body:sha256:base64}:"
Authorization = "Bearer {token}"
Signature-Input = "created={created};nonce={nonce};keyid={keyid}"
Signature = "sig1=:{signature}:"
[created]
format = "unix"
tolerance = 300
[nonce]
format = "hex"
pattern = "[0-9a-f]{32}|[a-z]{1,4}_[0-9]{1,8}"
"""
LISTED: Final = """
name = "listed"
[signature]
base = "{created}.{nonce}.{body}"
algorithm = "hmac-sha256"
encoding = "hex"
accept = ["hex", "base64", "base64-of-hex"]
[headers]
X-Signature = { template = "t={created},n={nonce},v1={signature}", separator = "," }
[created]
format = "%Y-%m-%d %H:%M:%S"
timezone = "+05:30"
tolerance = 300
future = 0
[nonce]
format = "uuid4"
pattern = "[A-Za-z0-9-]{1,64}"
"""
SCHEMES: Final[tuple[Scheme, ...]] = (
    *(payseal.scheme(name) for name in catalogue_names()),
    payseal.scheme("fiserv-payments", created={"format": "unix"}),
    Scheme.loads(EVERYTHING),
    Scheme.loads(LISTED),
)
_OTHER: Final = {"secret": "another-one-never-shown", "token": "another-token-never-shown"}
#: The credential, and whether it has the key that requests are signed with.
CREDENTIALS: Final[tuple[tuple[dict[str, Any], bool], ...]] = (
    ({}, True),
    ({"secret": [SECRET, "newer-one-never-shown"]}, True),
    ({"secret": ["older-one-never-shown", SECRET]}, True),
    ({"not_before": NOW - 1, "not_after": NOW + 300}, True),
    (_OTHER, False),
    ({"keyid": "merchant-2"}, True),
)
CLOCKS: Final = (NOW, NOW + 299.999, NOW + 300.5, NOW - 300, NOW - 300.001, int(NOW), 10**10, -1.0, math.nan)
_TEXTS: Final = ("bytes", "latin-1", "utf-8", "mapping")
_BODIES: Final[tuple[Callable[[bytes], Any], ...]] = (bytes, bytearray, memoryview, lambda body: [body[:5], b"", body[5:]])
#: How often `payseal.explain` may look at its clock: a budget that is the same on every machine.
_LOOKS: Final = 12


def _credential(changes: dict[str, Any]) -> Credential:
    return Credential(**{"keyid": KEYID, "secret": SECRET, "token": TOKEN, **changes})


def _verifiers(scheme: Scheme, changes: dict[str, Any]) -> tuple[Verifier, Verifier]:
    """A verifier, and the same without its fast paths."""
    it = _credential(changes)
    quick, general = (Verifier(scheme, {it.keyid: it}, allow_unkeyed=not scheme.keyed, clock=lambda: NOW) for _ in range(2))
    general._verify_whole = general._prove = general._read_quickly = None
    return quick, general


_VERIFIERS: Final = [[_verifiers(scheme, changes) for changes, _ in CREDENTIALS] for scheme in SCHEMES]


def covered(scheme: Scheme, request: Request, keyid: str | None, nonce: str | None, created: float | None) -> tuple[object, ...]:
    """What the scheme signs of a request, part for part: two requests whose bases are the same bytes can differ in it."""
    own: dict[str, Callable[[], object]] = {
        "keyid": lambda: keyid,
        "nonce": lambda: nonce,
        "created": lambda: created,
        "method": lambda: request.method,
        "target": lambda: request.target,
        "path": lambda: request.path,
        "query": lambda: request.query,
        "host": lambda: request.values("host"),
        "token": lambda: request.values("authorization"),
        "body": lambda: b"".join(map(bytes, request.pieces())),
    }
    parts = [part for part in scheme.signature.base.parts if isinstance(part, Component)]
    return tuple(repr(request.values(part.header) if part.header else own[part.name]()) for part in parts)


def _genuine(scheme: Scheme, body: bytes, nonce: str, target: str) -> tuple[Request, tuple[object, ...]]:
    """A request that was signed at `NOW`, and what was signed of it."""
    bare = Request("POST", target, list(_HEADERS.items()), body)
    added = Signer(scheme, _credential({})).sign(bare, created=NOW, nonce=nonce)
    request = Request("POST", target, [*bare.headers, *added.items()], body)
    created = None if scheme.created is None else scheme.created.format.read(scheme.created.write(NOW))
    shown = None if created is None else created / 1000
    keyid = KEYID if scheme.names == "keyid" else None
    return request, covered(scheme, request, keyid, nonce if scheme.nonce else None, shown)


_SAMPLES: Final = (
    (b'{"amount":1000,"currency":"KES"}', NONCE, "/gateway/v2/payments?a=1"),
    (b"", "1f" * 16, "/"),
    (b"782000123", "ab_17", "/x"),
)


def _samples(scheme: Scheme) -> list[tuple[Request, tuple[object, ...]]]:
    taken = [sample for sample in _SAMPLES if scheme.nonce is None or scheme.nonce.grammar.accepts(sample[1])]
    return [_genuine(scheme, *sample) for sample in taken]


_SIGNED: Final = [_samples(scheme) for scheme in SCHEMES]
_KNOWN: Final = [frozenset(signed for _, signed in samples) for samples in _SIGNED]


def seeds() -> list[bytes]:
    """Each genuine request; with its signature, and with the place for one."""
    made: list[bytes] = []
    for number, (scheme, samples) in enumerate(zip(SCHEMES, _SIGNED, strict=True)):
        rule = next(rule for rule in scheme.headers if any(part.name == "signature" for part in rule.components))
        for at, (request, _) in enumerate(samples):
            (value,) = request.values(rule.key)
            ((_, signature),) = [pair for pair in rule.read(value) if pair[0].name == "signature"]
            for index, text in enumerate((value, value.replace(signature, _PLACE))):
                lines = [f"POST {request.target}", *(f"{name}: {text if name == rule.name else old}" for name, old in request.headers)]
                letters = "".join(chr(97 + each) for each in (number, at, 0, at, 0, index))
                made.append("\n".join([letters, *lines, "", ""]).encode() + bytes(request.body))  # type: ignore[arg-type]
    return made


def _chosen(data: bytes, at: int, among: int) -> int:
    return (data[at] - 97) % among if at < len(data) else 0


def _read(data: bytes) -> tuple[str, str, list[tuple[Any, Any]], bytes, str]:
    """Method, target, headers, body, and the kind of text."""
    head, _, body = data[7:].partition(b"\n\n")
    line, *lines = head.split(b"\n")
    method, _, target = line.partition(b" ")
    pairs = [(name, value[1:] if value[:1] == b" " else value) for name, _, value in (each.partition(b":") for each in lines)]
    return method.decode("latin-1"), target.decode("latin-1"), pairs, body, _TEXTS[_chosen(data, 3, len(_TEXTS))]


def _typed(pairs: list[tuple[bytes, bytes]], kind: str) -> Any:
    if kind == "bytes":
        return pairs
    errors = "strict" if kind == "latin-1" else "surrogateescape"
    texts = [(name.decode("latin-1"), value.decode("latin-1" if kind == "latin-1" else "utf-8", errors)) for name, value in pairs]
    return dict(texts) if kind == "mapping" else texts


def one(data: bytes) -> str:
    """Verify it in every way there is; now and then explain it."""
    number, variant = _chosen(data, 0, len(SCHEMES)), _chosen(data, 1, len(CREDENTIALS))
    scheme, (changes, has_key) = SCHEMES[number], CREDENTIALS[variant]
    quick, general = _VERIFIERS[number][variant]
    now = CLOCKS[_chosen(data, 2, len(CLOCKS))]
    method, target, pairs, body, kind = _read(data)
    made = _BODIES[_chosen(data, 4, len(_BODIES))](body)
    known = _KNOWN[number] if has_key or not scheme.keyed else frozenset()
    if _PLACE.encode() in data:
        pairs, anew = _signed_anew(scheme, general, Request(method, target, pairs, made), pairs)
        known |= {anew} if anew and (has_key or not scheme.keyed) else set()
    request = Request(method, target, _typed(pairs, kind), made)
    expected = _outcome(lambda: general.verify(request, now=now))
    broken(_outcome(lambda: quick.verify(request, now=now)) != expected, "the fast path and the general path differ")
    broken(_outcome(lambda: _in_steps(quick, request, now)) != expected, "read and check differ from verify")
    if isinstance(expected, Authenticated):
        read = covered(scheme, request, expected.keyid, expected.nonce, expected.created)
        broken(read not in known, "accepted, and never signed")
    if _chosen(data, 5, 4) == 1:
        _explain(request, scheme, _credential(changes), now, isinstance(expected, Authenticated), data)
    return "accepted, as it was signed" if isinstance(expected, Authenticated) else str(expected[0])


def _in_steps(verifier: Verifier, request: Request, now: float) -> Authenticated:
    presented = verifier.read(request)
    return verifier.check(request, presented, verifier.find(presented), now=now)


def _outcome(call: Callable[[], Authenticated]) -> Any:
    try:
        return call()
    except Rejected as rejected:
        broken((rejected.status, rejected.title) != REJECTIONS[rejected.code], "a code and its status do not belong together")
        return rejected.code, rejected.detail, rejected.diagnosis


def _signed_anew(
    scheme: Scheme, verifier: Verifier, request: Request, pairs: list[tuple[bytes, bytes]]
) -> tuple[list[tuple[bytes, bytes]], tuple[object, ...] | None]:
    """The headers with the right signature in its place, and what it covers; as they are where they cannot be read."""
    encoding = scheme.signature.encoding
    size = encoding.length(scheme.signature.algorithm.size)

    def filled(text: str) -> list[tuple[bytes, bytes]]:
        return [(name, value.replace(_PLACE.encode(), text.encode())) for name, value in pairs]

    draft = Request(request.method, request.target, filled("0" * size), request.body)
    try:
        presented = verifier.read(draft)
        base = bytes(verifier._base(draft, presented, presented.created_text or _written(scheme)))
    except Rejected:
        return pairs, None
    rule = scheme.signature
    mac = _mac(rule.algorithm.hash, {"secret": SECRET, "token": TOKEN, "none": None}[rule.key], base)
    created = presented.created
    if scheme.created is not None and created is None:
        created = scheme.created.format.read(_written(scheme))
    headers = filled(encoding.encode(mac))
    signed = Request(request.method, request.target, headers, request.body)
    return headers, covered(scheme, signed, presented.keyid, presented.nonce, None if created is None else created / 1000)


def _written(scheme: Scheme) -> str:
    return "" if scheme.created is None else scheme.created.write(NOW)


def _mac(algorithm: str, key: str | None, base: bytes) -> bytes:
    """Made without payseal."""
    return hashlib.new(algorithm, base).digest() if key is None else hmac.digest(key.encode(), base, algorithm)


def _explain(request: Request, scheme: Scheme, credential: Credential, now: float, accepted: bool, data: bytes) -> None:
    ticks = count()
    found = payseal.explain(request, scheme, credential, now=now, budget=_LOOKS, clock=lambda: float(next(ticks)))
    broken(accepted and not found.verified, "accepted, and explained as if it were not")
    broken(not found.verified and not found.causes, "refused, and no cause is named")
    shown = (
        "".join([repr(found), *(f"{each!r}" for each in (*found.causes, *found.checks))]).encode()
        + found.signature_base
        + found.signed_base
    )
    for secret in _secrets(credential):
        broken(secret in shown and secret not in data, "a secret is shown")
        if found.signature_base and scheme.signature.key != "none":
            mac = hmac.digest(secret, found.signature_base, scheme.signature.algorithm.hash)
            broken(any(form[:12] in shown for form in _forms(mac)), "an expected MAC is shown")


def _secrets(credential: Credential) -> Iterable[bytes]:
    return (*credential.reveal_secrets(), credential.reveal_token().encode())


def _forms(mac: bytes) -> tuple[bytes, ...]:
    return mac.hex().encode(), base64.b64encode(mac), base64.urlsafe_b64encode(mac), base64.b64encode(mac.hex().encode())
