"""What a client may have signed in place of the body that it sent."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, product
from typing import Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl, quote_plus, urlencode

from payseal.explain.json_text import (
    NUMBER_STYLES,
    Strings,
    Style,
    Tokens,
    parsed,
    plain,
    python_repr,
    sorted_tokens,
    style_of,
    tokens_of,
    written,
)
from payseal.explain.variants import Variant

__all__ = ["LARGE", "MODERATE", "Bodies"]

#: Above this (bytes) a body is not taken apart at all, and above the other one not for several mistakes: that alone would cost more
#: than the budget.
LARGE: Final = 131_072
MODERATE: Final = 16_384
T = TypeVar("T")
_BOM: Final = b"\xef\xbb\xbf"
_HASHES: Final[tuple[tuple[str, Callable[[bytes], bytes]], ...]] = (
    ("as hexadecimal text", lambda digest: digest.hex().encode()),
    ("as Base64", base64.b64encode),
    ("as its bytes", bytes),
    ("as upper-case hexadecimal text", lambda digest: digest.hex().upper().encode()),
)


class Bodies:
    """The variants of one body, made when they are asked for."""

    def __init__(self, body: bytes, time_left: Callable[[], float]) -> None:
        self._body = body
        self._time_left = time_left
        self._seen = {body}
        self._made: dict[int, list[Variant[bytes]]] = {}
        self._document: Any = None
        self._kinds: tuple[tuple[tuple[str, ...], Tokens], ...] = ()
        self._as_sent = Style()
        self._strings: Strings = {}
        if len(body) <= LARGE:
            try:
                text = body.decode("utf-8")
                self._document = parsed(text)
                tokens = tokens_of(text)
            except ValueError:
                return
            self._as_sent = style_of(text, tokens)
            orders = (sorted_tokens(self._document, deep=deep) for deep in (True, False))
            self._kinds = (((), tokens), *((("body-key-order",), order) for order in orders if order != tokens))

    def of(self, mistakes: int) -> list[Variant[bytes]]:
        """The variants with that many mistakes that no fewer lead to, made once; ask for fewer mistakes first."""
        if mistakes not in self._made:
            self._made[mistakes] = self._make(mistakes)
        return self._made[mistakes]

    def _make(self, mistakes: int) -> list[Variant[bytes]]:
        if mistakes > 1 and len(self._body) > MODERATE:
            return []
        made = self._single() if mistakes == 1 else self._rewritten(mistakes)
        kept = []
        for variant in chain(made, self._edged()) if mistakes == 2 else made:
            if variant.value not in self._seen:
                self._seen.add(variant.value)
                kept.append(variant)
            if self._time_left() <= 0:
                break
        return kept

    def _single(self) -> Iterator[Variant[bytes]]:
        yield from _in_place_of()
        if self._kinds:
            yield Variant(python_repr(self._document).encode("utf-8", "surrogatepass"), ("body-python-repr",))
        yield from _edges(self._body)
        yield from self._rewritten(1)
        yield Variant(repr(self._body).encode(), ("body-python-repr",))
        yield from _unformed(self._body)
        if isinstance(self._document, str):  # what was sent is a JSON string of the JSON that was signed
            yield Variant(self._document.encode("utf-8", "surrogatepass"), ("body-double-encoded",))
        if isinstance(self._document, dict):
            yield from _forms(self._document)
        yield from _hashed(self._body)
        if len(self._body) <= LARGE:
            yield from _reencoded(self._body)

    def _edged(self) -> Iterator[Variant[bytes]]:
        """A rewritten body with something before or after it."""
        twice = json.dumps(self._body.decode("utf-8", "replace")).replace("/", "\\/")
        yield Variant(twice.encode(), ("body-double-encoded", "body-escaped-slashes"))
        for variant in self._rewritten(1):
            yield Variant(variant.value + b"\n", (*variant.codes, "body-trailing-newline"))
            yield Variant(_BOM + variant.value, (*variant.codes, "body-bom"))
            yield from (Variant(each.value, (*variant.codes, *each.codes), each.facts) for each in _hashed(variant.value))
            text = variant.value.decode("utf-8", "replace")
            for escape in (False, True):
                twice = json.dumps(text, ensure_ascii=escape)
                yield Variant(twice.encode("utf-8", "surrogatepass"), (*variant.codes, "body-double-encoded"))
            yield Variant(variant.value.replace(b"\n", b"\r\n"), (*variant.codes, "body-crlf"))
            for charset, name in (("latin-1", "ISO 8859-1"), ("utf-16-le", "UTF-16"), ("utf-16", "UTF-16")):
                yield Variant(text.encode(charset, "replace"), (*variant.codes, "body-charset"), {"charset": name})

    def _rewritten(self, mistakes: int) -> Iterator[Variant[bytes]]:
        """The same JSON, written in the ways that clients write it."""
        if not self._kinds:
            return
        spacings = (
            ((), self._as_sent),
            (("body-compacted",), Style()),
            (("body-respaced",), Style(", ", ": ")),
            (("body-indented",), Style(",", ": ", "  ")),
            (("body-indented",), Style(",", ": ", "    ")),
            (("body-indented",), Style(",", ": ", "\t")),
            (("body-respaced",), Style(",", ": ")),
            (("body-respaced",), Style(", ", ":")),
        )
        strings, figures = (
            [text for kind, text in self._kinds[0][1] if kind == "s"],
            [text for kind, text in self._kinds[0][1] if kind == "n"],
        )
        slashes: list[_Axis[bool | None]] = [_Axis((), None)]
        if any("/" in text for text in strings):
            slashes += [_Axis(("body-escaped-slashes",), True), _Axis(("body-escaped-slashes",), False)]
        escapes: list[_Axis[tuple[bool | None, str]]] = [_Axis((), (None, ""))]
        if not all(text.isascii() for text in strings):
            escapes.append(_Axis(("body-escaped-unicode",), (True, "")))
        if any("\\u" in text for text in strings):
            escapes.append(_Axis(("body-unescaped-unicode",), (False, "")))
        if any(mark in text for text in strings for mark in "<>&'"):
            escapes += [_Axis(("body-escaped-unicode",), (None, html)) for html in ("u<>&", "U<>", "U<>&", "U<>&'")]
        escapes.append(_Axis(("body-escaped-unicode",), (True, "N<>&'+`")))
        numbers: list[_Axis[Callable[[str], str] | None]] = [_Axis((), None)]
        numbers += [_Axis(("body-number-format",), style) for style in NUMBER_STYLES if any(style(text) != text for text in figures)]
        for (space, style), (order, tokens), slash, escape, number in product(spacings, self._kinds, slashes, escapes, numbers):
            codes = (*space, *order, *slash.codes, *escape.codes, *number.codes)
            if len(codes) == mistakes:
                again = Style(style.between, style.colon, style.indent, escape.value[0], slash.value, escape.value[1], number.value)
                yield Variant(written(tokens, again, self._strings).encode("utf-8", "surrogatepass"), codes)


@dataclass(frozen=True, slots=True)
class _Axis(Generic[T]):
    """One way to write one thing, and the mistake that it is."""

    codes: tuple[str, ...]
    value: T


def _in_place_of() -> Iterator[Variant[bytes]]:
    yield Variant(b"", ("body-empty-signed",))
    yield Variant(b"[object Object]", ("body-object-object",))
    for text in (b"null", b"{}", b'""', b"undefined", b"None", b"[]"):
        yield Variant(text, ("body-null-signed",), {"text": text.decode()})


def _edges(body: bytes) -> Iterator[Variant[bytes]]:
    for ending in (b"\n", b"\r\n"):
        yield Variant(body + ending, ("body-trailing-newline",))
        if body.endswith(ending):
            yield Variant(body.removesuffix(ending), ("body-missing-newline",))
    yield Variant(body.strip(), ("body-trimmed",))
    yield Variant(_BOM + body, ("body-bom",))
    yield Variant(body.removeprefix(_BOM), ("body-bom",))
    yield Variant(body.replace(b"\r\n", b"\n"), ("body-crlf",))
    yield Variant(body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), ("body-crlf",))


def _hashed(body: bytes) -> Iterator[Variant[bytes]]:
    digest = hashlib.sha256(body).digest()
    for form, encode in _HASHES:
        yield Variant(encode(digest), ("body-hash-signed",), {"form": form})
    yield Variant(base64.b64encode(body), ("body-base64",))
    yield Variant(base64.urlsafe_b64encode(body), ("body-base64",))


def _reencoded(body: bytes) -> Iterator[Variant[bytes]]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        charset = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"
        text = body.decode(charset, "replace")
        yield Variant(text.encode("utf-8"), ("body-charset",), {"charset": "UTF-8"})
    for charset, name in (
        ("latin-1", "ISO 8859-1"),
        ("cp1252", "Windows-1252"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-16", "UTF-16"),
    ):
        # What cannot be written becomes a question mark, as lossy encoders have it.
        yield Variant(text.encode(charset, "replace"), ("body-charset",), {"charset": name})
    yield Variant(b"\xfe\xff" + text.encode("utf-16-be", "replace"), ("body-charset",), {"charset": "UTF-16"})
    # UTF-8 that was taken for ISO 8859-1 and encoded once more; and ASCII with what does not fit replaced.
    yield Variant(body.decode("latin-1").encode("utf-8"), ("body-charset",), {"charset": "UTF-8 twice"})
    yield Variant(text.encode("ascii", "replace"), ("body-charset",), {"charset": "ASCII"})
    for escape in (False, True):
        again = json.dumps(text, ensure_ascii=escape)
        yield Variant(again.encode("utf-8", "surrogatepass"), ("body-double-encoded",))


def _forms(document: dict[str, Any]) -> Iterator[Variant[bytes]]:
    flat = {key: plain(value) for key, value in document.items() if not isinstance(value, dict | list)}
    encoded = (
        urlencode(flat, errors="replace"),
        "&".join(f"{key}={value}" for key, value in flat.items()),
        "&".join(f"{key}={value}" for key, value in sorted(flat.items())),
        "&".join(f"{quote_plus(key, errors='replace')}={quote_plus(value)}" for key, value in _bracketed(document)),
        urlencode(
            {key: python_repr(value) if isinstance(value, dict | list) else plain(value) for key, value in document.items()},
            errors="replace",
        ),
        urlencode(
            {key: json.dumps(value) if isinstance(value, dict | list) else plain(value) for key, value in document.items()},
            errors="replace",
        ),
    )
    for text in encoded:
        yield Variant(text.encode("utf-8", "replace"), ("body-form-encoded",))


def _unformed(body: bytes) -> Iterator[Variant[bytes]]:
    """The JSON that a form may have been made of: it was signed, and the client sent the form."""
    if len(body) > MODERATE or b"=" not in body or body[:1] in b"{[":
        return
    try:
        pairs = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        return
    typed = {key: int(value) if re.fullmatch(r"-?\d{1,15}", value) else value for key, value in pairs.items()}
    for document in (typed, pairs):
        for separators in ((", ", ": "), (",", ":")):
            for escape in (True, False):
                yield Variant(
                    json.dumps(document, separators=separators, ensure_ascii=escape).encode("utf-8", "surrogatepass"),
                    ("body-form-encoded",),
                )


def _bracketed(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Names as PHP's http_build_query makes them: a[b][0]."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _bracketed(each, f"{at}[{key}]" if at else str(key))
    else:
        yield at, plain(value)
