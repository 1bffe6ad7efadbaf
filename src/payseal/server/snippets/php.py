"""As PHP, without a package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from payseal.errors import PaysealError
from payseal.schemes import Scheme
from payseal.schemes.headers import HeaderRule
from payseal.schemes.template import Part
from payseal.schemes.times import TimeFormat
from payseal.server.snippets.call import Call, parts_used

__all__ = ["php"]

#: Encoding → from the raw bytes of a MAC or a digest.
_ENCODINGS: Final[Mapping[str, str]] = {
    "hex": "bin2hex({})",
    "hex-upper": "strtoupper(bin2hex({}))",
    "base64": "base64_encode({})",
    "base64url": "strtr(base64_encode({}), '+/', '-_')",
    "base64url-unpadded": "rtrim(strtr(base64_encode({}), '+/', '-_'), '=')",
    "base64-of-hex": "base64_encode(bin2hex({}))",
}
_VALUES: Final = {
    "keyid": "$credential['keyid']",
    "token": "$credential['token']",
    "created": "$created",
    "nonce": "$id",
    "body": "$body",
    "signature": "$signature",
}
_DATE: Final = {"year": "Y", "month": "m", "day": "d", "hour": "H", "minute": "i", "second": "s"}
#: The last character is a letter, as payseal makes them: no digit of the id can be read as part of the time.
_IDS: Final = {
    "hex": "$id = substr(bin2hex(random_bytes(16)), 0, 31) . 'abcdef'[random_int(0, 5)];",
    "uuid4": """\
$digits = bin2hex(random_bytes(16));
$digits[12] = '4';
$digits[16] = '89ab'[random_int(0, 3)];
$digits[31] = 'abcdef'[random_int(0, 5)];
$id = vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split($digits, 4));""",
}


def php(call: Call) -> str:
    """A script. Raises `PaysealError` for a scheme that it cannot sign."""
    scheme = call.scheme
    credential = ", ".join(f"'{part}' => getenv('PAYSEAL_{part.upper()}')" for part in parts_used(scheme))
    lines = [f"$credential = [{credential}];", f"$body = {_string(call.body)};", ""]
    if scheme.nonce is not None:
        lines.append(_IDS[scheme.nonce.format])
    if scheme.created is not None:
        lines.append(_created(scheme.created.format))
    lines.append(f"$base = {_joined(scheme, scheme.signature.base.parts)};")
    lines.append(f"$signature = {_signature(scheme)};")
    lines += ["", "$headers = ['Content-Type: application/json'];"]
    lines += [_header(scheme, rule) for rule in scheme.headers]
    content = ["'method' => " + _string(call.method), "'header' => $headers", "'content' => $body", "'ignore_errors' => true"]
    lines.append(f"$context = stream_context_create(['http' => [{', '.join(content)}]]);")
    lines.append(f"echo file_get_contents({_string(call.url)}, false, $context), PHP_EOL;")
    return "<?php\n" + "\n".join(lines) + "\n"


def _signature(scheme: Scheme) -> str:
    rule = scheme.signature
    if rule.algorithm.keyed:
        mac = f"hash_hmac('{rule.algorithm.hash}', $base, $credential['{rule.key}'], true)"
    else:
        mac = f"hash('{rule.algorithm.hash}', $base, true)"
    return _ENCODINGS[rule.encoding.name].format(mac)


def _joined(scheme: Scheme, parts: tuple[Part, ...]) -> str:
    return " . ".join(_text(scheme, part) for part in parts)


def _text(scheme: Scheme, part: Part) -> str:
    if isinstance(part, str):
        return _string(part)
    if part.digest:
        return _ENCODINGS[part.encoding].format(f"hash('{part.digest}', $body, true)")
    if part.name not in _VALUES:
        raise PaysealError(f"{scheme.name} signs {part}, which this script does not know")
    return _VALUES[part.name]


def _header(scheme: Scheme, rule: HeaderRule) -> str:
    value = _joined(scheme, rule.parts)
    line = f"$headers[] = {_string(rule.name + ': ')} . {value};"
    needed = [_VALUES[part.name] for part in rule.components if part.name in ("keyid", "token")]
    return f"if ({' && '.join(needed)}) {line}" if rule.optional and needed else line


def _created(format: TimeFormat) -> str:
    if not format.slots:
        unit = "microtime(true) * 1000" if format.granularity == 1 else f"microtime(true) * 1000 / {format.granularity}"
        return f"$created = (string) (int) floor({unit});"
    pieces = [(start, f"gmdate('{_DATE[field]}', $moment)") for field, start, _ in format.slots]
    pieces += [(start, _string(literal)) for literal, start in format.literals]
    return f"$moment = time() + {format.offset // 1000};\n$created = {' . '.join(text for _, text in sorted(pieces))};"


def _string(text: str) -> str:
    """A single-quoted PHP string: nothing in it is looked at but the backslash and the quote."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
