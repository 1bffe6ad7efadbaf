"""The ``payseal`` command and the table of its subcommands. A subcommand's module is imported when it is called, not before."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import click

import payseal as package
from payseal.cli import failures
from payseal.cli.commands import Group
from payseal.cli.secrets_input import refuse_secret_arguments
from payseal.errors import MissingExtra

__all__ = ["LazyGroup", "Subcommand", "payseal"]

_EPILOG = """\b
Exit codes:
  0    accepted, or answered with 2xx
  1    refused, or answered with another status
  2    wrong use, or an input file that cannot be taken
  3    a part is not installed
  4    no connection, or no answer
  70   a mistake in payseal itself
  130  interrupted
  141  whoever read the output has gone

\b
Secrets come from PAYSEAL_SECRET and PAYSEAL_TOKEN, --secret-file and
--token-file, --credentials, or a prompt: never from an argument.
"""


class Subcommand(NamedTuple):
    """Where a subcommand is, without importing it."""

    module: str
    attribute: str
    help: str
    extra: str = "cli"  # what brings the parts it imports


class LazyGroup(Group):
    """A group that imports a subcommand when it is called, and ends with one line and a documented exit code."""

    def __init__(self, *args: Any, table: Mapping[str, Subcommand] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table or {}
        self._extra = "cli"

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = self.table.get(cmd_name)
        if row is None:
            return None
        self._extra = row.extra
        command = getattr(importlib.import_module(row.module), row.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in self.table.items()])

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _reader_may_leave():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _reader_may_leave():
            return super().invoke(ctx)

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *rest: Any, **extra: Any) -> Any:
        """Run and exit, always. Every way to end but success is one line on standard error."""
        extra["standalone_mode"] = False
        try:
            code = super().main(args, prog_name, *rest, **extra)
        except ModuleNotFoundError as error:
            missing = (error.name or "payseal").partition(".")[0]
            code = failures.report(error if missing == "payseal" else MissingExtra("this command", self._extra))
        except Exception as error:  # noqa: BLE001 - the last one: nothing may end in a traceback with values in it
            code = failures.report(error)
        sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """``payseal … | head`` ends quietly, with an exit code that is not one of a refusal."""
    try:
        yield
    except BrokenPipeError:
        raise click.exceptions.Exit(failures.READER_GONE) from None


@click.group(
    cls=LazyGroup,
    epilog=_EPILOG,
    table={
        "schemes": Subcommand("payseal.cli.schemes", "schemes", "Show the schemes: what is signed, in which order, and how."),
        "sign": Subcommand("payseal.cli.sign", "sign", "Sign a request: print its headers, or a complete curl command."),
        "verify": Subcommand("payseal.cli.verify", "verify", "Verify a captured request, and say why it is refused."),
        "explain": Subcommand("payseal.cli.explain", "explain", "Say why a signature did not match, and prove it."),
        "request": Subcommand("payseal.cli.send", "request", "Sign a request, send it, and show the answer."),
        "ledger": Subcommand("payseal.cli.ledger", "ledger", "Look into a ledger, the memory of request ids."),
        "sandbox": Subcommand(
            "payseal.cli.sandbox", "sandbox", "Serve three payment systems on this machine to integrate against.", "server"
        ),
        "accounts": Subcommand("payseal.cli.accounts", "accounts", "Make, show and change accounts.", "server"),
        "keys": Subcommand("payseal.cli.keys", "keys", "Issue, list, rotate and revoke credentials.", "server"),
        "users": Subcommand("payseal.cli.users", "users", "Make, let in and disable the people who use the console.", "server"),
        "audit": Subcommand("payseal.cli.audit", "audit", "Read the audit trail.", "server"),
        "db": Subcommand("payseal.cli.db", "db", "Look after the accounts database: upgrade, check, backup, master keys.", "server"),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@refuse_secret_arguments
@click.version_option(package.__version__, prog_name="payseal", message="%(prog)s %(version)s")
def payseal() -> None:
    """Sign, verify and send API requests for payments.

    \b
    payseal schemes show fiserv-payments
    export PAYSEAL_KEYID=…  PAYSEAL_SECRET=…
    payseal sign --scheme fiserv-payments --body payment.json https://api.example.com/gateway/v2/payments
    payseal verify --scheme fiserv-payments captured.http
    """
