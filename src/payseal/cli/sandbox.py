"""``payseal sandbox``: the three systems on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.table import Table

from payseal.cli.commands import Group
from payseal.cli.failures import note, wrong_use
from payseal.cli.sandbox_folder import folder_option
from payseal.cli.values import duration
from payseal.errors import MissingExtra

try:
    from payseal.cli.sandbox_collections import collections
    from payseal.cli.sandbox_faults import faults
    from payseal.server.sandbox.provider import Settings
    from payseal.server.sandbox.serve import address_of, bind, serve, serving
    from payseal.server.sandbox.walkthrough import Step, walk
    from payseal.server.sandbox.welcome import console_link
    from payseal.server.vault import Vault
except ModuleNotFoundError as error:
    raise MissingExtra("payseal sandbox", "server") from error

__all__ = ["sandbox"]


#: What ``--ledger`` and ``--database`` are given for the URL in their environment variable.
_ENVIRONMENT = "env"
#: Characters a line where the output is not a terminal.
_WIDTH = 150


@click.group(cls=Group, invoke_without_command=True)
@folder_option
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8700, show_default=True, help="The port on this machine; 0 takes a free one."
)
@click.option(
    "--webhook-host",
    "webhook_hosts",
    multiple=True,
    metavar="HOST[:PORT]",
    help="A host that webhooks may be sent to beside this machine itself; may be given several times.",
)
@click.option("--settle-after", type=duration, default="2", show_default=True, metavar="SECONDS", help="How long a transfer is pending.")
@click.option(
    "--ledger",
    metavar="URL",
    default="",
    help="The memory of request ids, where it is not to be a file in the folder: valkey://…, redis://…, postgresql://…, sqlite:///…; "
    "env takes the URL in PAYSEAL_LEDGER, where a password belongs.",
)
@click.option(
    "--database",
    metavar="URL",
    default="",
    help="The accounts, where they are not to be a file in the folder: postgresql://…, sqlite:///…; env takes the URL in PAYSEAL_DATABASE.",
)
@click.option("--walkthrough", is_flag=True, help="Send real requests through it first, good and bad, and show what came back.")
@click.option("--once", is_flag=True, help="With --walkthrough: stop afterwards; exit 0 only when every outcome was the expected one.")
@click.pass_context
def sandbox(
    context: click.Context,
    folder: Path,
    port: int,
    webhook_hosts: tuple[str, ...],
    settle_after: float,
    ledger: str,
    database: str,
    walkthrough: bool,
    once: bool,
) -> None:
    """Serve three payment systems on this machine to integrate against.

    The Fiserv Payments API, Commerce Hub and Startbutton, each verifying signatures as the real one does. A demo account is made on
    first start; its keys stay the same, in a file that the other commands read:

    \b
    payseal request --scheme fiserv-payments \\
        --credentials payseal-sandbox/keys.toml --credential fiserv …
    """
    context.obj = folder
    if context.invoked_subcommand is not None:
        return
    if once and not walkthrough:
        raise click.UsageError("--once goes with --walkthrough")
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)  # a file or a pipe has no width of its own
    vault = Vault.open(folder, ledger=_url("ledger", ledger), accounts=_url("database", database))
    listener = context.with_resource(contextlib.closing(bind(port)))
    context.with_resource(_terminable())
    address = address_of(listener)
    settings = Settings(webhook_hosts, settle_after)
    if not walkthrough:
        _announce(console, address, vault)
        with _decisions_shown():
            serve(vault, listener, settings)
        return
    with serving(vault, listener, settings):
        steps = _shown(console, listener.getsockname()[1], vault)
        unexpected = [step for step in steps if not step.good]
        if once:
            context.exit(1 if unexpected else 0)
        _announce(console, address, vault)
        with _decisions_shown(), contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


sandbox.add_command(faults)
sandbox.add_command(collections)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """End in good order when told to by SIGTERM, as by Ctrl-C: the last decisions are written, and all is closed."""

    def end(number: int, frame: object) -> NoReturn:
        signal.signal(number, signal.SIG_DFL)  # whoever says it twice means it
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _url(option: str, given: str) -> str:
    """The URL that an option names; empty for the folder's own file.

    A variable by itself changes nothing: it may be set for other commands, and a sandbox must not settle among their accounts.
    """
    name = f"PAYSEAL_{option.upper()}"
    held = os.environ.get(name, "")
    if given == _ENVIRONMENT:
        return held or wrong_use(f"--{option} env takes the URL in {name}, and that is not set")
    if held and not given:
        note(f"{name} is set and not used: a sandbox keeps to its folder without --{option} env")
    return given


def _announce(console: Console, address: str, vault: Vault) -> None:
    console.print(f"The sandbox serves at [bold]{address}[/]; the demo account's keys are in [bold]{vault.keys_file}[/]. Ctrl-C stops it.")
    link = console_link(vault, address)
    where = f"[bold]{link}[/] (this link signs you in once)" if link else f"[bold]{address}/console[/]"
    console.print(f"The console: {where}", soft_wrap=True)


def _shown(console: Console, port: int, vault: Vault) -> list[Step]:
    """Take the walk, showing each step as it comes, then the table."""
    table = Table(title="What was sent and what came back", title_justify="left")
    for heading in ("", "System", "Sent", "Expected", "Came back"):
        table.add_column(heading, overflow="fold")
    steps = []
    with console.status("sending …") as status:
        for step in walk(port, vault.demo_keys()):
            steps.append(step)
            status.update(f"{len(steps)} sent: {step.system}: {step.sent}")
            mark = "[green]as expected[/]" if step.good else "[bold red]UNEXPECTED[/]"
            table.add_row(mark, step.system, step.sent, step.expected, step.came_back)
    console.print(table)
    expected = sum(step.good for step in steps)
    console.print(f"{expected} of {len(steps)} outcomes as expected.")
    return steps


@contextlib.contextmanager
def _decisions_shown() -> Iterator[None]:
    """Show what the guards decide, a line each, on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("payseal")
    previous = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(previous)
