"""``payseal sandbox faults``: make the running sandbox fail on purpose."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click

from payseal.cli.commands import Command, Group
from payseal.cli.failures import NO_ANSWER, Stop, note, wrong_use
from payseal.cli.sandbox_folder import folder_option
from payseal.cli.tables import json_option, table_of
from payseal.errors import PaysealError
from payseal.server.sandbox.control import FAULTS, PROVIDERS
from payseal.server.sandbox.faults import KINDS, Kind
from payseal.server.sandbox.faults.magic import MAGIC
from payseal.server.vault import control_token

__all__ = ["faults"]

_TIMEOUT: Final = 10  # seconds


@click.group(cls=Group)
def faults() -> None:
    """Make the running sandbox fail on purpose: to see what a client's retry does.

    \b
    payseal sandbox faults kinds
    payseal sandbox faults add error-after --provider fiserv
    payseal sandbox faults add slow --seconds 5 --times 3
    payseal sandbox faults add clock-skew --seconds -900 --always
    payseal sandbox faults clear
    """


@faults.command(cls=Command, short_help="Show what can go wrong, and the amounts that make it so.")
@json_option
def kinds(as_json: bool) -> None:
    """Show what can go wrong, and the amounts (in minor units: 400006 is 4000.06) that make it so without an order."""
    amounts = {fault.kind: amount for amount, fault in MAGIC.items()}
    if as_json:
        shown = {
            kind: {"meaning": each.sentence, "seconds": each.seconds or None, "amount": amounts.get(kind)} for kind, each in KINDS.items()
        }
        click.echo(json.dumps(shown))
        return
    rows = [(kind, str(amounts.get(kind, "")), f"{each.seconds:g}" if each.seconds else "", each.sentence) for kind, each in KINDS.items()]
    table_of(("Kind", "Amount", "Seconds", "What happens"), rows)


@faults.command(cls=Command, short_help="Let the next requests fail.")
@click.argument("kind", type=click.Choice([str(kind) for kind in Kind]), metavar="KIND")
@click.option("--provider", type=click.Choice(PROVIDERS), help="Only requests to this system.")
@click.option("--path", default="/", show_default=True, help="Only requests whose path begins so.")
@click.option("--seconds", type=float, help="How long, or by how much a clock is off (below zero: behind).")
@click.option("--times", type=click.IntRange(1, 1_000_000), default=1, show_default=True, help="How many requests.")
@click.option("--always", is_flag=True, help="All requests, until the order is cleared.")
@folder_option
@json_option
def add(kind: str, provider: str | None, path: str, seconds: float | None, times: int, always: bool, folder: Path, as_json: bool) -> None:
    """Let the next requests meet a fault. KIND is one of those that `payseal sandbox faults kinds` shows."""
    order = {"kind": kind, "provider": provider, "path": path, "seconds": seconds, "times": None if always else times}
    made = _ask(folder, "POST", FAULTS, order)
    if as_json:
        click.echo(json.dumps(made))
    else:
        note(f"order {made['id']}: {KINDS[Kind(kind)].sentence}")


@faults.command("list", cls=Command, short_help="Show the orders that are left.")
@folder_option
@json_option
def list_(folder: Path, as_json: bool) -> None:
    """Show the orders that are left, oldest first: the first that fits a request is the one that it meets."""
    orders = _ask(folder, "GET", FAULTS)
    if as_json:
        click.echo(json.dumps(orders))
        return
    rows = [
        (
            str(each["id"]),
            each["kind"],
            each["provider"] or "any",
            each["path"],
            "" if each["seconds"] is None else f"{each['seconds']:g}",
            "all" if each["times"] is None else str(each["times"]),
        )
        for each in orders
    ]
    table_of(("Order", "Kind", "System", "Path", "Seconds", "Requests left"), rows)


@faults.command(cls=Command, short_help="Take orders back.")
@click.argument("number", type=click.IntRange(1), required=False, metavar="[ORDER]")
@folder_option
def clear(number: int | None, folder: Path) -> None:
    """Take back one order, or all of them."""
    cleared = _ask(folder, "DELETE", FAULTS if number is None else f"{FAULTS}/{number}")["cleared"]
    if number is not None and not cleared:
        wrong_use(f"there is no order {number}")
    note(f"{cleared} taken back")


def _ask(folder: Path, method: str, path: str, document: dict[str, Any] | None = None) -> Any:
    """Ask the sandbox that runs on the folder. Raises `PaysealError`."""
    try:
        address = urlsplit((folder / "address").read_text("ascii").strip())
    except (OSError, UnicodeDecodeError):
        raise Stop(f"no sandbox runs on {folder}: start one with payseal sandbox --folder {folder}", NO_ANSWER) from None
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT)
    headers = {"Authorization": f"Bearer {control_token(folder)}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, None if document is None else json.dumps(document), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        raise Stop(f"the sandbox at {address.geturl()} does not answer: is it still running?", NO_ANSWER) from None
    finally:
        connection.close()
    if response.status >= 400:
        raise PaysealError(f"the sandbox refused: {answer['message']}")
    return answer
