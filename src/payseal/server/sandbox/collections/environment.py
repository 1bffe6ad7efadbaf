"""Which variables hold the keys, and what they are for the sandbox's demo account."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from payseal.errors import CredentialError
from payseal.schemes import scheme
from payseal.server.sandbox.collections.calls import CALLS, Call
from payseal.server.snippets.javascript import credential_parts

__all__ = ["KEY_VARIABLES", "demo_values", "variables_of"]


def variables_of(call: Call) -> dict[str, str]:
    """Part of the credential → the variable that holds it."""
    parts = ("token",) if call.scheme is None else credential_parts(scheme(call.scheme))
    return {part: f"{call.keys}_{part}" for part in parts}


#: The variables that whoever sends the requests has to fill: what no answer fills.
KEY_VARIABLES: Final = tuple(
    dict.fromkeys(name for call in CALLS for name in variables_of(call).values() if not any(name in other.keeps for other in CALLS))
)


def demo_values(keys_file: Path) -> dict[str, str]:
    """`KEY_VARIABLES` with what the sandbox's ``keys.toml`` has for them. Raises `CredentialError`."""
    try:
        tables = tomllib.loads(keys_file.read_text("utf-8"))
        values = {name: tables[name.partition("_")[0]][name.partition("_")[2]] for name in KEY_VARIABLES}
    except FileNotFoundError:
        raise CredentialError(f"{keys_file} is not there: payseal sandbox makes it on its first start") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise CredentialError(
            f"{keys_file} cannot be read, or lacks a key: delete it and start the sandbox to have new keys made"
        ) from None
    if not all(isinstance(value, str) for value in values.values()):
        raise CredentialError(f"{keys_file} holds something that is not text: delete it and start the sandbox to have new keys made")
    return values
