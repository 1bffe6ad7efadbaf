"""The way into the console of a sandbox that nobody has signed in to yet: a link that works once."""

from __future__ import annotations

from typing import Final

from payseal.server.accounts import Database
from payseal.server.users import LinkStore, UserStore
from payseal.server.vault import Vault

__all__ = ["console_link"]

_OPERATOR: Final = "operator"
_ACTOR: Final = "sandbox"
#: Seconds that the link works.
_TTL: Final = 3600.0


def console_link(vault: Vault, address: str) -> str | None:
    """A link that signs the sandbox's operator in; ``None`` once an operator has a password. Raises `DatabaseError`."""
    database = Database.open(vault.accounts_url, create=True)
    try:
        users = UserStore(database)
        operators = [user for user in users.list() if user.role == "operator" and user.disabled is None]
        if any(user.has_password for user in operators):
            return None
        operator = operators[0] if operators else users.create(_OPERATOR, "operator", actor=_ACTOR)
        return f"{address}/console/link#{LinkStore(database).issue(operator.id, ttl=_TTL, actor=_ACTOR)}"
    finally:
        database.close()
