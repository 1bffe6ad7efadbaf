"""How requests of a scheme are signed, in words, as header parameters and as one worked example: all of it from the scheme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from payseal.credentials import Credential
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.schemes.headers import HeaderRule
from payseal.schemes.template import Component
from payseal.signing import Signer

__all__ = ["EXAMPLE_CREATED", "EXAMPLE_KEYS", "EXAMPLE_NONCE", "Header", "Worked", "headers_of", "statements", "worked"]

EXAMPLE_NONCE: Final = "7f1c2a90-5d4e-4b6f-8a3c-0d9e1f2b3c4d"
#: 1 January 2026, in seconds.
EXAMPLE_CREATED: Final = 1_767_225_600
#: Nobody's: examples can be computed again by whoever reads them.
EXAMPLE_KEYS: Final = {"keyid": "example-key", "secret": "example-secret", "token": "example-token"}

_SPELLED: Final = {
    "hex": "lower-case hexadecimal",
    "hex-upper": "upper-case hexadecimal",
    "base64": "Base64",
    "base64url": "URL-safe Base64",
    "base64url-unpadded": "URL-safe Base64 without padding",
    "base64-of-hex": "Base64 of the lower-case hexadecimal text",
}
_MINUTE: Final = 60_000


@dataclass(frozen=True, slots=True)
class Header:
    """One header of a scheme: what it means, and what its value looks like (``schema`` is JSON Schema)."""

    name: str
    meaning: str
    required: bool
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Worked:
    """An example that anyone can compute again: with ``key`` over ``base``, the headers are these."""

    key: str
    base: str
    headers: dict[str, str]


def headers_of(scheme: Scheme, *, may_be_unsigned: bool = False) -> list[Header]:
    """The scheme's headers in its order. ``may_be_unsigned``: the access token can be enough."""
    return [_header(scheme, rule, may_be_unsigned) for rule in scheme.headers]


def _header(scheme: Scheme, rule: HeaderRule, may_be_unsigned: bool) -> Header:
    carried = {component.name for component in rule.components}
    meanings = [_MEANINGS[component.name](scheme) for component in rule.components]
    left_out = may_be_unsigned and "signature" in carried
    if left_out:
        meanings.append("Left out where the access token is enough.")
    if rule.optional:
        meanings.append("Left out where the credential has none.")
    schema: dict[str, Any] = {"type": "string"}
    if not rule.components:
        meanings.append("Always this value: it says how the request is authenticated.")
        schema["const"] = "".join(str(part) for part in rule.parts)
    elif len(rule.parts) == 1:
        schema |= _form(scheme, rule.components[0])
    return Header(rule.name, " ".join(meanings), not (rule.optional or left_out), schema)


def _form(scheme: Scheme, component: Component) -> dict[str, Any]:
    """What a value that is one component looks like, in JSON Schema."""
    if component.name == "nonce":
        return {"pattern": f"^({scheme.source['nonce']['pattern']})$"}
    if component.name == "created" and scheme.created is not None:
        length = scheme.created.format.width
        return {"minLength": length, "maxLength": length}
    if component.name == "signature":
        lengths = [encoding.length(scheme.signature.algorithm.size) for encoding in scheme.signature.accept]
        return {"minLength": min(lengths), "maxLength": max(lengths)}
    return {}


def _nonce(scheme: Scheme) -> str:
    return "The request id, new for every request: a version 4 UUID is a good one."


def _created(scheme: Scheme) -> str:
    return f"When the request was signed: {_time(scheme)}."


def _signature(scheme: Scheme) -> str:
    return f"The signature, as {_encodings(scheme)}."


def _encodings(scheme: Scheme) -> str:
    rule = scheme.signature
    first, *others = (f"{_SPELLED[each.name]} ({each.length(rule.algorithm.size)} characters)" for each in rule.accept)
    return f"{first}; {', '.join(others)} of the same bytes is taken too" if others else first


def _keyid(scheme: Scheme) -> str:
    return "Names the key that signed the request."


def _token(scheme: Scheme) -> str:
    return "Carries the access token, which says whose the request is."


def _digest(scheme: Scheme) -> str:
    return "A digest of the body."


_MEANINGS: Final[dict[str, Callable[[Scheme], str]]] = {
    "keyid": _keyid,
    "nonce": _nonce,
    "created": _created,
    "signature": _signature,
    "token": _token,
    "body": _digest,
}


def _time(scheme: Scheme) -> str:
    assert scheme.created is not None
    text, width = scheme.created.format.text, scheme.created.format.width
    units = {"unix": "seconds", "unix-ms": "milliseconds"}
    if text in units:
        return f"whole {units[text]} since 1 January 1970 (UTC), {width} digits"
    return f"`{text}` in {scheme.source['created'].get('timezone', 'UTC')}, {width} characters"


def statements(scheme: Scheme) -> list[str]:
    """What a client has to do, a sentence or two each; names that stand in a request are in backticks."""
    rule = scheme.signature
    base = scheme.source["signature"]["base"]
    key = {"secret": "with the secret, as UTF-8 text", "token": "with the access token", "none": "with no key"}[rule.key]
    parts = rule.base.parts
    together = ", with nothing between the parts" if len(parts) > 1 and all(isinstance(part, Component) for part in parts) else ""
    told = [
        f"What is signed: `{base}`{together}; the body is taken exactly as it is sent.",
        f"How: {rule.algorithm.name.upper()} {key}, written as {_encodings(scheme)}.",
    ]
    if scheme.created is not None:
        how = "" if scheme.created_sent else " It is not sent: every time that the window allows is tried."
        told.append(f"The time, `{{created}}`: {_time(scheme)}. It may be off by {_span(scheme.created.tolerance)}.{how}")
    if scheme.nonce is not None:
        told.append(f"The request id, `{{nonce}}`: used once. It matches `{scheme.source['nonce']['pattern']}`.")
    covered = {part.name for part in parts if isinstance(part, Component)}
    if not covered & {"method", "target", "path", "query"}:
        told.append("Method, path and query are not signed.")
    return told


def _span(milliseconds: int) -> str:
    if milliseconds % _MINUTE == 0:
        minutes = milliseconds // _MINUTE
        return f"{minutes} minute{'s' if minutes != 1 else ''}"
    return f"{milliseconds / 1000:g} seconds"


def worked(scheme: Scheme, method: str, target: str, body: bytes) -> Worked:
    """The example for one request, computed by the signer itself."""
    credential = Credential(EXAMPLE_KEYS["keyid"], secret=EXAMPLE_KEYS["secret"], token=EXAMPLE_KEYS["token"])
    signer, request = Signer(scheme, credential), Request(method, target, body=body)
    base = signer.signature_base(request, created=EXAMPLE_CREATED, nonce=EXAMPLE_NONCE)
    headers = signer.sign(request, created=EXAMPLE_CREATED, nonce=EXAMPLE_NONCE)
    return Worked(EXAMPLE_KEYS.get(scheme.signature.key, ""), base.decode("utf-8"), headers)
