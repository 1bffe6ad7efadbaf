"""Where the ``payseal`` command starts. Imports nothing but the standard library before it knows that click and rich are there."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
from typing import NoReturn

from payseal.errors import MissingExtra

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line with the process's arguments, and exit."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its number, instead of ending the command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if any(importlib.util.find_spec(name) is None for name in ("click", "rich")):
        with contextlib.suppress(OSError):
            sys.stderr.write(f"payseal: {MissingExtra('the command line', 'cli')}\n")
        sys.exit(3)
    try:
        from payseal.cli.group import payseal

        payseal.main(prog_name="payseal")
    except KeyboardInterrupt:  # before or after click is there to say so
        sys.exit(130)
    finally:
        _let_go_of_output()
    raise AssertionError("click exits")


def _let_go_of_output() -> None:
    """Flush; where the reader has gone, see to it that the interpreter does not complain about that on its way out."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
