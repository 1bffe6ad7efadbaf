"""What a client may have signed in place of the body that it sent."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, combinations, islice, product
from typing import Any, Final
from urllib.parse import parse_qsl, quote_plus, urlencode

from payseal.explain.json_text import (
    NUMBER_STYLES,
    Layout,
    Strings,
    parsed,
    plain,
    python_repr,
    sorted_tokens,
    style_of,
    tokens_of,
)
from payseal.explain.variants import Dimension, Variant

__all__ = ["LARGE", "MODERATE", "Bodies"]

#: Above this (bytes) a body is not taken apart at all, and above the other one not for several mistakes: that alone would cost more
#: than the budget.
LARGE: Final = 131_072
MODERATE: Final = 16_384
#: What a byte of JSON costs at most (seconds) until it can be written in another way.
_TAKING_APART: Final = 1.5e-6
#: Rewritten bodies that are tried before what stands in place of a body.
_COMMONEST: Final = 8
#: With more different numbers than these none is looked at to see whether a style changes any.
_NUMBERS: Final = 200
#: Which way round slashes are escaped.
_ESCAPED_TO_SIGN: Final[dict[str, object]] = {"escaped": "the text that was signed", "plain": "the body that was sent"}
_ESCAPED_TO_SEND: Final[dict[str, object]] = {"escaped": "the body that was sent", "plain": "the text that was signed"}
_BOM: Final = b"\xef\xbb\xbf"
_HASHES: Final[tuple[tuple[str, Callable[[bytes], bytes]], ...]] = (
    ("as hexadecimal text", lambda digest: digest.hex().encode()),
    ("as Base64", base64.b64encode),
    ("as its bytes", bytes),
    ("as upper-case hexadecimal text", lambda digest: digest.hex().upper().encode()),
)


class Bodies(Dimension[bytes]):
    """The variants of one body."""

    def __init__(self, body: bytes, time_left: Callable[[], float]) -> None:
        super().__init__(self._timed, [body])
        self._body = body
        self._time_left = time_left
        self._rewriter: _Rewriter | None = None
        self._taken_apart = False

    def _timed(self, mistakes: int) -> Iterator[Variant[bytes]]:
        """Variants as long as there is time: those of a large body cost more than a search looks at the clock for."""
        if mistakes > 1 and len(self._body) > MODERATE:
            return
        for variant in self._single() if mistakes == 1 else self._double() if mistakes == 2 else self._rewritten(mistakes):
            if self._time_left() <= 0:
                return
            yield variant

    def _rewritten(self, mistakes: int) -> Iterator[Variant[bytes]]:
        rewriter = self._taken()
        return iter(()) if rewriter is None else rewriter.variants(mistakes)

    def _taken(self) -> _Rewriter | None:
        """The JSON that the body is, taken apart once."""
        if not self._taken_apart:
            self._taken_apart = True
            if len(self._body) <= LARGE and len(self._body) * _TAKING_APART <= self._time_left():
                with contextlib.suppress(ValueError):
                    self._rewriter = _Rewriter(self._body.decode("utf-8"))
        return self._rewriter

    def _single(self) -> Iterator[Variant[bytes]]:
        body = self._body
        yield Variant(b"", ("body-empty-signed",))
        yield from _edges(body)
        again = self._rewritten(1)
        yield from islice(again, _COMMONEST)
        yield Variant(b"[object Object]", ("body-object-object",))
        document = self._rewriter.document if self._rewriter else None
        if self._rewriter:
            yield Variant(python_repr(document).encode("utf-8", "surrogatepass"), ("body-python-repr",))
        others = (_null(), _hashed(body), _reencoded(body), _forms(document))
        # A few of each kind before the rest of any.
        yield from chain.from_iterable(islice(each, 2) for each in others)
        yield from again
        yield from chain.from_iterable(others)
        yield Variant(repr(body).encode(), ("body-python-repr",))
        yield from _unformed(body)
        if isinstance(document, str):  # what was sent is a JSON string of the JSON that was signed
            yield Variant(document.encode("utf-8", "surrogatepass"), ("body-double-encoded",))

    def _double(self) -> Iterator[Variant[bytes]]:
        once = list(self._rewritten(1))
        for variant in once:
            yield Variant(variant.value + b"\n", (*variant.codes, "body-trailing-newline"), variant.facts)
        yield from self._rewritten(2)
        twice = json.dumps(self._body.decode("utf-8", "replace")).replace("/", "\\/")
        yield Variant(twice.encode(), ("body-double-encoded", "body-escaped-slashes"), _ESCAPED_TO_SIGN)
        for variant in once:
            for each in _edged(variant.value):
                yield Variant(each.value, (*variant.codes, *each.codes), {**variant.facts, **each.facts})


class _Rewriter:
    """One JSON body, written in the ways that clients write it. Raises `ValueError` for what is not JSON."""

    def __init__(self, text: str) -> None:
        self.document = parsed(text)
        self._tokens = tokens = tokens_of(text)
        self._as_sent = style_of(text, tokens)
        self._strings: Strings = {}
        self._layouts: dict[str, Layout | None] = {"": Layout(tokens, self._strings)}
        self._axes: tuple[list[_Way], ...] | None = None

    def variants(self, mistakes: int) -> Iterator[Variant[bytes]]:
        """The same JSON with that many things written in another way, the likelier ways first."""
        if self._axes is None:
            self._axes = self._ways()
        chosen = [places for axes in combinations(self._axes, mistakes) for places in product(*(enumerate(ways) for ways in axes))]
        chosen.sort(key=lambda places: sum(place for place, _ in places))
        for places in chosen:
            ways = [way for _, way in places]
            order, style, facts = "", self._as_sent, {}
            for way in ways:
                order = way.order or order
                style = replace(style, **way.style)
                facts.update(way.facts)
            layout = self._layout(order)
            if layout is not None:
                yield Variant(layout.written(style).encode("utf-8", "surrogatepass"), tuple(way.code for way in ways), facts)

    def _layout(self, order: str) -> Layout | None:
        """The tokens in that order; ``None`` where it is the one that they were sent in."""
        if order not in self._layouts:
            tokens = sorted_tokens(self._tokens, deep=order == "deep")
            self._layouts[order] = Layout(tokens, self._strings) if tokens != self._tokens else None
        return self._layouts[order]

    def _ways(self) -> tuple[list[_Way], ...]:
        """The ways to write spaces, key order, slashes, other characters and numbers, but the one in which each was sent."""
        strings = "".join(text for kind, text in self._tokens if kind == "s")
        numbers = {text for kind, text in self._tokens if kind == "n"}
        slashes = [_Way("body-escaped-slashes", {"escape_slashes": True}, facts=_ESCAPED_TO_SIGN)] if "/" in strings else []
        if "\\/" in strings:
            slashes.insert(0, _Way("body-escaped-slashes", {"escape_slashes": False}, facts=_ESCAPED_TO_SEND))
        escapes = []
        if "\\u" in strings:
            escapes.append(_Way("body-unescaped-unicode", {"escape_unicode": False}))
        if not strings.isascii():
            escapes.append(_Way("body-escaped-unicode", {"escape_unicode": True}))
        if any(mark in strings for mark in "<>&'"):
            escapes += [_Way("body-escaped-unicode", {"html": html}) for html in ("u<>&", "U<>", "U<>&", "U<>&'")]
        if not strings.isascii() or any(mark in strings for mark in "<>&'+`\\"):
            escapes.append(_Way("body-escaped-unicode", {"escape_unicode": True, "html": "N<>&'+`"}))
        return (
            [_Way(f"body-{how}", {"between": ",", "colon": ":", "indent": "", **spaces}) for how, spaces in _SPACINGS],
            [_Way("body-key-order", {}, order) for order in ("deep", "top")],
            slashes,
            escapes,
            [
                _Way("body-number-format", {"number": style})
                for style in NUMBER_STYLES
                if len(numbers) > _NUMBERS or any(style(text) != text for text in numbers)
            ],
        )


_SPACINGS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("respaced", {"between": ", ", "colon": ": "}),
    ("compacted", {}),
    ("indented", {"colon": ": ", "indent": "  "}),
    ("indented", {"colon": ": ", "indent": "    "}),
    ("indented", {"colon": ": ", "indent": "\t"}),
    ("respaced", {"colon": ": "}),
    ("respaced", {"between": ", "}),
)


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to write one thing, and the mistake that it is."""

    code: str
    style: dict[str, Any]
    order: str = ""
    facts: dict[str, object] = field(default_factory=dict)


def _edged(body: bytes) -> Iterator[Variant[bytes]]:
    """A rewritten body with something before it, or encoded further."""
    yield Variant(_BOM + body, ("body-bom",))
    yield from _hashed(body)
    text = body.decode("utf-8", "replace")
    for escape in (False, True):
        yield Variant(json.dumps(text, ensure_ascii=escape).encode("utf-8", "surrogatepass"), ("body-double-encoded",))
    yield Variant(body.replace(b"\n", b"\r\n"), ("body-crlf",))
    for charset, name in (("latin-1", "ISO 8859-1"), ("utf-16-le", "UTF-16"), ("utf-16", "UTF-16")):
        yield Variant(text.encode(charset, "replace"), ("body-charset",), {"charset": name})


def _null() -> Iterator[Variant[bytes]]:
    for text in (b"{}", b'""', b"null", b"undefined", b"None", b"[]"):
        yield Variant(text, ("body-null-signed",), {"text": text.decode()})


def _edges(body: bytes) -> Iterator[Variant[bytes]]:
    for ending in (b"\n", b"\r\n"):
        yield Variant(body + ending, ("body-trailing-newline",))
        if body.endswith(ending):
            yield Variant(body.removesuffix(ending), ("body-missing-newline",))
    yield Variant(_BOM + body, ("body-bom",))
    yield Variant(body.strip(), ("body-trimmed",))
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
    if len(body) > LARGE:
        return
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        charset = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"
        text = body.decode(charset, "replace")
        yield Variant(text.encode("utf-8"), ("body-charset",), {"charset": "UTF-8"})
    for escape in (False, True):
        yield Variant(json.dumps(text, ensure_ascii=escape).encode("utf-8", "surrogatepass"), ("body-double-encoded",))
    for charset, name in (
        ("latin-1", "ISO 8859-1"),
        ("utf-16-le", "UTF-16"),
        ("cp1252", "Windows-1252"),
        ("utf-16", "UTF-16"),
        ("utf-16-be", "UTF-16"),
    ):
        # What cannot be written becomes a question mark, as lossy encoders have it.
        yield Variant(text.encode(charset, "replace"), ("body-charset",), {"charset": name})
    yield Variant(b"\xfe\xff" + text.encode("utf-16-be", "replace"), ("body-charset",), {"charset": "UTF-16"})
    # UTF-8 that was taken for ISO 8859-1 and encoded once more; and ASCII with what does not fit replaced.
    yield Variant(body.decode("latin-1").encode("utf-8"), ("body-charset",), {"charset": "UTF-8 twice"})
    yield Variant(text.encode("ascii", "replace"), ("body-charset",), {"charset": "ASCII"})


def _forms(document: Any) -> Iterator[Variant[bytes]]:
    for text in _form_texts(document) if isinstance(document, dict) else ():
        yield Variant(text.encode("utf-8", "replace"), ("body-form-encoded",))


def _form_texts(document: dict[str, Any]) -> Iterator[str]:
    flat = {key: plain(value) for key, value in document.items() if not isinstance(value, dict | list)}
    yield urlencode(flat, errors="replace")
    yield "&".join(f"{key}={value}" for key, value in flat.items())
    yield "&".join(f"{key}={value}" for key, value in sorted(flat.items()))
    yield "&".join(f"{quote_plus(key, errors='replace')}={quote_plus(value)}" for key, value in _bracketed(document))
    for written in (python_repr, json.dumps):
        yield urlencode(
            {key: written(value) if isinstance(value, dict | list) else plain(value) for key, value in document.items()}, errors="replace"
        )


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
