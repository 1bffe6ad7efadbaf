"""The sandbox as one ASGI application: around each provider its guard, with that provider's scheme, and around that the faults."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from payseal.ledger import open_ledger
from payseal.middleware import ASGIMiddleware, provider_refusal
from payseal.server.accounts import Database, Directory
from payseal.server.accounts.decisions import DecisionLog
from payseal.server.sandbox import commercehub, fiserv, startbutton
from payseal.server.sandbox.faults import Desk
from payseal.server.sandbox.faults.layer import FaultLayer
from payseal.server.sandbox.faults.misled import skewed
from payseal.server.sandbox.front import front
from payseal.server.sandbox.provider import Backing, Settings, failed
from payseal.server.sandbox.store import Store
from payseal.server.vault import Vault
from payseal.verification import Authenticated

__all__ = ["App", "opened"]

App: TypeAlias = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

#: An answer of Commerce Hub and of the Payments API is given again for as long (seconds): their texts name up to 24 hours.
_ANSWER_TTL = 86_400


@contextmanager
def opened(vault: Vault, settings: Settings | None = None) -> Iterator[App]:
    """The application over one folder: its accounts, its databases, its ledger. Closed in the end, with every decision written.

    Raises `CredentialError`, `DatabaseError`, `LedgerError`, `PaysealError`.
    """
    database = Database.open(vault.accounts_url)
    try:
        with Directory(database, vault.ring) as directory:
            decisions = DecisionLog(database, lambda keyid: directory.by_keyid(keyid) is not None)
            store = Store.open(vault.database_file)
            desk = Desk()
            try:
                backing = Backing(store, vault, directory, settings or Settings(), skewed(time.time))
                yield _build(backing, decisions, desk)
            finally:
                desk.close()
                decisions.close()
                store.close()
    finally:
        database.close()


def _build(backing: Backing, decisions: DecisionLog, desk: Desk) -> App:
    ledger = open_ledger(f"sqlite:///{backing.vault.ledger_file.resolve()}")

    def admit(who: Authenticated, client: str | None) -> bool:
        account = backing.directory.account(who.account)
        return account is not None and account.allows(client)

    # The first that fits: within a provider a path of its own stands before the prefix that holds it.
    table: list[tuple[str, App]] = []
    for mount in (*commercehub.mounts(backing), *fiserv.mounts(backing), *startbutton.mounts(backing)):
        guarded = ASGIMiddleware(
            mount.app,
            mount.verifier,
            ledger,
            idempotent=mount.idempotent,
            answer_ttl=_ANSWER_TTL,
            render=provider_refusal,
            on_decision=decisions.record,
            admit=admit,
            unsigned=mount.unsigned,
        )
        table.append((mount.path, FaultLayer(guarded, desk, mount.provider, failed(mount.app))))
    rest = front()

    async def sandbox(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        app = next((app for prefix, app in table if path == prefix or path.startswith(f"{prefix}/")), rest)
        await app(scope, receive, send)

    return sandbox
