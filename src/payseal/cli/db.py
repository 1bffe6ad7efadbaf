"""``payseal db``: the accounts database brought up to date, checked, copied; and its master key changed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from payseal.cli.commands import Command, Group
from payseal.cli.database_option import Place, actor, database_options
from payseal.cli.failures import REFUSED, note, wrong_use
from payseal.cli.tables import json_option
from payseal.errors import CredentialError
from payseal.server.accounts.changes import change
from payseal.server.accounts.database import newest
from payseal.server.accounts.keyring import KeyRing, add_master_key
from payseal.server.accounts.rewrap import keys_in_use
from payseal.server.accounts.rewrap import rewrap as rewrap_all

__all__ = ["db"]


@click.group(cls=Group)
def db() -> None:
    """Look after the accounts database."""


@db.command("upgrade", cls=Command)
@database_options
def upgrade(place: Place) -> None:
    """Make the tables, or bring them up to date. Back up first; it happens whole or not at all."""
    with place.database(create=True, any_version=True) as database:
        before = database.revision()
        after = database.upgrade()
    note(f"at revision {after}" if before == after else f"from revision {before or 'nothing'} to {after}")


@db.command("check", cls=Command)
@database_options
@json_option
@click.pass_context
def check(context: click.Context, place: Place, as_json: bool) -> None:
    """Say whether the tables are up to date and every master key that is needed is there. Exit 1 if not."""
    problems: list[str] = []
    used: dict[str, int] = {}
    with place.database(any_version=True) as database:
        found = database.revision()
        if found != newest():
            problems.append(
                f"the tables are at revision {found or 'nothing'}, and this version of payseal needs {newest()}: payseal db upgrade"
            )
        else:
            used = keys_in_use(database)
        shown = database.shown
    held: tuple[str, ...] = ()
    try:
        held = place.ring().ids
    except CredentialError as error:
        if used:
            problems.append(str(error))
    problems += [
        f"the master key {name!r} is missing, and {count} secrets are sealed with it"
        for name, count in used.items()
        if held and name not in held
    ]
    if as_json:
        result = {
            "database": shown,
            "revision": found,
            "newest": newest(),
            "sealed_with": used,
            "master_keys": list(held),
            "problems": problems,
        }
        click.echo(json.dumps(result, indent=2))
    else:
        click.echo(f"{shown}: revision {found or 'none'}, newest {newest()}")
        for name in dict.fromkeys((*held, *used)):
            role = " (primary)" if held[:1] == (name,) else "" if name in held else " (missing)"
            click.echo(f"master key {name}{role}: {used.get(name, 0)} secrets")
        for problem in problems:
            note(problem)
    if problems:
        context.exit(REFUSED)


@db.command("backup", cls=Command)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@database_options
def backup(place: Place, file: Path) -> None:
    """Copy a SQLite database into a new FILE, while it is in use. The master keys are not in it: keep them apart."""
    with place.database(any_version=True) as database:
        database.backup(file)
    note("backed up; the master keys are not in it, and without them its secrets cannot be opened")


@db.command("new-master-key", cls=Command)
@database_options
def new_master_key(place: Place) -> None:
    """Make a master key and put it first in the file of --master-keys (master.keys here): it seals from now on.

    The first one makes the file. Afterwards, payseal db rewrap seals with it what older keys sealed.
    """
    path = place.keys_path
    with place.database() as database:
        used = set(keys_in_use(database))
        if path.exists():
            KeyRing.load(path).require(used)
        elif used:
            wrong_use(f"the database holds sealed secrets and {path} is not there: put it back from a copy; no new one was made")
        name = add_master_key(path)
        with change(database, actor(), time.time()) as made:
            made.record("master-key.create", id=name)
    note(f"the master key {name} was made: keep a copy of {path}, apart from the database's backups")


@db.command("rewrap", cls=Command)
@database_options
def rewrap(place: Place) -> None:
    """Seal every secret anew with the first master key. It may be stopped and begun again; requests go on meanwhile."""
    with place.database() as database:
        ring = place.ring()
        done = rewrap_all(database, ring, actor=actor(), now=time.time())
    others = ", ".join(ring.ids[1:])
    note(f"{done} secrets sealed with {ring.primary}" + (f"; no longer needed for this database: {others}" if others else ""))
