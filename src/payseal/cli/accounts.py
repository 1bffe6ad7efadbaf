"""``payseal accounts``: who there is, what is switched on, and where requests may come from."""

from __future__ import annotations

import json
from typing import Any

import click

from payseal.cli.commands import Command, Group
from payseal.cli.database_option import Place, actor, database_options
from payseal.cli.failures import note
from payseal.cli.tables import json_option, table_of
from payseal.cli.terminal import moment
from payseal.server.accounts.records import SWITCHES, Account

__all__ = ["accounts"]


@click.group(cls=Group)
def accounts() -> None:
    """Make, show and change accounts."""


@accounts.command("create", cls=Command)
@click.argument("account")
@click.option("--title", default="", help="What people call it; the id when left out.")
@database_options
@json_option
def create(place: Place, account: str, title: str, as_json: bool) -> None:
    """Make an account. ACCOUNT is its id: lower-case letters, digits and hyphens."""
    with place.accounts() as store:
        _show(store.create(account, title, actor=actor()), as_json=as_json)


@accounts.command("list", cls=Command)
@database_options
@json_option
def list_accounts(place: Place, as_json: bool) -> None:
    """List the accounts."""
    with place.accounts() as store:
        found = store.list()
    if as_json:
        click.echo(json.dumps([_plain(each) for each in found], indent=2))
        return
    table_of(
        ("account", "title", "made", "state"),
        [(each.id, each.title, moment(each.created), "enabled" if each.disabled is None else "disabled") for each in found],
    )


@accounts.command("show", cls=Command)
@click.argument("account")
@database_options
@json_option
def show(place: Place, account: str, as_json: bool) -> None:
    """Show one account: its switches and its allow-list."""
    with place.accounts() as store:
        _show(store.get(account), as_json=as_json)


@accounts.command(
    "switch", cls=Command, epilog="\b\nSwitches:\n" + "\n".join(f"  {name}  {each.meaning}" for name, each in SWITCHES.items())
)
@click.argument("account")
@click.argument("name", metavar="SWITCH")
@click.argument("value", type=click.Choice(["on", "off"]))
@database_options
def switch(place: Place, account: str, name: str, value: str) -> None:
    """Turn a switch of an account on or off."""
    with place.accounts() as store:
        store.switch(account, name, value == "on", actor=actor())
    note(f"{name} is {value}")


@accounts.command("allow-ip", cls=Command)
@click.argument("account")
@click.argument("cidr")
@database_options
def allow_ip(place: Place, account: str, cidr: str) -> None:
    """Put a network on an account's allow-list. With the first one, every other address is refused."""
    with place.accounts() as store:
        store.allow_ip(account, cidr, actor=actor())
    note("on the allow-list")


@accounts.command("remove-ip", cls=Command)
@click.argument("account")
@click.argument("cidr")
@database_options
def remove_ip(place: Place, account: str, cidr: str) -> None:
    """Take a network off an account's allow-list. With the last one gone, every address is taken."""
    with place.accounts() as store:
        store.remove_ip(account, cidr, actor=actor())
    note("off the allow-list")


@accounts.command("disable", cls=Command)
@click.argument("account")
@database_options
def disable(place: Place, account: str) -> None:
    """Refuse every request of an account, until it is enabled again."""
    with place.accounts() as store:
        store.set_disabled(account, True, actor=actor())
    note("disabled")


@accounts.command("enable", cls=Command)
@click.argument("account")
@database_options
def enable(place: Place, account: str) -> None:
    """Take the requests of an account again."""
    with place.accounts() as store:
        store.set_disabled(account, False, actor=actor())
    note("enabled")


def _plain(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "title": account.title,
        "created": account.created,
        "disabled": account.disabled,
        "switches": dict(account.switches),
        "networks": [str(each) for each in account.networks],
    }


def _show(account: Account, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_plain(account), indent=2))
        return
    rows = [
        ("account", account.id),
        ("title", account.title),
        ("made", moment(account.created)),
        ("state", "enabled" if account.disabled is None else f"disabled since {moment(account.disabled)}"),
        *((name, "on" if value else "off") for name, value in account.switches.items()),
        ("allowed from", ", ".join(map(str, account.networks)) or "anywhere"),
    ]
    table_of(("", ""), rows)
