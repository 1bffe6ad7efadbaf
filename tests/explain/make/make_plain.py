"""Mistaken requests as plain Python programs make them: hmac, hashlib and json, nothing of payseal. Writes ../corpus/python.json."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

HERE = Path(__file__).parent
ALPHANUMERIC = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789"
HEX = "0123456789abcdef"
SECONDS = {"created": {"format": "unix"}}
Headers = list[list[str]]
cases: list[dict[str, Any]] = []


def body_of(name: str) -> str:
    return (HERE / "bodies" / f"{name}.json").read_text("utf-8")


def drawn(seed: str, length: int, alphabet: str = ALPHANUMERIC) -> str:
    """A made-up value that looks like a real one, the same in each run."""
    text = ""
    block = 0
    while len(text) < length:
        text += "".join(alphabet[byte % len(alphabet)] for byte in hashlib.sha512(f"python:{seed}:{block}".encode()).digest())
        block += 1
    return text[:length]


def uuid(seed: str) -> str:
    h = drawn(seed, 32, HEX)
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-9{h[17:20]}-{h[20:]}"


def minute(ms: int, zone: timezone = UTC) -> str:
    return datetime.fromtimestamp(ms // 1000, zone).strftime("%Y%m%d%H%M")


def b64(mac: bytes) -> str:
    return base64.b64encode(mac).decode()


def b64_of_hex(mac: bytes) -> str:
    return base64.b64encode(mac.hex().encode()).decode()


CHAINED = ("keyid", "nonce", "created", "body")
NAMED = [["Api-Key", "{keyid}"], ["Client-Request-Id", "{nonce}"], ["Timestamp", "{created}"]]
BEARER = [["Auth-Token-Type", "AccessToken"], ["Authorization", "Bearer {token}"], ["Message-Digest", "{signature}"]]
#: name → order of the base, hash, encoding, body, target, headers
SCHEMES: dict[str, dict[str, Any]] = {
    "fiserv-payments": {
        "order": CHAINED,
        "encode": b64,
        "body": "sale",
        "target": "/gateway/v2/payments",
        "headers": [*NAMED, ["Message-Signature", "{signature}"]],
    },
    "commercehub-hmac": {
        "order": CHAINED,
        "encode": b64,
        "body": "charge",
        "target": "/payments/v1/charges",
        "headers": [*NAMED, ["Auth-Token-Type", "HMAC"], ["Authorization", "{signature}"]],
    },
    "commercehub-digest": {
        "order": CHAINED,
        "encode": b64,
        "body": "card-capture",
        "target": "/payments-vas/v1/card-capture",
        "headers": [*NAMED, *BEARER],
    },
    "commercehub-digest-sha256": {
        "order": CHAINED,
        "encode": bytes.hex,
        "body": "card-capture",
        "target": "/payments-vas/v1/card-capture",
        "headers": [*NAMED, *BEARER],
    },
    "startbutton-transfer": {
        "order": ("created", "body"),
        "encode": bytes.hex,
        "body": "transfer-bank",
        "target": "/transaction/transfer",
        "headers": [["Authorization", "Bearer {token}"], ["x-request-id", "{signature}"]],
    },
    "startbutton-webhook": {
        "order": ("body",),
        "encode": bytes.hex,
        "hash": "sha512",
        "body": "webhook",
        "target": "/payments/notify?source=startbutton",
        "headers": [["X-Startbutton-Signature", "{signature}"]],
    },
}


def request(scheme: str, name: str, expected: list[str], change: Callable[[dict[str, Any]], dict[str, Any]] = lambda c: {}) -> None:
    """One request. ``change(c)`` gives what this caller does otherwise than the scheme says; c holds the true values."""
    rule = SCHEMES[scheme]
    c: dict[str, Any] = {
        "keyid": drawn(f"{name}/keyid", 32),
        "secret": drawn(f"{name}/secret", 44),
        "nonce": uuid(name),
        "token": drawn(f"{name}/token", 28) if any("{token}" in value for _, value in rule["headers"]) else None,
        "ms": 1_729_620_420_000 + int(hashlib.sha1(name.encode()).hexdigest()[:9], 16) % (600 * 86_400_000),
        "body": body_of(rule["body"]),
    }
    o = change(c)
    c.update({key: o[key] for key in ("keyid", "secret", "nonce", "token", "ms", "body") if key in o})
    in_seconds = o.get("overrides", {}).get("created", {}).get("format") == "unix"
    default = minute(c["ms"]) if scheme == "startbutton-transfer" else str(c["ms"] // 1000) if in_seconds else str(c["ms"])
    c["created"] = o.get("created", default)

    def raw(value: Any) -> bytes:
        return value if isinstance(value, bytes) else str(value).encode()

    signed = {**c, **o.get("signed", {})}
    base = raw(o["base"](signed)) if "base" in o else b"".join(raw(signed[part]) for part in rule["order"])
    unkeyed = o.get("unkeyed", scheme.endswith("-sha256"))
    name_of_hash = o.get("hash", rule.get("hash", "sha256"))
    key = raw(o.get("key", c["token"] if scheme.startswith("commercehub-digest") else c["secret"]))
    mac = hashlib.new(name_of_hash, base).digest() if unkeyed else hmac.new(key, base, name_of_hash).digest()
    c["signature"] = o.get("encode", rule["encode"])(mac)
    headers = [["Host", "api.example"], ["User-Agent", "python-requests/2.32.5"], ["Content-Type", "application/json"]]
    headers += [[header, value.format(**c)] for header, value in rule["headers"]]
    if "headers" in o:
        headers = o["headers"](headers, c)
    credential = {"keyid": c["keyid"], "secret": o.get("secrets", c["secret"])}
    if c["token"]:
        credential["token"] = c["token"]
    credential.update(o.get("credential", {}))
    case: dict[str, Any] = {"name": f"python-{name}", "made_with": "python", "scheme": scheme}
    case |= {key: o[key] for key in ("overrides",) if key in o}
    case |= {"credential": credential}
    case |= {key: o[key] for key in ("others",) if key in o}
    case |= {
        "request": {
            "method": o.get("method", "POST"),
            "target": o.get("target", rule["target"]),
            "headers": headers,
            "body_base64": b64(raw(c["body"])),
        },
        "now": o.get("now", (c["ms"] + 280 + c["ms"] % 1900) / 1000),
        "expected": expected,
    }
    case |= {key: o[key] for key in ("also",) if key in o}
    case["signed"] = {
        "algorithm": ("" if unkeyed else "hmac-") + name_of_hash,
        "key_base64": None if unkeyed else b64(key),
        "base_base64": b64(base),
        "mac_text": c["signature"],
    }
    cases.append(case)


def ipg(*rest: Any) -> None:
    request("fiserv-payments", *rest)


def hub(*rest: Any) -> None:
    request("commercehub-hmac", *rest)


def digest(*rest: Any) -> None:
    request("commercehub-digest", *rest)


def plain(*rest: Any) -> None:
    request("commercehub-digest-sha256", *rest)


def transfer(*rest: Any) -> None:
    request("startbutton-transfer", *rest)


def webhook(*rest: Any) -> None:
    request("startbutton-webhook", *rest)


def dumped(text: str, **options: Any) -> str:
    return json.dumps(json.loads(text), **options)


def compact(text: str, **options: Any) -> str:
    return json.dumps(json.loads(text), separators=(",", ":"), **options)


def signing(text: str | bytes) -> dict[str, Any]:
    return {"signed": {"body": text}}


def revalued(headers: Headers, name: str, value: Callable[[str], str]) -> Headers:
    return [[n, value(v) if n == name else v] for n, v in headers]


def renamed(headers: Headers, name: str, to: str) -> Headers:
    return [[to if n == name else n, v] for n, v in headers]


def exchanged(headers: Headers, one: str, other: str) -> Headers:
    values = dict(headers)
    return [[n, values[other] if n == one else values[one] if n == other else v] for n, v in headers]


SALE, UNICODE, LATIN = body_of("sale"), body_of("sale-unicode"), body_of("order-latin")
FLAGS, MOMO, FLAT, TEXT = body_of("sale-null"), body_of("transfer-momo"), body_of("transfer-flat"), body_of("transfer-text")

# ---- right, for comparison
hub("right-charge", [])
plain("right-plain-digest", [])
ipg("right-base64-of-hex", [], lambda c: {"encode": b64_of_hex})
ipg("right-older-secret", [], lambda c: {"secrets": [c["secret"], drawn("newer", 44)]})

# ---- the body: json.dumps puts spaces after "," and ":" and escapes what is not ASCII
ipg("dumps-default", ["body-respaced"], lambda c: signing(dumped(SALE)))
hub("dumps-default-charge", ["body-respaced"], lambda c: signing(dumped(c["body"])))
transfer("dumps-default-transfer", ["body-respaced"], lambda c: signing(dumped(c["body"])))
plain("dumps-default-capture", ["body-respaced"], lambda c: signing(dumped(c["body"])))
webhook("dumps-default-webhook", ["body-respaced"], lambda c: signing(dumped(c["body"])))
ipg("dumps-default-unicode", ["body-respaced", "body-escaped-unicode"], lambda c: {"body": UNICODE, **signing(dumped(UNICODE))})
transfer(
    "dumps-default-ivoire",
    ["body-respaced", "body-escaped-unicode"],
    lambda c: {"body": body_of("transfer-unicode"), **signing(dumped(body_of("transfer-unicode")))},
)
hub("requests-json-argument", ["body-compacted"], lambda c: {"body": dumped(c["body"]), **signing(c["body"])})
transfer("requests-json-argument-transfer", ["body-compacted"], lambda c: {"body": dumped(c["body"]), **signing(c["body"])})
ipg("requests-json-unicode", ["body-compacted", "body-unescaped-unicode"], lambda c: {"body": dumped(UNICODE), **signing(UNICODE)})
ipg("compact-escaped", ["body-escaped-unicode"], lambda c: {"body": LATIN, **signing(compact(LATIN))})
ipg("sent-escaped", ["body-unescaped-unicode"], lambda c: {"body": compact(LATIN), **signing(LATIN)})
webhook(
    "escaped-webhook",
    ["body-escaped-unicode"],
    lambda c: {"body": body_of("webhook-unicode"), **signing(compact(body_of("webhook-unicode")))},
)
ipg("dumps-indent", ["body-indented"], lambda c: signing(dumped(SALE, indent=2)))
digest("dumps-indent-four", ["body-indented"], lambda c: signing(dumped(c["body"], indent=4)))
hub("dumps-sort-keys", ["body-key-order"], lambda c: signing(compact(c["body"], sort_keys=True)))
ipg("dumps-sort-keys-spaced", ["body-key-order", "body-respaced"], lambda c: signing(dumped(SALE, sort_keys=True)))
webhook("dumps-sort-keys-webhook", ["body-key-order"], lambda c: signing(compact(c["body"], sort_keys=True)))
ipg("str-of-dict", ["body-python-repr"], lambda c: signing(str(json.loads(SALE))))
hub("str-of-dict-charge", ["body-python-repr"], lambda c: signing(str(json.loads(c["body"]))))
ipg("str-of-dict-flags", ["body-python-repr"], lambda c: {"body": FLAGS, **signing(str(json.loads(FLAGS)))})
transfer("str-of-bytes", ["body-python-repr"], lambda c: signing(str(c["body"].encode())))
# The published Python sample: the day left out, and str() of a dict.
transfer(
    "published-sample",
    ["created-part-missing", "body-python-repr"],
    lambda c: {"ms": 1_729_620_420_000, "body": MOMO, "signed": {"created": "2024101807", "body": str(json.loads(MOMO))}},
)
transfer(
    "published-sample-in-nairobi",
    ["created-part-missing", "body-python-repr", "created-timezone"],
    lambda c: {"ms": 1_741_856_700_000, "body": MOMO, "signed": {"created": "2025031205", "body": str(json.loads(MOMO))}},
)
ipg(
    "get-str-none",
    ["body-null-signed"],
    lambda c: {"method": "GET", "target": "/gateway/v2/payments/84533125900", "body": "", **signing(str(None))},
)
hub(
    "get-dumps-none",
    ["body-null-signed"],
    lambda c: {"method": "GET", "target": "/payments-vas/v1/keys?page=2", "body": "", **signing(json.dumps(None))},
)
ipg("data-not-json", ["body-empty-signed"], lambda c: {**signing(""), "also": ["component-missing"]})
transfer("body-not-read", ["body-empty-signed"], lambda c: {**signing(""), "also": ["component-missing"]})
ipg("dumps-twice", ["body-double-encoded"], lambda c: signing(json.dumps(SALE)))
hub("json-of-a-string", ["body-double-encoded"], lambda c: {"body": json.dumps(c["body"]), **signing(c["body"])})
ipg("decimal-as-float", ["body-number-format"], lambda c: {"body": body_of("capture-later"), **signing(compact(body_of("capture-later")))})
transfer(
    "decimal-as-float-transfer",
    ["body-number-format"],
    lambda c: {"body": body_of("transfer-floats"), **signing(compact(body_of("transfer-floats")))},
)
transfer("urlencode-signed", ["body-form-encoded"], lambda c: {"body": FLAT, **signing(urlencode(json.loads(FLAT)))})
transfer("data-argument-sends-form", ["body-form-encoded"], lambda c: {"body": urlencode(json.loads(TEXT)), **signing(TEXT)})
ipg("body-base64-signed", ["body-base64"], lambda c: signing(b64(SALE.encode())))
transfer("body-sha256-hex", ["body-hash-signed"], lambda c: signing(hashlib.sha256(c["body"].encode()).hexdigest()))
digest("body-sha256-base64", ["body-hash-signed"], lambda c: signing(b64(hashlib.sha256(c["body"].encode()).digest())))
ipg("latin-1", ["body-charset"], lambda c: {"body": LATIN, **signing(LATIN.encode("latin-1"))})
ipg("everything-utf-16", ["body-charset"], lambda c: {"base": lambda s: "".join(s[part] for part in CHAINED).encode("utf-16-le")})
hub("utf-16-with-mark", ["body-charset"], lambda c: signing(c["body"].encode("utf-16")))
ipg("ascii-question-marks", ["body-charset"], lambda c: {"body": LATIN, **signing(LATIN.encode("ascii", "replace"))})
ipg("open-utf-8-sig", ["body-bom"], lambda c: {"body": b"\xef\xbb\xbf" + SALE.encode(), **signing(SALE)})
hub(
    "open-text-mode",
    ["body-crlf"],
    lambda c: {
        "body": dumped(c["body"], indent=2).replace("\n", "\r\n"),
        **signing(dumped(c["body"], indent=2)),
        "also": ["body-indented"],
    },
)
ipg("file-stripped", ["body-missing-newline"], lambda c: {"body": SALE + "\n", **signing(SALE), "also": ["body-trimmed", "body-compacted"]})
webhook(
    "file-stripped-webhook",
    ["body-missing-newline"],
    lambda c: {"body": dumped(c["body"]) + "\n", **signing(dumped(c["body"])), "also": ["body-trimmed", "body-respaced"]},
)
ipg("print-newline", ["body-trailing-newline"], lambda c: signing(SALE + "\n"))
hub("strip-all", ["body-trimmed"], lambda c: {"body": "\n\t" + c["body"] + "  \n", **signing(c["body"]), "also": ["body-compacted"]})
ipg("body-cut-on-the-way", ["unproven"], lambda c: {"body": SALE[:180], **signing(SALE)})
hub("amount-changed-by-proxy", ["unproven"], lambda c: {"body": c["body"].replace("12.04", "12.40", 1), **signing(c["body"])})
transfer("account-masked-by-proxy", ["unproven"], lambda c: {"body": c["body"].replace("0123456789", "******6789"), **signing(c["body"])})

# ---- the time
ipg("time-int", ["created-unit"], lambda c: {"created": str(c["ms"] // 1000)})
ipg("time-int-signed", ["created-unit"], lambda c: {"signed": {"created": c["ms"] // 1000}})
digest("time-ns-microseconds", ["created-unit"], lambda c: {"created": f"{c['ms']}084"})
ipg(
    "time-milliseconds-signed-for-seconds",
    ["created-unit"],
    lambda c: {"overrides": SECONDS, "ms": c["ms"] // 1000 * 1000, "signed": {"created": c["ms"] // 1000 * 1000}},
)
transfer("time-unix-seconds", ["created-unit"], lambda c: {"signed": {"created": c["ms"] // 1000}})
ipg("time-time", ["created-fraction"], lambda c: {"ms": 1_751_000_000_482, "created": str(1751000000.4821033)})
hub("time-times-thousand", ["created-fraction"], lambda c: {"created": f"{c['ms']}.0"})
ipg("time-fraction-signed", ["created-fraction"], lambda c: {"ms": 1_751_000_000_123, "signed": {"created": 1_751_000_000_123 / 1000}})
ipg(
    "time-fraction-for-seconds",
    ["created-fraction"],
    lambda c: {"overrides": SECONDS, "ms": 1_751_222_333_444, "created": "1751222333.444"},
)
ipg(
    "isoformat",
    ["created-iso"],
    lambda c: {"ms": 1_760_000_000_250, "created": datetime.fromtimestamp(1_760_000_000.25, UTC).isoformat()},
)
digest("isoformat-signed", ["created-iso"], lambda c: {"ms": 1_760_000_777_000, "signed": {"created": "2025-10-09T09:06:17Z"}})
transfer(
    "strftime-berlin",
    ["created-timezone"],
    lambda c: {
        "ms": 1_750_000_000_000,
        "signed": {"created": minute(1_750_000_000_000, timezone(timedelta(hours=2)))},
        "also": ["created-clock-skew"],
    },
)
transfer(
    "strftime-new-york",
    ["created-timezone"],
    lambda c: {
        "ms": 1_730_440_000_000,
        "signed": {"created": minute(1_730_440_000_000, timezone(timedelta(hours=-4)))},
        "also": ["created-outside-window"],
    },
)
transfer("strftime-day-left-out", ["created-part-missing"], lambda c: {"ms": 1_729_620_420_000, "signed": {"created": "2024101807"}})
hub("time-twice", ["created-differs"], lambda c: {"signed": {"created": c["ms"] - 6}})
ipg("time-twice-slow", ["created-differs"], lambda c: {"signed": {"created": c["ms"] - 2874}})
digest("time-twice-later", ["created-differs"], lambda c: {"signed": {"created": c["ms"] + 88}})
ipg("clock-behind", ["created-outside-window"], lambda c: {"now": c["ms"] / 1000 + 431.5})
plain("clock-days-behind", ["created-outside-window"], lambda c: {"now": c["ms"] / 1000 + 3 * 86400})
ipg("clock-hour-ahead", ["created-clock-skew"], lambda c: {"now": c["ms"] / 1000 - 3600})
transfer("clock-eight-minutes-ahead", ["created-clock-skew"], lambda c: {"now": c["ms"] / 1000 - 500})
ipg("seconds-clock-ahead", ["created-clock-skew"], lambda c: {"overrides": SECONDS, "now": c["ms"] / 1000 - 744})

# ---- the id and the key's name
ipg("nonce-hex-sent", ["nonce-dashes"], lambda c: {"nonce": c["nonce"].replace("-", ""), "signed": {"nonce": c["nonce"]}})
plain("nonce-upper-signed", ["nonce-case"], lambda c: {"signed": {"nonce": c["nonce"].upper()}})
hub("nonce-forgotten", ["nonce-not-signed"], lambda c: {"signed": {"nonce": ""}, "also": ["component-missing"]})
ipg("keyid-forgotten", ["keyid-not-signed"], lambda c: {"signed": {"keyid": ""}, "also": ["component-missing"]})
hub(
    "keyid-lower-everywhere",
    ["keyid-case"],
    lambda c: {"headers": lambda h, d: revalued(h, "Api-Key", str.lower), "signed": {"keyid": c["keyid"].lower()}},
)
digest("keyid-upper-signed", ["keyid-case"], lambda c: {"signed": {"keyid": c["keyid"].upper()}})

# ---- the key
hub("key-readline", ["key-whitespace"], lambda c: {"key": c["secret"] + "\n"})
webhook("key-trailing-space", ["key-whitespace"], lambda c: {"key": c["secret"] + " "})
ipg("key-quoted", ["key-quotes"], lambda c: {"key": f'"{c["secret"]}"'})
digest("key-token-decoded", ["key-base64-decoded"], lambda c: {"key": base64.b64decode(c["token"])})
transfer(
    "key-unhexlify", ["key-hex-decoded"], lambda c: {"secret": drawn("hexkey", 64, HEX), "key": bytes.fromhex(drawn("hexkey", 64, HEX))}
)
ipg("key-b64encode", ["key-base64-encoded"], lambda c: {"key": b64(c["secret"].encode())})
ipg(
    "key-exchanged-throughout",
    ["key-swapped"],
    lambda c: {"key": c["keyid"], "headers": lambda h, d: revalued(h, "Api-Key", lambda v: c["secret"]), "signed": {"keyid": c["secret"]}},
)
ipg("key-token", ["key-token"], lambda c: {"token": drawn("ipg token", 28), "key": drawn("ipg token", 28)})
ipg(
    "key-other-store",
    ["key-other-account"],
    lambda c: {
        "key": drawn("store 2", 44),
        "credential": {"account": "store-1"},
        "others": [{"keyid": drawn("store 2 id", 32), "secret": drawn("store 2", 44), "account": "store-2"}],
    },
)
transfer(
    "key-test-mode",
    ["key-other-environment"],
    lambda c: {
        "key": drawn("test mode", 44),
        "credential": {"account": "merchant-77"},
        "others": [
            {"keyid": drawn("other merchant id", 32), "secret": drawn("other merchant", 44), "account": "merchant-78"},
            {"keyid": drawn("test mode id", 32), "secret": drawn("test mode", 44), "account": "merchant-77"},
        ],
    },
)
hub(
    "key-retired-spaced",
    ["key-retired", "body-respaced"],
    lambda c: {"secrets": [c["secret"], drawn("rotated", 44)], **signing(dumped(c["body"]))},
)
ipg(
    "key-retired-seconds",
    ["key-retired", "created-unit"],
    lambda c: {"secrets": [drawn("first", 44), c["secret"], drawn("third", 44)], "created": str(c["ms"] // 1000)},
)
ipg("key-wrong", ["unproven"], lambda c: {"key": drawn("wrong", 44)})
webhook("key-wrong-webhook", ["unproven"], lambda c: {"key": drawn("wrong hook", 44)})
hub("credential-expired", ["credential-expired"], lambda c: {"credential": {"not_after": c["ms"] / 1000 - 86400}})
digest(
    "session-expired",
    ["credential-expired"],
    lambda c: {"credential": {"not_before": c["ms"] / 1000 - 1830, "not_after": c["ms"] / 1000 - 30}},
)

# ---- order and shape
hub("joined-by-spaces", ["separator"], lambda c: {"base": lambda s: " ".join(s[part] for part in CHAINED)})
ipg("joined-by-hyphens", ["separator"], lambda c: {"base": lambda s: "-".join(s[part] for part in CHAINED)})
plain("joined-by-newlines", ["separator"], lambda c: {"base": lambda s: "\n".join(s[part] for part in CHAINED)})
digest("order-body-first", ["order"], lambda c: {"base": lambda s: s["body"] + s["keyid"] + s["nonce"] + s["created"]})
plain("order-by-table", ["order"], lambda c: {"base": lambda s: s["created"] + s["nonce"] + s["keyid"] + s["body"]})
ipg("time-left-out", ["component-missing"], lambda c: {"signed": {"created": ""}})
ipg(
    "method-and-path-first",
    ["component-extra"],
    lambda c: {"base": lambda s: "POST/gateway/v2/payments" + "".join(s[part] for part in CHAINED)},
)
transfer("path-first", ["component-extra"], lambda c: {"base": lambda s: "/transaction/transfer" + s["created"] + s["body"]})
hub("content-type-first", ["component-extra"], lambda c: {"base": lambda s: "application/json" + "".join(s[part] for part in CHAINED)})

# ---- algorithm, encoding
ipg("sha384", ["algorithm-sha384"], lambda c: {"hash": "sha384"})
webhook("sha256-webhook", ["algorithm-sha256"], lambda c: {"hash": "sha256"})
digest("digest-without-key-base64", ["algorithm-unkeyed"], lambda c: {"unkeyed": True})
digest("published-sample-digest", ["algorithm-unkeyed", "encoding-hex"], lambda c: {"unkeyed": True, "encode": bytes.hex})
hub("sha512", ["algorithm-sha512"], lambda c: {"hash": "sha512"})
plain("sha512-plain", ["algorithm-sha512"], lambda c: {"hash": "sha512"})
ipg(
    "secret-prefixed",
    ["algorithm-secret-prefixed"],
    lambda c: {"unkeyed": True, "base": lambda s: c["secret"] + "".join(s[part] for part in CHAINED)},
)
ipg(
    "secret-suffixed",
    ["algorithm-secret-suffixed"],
    lambda c: {"unkeyed": True, "base": lambda s: "".join(s[part] for part in CHAINED) + c["secret"]},
)
ipg(
    "double-hash",
    ["algorithm-double-hash"],
    lambda c: {"base": lambda s: hashlib.sha256("".join(s[part] for part in CHAINED).encode()).digest()},
)
hub("hexdigest", ["encoding-hex"], lambda c: {"encode": bytes.hex})
transfer("hexdigest-base64", ["encoding-base64-of-hex"], lambda c: {"encode": b64_of_hex})
webhook("hexdigest-upper", ["encoding-hex-upper"], lambda c: {"encode": lambda mac: mac.hex().upper()})
hub(
    "urlsafe-b64encode",
    ["encoding-base64url"],
    lambda c: {"nonce": uuid("urlsafe-3"), "encode": lambda mac: base64.urlsafe_b64encode(mac).decode()},
)
ipg("padding-stripped", ["encoding-unpadded"], lambda c: {"encode": lambda mac: b64(mac).rstrip("=")})
digest("padding-stripped-digest", ["encoding-unpadded"], lambda c: {"encode": lambda mac: b64(mac).rstrip("=")})
ipg(
    "quoted-lower",
    ["encoding-percent"],
    lambda c: {"encode": lambda mac: quote(b64(mac), safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d")},
)
ipg("base64-cut", ["encoding-truncated"], lambda c: {"encode": lambda mac: b64(mac)[:32]})

# ---- headers
ipg("header-underscore", ["header-renamed"], lambda c: {"headers": lambda h, d: renamed(h, "Message-Signature", "Message_Signature")})
webhook("header-plain-name", ["header-renamed"], lambda c: {"headers": lambda h, d: renamed(h, "X-Startbutton-Signature", "Signature")})
ipg(
    "str-of-base64-bytes",
    ["header-prefix"],
    lambda c: {"headers": lambda h, d: revalued(h, "Message-Signature", lambda v: str(v.encode()))},
)
hub("header-bearer", ["header-prefix"], lambda c: {"headers": lambda h, d: revalued(h, "Authorization", lambda v: f"Bearer {v}")})
webhook(
    "header-trailing-spaces",
    ["header-prefix"],
    lambda c: {"headers": lambda h, d: revalued(h, "X-Startbutton-Signature", lambda v: f"{v}  ")},
)
hub("header-time-twice", ["header-repeated"], lambda c: {"headers": lambda h, d: [*h, ["Timestamp", str(c["ms"])]]})
hub("header-key-and-id", ["header-swapped"], lambda c: {"headers": lambda h, d: exchanged(h, "Api-Key", "Client-Request-Id")})
ipg("header-no-signature", ["header-missing"], lambda c: {"headers": lambda h, d: [x for x in h if x[0] != "Message-Signature"]})

# ---- two and three at once
ipg("spaced-and-seconds", ["body-respaced", "created-unit"], lambda c: {"signed": {"body": dumped(SALE), "created": c["ms"] // 1000}})
ipg("spaced-and-hex", ["body-respaced", "encoding-hex"], lambda c: {**signing(dumped(SALE)), "encode": bytes.hex})
transfer(
    "spaced-in-lagos",
    ["body-respaced", "created-timezone"],
    lambda c: {
        "ms": 1_733_000_000_000,
        "signed": {"body": dumped(c["body"]), "created": minute(1_733_000_000_000, timezone(timedelta(hours=1)))},
    },
)
transfer(
    "spaced-day-missing",
    ["body-respaced", "created-part-missing"],
    lambda c: {"ms": 1_729_620_420_000, "signed": {"body": dumped(c["body"]), "created": "2024101807"}},
)
hub(
    "requests-json-and-time",
    ["body-compacted", "created-fraction"],
    lambda c: {"body": dumped(c["body"]), "created": f"{c['ms']}.0", **signing(c["body"])},
)
ipg("newline-in-key-and-spaces", ["key-whitespace", "body-respaced"], lambda c: {"key": c["secret"] + "\n", **signing(dumped(SALE))})
ipg("repr-and-id", ["body-python-repr", "nonce-case"], lambda c: {"signed": {"body": str(json.loads(SALE)), "nonce": c["nonce"].upper()}})
digest("spaced-with-secret", ["body-respaced", "key-token"], lambda c: {**signing(dumped(c["body"])), "key": c["secret"]})
ipg("spaced-and-old", ["body-respaced", "created-outside-window"], lambda c: {**signing(dumped(SALE)), "now": c["ms"] / 1000 + 1200})
webhook("spaced-and-sha256", ["body-respaced", "algorithm-sha256"], lambda c: {**signing(dumped(c["body"])), "hash": "sha256"})
hub(
    "newlines-and-order", ["separator", "order"], lambda c: {"base": lambda s: "\n".join((s["keyid"], s["created"], s["nonce"], s["body"]))}
)
ipg("method-and-dots", ["component-extra", "separator"], lambda c: {"base": lambda s: ".".join(("POST", *(s[part] for part in CHAINED)))})
ipg(
    "unicode-spaced-hex",
    ["body-respaced", "body-escaped-unicode", "encoding-hex"],
    lambda c: {"body": UNICODE, **signing(dumped(UNICODE)), "encode": bytes.hex},
)
transfer(
    "unicode-spaced-nairobi",
    ["body-respaced", "body-escaped-unicode", "created-timezone"],
    lambda c: {
        "ms": 1_745_000_000_000,
        "body": body_of("transfer-unicode"),
        "signed": {"body": dumped(body_of("transfer-unicode")), "created": minute(1_745_000_000_000, timezone(timedelta(hours=3)))},
    },
)
hub(
    "key-newline-seconds-hex",
    ["key-whitespace", "created-unit", "encoding-hex"],
    lambda c: {"key": c["secret"] + "\n", "created": str(c["ms"] // 1000), "encode": bytes.hex},
)
plain(
    "sorted-spaced-upper",
    ["body-key-order", "body-respaced", "encoding-hex-upper"],
    lambda c: {**signing(dumped(c["body"], sort_keys=True)), "encode": lambda mac: mac.hex().upper()},
)
ipg(
    "quoted-key-spaced-seconds",
    ["key-quotes", "body-respaced", "created-unit"],
    lambda c: {"key": f'"{c["secret"]}"', "signed": {"body": dumped(SALE), "created": c["ms"] // 1000}},
)

(HERE.parent / "corpus" / "python.json").write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n", "utf-8")
print(f"python: {len(cases)}")
