"""``payseal audit``: who changed what, and when."""

from __future__ import annotations

import dataclasses
import json

import click

from payseal.cli.commands import Command, Group
from payseal.cli.database_option import Place, database_options
from payseal.cli.tables import json_option, table_of
from payseal.cli.terminal import moment

__all__ = ["audit"]


@click.group(cls=Group)
def audit() -> None:
    """Read the audit trail."""


@audit.command("list", cls=Command)
@click.option("--account", help="Of this account alone.")
@click.option("--before", type=int, metavar="ID", help="Go on before this line.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many lines.")
@database_options
@json_option
def list_lines(place: Place, account: str | None, before: int | None, limit: int, as_json: bool) -> None:
    """The newest lines first: who made, rotated, revoked or switched what."""
    with place.accounts() as store:
        found = list(store.audit(account=account, before=before, limit=limit))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], indent=2))
        return
    table_of(
        ("id", "when", "who", "what", "account", "keyid", "details"),
        [
            (
                str(each.id),
                moment(each.at),
                each.actor,
                each.action,
                each.account or "",
                each.keyid or "",
                json.dumps(each.detail) if each.detail else "",
            )
            for each in found
        ],
    )
