"""The words of one shell command, as bytes. Nothing is run, and nothing is filled in: what a shell would fill in is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NoReturn

from payseal.cli.failures import wrong_use

__all__ = ["shell_words"]

_BLANK: Final = re.compile(rb"[ \t]+")
_CONTINUED: Final = re.compile(rb"\\\r?\n")
_PLAIN: Final = re.compile(rb"[^\s\\'\"$`|;&<>()^]+")
_SINGLE: Final = re.compile(rb"'([^']*)'")
_DOUBLE: Final = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ANSI: Final = re.compile(rb"\$'((?:[^'\\]++|\\.)*+)'", re.DOTALL)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_FILLED_IN: Final = re.compile(rb"(?<!\\)(?:\\\\)*(?:`|\$(?:\\\n)*[A-Za-z_{(0-9?#@*!$-])")
#: Two halves of one character, as browsers escape what lies beyond U+FFFF; then every other escape.
_ANSI_ESCAPE: Final = re.compile(
    rb"\\(?:u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})"
    rb"|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(x\{|.))",
    re.DOTALL,
)
_FILL_IN: Final = "it holds $… or `…`, which a shell fills in: write the value itself, in '…'"
#: What a word cannot begin with, and why.
_FIRST: Final = {b"#": "a # begins a comment: take it out, or put it in '…'", b"~": "it holds ~, which a shell fills in: write the path"}
#: What a shell makes several words of when it comes in this order, where no quotation marks are around it.
_BRACES: Final = ((b"{",), (b",", b".."), (b"}",))
_BRACE: Final = re.compile(rb"[{,}]|\.\.")
_LETTERS: Final = dict(zip(b"abefnrtv", b"\a\b\x1b\f\n\r\t\v", strict=True)) | {ord("E"): 0x1B}


def shell_words(command: bytes) -> list[bytes]:
    """The words, quotation and escapes undone as bash does it. Raises `Stop` for more than one command, and for what only a shell knows."""
    return list(_words(command.rstrip()))


def _words(command: bytes) -> Iterator[bytes]:
    at, word, braces = 0, None, 0
    while at < len(command):
        if blank := _BLANK.match(command, at):
            if word is not None:
                yield b"".join(word)
            at, word, braces = blank.end(), None, 0
            continue
        if continued := _CONTINUED.match(command, at):
            at = continued.end()
            continue
        if word is None and command[at : at + 1] in _FIRST:
            _bad(_FIRST[command[at : at + 1]])
        quoted = command[at : at + 1] in (b"'", b'"', b"\\", b"$")
        piece, at = _piece(command, at)
        if not quoted:
            braces = _met(piece, braces)
        word = [piece] if word is None else [*word, piece] if len(word) < 64 else [b"".join(word), piece]
    if word is not None:
        yield b"".join(word)


def _met(piece: bytes, braces: int) -> int:
    """How many of `_BRACES` a word has in their order, with that piece of it; before it so many. Raises `Stop` for all of them."""
    for found in _BRACE.findall(piece):
        braces += found in _BRACES[braces]
        if braces == len(_BRACES):
            _bad("it holds {…}, which a shell makes several words of: put it in '…'")
    return braces


def _piece(command: bytes, at: int) -> tuple[bytes, int]:
    """The next part of a word, and where the one after it begins."""
    if found := _PLAIN.match(command, at) or _SINGLE.match(command, at):
        return found[found.lastindex or 0], found.end()
    if found := _ANSI.match(command, at):
        return _ANSI_ESCAPE.sub(_unescaped, found[1]), found.end()
    if found := _DOUBLE.match(command, at):
        if _FILLED_IN.search(found[1]):
            _bad(_FILL_IN)
        return re.sub(rb"\\([$`\"\\\n])", lambda escape: b"" if escape[1] == b"\n" else escape[1], found[1]), found.end()
    found = _ESCAPED.match(command, at)
    if found is None:
        _bad(_why_not(command[at : at + 2]))
    return found[1], found.end()


def _why_not(rest: bytes) -> str:
    """What is wrong with a command that goes on like that."""
    if rest[:1] == b"^":
        return "it is written for the Windows command prompt: copy it as cURL (bash)"
    if rest[:1] in (b"'", b'"') or rest == b"$'":
        return "a quotation mark is not closed"
    if rest[:1] in (b"$", b"`"):
        return _FILL_IN
    if rest[:1] in (b"\r", b"\n"):
        return "it goes on after a line end: end each line but the last with \\"
    if rest[:1] == b"\\":
        return "it ends in \\"
    return "more than one command, or an address without quotation marks: keep the curl command alone, and its URL in '…'"


def _unescaped(found: re.Match[bytes]) -> bytes:
    high, low, short, long, byte, octal, letter = found.groups()
    if high:
        return chr(0x10000 + (int(high, 16) - 0xD800) * 0x400 + int(low, 16) - 0xDC00).encode()
    if short or long:
        code = int(short or long, 16)
        if code > 0x10FFFF:
            _bad("a \\U escape names no character")
        return chr(code).encode("utf-8", "surrogatepass")
    if byte or octal:
        return bytes([int(byte, 16) if byte else int(octal, 8) & 0xFF])
    if letter in (b"c", b"x{"):
        _bad(f"a \\{letter.decode()} escape is not taken: write the character itself")
    known = _LETTERS.get(letter[0])
    if known is not None:
        return bytes([known])
    return bytes(letter) if letter in b"\\'\"?" else b"\\" + letter


def _bad(why: str) -> NoReturn:
    wrong_use(f"the curl command: {why}")
