"""What must be found nowhere, in every form in which it might be: as it is, backwards, in hexadecimal, in base64, escaped, and in parts."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

__all__ = ["Hidden"]

#: So many characters in a row are a find. Of a secret they are a part to be searched for; of hexadecimal it takes more than of base64 not to be
#: met by chance.
_OF_A_SECRET = 12
_OF_HEXADECIMAL = 14
_OF_BASE64 = 8
_OF_ESCAPED = 24


class Hidden:
    """Everything that is to be hidden: `secret` and `mac` add to it, `found_in` looks for it."""

    def __init__(self) -> None:
        self._parts: dict[bytes, str] = {}

    def secret(self, what: str, value: str | bytes) -> None:
        """A secret, an access token, a card number, a password: at least twelve bytes."""
        raw = value.encode() if isinstance(value, str) else value
        assert len(raw) >= _OF_A_SECRET
        self._add(what, raw, _OF_A_SECRET)
        self._add(f"{what}, backwards", raw[::-1], _OF_A_SECRET)
        self._add_encoded(what, raw, _OF_HEXADECIMAL + 2, _OF_BASE64 + 4)

    def mac(self, what: str, digest: bytes) -> None:
        """A MAC that nobody was given: of its base64, which a scheme may send, eight characters are enough."""
        self._add(what, digest, 8)
        self._add_encoded(what, digest, _OF_HEXADECIMAL, _OF_BASE64)
        text = digest.hex().encode()
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            self._add(f"{what}, base64 of its hexadecimal", encode(text), 16)

    def _add_encoded(self, what: str, raw: bytes, hexadecimal: int, in_base64: int) -> None:
        self._add(f"{what}, in hexadecimal", raw.hex().encode(), hexadecimal)
        self._add(f"{what}, in hexadecimal", raw.hex().upper().encode(), hexadecimal)
        for ahead in range(3):  # base64 looks otherwise for each of the places that it may begin at
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                inside = encode(bytes(ahead) + raw)[4 if ahead else 0 : -4]
                self._add(f"{what}, in base64", inside, in_base64)
        for form in ("%{:02x}", "%{:02X}", "\\x{:02x}", "{}, ", "&#{};"):
            self._add(f"{what}, as {form}", "".join(form.format(byte) for byte in raw).encode(), _OF_ESCAPED)

    def _add(self, what: str, text: bytes, size: int) -> None:
        for start in range(len(text) - size + 1):
            self._parts.setdefault(text[start : start + size], what)

    def found_in(self, output: bytes | str) -> str:
        """What was found, for a failing test to say; empty when nothing was."""
        for text in _readings(output if isinstance(output, bytes) else output.encode("utf-8", "surrogateescape")):
            for size in {len(part) for part in self._parts}:
                found = self._parts.keys() & {text[start : start + size] for start in range(len(text) - size + 1)}
                if found:
                    return self._parts[found.pop()]
        return ""


def _readings(output: bytes) -> Iterator[bytes]:
    """As it is; and as a browser reads what is escaped."""
    yield output
    plain = html.unescape(unquote_to_bytes(output).decode("latin-1")).replace("\\/", "/").encode("latin-1", "replace")
    if plain != output:
        yield plain
