"""How a command ends: the exit codes, and one line on standard error."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Final, NoReturn

import click

from payseal.cli.terminal import shown
from payseal.errors import MissingExtra, PaysealError

__all__ = ["MISSING_PART", "NO_ANSWER", "REFUSED", "Stop", "exit_code_of", "note", "report", "wrong_use"]

REFUSED: Final = 1
WRONG_USE: Final = 2
MISSING_PART: Final = 3
NO_ANSWER: Final = 4
#: EX_SOFTWARE of sysexits.h.
INTERNAL: Final = 70
#: 128 + SIGINT, as shells have it.
INTERRUPTED: Final = 130
#: 128 + SIGPIPE: whoever read the output has gone.
READER_GONE: Final = 141


class Stop(PaysealError):
    """Ends the command with that line and that exit code. The text never holds a value that could be a secret."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def wrong_use(text: str) -> NoReturn:
    """Ends the command because of how it was called, or of a file it was given."""
    raise Stop(text, WRONG_USE)


def note(text: str) -> None:
    """A line on standard error that ends nothing. What it quotes may be of a file that somebody else wrote."""
    click.echo(f"payseal: {shown(text)}", err=True)


def exit_code_of(error: BaseException) -> int:
    """The exit code for what ended a command."""
    if isinstance(error, Stop):
        return error.code
    if isinstance(error, MissingExtra):
        return MISSING_PART
    if isinstance(error, click.Abort | KeyboardInterrupt | EOFError):
        return INTERRUPTED
    return WRONG_USE if isinstance(error, PaysealError | click.ClickException) else INTERNAL


def report(error: BaseException) -> int:
    """Say in one line what ended a command; returns the exit code."""
    code = exit_code_of(error)
    if code == INTERRUPTED:
        note("interrupted")
    elif isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
    elif isinstance(error, click.ClickException):
        path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "payseal"
        note(f"{_one_line(error.format_message()).rstrip('.')}; see {path} --help")
    elif code != INTERNAL:
        note(_one_line(str(error)))
    else:
        _report_internal(error)
    return code


def _report_internal(error: BaseException) -> None:
    """A mistake in payseal itself. Neither the exception's text nor any local variable is shown: they may hold a secret."""
    if os.environ.get("PAYSEAL_TRACEBACK") == "1":
        chain: list[BaseException] = []
        current: BaseException | None = error
        while current is not None and current not in chain:
            chain.append(current)
            current = current.__cause__ or current.__context__
        for each in reversed(chain):
            frames = "".join(traceback.format_tb(each.__traceback__))
            click.echo(f"{frames}{type(each).__name__} (its text is left out: it may hold a secret)", err=True)
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" in {os.path.basename(last[0].filename)}, line {last[0].lineno}" if last else ""
    hint = "please report it with what PAYSEAL_TRACEBACK=1 shows (no values, no secrets)"
    click.echo(f"payseal: internal error{place}: {type(error).__name__}; {hint}", file=sys.stderr)


def _one_line(text: str) -> str:
    return " ".join(text.split())
