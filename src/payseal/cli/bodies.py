"""The body of a request: the bytes of a file or of standard input, exactly; nothing is trimmed, decoded or serialised again."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass

import click

from payseal.cli.failures import wrong_use

__all__ = ["NO_BODY", "Body", "body_option", "json_body", "read_body", "read_bytes", "with_content_type"]


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes, and the file they can be read from again (``None`` for standard input, a pipe, an argument)."""

    content: bytes
    path: str | None = None


NO_BODY = Body(b"")

body_option = click.option(
    "--body", "body_path", metavar="FILE|-", help="The body: a file's bytes exactly as they are. - is standard input."
)


def read_body(path: str | None) -> Body:
    """The body that ``--body`` names. Raises `Stop`."""
    return NO_BODY if path is None else Body(read_bytes(path, "--body"), path if os.path.isfile(path) else None)


def json_body(text: str) -> Body:
    """The body that ``--json`` gives: that text, once it is known to be JSON. Raises `Stop`."""
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        wrong_use(f"--json: that is not JSON{place}; quote it for the shell: --json '{{\"a\": 1}}'")
    return Body(os.fsencode(text))


def read_bytes(path: str, what: str) -> bytes:
    """Everything in a file, or in standard input for ``-``. ``what`` names the option in errors. Raises `Stop`."""
    try:
        if path == "-":
            if sys.stdin is not None and sys.stdin.isatty():
                click.echo(f"payseal: reading {what} from the terminal; end it with an end-of-file character", err=True)
            return b"" if sys.stdin is None else sys.stdin.buffer.read()
        with open(path, "rb") as stream:
            return stream.read()
    except (OSError, ValueError) as error:
        wrong_use(f"{what}: the file cannot be read: {(error.strerror if isinstance(error, OSError) else None) or 'not a path'}")


def with_content_type(pairs: list[tuple[str, str]], content: bytes) -> list[tuple[str, str]]:
    """The headers, with ``Content-Type: application/json`` where the body is JSON and no header says what it is."""
    if not content or any(name.lower() == "content-type" for name, _ in pairs):
        return pairs
    try:
        json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return pairs
    return [*pairs, ("Content-Type", "application/json")]
