"""``payseal users``: the people who may use the console. A password comes from a file, the environment or a prompt, never an argument."""

from __future__ import annotations

import dataclasses
import json
from urllib.parse import urlsplit

import click

from payseal.cli.commands import Command, Group
from payseal.cli.database_option import Place, actor, database_options
from payseal.cli.failures import note, wrong_use
from payseal.cli.secrets_input import line_of, someone_is_there, variable
from payseal.cli.tables import json_option, table_of
from payseal.cli.terminal import moment
from payseal.server.users import LinkStore, Role, SessionStore, UserStore
from payseal.server.users.records import ROLES

__all__ = ["users"]

_VARIABLE = "PAYSEAL_PASSWORD"
_WAYS = f"set {_VARIABLE}, or give --password-file"


@click.group(cls=Group)
def users() -> None:
    """Make, let in, disable and sign out the people who use the console."""


@users.command("add", cls=Command)
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="An operator sees everything, a merchant its own account.")
@click.option("--account", metavar="ID", help="The account that a merchant belongs to.")
@database_options
def add(place: Place, name: str, role: Role, account: str | None) -> None:
    """Make a user. NAME is letters, digits and . _ @ -, such as ada@example.com.

    Nobody is let in under that name before payseal users link or payseal users password.
    """
    with place.database() as database:
        UserStore(database).create(name, role, account, actor=actor())
    note("made; payseal users link prints a link that lets them in once, payseal users password sets a password")


@users.command("list", cls=Command)
@database_options
@json_option
def list_users(place: Place, as_json: bool) -> None:
    """List the users."""
    with place.database() as database:
        found = UserStore(database).list()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], indent=2))
        return
    table_of(
        ("name", "role", "account", "made", "password", "state"),
        [
            (
                each.name,
                each.role,
                each.account or "",
                moment(each.created),
                "set" if each.has_password else "none",
                "enabled" if each.disabled is None else "disabled",
            )
            for each in found
        ],
    )


def _refuse_password(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value is not None:
        wrong_use(
            "--password is not taken: an argument can be read by every user of this machine and stays in the shell's history; "
            f"{_WAYS} (and choose another password: this one is in the history now)"
        )


@users.command("password", cls=Command)
@click.argument("name")
@click.option("--password", is_flag=False, flag_value="", hidden=True, is_eager=True, expose_value=False, callback=_refuse_password)
@click.option("--password-file", "file", metavar="PATH", help=f"A file that holds the password as its only line. Else {_VARIABLE}.")
@database_options
def password(place: Place, name: str, file: str | None) -> None:
    """Set a user's password, of 12 characters or more; it is asked for twice unless it is given. The user is signed out everywhere."""
    with place.database() as database:
        store = UserStore(database)
        known = store.get(name).name  # before anybody types
        store.set_password(known, _password(file), actor=actor())
    note("the password is set")


@users.command("disable", cls=Command)
@click.argument("name")
@database_options
def disable(place: Place, name: str) -> None:
    """Let a user in no more; they are signed out everywhere."""
    with place.database() as database:
        UserStore(database).disable(name, actor())
    note("disabled")


@users.command("enable", cls=Command)
@click.argument("name")
@database_options
def enable(place: Place, name: str) -> None:
    """Let a user in again."""
    with place.database() as database:
        UserStore(database).enable(name, actor())
    note("enabled")


@users.command("link", cls=Command)
@click.argument("name")
@click.option("--url", "base", metavar="URL", default="http://127.0.0.1:8700", show_default=True, help="Where the console is reached.")
@database_options
def link(place: Place, name: str, base: str) -> None:
    """Print a link that lets a user in once, within 15 minutes. It needs no password; what makes it work is in no server's log."""
    base = _checked_base(base)
    with place.database() as database:
        token = LinkStore(database).issue(UserStore(database).get(name).id, actor=actor())
    click.echo(f"{base}/console/link#{token}")
    note("it works once, within 15 minutes: hand it over privately")


@users.command("sign-out", cls=Command)
@click.argument("name")
@database_options
def sign_out(place: Place, name: str) -> None:
    """End every session of a user."""
    with place.database() as database:
        ended = SessionStore(database).end_all(UserStore(database).get(name).id, actor=actor())
    note(f"{ended} session{'' if ended == 1 else 's'} ended")


def _password(file: str | None) -> str:
    """The password from where it is given, or asked for twice."""
    given = line_of("--password-file", file) if file is not None else variable(_VARIABLE)
    if given is not None:
        try:
            return given.decode()
        except UnicodeDecodeError:
            wrong_use(f"the password is not UTF-8 text: {_WAYS} as such")
    if not someone_is_there():
        wrong_use(f"there is no password, and nobody to ask for one: {_WAYS}")
    typed: str = click.prompt("new password", hide_input=True, confirmation_prompt="the same again", err=True)
    return typed


def _checked_base(url: str) -> str:
    """The address that a path can be put behind."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not url.isprintable() or any(each in url for each in " ?#@\\"):
        wrong_use("--url takes where the console is reached, such as https://pay.example.com, without a user, a query and a fragment")
    return url.rstrip("/")
