"""What an explanation says: causes by stable code, each with its sentence and its remedy, as one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["CODES", "Cause", "Check", "Explanation", "cause"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why a signature did not match."""

    #: Stable: a key of `CODES`.
    code: str
    #: Where the mistake lies: body, created, nonce, keyid, key, order, algorithm, encoding, header, credential, ledger, or signature.
    component: str
    #: What the client did, in one sentence.
    summary: str
    #: What to do about it.
    fix: str
    #: Whether a MAC computed with this mistake (and the others listed as proven) equals the one received.
    proven: bool
    #: Its place among the causes, 1 first.
    rank: int = 1


@dataclass(frozen=True, slots=True)
class Check:
    """One step of verification and how it went: ``passed`` is ``None`` where it was not reached."""

    name: str
    passed: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a request was refused, for the owner of the key and the operator; never for a stranger.

    It holds no secret, no expected MAC and no part of one. The two bases hold the request's body.
    """

    #: Whether the request verifies as it stands.
    verified: bool
    #: What was found, best first; more than one is proven where it takes several mistakes together.
    causes: tuple[Cause, ...]
    #: The bytes that should have been signed; empty where the request does not say enough to know them.
    signature_base: bytes = field(repr=False)
    #: The steps of verification, in order.
    checks: tuple[Check, ...]
    #: How many signatures were computed in the search, and how long it took (seconds).
    examined: int
    elapsed: float
    #: Why the search was made smaller than usual; empty when it was not.
    shortened: str = ""
    #: The bytes that were signed instead, where that was proven; empty where nothing was, and where the request is genuine. What a wrong
    #: algorithm made of them (a secret put before them, say) is left out.
    signed_base: bytes = field(default=b"", repr=False)


def cause(code: str, facts: Mapping[str, object], *, proven: bool, rank: int = 1) -> Cause:
    """A cause from the table, with what was seen filled in."""
    component, summary, fix = CODES[code]
    return Cause(code, component, summary.format_map(_Facts(facts)), fix.format_map(_Facts(facts)), proven, rank)


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "…"


_SEND_WHAT_YOU_SIGN: Final = "Serialise the body once, sign those bytes and send the same bytes (data=body, not json=…)."

#: code → (component, what the client did, what to do). ``{names}`` are facts of the one request.
CODES: Final[dict[str, tuple[str, str, str]]] = {
    # body
    "body-respaced": ("body", "The text that was signed has a space after each comma and colon; the body that was sent is written otherwise.", _SEND_WHAT_YOU_SIGN),
    "body-compacted": ("body", "The text that was signed has no spaces between its parts; the body that was sent has.", _SEND_WHAT_YOU_SIGN),
    "body-indented": ("body", "The text that was signed is indented over several lines; the body that was sent is written otherwise.", _SEND_WHAT_YOU_SIGN),
    "body-key-order": ("body", "The keys of the text that was signed stand in another order than those of the body that was sent.", _SEND_WHAT_YOU_SIGN),
    "body-escaped-slashes": ("body", "Slashes are escaped (\\/) in {escaped} and not in {plain}.", _SEND_WHAT_YOU_SIGN + " In PHP: JSON_UNESCAPED_SLASHES."),
    "body-escaped-unicode": ("body", "Characters outside ASCII are written as \\u escapes in the text that was signed and not in the body that was sent.", _SEND_WHAT_YOU_SIGN + " In Python: json.dumps(…, ensure_ascii=False)."),
    "body-unescaped-unicode": ("body", "Characters outside ASCII are \\u escapes in the body that was sent and not in the text that was signed.", _SEND_WHAT_YOU_SIGN),
    "body-python-repr": ("body", "The text that was signed is Python's str() of an object, not JSON.", "Sign json.dumps(payload).encode() and send exactly those bytes."),
    "body-object-object": ("body", 'The text that was signed is "[object Object]": JavaScript joined an object to a string.', "const body = JSON.stringify(payload); sign body, and send body."),
    "body-number-format": ("body", "Numbers are written otherwise in the text that was signed (such as 1 for 1.0, or 12.1 for 12.10).", _SEND_WHAT_YOU_SIGN),
    "body-trailing-newline": ("body", "A newline was signed after the body, and was not sent.", "Sign without it: printf '%s' instead of echo, --data-binary instead of -d."),
    "body-missing-newline": ("body", "The body that was sent ends in a newline, and was signed without it.", "Send the bytes that were signed: --data-binary @file sends a file as it is."),
    "body-crlf": ("body", "Line ends differ: CR LF in one, LF in the other of what was signed and what was sent.", "Read the body's file in binary mode, and sign those bytes."),
    "body-bom": ("body", "A byte-order mark stands before one of the text that was signed and the body that was sent.", "Save the file as UTF-8 without a byte-order mark, and read it in binary mode."),
    "body-charset": ("body", "The text was encoded as {charset} to be signed, and otherwise to be sent.", "Encode the body as UTF-8 once, and use those bytes for both."),
    "body-empty-signed": ("body", "An empty body was signed, and the body that was sent is not.", "Pass the body to whatever signs; in many clients the body is not yet there when headers are made."),
    "body-null-signed": ("body", "{text} was signed in place of the body that was sent.", "For a request without a body sign the empty text; for one with a body, the body."),
    "body-form-encoded": ("body", "The body was signed as a form (a=1&b=2), and sent otherwise.", _SEND_WHAT_YOU_SIGN),
    "body-double-encoded": ("body", "The body was signed as a JSON string of the JSON: it was serialised twice.", "Serialise once: do not call json.dumps or JSON.stringify on text."),
    "body-base64": ("body", "The Base64 of the body was signed, not the body.", "Sign the body's own bytes."),
    "body-hash-signed": ("body", "A SHA-256 of the body was signed ({form}), not the body.", "Sign the body's own bytes: this scheme's signature base holds the body itself."),
    "body-trimmed": ("body", "White space around the body was taken off before it was signed, and was sent.", "Sign the bytes that are sent; trim before both or not at all."),
    # created
    "created-unit": ("created", "The time is in {unit}; this scheme wants {wanted}.", "Write the time as {wanted}, in the header and in what is signed."),
    "created-fraction": ("created", "The time was signed with a fraction of a second.", "Write it as a whole number: int(time.time() * 1000), Math.floor(Date.now() / 1000)."),
    "created-iso": ("created", "The time was signed as an ISO 8601 date; this scheme wants {wanted}.", "Write the time as {wanted}."),
    "created-timezone": ("created", "The time was taken in the zone UTC{offset}; this scheme's clock is {zone}.", "Take the time in {zone}: datetime.now(timezone.utc), getUTCHours()."),
    "created-part-missing": ("created", "The time that was signed lacks {part}.", "Write every part with its leading zeros, such as 202410220805."),
    "created-differs": ("created", "The time was taken twice: the one signed lies {milliseconds} ms from the one sent.", "Take the time once, and use that text for the signature and for the header."),
    "created-outside-window": ("created", "The request was signed {seconds} s before the verifier's time; {tolerance} s are allowed.", "Sign when the request is sent; sign a retry anew. If it was: set the clock by NTP."),
    "created-clock-skew": ("created", "The request was signed {seconds} s ahead of the verifier's time: the client's clock is fast.", "Set the client's clock by NTP."),
    # nonce and keyid
    "nonce-case": ("nonce", "The request id was signed in other upper and lower case than it was sent.", "Make the id once, and use the same text for the signature and for the header."),
    "nonce-dashes": ("nonce", "The request id was signed with or without its dashes, and sent otherwise.", "Make the id once, and use the same text for the signature and for the header."),
    "nonce-not-signed": ("nonce", "The request id is not in what was signed.", "Sign {base}."),
    "nonce-differs": ("nonce", "The request id may have been made twice, once to sign and once to send.", "Make the id once, and use the same text for the signature and for the header."),
    "keyid-not-signed": ("keyid", "The key id is not in what was signed.", "Sign {base}."),
    "keyid-case": ("keyid", "The key id is written in other upper and lower case than the credential's.", "Copy the key id as it was issued."),
    # key
    "key-whitespace": ("key", "The secret was used with white space around it, or without some that belongs to it.", "Take the newline off when reading it: secret.strip(), $(cat file)."),
    "key-quotes": ("key", "The secret was used with quotation marks around it.", "Take them off; some .env readers keep them."),
    "key-base64-decoded": ("key", "The secret was Base64-decoded before it was used.", "Use the secret's text as it is: secret.encode()."),
    "key-hex-decoded": ("key", "The secret was hex-decoded before it was used.", "Use the secret's text as it is: secret.encode()."),
    "key-base64-encoded": ("key", "The secret was Base64-encoded before it was used.", "Use the secret's text as it is: secret.encode()."),
    "key-swapped": ("key", "The key id was used as the secret.", "Sign with the secret; the key id only goes into its header."),
    "key-token": ("key", "The {used} was used as the key; this scheme is keyed with the {wanted}.", "Key the MAC with the {wanted}."),
    "key-retired": ("key", "An older secret of this credential was used.", "Use the newest secret; the older ones end with the rotation's overlap."),
    "key-other-account": ("key", "Another account's secret was used, that of the key {keyid}.", "Use the secret that was issued with this key id."),
    "key-other-environment": ("key", "The secret of another key of the account was used, that of {keyid}: sandbox for production, perhaps.", "Use the secret that was issued with this key id."),
    # order and shape
    "order": ("order", "What was signed has its parts in another order: {order}.", "Sign {base}."),
    "separator": ("order", "The parts were signed with {separator} between them.", "Sign {base}."),
    "component-missing": ("order", "What was signed lacks {component}.", "Sign {base}."),
    "component-extra": ("order", "What was signed also holds {component}.", "Sign {base}."),
    # algorithm
    "algorithm-sha1": ("algorithm", "The MAC was made with SHA-1.", "Use {algorithm}."),
    "algorithm-sha384": ("algorithm", "The MAC was made with SHA-384.", "Use {algorithm}."),
    "algorithm-sha512": ("algorithm", "The MAC was made with SHA-512.", "Use {algorithm}."),
    "algorithm-sha256": ("algorithm", "The MAC was made with SHA-256.", "Use {algorithm}."),
    "algorithm-md5": ("algorithm", "The MAC was made with MD5.", "Use {algorithm}."),
    "algorithm-unkeyed": ("algorithm", "A plain digest was sent, made without the key.", "Use {algorithm}: hmac.new(key, base, …), createHmac(…, key), hash_hmac(…)."),
    "algorithm-secret-prefixed": ("algorithm", "A plain digest over the secret followed by the text was sent.", "Use {algorithm}, with the secret as its key."),
    "algorithm-secret-suffixed": ("algorithm", "A plain digest over the text followed by the secret was sent.", "Use {algorithm}, with the secret as its key."),
    "algorithm-double-hash": ("algorithm", "The text, or the MAC, was hashed once more.", "Use {algorithm} over the text itself, once."),
    # encoding
    "encoding-hex": ("encoding", "The MAC is right and was sent as hexadecimal text.", "Send it as {encoding}."),
    "encoding-hex-upper": ("encoding", "The MAC is right and was sent as upper-case hexadecimal text.", "Send it as {encoding}."),
    "encoding-base64": ("encoding", "The MAC is right and was sent as Base64 of its bytes.", "Send it as {encoding}."),
    "encoding-base64url": ("encoding", "The MAC is right and was sent in the URL-safe alphabet of Base64.", "Send it as {encoding}, with + and /."),
    "encoding-base64-of-hex": ("encoding", "The MAC is right and was sent as Base64 of its hexadecimal text.", "Send it as {encoding}."),
    "encoding-unpadded": ("encoding", "The MAC is right and was sent without its padding.", "Send it as {encoding}, with the = at its end."),
    "encoding-truncated": ("encoding", "What was sent is the beginning of the right signature: it was cut off.", "Send all of it; look for a column or a variable that is too short."),
    "encoding-percent": ("encoding", "The signature is right and was percent-encoded on top.", "Put it into the header as it is; headers are not URLs."),
    # header
    "header-missing": ("header", "The header {header} is missing.", "Send it; if you do, a proxy on the way may drop it."),
    "header-renamed": ("header", "The header {header} was sent under the name {name}.", "Name it {header}."),
    "header-prefix": ("header", "The value of {header} has {what}.", "Send {form} and nothing else."),
    "header-repeated": ("header", "The header {header} is there {count} times.", "Send it once: set it instead of adding it; look for a client that adds it too."),
    "header-swapped": ("header", "The values of {header} and {other} were exchanged.", "Put each into its own header."),
    # from outside
    "ledger-replayed": ("ledger", "The request is genuine, and its id was used before.", "Make a new id for each request; keep the id only to repeat the same request."),
    "credential-unknown": ("credential", "There is no credential of that key id here.", "Look for a key of another environment, or one that was deleted."),
    "credential-revoked": ("credential", "The credential was revoked.", "Make a new one."),
    "credential-expired": ("credential", "The credential is not valid at this time.", "Make a new one, or look at the verifier's clock."),
    "ambiguous-base": ("body", "The request is genuine as bytes, but where its parts begin and end cannot be told from the signature.", "Send a body that does not begin with digits, such as a JSON object."),
    "unproven": ("signature", "None of {examined} known mistakes explains the signature. {passed}", "What is left: a wrong secret, a body that was changed on the way, or an id made twice. Compare the bytes of the signature base on both sides."),
}  # fmt: skip
