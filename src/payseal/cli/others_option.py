"""``--others FILE``: further credentials of whoever asks, one of which may have been used by mistake.

A TOML file as ``--credentials`` reads it. Nothing is filled in from the environment, and no message holds a value.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from typing import Any, Final

import click

from payseal.cli.bodies import read_bytes
from payseal.cli.failures import wrong_use
from payseal.credentials import Credential

__all__ = ["others_option", "read_others"]

_PARTS: Final = frozenset({"keyid", "secret", "token"})


def others_option(command: Callable[..., None]) -> Callable[..., None]:
    """Adds ``--others``, as ``others_path``."""
    return click.option(
        "--others",
        "others_path",
        metavar="FILE",
        help="Other credentials of yours, in a file as --credentials takes it: was one of them used?",
    )(command)


def read_others(path: str | None, account: str) -> tuple[Credential, ...]:
    """Every credential in that file, as one of that account: whoever has the file owns them all. None without a file.

    Raises `Stop`, or `CredentialError` for parts that cannot be what they should be.
    """
    if path is None:
        return ()
    if path == "-":
        wrong_use("--others takes the path of a file; standard input is for the request")
    try:
        tables = tomllib.loads(read_bytes(path, "--others").decode("utf-8"))
    except UnicodeDecodeError:
        wrong_use("the file of --others is not UTF-8 text")
    except (ValueError, RecursionError) as error:
        place = re.search(r"at (line \d+, column \d+|end of document)", str(error))  # the parser's own words may quote the file
        wrong_use(f"the file of --others is not TOML{f' ({place[0]})' if place else ''}: a text value stands in quotation marks")
    if not tables or not all(isinstance(table, dict) and table.keys() <= _PARTS for table in tables.values()):
        wrong_use("the file of --others must hold one table for each credential: [name], and below it keyid, secret, token")
    return tuple(_credential(number, table, account) for number, table in enumerate(tables.values(), start=1))


def _credential(number: int, table: dict[str, Any], account: str) -> Credential:
    secret = table.get("secret", [])
    secrets = secret if isinstance(secret, list) else [secret]
    keyid, token = table.get("keyid"), table.get("token")
    if not all(isinstance(each, str) and each for each in (*secrets, *(text for text in (keyid, token) if text is not None))):
        wrong_use(f"table {number} of the file of --others: keyid and token are text; secret is text, or a list of texts; none is empty")
    return Credential(keyid, secrets, token, account=account)
