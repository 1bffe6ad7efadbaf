"""What a person sees: whether there is a terminal, tables, and text from outside made harmless."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["draw", "is_terminal", "moment", "shown"]

#: Columns where there is no terminal: wide enough that no line is broken for whatever reads it.
_WIDE: Final = 160


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def draw(renderable: RenderableType, *, wrap: bool = True) -> None:
    """Put a table or a coloured text on standard output. What is in it is never taken for markup."""
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False, width=None if is_terminal() else _WIDE)
    # Through click: rich would answer a reader that has gone with an exit code of its own.
    with console.capture() as captured:
        console.print(renderable, soft_wrap=not wrap)
    click.echo(captured.get(), nl=False)


def shown(text: str) -> str:
    """Text from outside, with every control character written as its number: it must not steer the terminal."""
    return "".join(each if each.isprintable() or each in "\n\t" else f"\\u{ord(each):04x}" for each in text)


def moment(seconds: float) -> str:
    """A time in seconds since the epoch, in UTC to the millisecond."""
    milliseconds = round(seconds * 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(milliseconds // 1000))}.{milliseconds % 1000:03d}Z"
