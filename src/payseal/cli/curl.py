"""One complete ``curl`` command for a signed request, quoted for a POSIX shell."""

from __future__ import annotations

import re
import shlex
from typing import Final

from payseal.cli.bodies import Body
from payseal.cli.failures import note, wrong_use
from payseal.cli.values import Url

__all__ = ["curl_command"]

#: A body from standard input or an argument that is no longer than this (characters) stands in the command itself.
_EMBED: Final = 4096
_METHODS_WITH_BODY: Final = ("POST", "PUT", "PATCH")


def curl_command(method: str, url: Url, headers: list[tuple[str, str]], body: Body) -> bytes:
    """The command, without a line end, as the bytes a shell reads. Raises `Stop` for what curl cannot send.

    curl is told to leave alone what it would otherwise change: ``[]{}`` and ``/../`` in the URL, and the ``Content-Type`` of a form
    that it gives a body without one.
    """
    words: list[str] = ["curl", "--request", method]
    if method == "HEAD":
        if body.content:
            wrong_use("curl sends no body with HEAD")
        words = ["curl", "--head"]
    if re.search(r"[][{}]", str(url)):
        words.append("--globoff")
    if re.search(r"/\.\.?(/|\?|$)", url.target):
        words.append("--path-as-is")
    for name, value in headers:
        words += ["--header", f"{name}: {value}" if value else f"{name};"]
    names = {name.lower() for name, _ in headers}
    if body.content or method in _METHODS_WITH_BODY:
        if "content-type" not in names:
            words += ["--header", "Content-Type:"]
        words += _data(body)
    return shlex.join([*words, str(url)]).encode("utf-8", "surrogateescape")


def _data(body: Body) -> list[str]:
    if not body.content:
        return ["--data-raw", ""]
    if body.path is not None:
        return ["--data-binary", f"@{body.path}"]
    text = _plain_text(body.content)
    if text is not None:
        return ["--data-raw", text]  # unlike --data-binary it takes a leading @ for what it is
    note("the body came from no file and cannot stand in the command: feed the same bytes to the standard input of curl")
    return ["--data-binary", "@-"]


def _plain_text(content: bytes) -> str | None:
    """The body as text that survives being pasted into a shell; ``None`` when it would not."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if len(text) <= _EMBED and text.replace("\n", "").isprintable() else None
