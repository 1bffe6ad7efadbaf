"""JSON as it was written: a list of tokens that keep their text, so that a body can be written again in the ways that clients do it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final, TypeAlias

__all__ = [
    "NUMBER_STYLES",
    "Layout",
    "Number",
    "Strings",
    "Style",
    "Tokens",
    "parsed",
    "plain",
    "python_repr",
    "sorted_tokens",
    "style_of",
    "tokens_of",
]

_MAX_DEPTH: Final = 32
_TOKEN: Final = re.compile(r'[ \t\n\r]*(?:([{}\[\],:])|("(?:[^"\\]|\\.)*")|(-?\d[0-9.eE+-]*)|(true|false|null|NaN|-?Infinity))')

#: Made once: the functions of `json` make an encoder for each call.
_DECODE: Final = json.JSONDecoder(strict=False).decode
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode
_ENCODE_ASCII: Final = json.JSONEncoder().encode
#: What stands for a comma and a colon between strings until it is known how they are written; JSON holds no such characters.
_COMMA, _COLON = "\0", "\1"
_PLACES: Final = {",": _COMMA, ":": _COLON}
_OPENING: Final = frozenset("{[")
_CLOSING: Final = frozenset("}]")


class Number(str):
    """A number's text."""

    __slots__ = ()


#: (kind, text): kind is the mark itself, or s for a string, n for a number, l for true, false and null.
Tokens: TypeAlias = list[tuple[str, str]]


#: A string's text and how it is to be written → its text.
Strings: TypeAlias = dict[tuple[str, bool | None, bool | None, str], str]


@dataclass(frozen=True, slots=True)
class Style:
    """How JSON is written. ``escape_unicode`` and ``escape_slashes``: whether, ``None`` for as it was; ``number``: text → text."""

    between: str = ","
    colon: str = ":"
    indent: str = ""
    escape_unicode: bool | None = None
    escape_slashes: bool | None = None
    html: str = ""  # u or U (or N, as .NET does), for lower- or upper-case digits, and the characters that are escaped for HTML's sake
    number: Callable[[str], str] | None = None


def parsed(text: str) -> Any:
    """The document, numbers as `Number`. Raises `ValueError` for what is not JSON, or lies too deep."""
    depth = 0
    for mark in re.findall(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(mark, 0)
        if depth > _MAX_DEPTH:
            raise ValueError("too deep")
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)


def tokens_of(text: str) -> Tokens:
    """The tokens of a text that `parsed` has taken."""
    found: Tokens = []
    for mark, string, number, word in _TOKEN.findall(text):
        found.append((mark, mark) if mark else ("s", string) if string else ("n", number) if number else ("l", word))
    return found


def sorted_tokens(tokens: Tokens, *, deep: bool) -> Tokens:
    """The tokens with their keys in alphabetical order, everywhere or at the top only; strings and numbers stay as they are written."""
    ordered: Tokens = []
    _sort(tokens, 0, ordered, _MAX_DEPTH if deep else 1)
    return ordered


def _sort(tokens: Tokens, place: int, ordered: Tokens, levels: int) -> int:
    """Add the value at a place, with so many levels of its keys in order; returns the place after it."""
    kind = tokens[place][0]
    ordered.append(tokens[place])
    place += 1
    if kind == "[":
        while tokens[place][0] != "]":
            if tokens[place][0] == ",":
                ordered.append(tokens[place])
                place += 1
            else:
                place = _sort(tokens, place, ordered, levels)
    elif kind == "{":
        members: list[tuple[str, Tokens]] = []
        while tokens[place][0] != "}":
            if tokens[place][0] == ",":
                place += 1
            member = [tokens[place], tokens[place + 1]]
            key = tokens[place][1]
            members.append((_DECODE(key) if "\\" in key else key[1:-1], member))
            place = _sort(tokens, place + 2, member, levels - 1)
        if levels > 0:
            members.sort(key=itemgetter(0))
        for number, (_, member) in enumerate(members):
            if number:
                ordered.append((",", ","))
            ordered += member
    else:
        return place
    ordered.append(tokens[place])
    return place + 1


def style_of(text: str, tokens: Tokens) -> Style:
    """How this JSON is spaced, as far as one style says it. Escapes are left as they are."""
    inner = text.strip()
    lines = inner.split("\n")
    if len(lines) > 1:
        return Style(",", ": " if '": ' in inner else ":", lines[1][: len(lines[1]) - len(lines[1].lstrip())])
    bare = sum(len(token) for _, token in tokens)
    commas, colons = sum(kind == "," for kind, _ in tokens), sum(kind == ":" for kind, _ in tokens)
    spaces = len(inner) - bare
    return Style(
        ", " if spaces in (commas, commas + colons) and spaces else ",", ": " if spaces in (colons, commas + colons) and spaces else ":"
    )


class Layout:
    """Tokens in one order, ready to be written in every style: what does not change from one style to the next is done once."""

    def __init__(self, tokens: Tokens, strings: Strings) -> None:
        self._strings = strings
        self._texts = [_PLACES.get(text, text) for _, text in tokens]
        self._string_places = [place for place, (kind, _) in enumerate(tokens) if kind == "s"]
        self._number_places = [place for place, (kind, _) in enumerate(tokens) if kind == "n"]
        self._flat: dict[Any, str] = {}
        self._lines: dict[Any, str] = {}

    def written(self, style: Style) -> str:
        """The text in that style."""
        how = (style.escape_unicode, style.escape_slashes, style.html, style.number)
        if style.indent:
            lines = self._lines.get(how)
            if lines is None:
                lines = self._lines[how] = "".join(self._broken(self._filled(style)))
            return lines.replace("\t", style.indent).replace(_COLON, style.colon)
        flat = self._flat.get(how)
        if flat is None:
            flat = self._flat[how] = "".join(self._filled(style))
        return flat.replace(_COMMA, style.between).replace(_COLON, style.colon)

    def _filled(self, style: Style) -> list[str]:
        """The texts with strings and numbers in that style."""
        texts = self._texts.copy()
        how = (style.escape_unicode, style.escape_slashes, style.html)
        if how != (None, None, ""):
            for place in self._string_places:
                mark = (texts[place], *how)
                written = self._strings.get(mark)
                if written is None:
                    written = self._strings[mark] = _string(*mark)
                texts[place] = written
        if style.number:
            for place in self._number_places:
                texts[place] = style.number(texts[place])
        return texts

    def _broken(self, texts: list[str]) -> Iterator[str]:
        """The texts with lines between them, indented by tabs."""
        level = 0
        for place, text in enumerate(texts):
            if text == _COMMA:
                yield ",\n" + "\t" * level
            elif text in _OPENING and texts[place + 1] not in _CLOSING:
                level += 1
                yield text + "\n" + "\t" * level
            elif text in _CLOSING and texts[place - 1] not in _OPENING:
                level -= 1
                yield "\n" + "\t" * level + text
            else:
                yield text


def _string(text: str, unicode: bool | None, slashes: bool | None, html: str) -> str:
    escaped_slashes = "\\/" in text if slashes is None else slashes
    escaped_unicode = "\\u" in text if unicode is None else unicode
    if "\\" in text or (escaped_unicode and not text.isascii()):
        text = (_ENCODE_ASCII if escaped_unicode else _ENCODE)(_DECODE(text))
    again = text.replace("/", "\\/") if escaped_slashes else text
    if html.startswith("N"):  # .NET's default encoder
        again = re.sub(r"\\u[0-9a-f]{4}", lambda code: "\\u" + code[0][2:].upper(), again)
        again = '"' + again[1:-1].replace('\\"', "\\u0022") + '"'
    for character in html[1:]:
        code = f"{ord(character):04x}"
        again = again.replace(character, "\\u" + (code.upper() if html[0] in "UN" else code))
    return again


def python_repr(value: Any) -> str:
    """What Python's ``str`` makes of the document."""
    return repr(_python(value))


def plain(value: Any) -> str:
    """A single value as a form has it."""
    if isinstance(value, Number | str):
        return str(value).encode("utf-8", "replace").decode()
    return {None: "None", True: "True", False: "False"}.get(value, str(value))


def _python(value: Any) -> Any:
    if isinstance(value, Number):
        return _number(value)
    if isinstance(value, dict):
        return {key: _python(each) for key, each in value.items()}
    return [_python(each) for each in value] if isinstance(value, list) else value


def _number(text: str) -> int | float:
    try:
        return int(text) if re.fullmatch(r"-?\d{1,300}", text) else float(text)
    except ValueError:
        return math.nan


def _javascript(text: str) -> str:
    """As JSON.stringify writes it: whole numbers without a fraction, the shortest text otherwise, large ones rounded."""
    value = _number(text)
    if isinstance(value, int) and 2**53 < abs(value) < 10**21:
        return str(int(Decimal(repr(float(value)))))
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e21 else str(value)


def _shortest(text: str) -> str:
    return str(_number(text))


def _two_decimals(text: str) -> str:
    value = _number(text)
    return f"{value:.2f}" if isinstance(value, float) else text


def _fraction(text: str) -> str:
    return f"{text}.0" if re.fullmatch(r"-?\d+", text) else text


def _all_two_decimals(text: str) -> str:
    return f"{_number(text):.2f}" if len(text) < 16 else text


#: How clients rewrite numbers.
NUMBER_STYLES: Final[tuple[Callable[[str], str], ...]] = (_javascript, _shortest, _two_decimals, _fraction, _all_two_decimals)
