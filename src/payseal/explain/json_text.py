"""JSON as it was written: a list of tokens that keep their text, so that a body can be written again in the ways that clients do it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

__all__ = [
    "NUMBER_STYLES",
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
    "written",
]

_MAX_DEPTH: Final = 32
_TOKEN: Final = re.compile(r'[ \t\n\r]*(?:([{}\[\],:])|("(?:[^"\\]|\\.)*")|(-?\d[0-9.eE+-]*)|(true|false|null))')


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


def sorted_tokens(document: Any, *, deep: bool) -> Tokens:
    """The tokens of the document with its keys in alphabetical order: everywhere, or at the top only."""
    return list(_sorted(document, 64 if deep else 1))


def _sorted(value: Any, levels: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list):
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        yield opening, opening
        for place, each in enumerate(sorted(value) if isinstance(value, dict) and levels > 0 else value):
            if place:
                yield ",", ","
            if isinstance(value, dict):
                yield "s", json.dumps(each, ensure_ascii=False)
                yield ":", ":"
                yield from _sorted(value[each], levels - 1)
            else:
                yield from _sorted(each, levels - 1)
        yield closing, closing
    elif isinstance(value, Number):
        yield "n", str(value)
    elif isinstance(value, str):
        yield "s", json.dumps(value, ensure_ascii=False)
    else:
        yield "l", {None: "null", True: "true", False: "false"}[value]


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


def written(tokens: Tokens, style: Style, strings: Strings) -> str:
    """The tokens as text. ``strings`` keeps how strings were written, from one call to the next."""
    out: list[str] = []
    level = 0
    how = (style.escape_unicode, style.escape_slashes, style.html)
    as_they_are = how == (None, None, "")
    for place, (kind, text) in enumerate(tokens):
        if kind == "s":
            out.append(text if as_they_are else strings.get((text, *how)) or strings.setdefault((text, *how), _string(text, *how)))
        elif kind == "n":
            out.append(style.number(text) if style.number else text)
        elif kind == ",":
            out.append(",\n" + style.indent * level if style.indent else style.between)
        elif kind == ":":
            out.append(style.colon)
        elif style.indent and kind in "{[" and tokens[place + 1][0] not in "}]":
            level += 1
            out.append(kind + "\n" + style.indent * level)
        elif style.indent and kind in "}]" and tokens[place - 1][0] not in "{[":
            level -= 1
            out.append("\n" + style.indent * level + kind)
        else:
            out.append(text)
    return "".join(out)


def _string(text: str, unicode: bool | None, slashes: bool | None, html: str) -> str:
    escaped_slashes = "\\/" in text if slashes is None else slashes
    escaped_unicode = "\\u" in text if unicode is None else unicode
    again = json.dumps(json.loads(text, strict=False), ensure_ascii=escaped_unicode)
    again = again.replace("/", "\\/") if escaped_slashes else again
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
