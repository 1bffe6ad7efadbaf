"""What of a request is not shown: secrets and tokens, wherever a client put them, card numbers and security codes.

What is certain is looked for by its value: the secrets of the credential that the request names. What is not, by its form: whatever could
be a secret of ours or a card number. Where bytes are hidden, as many stars stand in their place, so that a base keeps its length.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

from payseal.credentials import Credential
from payseal.explain.masking import masked
from payseal.schemes import Scheme
from payseal.server.base_parts import Parts

__all__ = ["Hiding", "without_tokens"]

#: Names of headers and of query parameters that hold something secret, whatever the scheme.
_SECRET: Final = re.compile(r"auth|cookie|secret|token|passw|credential", re.IGNORECASE)
#: The same in a query: the name, and its value.
_SECRET_PARAMETER: Final = re.compile(rf"([^?&=#]*(?:{_SECRET.pattern})[^?&=#]*=)[^&#]*", re.IGNORECASE)
#: What secrets and tokens made here look like: 43 characters, 256 bits. With padding after them they are a signature.
_TOKEN: Final = re.compile(rb"(?<![\w+-])[A-Za-z0-9_-]{43}(?![\w+=-])", re.ASCII)
#: With a letter in it: one of digits alone could be a card number with hyphens.
_UUID: Final = re.compile(r"(?=.*[A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
#: Characters that a secret has at least to be looked for: a shorter text would be found where it is none.
_HIDEABLE: Final = 8
#: Headers that say nothing of a payment. In any other that the scheme does not know, a part of a card number may stand.
_HARMLESS: Final = frozenset(
    ("accept", "accept-encoding", "accept-language", "connection", "content-length", "content-type", "date", "host", "user-agent")
)
_DIGITS: Final = re.compile(r"\d{4,}", re.ASCII)
#: How far (milliseconds) a time lies from now at most to be taken for one: thirteen digits may be a card number too.
_FAR: Final = 10 * 365 * 86_400_000
_HIDDEN: Final = "<hidden>"


def without_tokens(text: bytes) -> bytes:
    """The text with stars for whatever could be a secret or a token made here."""
    return _TOKEN.sub(lambda found: b"*" * len(found[0]), text)


class Hiding:
    """For one request: ``scheme`` and ``credential`` are those it names, ``at`` is when it came (seconds since the epoch)."""

    def __init__(self, scheme: Scheme, credential: Credential | None, at: float) -> None:
        self._scheme, self._now, self._known = scheme, int(at * 1000), credential is not None
        self._carried = {rule.key: {component.name for component in rule.components} for rule in scheme.headers}
        values: list[bytes] = []
        if credential is not None:
            values = [*credential.reveal_secrets(), *([credential.reveal_token().encode()] if credential.has_token else [])]
        self._values = sorted((value for value in values if len(value) >= _HIDEABLE), key=len, reverse=True)

    def raw(self, text: bytes) -> bytes:
        """Bytes of a body or a base, as many as before."""
        for value in self._values:
            text = text.replace(value, b"*" * len(value))
        return masked(without_tokens(text))

    def text(self, text: str) -> str:
        """Any text of the request."""
        raw = text.encode("utf-8", "surrogatepass")
        for value in self._values:
            raw = raw.replace(value, _HIDDEN.encode())
        return masked(_TOKEN.sub(_HIDDEN.encode(), raw)).decode("utf-8", "replace")

    def target(self, target: str) -> str:
        """A request target."""
        path, mark, query = target.partition("?")
        return self.text(path) + mark + self.text(_SECRET_PARAMETER.sub(rf"\1{_HIDDEN}", query))

    def header(self, name: str, value: str) -> str:
        """A header's value."""
        key = name.lower()
        carried = self._carried.get(key)
        if carried is None:
            if _SECRET.search(key):
                return _only_length(value)
            return self.text(value) if key in _HARMLESS else _starred(self.text(value))
        if "token" in carried:
            return _only_length(value)
        if "keyid" in carried and not self._known:
            return f"<{len(value)} characters, not a key of ours>"  # it may be a secret in the wrong place
        if "signature" in carried and _SECRET.search(key) and not self._may_be_signature(value):
            return _only_length(value)
        if self.is_time(value) and "created" in carried:
            return value
        if "nonce" in carried:
            return self._nonce(value)
        return _starred(self.text(value)) if "created" in carried else self.text(value)

    def base(self, parts: Parts) -> Parts:
        """The parts of a base. What could be read across two of them is hidden as if they were one."""
        shown: list[tuple[str, bytes]] = []
        for harmless, run in groupby(parts, lambda part: self._is_harmless(*part)):
            group = list(run)
            if harmless:
                shown += group
                continue
            text = self.raw(b"".join(self._unnamed(*part) for part in group))
            at = 0
            for label, part in group:
                shown.append((label, text[at : at + len(part)]))
                at += len(part)
        return tuple(shown)

    def is_time(self, text: str) -> bool:
        """Whether it is a time of about now: a long run of digits that is no card number."""
        created = self._scheme.created
        if created is None:
            return False
        read = created.format.read(text)
        if read is None and len(text) == 13 and text.isascii() and text.isdigit():
            read = int(text)  # milliseconds where something else is wanted
        return read is not None and abs(read - self._now) < _FAR

    def _nonce(self, value: str) -> str:
        if _UUID.fullmatch(value):
            return value
        return self.text(value) if self._known else f"<{len(value)} characters>"

    def _may_be_signature(self, value: str) -> bool:
        size = self._scheme.signature.algorithm.size
        return any(len(value) == each.length(size) and each.alphabet.issuperset(value) for each in self._scheme.signature.accept)

    def _is_harmless(self, label: str, text: bytes) -> bool:
        shown = text.decode("utf-8", "replace")
        return (label == "created" and (not self._scheme.created_sent or self.is_time(shown))) or (
            label == "nonce" and _UUID.fullmatch(shown) is not None
        )

    def _unnamed(self, label: str, text: bytes) -> bytes:
        """Without what stands where a key's id or a request id should, when nobody knows whose it is; and without a token that is all of
        the part: together with its neighbours it would be a longer word."""
        return b"*" * len(text) if not self._known and label in ("keyid", "nonce") else without_tokens(text)


def _only_length(value: str) -> str:
    word, space, rest = value.partition(" ")
    # The word says how it is authenticated: Bearer, Basic. A word that is as long may be the secret itself.
    return (
        f"{word} <hidden, {len(rest)} characters>" if space and len(word) <= 7 and word.isalpha() else f"<hidden, {len(value)} characters>"
    )


def _starred(text: str) -> str:
    return _DIGITS.sub(lambda run: "*" * len(run[0]), text)
