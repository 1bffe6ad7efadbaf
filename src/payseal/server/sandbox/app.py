"""The sandbox as one ASGI application: around each provider its guard, with that provider's scheme, and around that the faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import ExitStack, closing, contextmanager
from typing import Any, TypeAlias

from starlette.applications import Starlette

from payseal.credentials import Credential
from payseal.ledger import Ledger, open_ledger
from payseal.middleware import ASGIMiddleware
from payseal.server.accounts import Database, Directory
from payseal.server.accounts.decisions import DecisionLog
from payseal.server.console import EXPLANATIONS, Gauge, Services, console
from payseal.server.console import PATH as CONSOLE
from payseal.server.sandbox import commercehub, fiserv, startbutton
from payseal.server.sandbox.control import CONTROL, control_routes
from payseal.server.sandbox.endpoints import endpoints
from payseal.server.sandbox.explained import Explaining
from payseal.server.sandbox.faults import Desk
from payseal.server.sandbox.faults.layer import FaultLayer
from payseal.server.sandbox.faults.misled import skewed
from payseal.server.sandbox.front import front
from payseal.server.sandbox.hosted import hosted_routes
from payseal.server.sandbox.provider import Backing, Settings, failed
from payseal.server.sandbox.store import Store
from payseal.server.sandbox.turns import Turns
from payseal.server.sightings import Sightings
from payseal.server.vault import Vault, control_token
from payseal.verification import Authenticated

__all__ = ["App", "opened"]

App: TypeAlias = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

#: An answer of Commerce Hub and of the Payments API is given again for as long (seconds): their texts name up to 24 hours.
_ANSWER_TTL = 86_400


@contextmanager
def opened(vault: Vault, settings: Settings | None = None, address: str = "", stopping: threading.Event | None = None) -> Iterator[App]:
    """The application over one folder, and the accounts and the ledger that belong to it. Closed in the end, with every decision written.

    ``address`` is where it is reached (``http://127.0.0.1:8700``): links in its answers begin with it. ``stopping`` is set by whoever
    serves it before the last answers are waited for: those that would have no end then have one.

    Raises `CredentialError`, `DatabaseError`, `LedgerError`, `PaysealError`.
    """
    with ExitStack() as stack:
        database = stack.enter_context(closing(Database.open(vault.accounts_url)))
        directory = stack.enter_context(Directory(database, vault.ring))
        ledger = stack.enter_context(closing(open_ledger(vault.ledger_url)))
        decisions = stack.enter_context(closing(DecisionLog(database, lambda keyid: directory.keyid_of(keyid=keyid) is not None)))
        store = stack.enter_context(closing(Store.open(vault.database_file)))
        desk = stack.enter_context(closing(Desk()))
        backing = Backing(store, vault, directory, settings or Settings(), time.time)
        stack.enter_context(startbutton.running(backing))
        services = Services(
            database=database,
            ring=vault.ring,
            directory=directory,
            gauge=Gauge(ledger),
            sightings=Sightings(),
            address=address,
            endpoints=endpoints(),
            open_explanations=True,
            stopping=stopping or threading.Event(),
        )
        yield _build(backing, ledger, decisions, desk, services)


def _build(backing: Backing, ledger: Ledger, decisions: DecisionLog, desk: Desk, services: Services) -> App:
    def admit(who: Authenticated, client: str | None) -> bool:
        account = backing.directory.account(who.account)
        return account is not None and account.allows(client)

    def keys_of(account: str) -> tuple[Credential, ...]:
        now = backing.clock()
        return tuple(entry.credential(now) for entry in backing.directory.of_account(account) if not entry.problem)

    def revoked(names: str, name: str) -> bool:
        return services.credentials.revoked(**{names: name})

    # The first that fits: within a provider a path of its own stands before the prefix that holds it.
    mounts = [*commercehub.mounts(backing), *fiserv.mounts(backing), *startbutton.mounts(backing)]
    table: list[tuple[str, App]] = []
    turns = Turns()
    for mount in mounts:
        explaining = Explaining(mount.verifier, services.sightings, keys_of, revoked, skewed(backing.clock), services.address, turns)
        guarded = ASGIMiddleware(
            mount.app,
            mount.verifier,
            ledger,
            idempotent=mount.idempotent,
            answer_ttl=_ANSWER_TTL,
            sealer=backing.vault,
            render=explaining.render,
            on_decision=decisions.record,
            witness=explaining.witness,
            admit=admit,
            unsigned=mount.unsigned,
        )
        table.append((mount.path, FaultLayer(guarded, desk, mount.provider, failed(mount.app))))
    table.append((CONTROL, Starlette(routes=control_routes(desk, control_token(backing.vault.folder)))))
    table += [(path, console(services)) for path in (CONSOLE, EXPLANATIONS)]
    rest = front(mounts, hosted_routes(backing))

    async def sandbox(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        app = next((app for prefix, app in table if path == prefix or path.startswith(f"{prefix}/")), rest)
        await app(scope, receive, send)

    return sandbox
