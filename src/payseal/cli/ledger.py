"""``payseal ledger``: what the memory of request ids holds."""

from __future__ import annotations

import json
import os

import click

from payseal.cli.commands import Command, Group
from payseal.cli.failures import wrong_use
from payseal.ledger import open_ledger

__all__ = ["ledger"]


@click.group(cls=Group)
def ledger() -> None:
    """Look into a ledger, the memory of request ids."""


@ledger.command(cls=Command, short_help="Count the ids that a ledger holds, by state.")
@click.option("--ledger", "url", metavar="URL", help="The ledger's URL. [default: PAYSEAL_LEDGER, where a password belongs]")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def stats(url: str | None, as_json: bool) -> None:
    """Count the ids that a ledger holds, by state.

    Every id is looked at: on a ledger with millions this takes seconds.

    \b
    payseal ledger stats --ledger sqlite:////var/lib/payseal/ledger.db
    export PAYSEAL_LEDGER=postgresql://…
    payseal ledger stats --json
    """
    url = url or os.environ.get("PAYSEAL_LEDGER")
    if not url:
        wrong_use("which ledger? Give its URL with --ledger or in PAYSEAL_LEDGER")
    _must_exist(url)
    opened = open_ledger(url)
    try:
        held = opened.stats()
    finally:
        opened.close()
    counts = {"in_flight": held.in_flight, "unknown": held.unknown, "done": held.done, "expired": held.expired, "total": held.total}
    if as_json:
        click.echo(json.dumps({**counts, "bytes": held.size}))
        return
    meanings = {
        "in_flight": "claimed, being processed",
        "unknown": "claimed, never finished: how it ended is not known",
        "done": "processed",
        "expired": "over, and not taken out yet",
        "total": "",
    }
    for name, count in counts.items():
        click.echo(f"{name.replace('_', ' '):<10}{count:>12,}  {meanings[name]}".rstrip())
    if held.size is not None:
        click.echo(f"{'bytes':<10}{held.size:>12,}")


def _must_exist(url: str) -> None:
    """To open a file that is not there would make it, and a mistyped path would look like an empty ledger."""
    path = url.removeprefix("sqlite:///")
    if path != url and not os.path.exists(path):
        wrong_use("there is no such ledger: the file does not exist")
    if url.startswith("memory:"):
        wrong_use("a ledger in memory is seen by its own process alone")
