"""What the console's pages work with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
from anyio import to_thread

from payseal.server.accounts import AccountStore, CredentialStore, Database, Directory, KeyRing
from payseal.server.console.gauge import Gauge
from payseal.server.sightings import Sightings
from payseal.server.users import LinkStore, SessionStore, Throttle, UserStore

__all__ = ["Endpoint", "Services"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An operation that a request can be tried on. ``body`` is an example, as JSON text; empty where it takes none."""

    scheme: str
    title: str
    method: str
    path: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Services:
    """The stores, made once from the database and the key ring; ``clock`` gives seconds since the epoch.

    ``address`` is where this server is reached. ``endpoints`` are what the console may send a request to, signed with a credential that
    is kept here: for a sandbox. Empty: nothing is ever signed by the console.
    """

    database: Database
    ring: KeyRing
    directory: Directory
    gauge: Gauge
    sightings: Sightings
    address: str
    endpoints: tuple[Endpoint, ...] = ()
    #: Whether the link in a refusal opens its explanation without sign-in: for a sandbox.
    open_explanations: bool = False
    #: Set when the server stops: streams end.
    stopping: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.time
    #: The console's own: however many people sign in or export at once, requests that are to be verified find theirs.
    threads: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(12))
    accounts: AccountStore = field(init=False)
    credentials: CredentialStore = field(init=False)
    users: UserStore = field(init=False)
    sessions: SessionStore = field(init=False)
    links: LinkStore = field(init=False)
    throttle: Throttle = field(init=False)

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do work that may wait, in one of the console's threads."""
        return await to_thread.run_sync(partial(work, *args, **kwargs), limiter=self.threads)

    def __post_init__(self) -> None:
        for name, made in (
            ("accounts", AccountStore(self.database, clock=self.clock)),
            ("credentials", CredentialStore(self.database, self.ring, clock=self.clock)),
            ("users", UserStore(self.database, clock=self.clock)),
            ("sessions", SessionStore(self.database, clock=self.clock)),
            ("links", LinkStore(self.database, clock=self.clock)),
            ("throttle", Throttle(self.database, clock=self.clock)),
        ):
            object.__setattr__(self, name, made)
