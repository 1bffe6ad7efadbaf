"""What a scheme says, as JavaScript: a function ``sign`` and what it stands on, for the scripts that run before a request is sent.

The JavaScript is that of ECMAScript 5.1, which the oldest of the programs that run it knows. What they differ in, hashing and randomness,
comes from a `Host`; everything else is the same text in all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from payseal.errors import PaysealError
from payseal.schemes import Scheme
from payseal.schemes.headers import HeaderRule
from payseal.schemes.template import Part
from payseal.schemes.times import TimeFormat

__all__ = ["BASE64", "Host", "credential_parts", "sign_function", "string"]


@dataclass(frozen=True, slots=True)
class Host:
    """What a program gives to its scripts. Each is an expression, or makes one out of expressions."""

    digest: Callable[[str, str], str]  # (hash, text) → lower-case hex
    hmac: Callable[[str, str, str], str]  # (hash, key, text) → lower-case hex
    setup: str  # statements that go first; among them a function ``random``, which gives 32 hexadecimal digits, others each time


BASE64: Final = """\
function base64(hex) {
    var alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", text = "", at, bits;
    for (at = 0; at < hex.length; at += 6) {
        bits = parseInt((hex.slice(at, at + 6) + "0000").slice(0, 6), 16);
        text += alphabet.charAt(bits >> 18) + alphabet.charAt(bits >> 12 & 63);
        text += at + 2 < hex.length ? alphabet.charAt(bits >> 6 & 63) : "=";
        text += at + 4 < hex.length ? alphabet.charAt(bits & 63) : "=";
    }
    return text;
}
"""
_HEX_OF_TEXT: Final = """\
function hexOf(text) {
    return text.replace(/./g, function (character) { return character.charCodeAt(0).toString(16); });
}
"""
_PADDED: Final = """\
function padded(number, digits) {
    return ("000" + number).slice(-digits);
}
"""
#: As `payseal.schemes.nonces` makes them: the last character is a letter, so that no digit of the id can be read as part of the time.
_IDS: Final = {
    "uuid4": """\
function newId(digits) {
    var variant = "89ab".charAt(parseInt(digits.charAt(16), 16) & 3), last = "abcdefabcdefabcd".charAt(parseInt(digits.charAt(31), 16));
    return [
        digits.slice(0, 8), digits.slice(8, 12), "4" + digits.slice(13, 16), variant + digits.slice(17, 20), digits.slice(20, 31) + last
    ].join("-");
}
""",
    "hex": """\
function newId(digits) {
    return digits.slice(0, 31) + "abcdefabcdefabcd".charAt(parseInt(digits.charAt(31), 16));
}
""",
}
#: Encoding → from the hex text of a MAC, and the functions that takes.
_ENCODINGS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "hex": ("{}", ()),
    "hex-upper": ("{}.toUpperCase()", ()),
    "base64": ("base64({})", (BASE64,)),
    "base64url": (r'base64({}).replace(/\+/g, "-").replace(/\//g, "_")', (BASE64,)),
    "base64url-unpadded": (r'base64({}).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "")', (BASE64,)),
    "base64-of-hex": ("base64(hexOf({}))", (BASE64, _HEX_OF_TEXT)),
}
_DATE_FIELDS: Final = {
    "year": "time.getUTCFullYear()",
    "month": "time.getUTCMonth() + 1",
    "day": "time.getUTCDate()",
    "hour": "time.getUTCHours()",
    "minute": "time.getUTCMinutes()",
    "second": "time.getUTCSeconds()",
}
#: Component → the expression that has its text, inside ``sign``.
_VALUES: Final = {
    "keyid": "credential.keyid",
    "token": "credential.token",
    "created": "created",
    "nonce": "id",
    "body": "body",
    "signature": "signature",
}


def string(text: str) -> str:
    """A JavaScript string literal that can stand inside the ``{% %}`` of an ``.http`` file too."""
    return json.dumps(text).replace("%}", "%\\u007d")


def credential_parts(scheme: Scheme) -> dict[str, bool]:
    """The parts of a credential that signing takes, in order; whether each can be left out."""
    must = {part.name for rule in scheme.headers if not rule.optional for part in rule.components} | {scheme.signature.key}
    may = {part.name for rule in scheme.headers if rule.optional for part in rule.components}
    return {part: part not in must for part in ("keyid", "secret", "token") if part in must | may}


def sign_function(scheme: Scheme, host: Host) -> str:
    """``sign(credential, body, moment, id)`` and the functions it calls; and ``newId(digits)`` where the scheme has request ids.

    ``moment`` is milliseconds since the epoch; what comes back has the ``base`` that was signed, its ``mac`` in hex, and the ``headers``
    to add, by name. Raises `PaysealError` for what a script cannot know, such as a header that the program itself adds.
    """
    needs: dict[str, None] = {}

    def encoded(encoding: str, mac: str) -> str:
        template, functions = _ENCODINGS[encoding]
        needs.update(dict.fromkeys(functions))
        return template.format(mac)

    def text(part: Part) -> str:
        if isinstance(part, str):
            return string(part)
        if part.digest:
            return encoded(part.encoding, host.digest(part.digest, "body"))
        if part.name not in _VALUES:
            raise PaysealError(f"{scheme.name} signs {part}, which a script before the request cannot know: what is sent is not made yet")
        return _VALUES[part.name]

    def joined(parts: tuple[Part, ...]) -> str:
        return " + ".join(map(text, parts))  # each is a text, and so is the sum

    rule = scheme.signature
    lines = [] if scheme.created is None else _created(scheme.created.format, needs)
    lines.append(f"var base = {joined(rule.base.parts)};")
    mac = (
        host.hmac(rule.algorithm.hash, f"credential.{rule.key}", "base")
        if rule.algorithm.keyed
        else host.digest(rule.algorithm.hash, "base")
    )
    lines += [f"var mac = {mac};", f"var signature = {encoded(rule.encoding.name, 'mac')};", "var headers = {};"]
    lines += [_header(each, joined(each.parts)) for each in scheme.headers]
    lines.append("return {base: base, mac: mac, headers: headers};")
    body = "".join(f"    {line}\n" for line in lines)
    made = (
        f"// {scheme.title}. What is signed, and how: the scheme {scheme.name}.\nfunction sign(credential, body, moment, id) {{\n{body}}}\n"
    )
    ids = "" if scheme.nonce is None else _IDS[scheme.nonce.format]
    return "".join(needs) + ids + made


def _header(rule: HeaderRule, value: str) -> str:
    line = f"headers[{string(rule.name)}] = {value};"
    given = [_VALUES[part.name] for part in rule.components if part.name in ("keyid", "token")]
    return f"if ({' && '.join(given)}) {{ {line} }}" if rule.optional and given else line


def _created(format: TimeFormat, needs: dict[str, None]) -> list[str]:
    """The statements that write the time, as `TimeFormat.write` does."""
    if not format.slots:
        return [f"var created = String({'moment' if format.granularity == 1 else f'Math.floor(moment / {format.granularity})'});"]
    needs[_PADDED] = None
    pieces = [(start, f"padded({_DATE_FIELDS[field]}, {end - start})") for field, start, end in format.slots]
    pieces += [(start, string(literal)) for literal, start in format.literals]
    clock = f"moment + {format.offset}" if format.offset else "moment"
    return [f"var time = new Date({clock});", f"var created = {' + '.join(text for _, text in sorted(pieces))};"]
