"""``payseal keys``: credentials issued, listed, rotated, ended. A secret is on standard output once, when it is made."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import click

from payseal.cli.commands import Command, Group
from payseal.cli.database_option import Place, actor, database_options
from payseal.cli.failures import note, wrong_use
from payseal.cli.scheme_option import overrides, set_option
from payseal.cli.tables import json_option, table_of
from payseal.cli.terminal import moment
from payseal.server.accounts.records import CredentialRecord, IssuedCredential

__all__ = ["keys"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.group(cls=Group)
def keys() -> None:
    """Issue, list, rotate and revoke credentials."""


@keys.command("create", cls=Command)
@click.argument("account")
@click.option("--scheme", "scheme", metavar="NAME", required=True, help="A name from the catalogue (see payseal schemes list).")
@click.option("--label", default="", help="What it is for, in a few words.")
@set_option
@click.option("--allow-unkeyed", is_flag=True, help="For a scheme without a key, where something else proves the sender.")
@click.option("--not-after", metavar="TIME", help="When it ends: 2027-01-31, 2027-01-31T12:00:00Z, or a time from now such as 90d.")
@database_options
@json_option
def create(
    place: Place,
    account: str,
    scheme: str,
    label: str,
    settings: tuple[str, ...],
    allow_unkeyed: bool,
    not_after: str | None,
    as_json: bool,
) -> None:
    """Issue a credential of ACCOUNT for one scheme. Its secret is printed now and never again.

    \b
    payseal keys create acme --scheme fiserv-payments --set created.format=unix
    """
    end = None if not_after is None else _moment_of(not_after)
    with place.credentials(issuing=True) as store:
        issued = store.create(
            account, scheme, label=label, overrides=overrides(settings), allow_unkeyed=allow_unkeyed, not_after=end, actor=actor()
        )
    _print(issued, as_json=as_json)


@keys.command("list", cls=Command)
@click.option("--account", help="Of this account alone.")
@database_options
@json_option
def list_keys(place: Place, account: str | None, as_json: bool) -> None:
    """List credentials, without their secrets."""
    with place.credentials() as store:
        found = store.list(account)
    now = time.time()
    if as_json:
        click.echo(json.dumps([_plain(each, now) for each in found], indent=2))
        return
    headings = ("keyid", "account", "scheme", "overrides", "state", "made", "ends", "label")
    rows = [
        (
            each.keyid,
            each.account,
            each.scheme,
            json.dumps(each.overrides) if each.overrides else "",
            _state(each, now),
            moment(each.created),
            "" if each.not_after is None else moment(each.not_after),
            each.label,
        )
        for each in found
    ]
    table_of(headings, rows)


@keys.command("rotate", cls=Command)
@click.argument("keyid")
@click.option("--overlap", metavar="TIME", default="1d", show_default=True, help="How long the old secret still verifies: 0, 90s, 12h, 7d.")
@database_options
@json_option
def rotate(place: Place, keyid: str, overlap: str, as_json: bool) -> None:
    """Issue a new secret for a credential; it is printed now and never again. The old one verifies until the overlap ends."""
    seconds = _seconds_of(overlap)
    if seconds is None:
        wrong_use("--overlap takes a time such as 0, 90s, 30m, 12h or 7d")
    with place.credentials(issuing=True) as store:
        issued = store.rotate(keyid, overlap=seconds, actor=actor())
    _print(issued, as_json=as_json)


@keys.command("expire", cls=Command)
@click.argument("keyid")
@click.argument("time_", metavar="TIME")
@database_options
def expire(place: Place, keyid: str, time_: str) -> None:
    """Give a credential an end: 2027-01-31, 2027-01-31T12:00:00Z, a time from now such as 90d, or never."""
    end = None if time_ == "never" else _moment_of(time_)
    with place.credentials() as store:
        store.expire(keyid, end, actor=actor())
    note("it has no end" if end is None else f"it ends at {moment(end)}")


@keys.command("revoke", cls=Command)
@click.argument("keyid")
@database_options
def revoke(place: Place, keyid: str) -> None:
    """End a credential at once and for good. Every replica refuses it within a second."""
    with place.credentials() as store:
        store.revoke(keyid, actor=actor())
    note("revoked")


def _print(issued: IssuedCredential, *, as_json: bool) -> None:
    """The one place that shows a secret."""
    parts = {"keyid": issued.keyid, "secret": issued.secret, "token": issued.token}
    shown = {name: value for name, value in parts.items() if value is not None}
    if as_json:
        click.echo(json.dumps({"account": issued.account, "scheme": issued.scheme, **shown}, indent=2))
    else:
        # The form that --credentials reads; what is made of letters and digits needs no escaping.
        click.echo(f"[{issued.scheme}]\n" + "\n".join(f'{name} = "{value}"' for name, value in shown.items()))
    note("this is shown once: keep it now, it cannot be shown again")


def _state(record: CredentialRecord, now: float) -> str:
    state = record.state(now)
    ends = [end for end in record.secrets if end is not None]
    return f"{state} until {moment(max(ends))}" if state == "rotating" else state


def _plain(record: CredentialRecord, now: float) -> dict[str, Any]:
    return {
        "keyid": record.keyid,
        "account": record.account,
        "label": record.label,
        "scheme": record.scheme,
        "overrides": record.overrides,
        "allow_unkeyed": record.allow_unkeyed,
        "token": record.has_token,
        "created": record.created,
        "not_after": record.not_after,
        "revoked": record.revoked,
        "state": record.state(now),
        "secrets_end": list(record.secrets),
    }


def _seconds_of(text: str) -> float | None:
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return None
    return float(int(number) * _UNITS[unit])


def _moment_of(text: str) -> float:
    """Seconds since the epoch. A time without a zone is UTC."""
    seconds = _seconds_of(text)
    if seconds is not None:
        return time.time() + seconds
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        wrong_use("a time is 2027-01-31, 2027-01-31T12:00:00Z, or a time from now such as 90d")
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
