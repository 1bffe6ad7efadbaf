"""Run the sandbox on this machine: a socket on loopback, uvicorn behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator, MutableMapping
from typing import Any, cast

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from payseal.errors import PaysealError
from payseal.server.sandbox.app import App, opened
from payseal.server.sandbox.connections import MAX_HEAD, Bounded, room_for_connections
from payseal.server.sandbox.faults.layer import ABORT
from payseal.server.sandbox.provider import Settings
from payseal.server.vault import Vault

__all__ = ["address_of", "bind", "serve", "serving"]

HOST = "127.0.0.1"
#: Tenths of a second between two looks at what takes too long.
_LOOK = 10


def bind(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one. Raises `PaysealError` when it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise PaysealError(
            f"port {port} on {HOST} cannot be used ({error.strerror}): choose another with --port, or 0 for a free one"
        ) from None
    return listener


def address_of(listener: socket.socket) -> str:
    """Where it is reached."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def serve(vault: Vault, listener: socket.socket, settings: Settings | None = None) -> None:
    """Serve until interrupted."""
    address, stopping = address_of(listener), threading.Event()
    with vault.running(address), opened(vault, settings, address, stopping) as app:
        _server(app, stopping).run(sockets=[listener])


@contextlib.contextmanager
def serving(vault: Vault, listener: socket.socket, settings: Settings | None = None) -> Iterator[None]:
    """Serve from a thread for as long as the block runs."""
    address, stopping = address_of(listener), threading.Event()
    with vault.running(address), opened(vault, settings, address, stopping) as app:
        server = _server(app, stopping)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + 30
            while not server.started:
                if not thread.is_alive() or time.monotonic() > deadline:
                    raise PaysealError("the sandbox did not start; what it printed above says why")
                time.sleep(0.01)
            yield
        finally:
            server.should_exit = True
            thread.join(timeout=15)


class _Server(uvicorn.Server):
    """Says that it stops before it waits for the last answers, and looks now and then at what takes too long."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def on_tick(self, counter: int) -> bool:
        """As uvicorn's, which calls it ten times a second."""
        if counter % _LOOK == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                assert isinstance(connection, Bounded)
                connection.look(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        self._stopping.set()
        await super().shutdown(sockets)


def _server(app: App, stopping: threading.Event) -> uvicorn.Server:
    connections: dict[Any, asyncio.Transport] = {}
    # Inside, so that a connection is known by the address that it comes from, whatever a proxy says of the client's.
    behind_proxy: Any = ProxyHeadersMiddleware(cast(Any, app), os.environ.get("FORWARDED_ALLOW_IPS", HOST))

    class Protocol(Bounded):  # type: ignore[valid-type,misc]  # one of two classes
        """Knows its connection by the client's address, so that it can be dropped."""

        most = room_for_connections()

        def connection_made(self, transport: asyncio.Transport) -> None:
            self._peer = transport.get_extra_info("peername")
            connections[self._peer] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(self._peer, None)
            super().connection_lost(exc)

    async def droppable(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        transport = connections.get(scope.get("client"))
        if transport is None:  # it is gone already: nobody is answered
            await behind_proxy(scope, receive, send)
            return

        async def sent(message: MutableMapping[str, Any]) -> None:
            try:
                await send(message)
            except RuntimeError:
                if not transport.is_closing():
                    raise
                await _seen_to_be_gone(receive)

        scope[ABORT] = transport.abort
        await behind_proxy(scope, receive, sent)

    config = uvicorn.Config(
        droppable,
        http=Protocol,
        h11_max_incomplete_event_size=MAX_HEAD,
        ws="none",
        proxy_headers=False,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
    )
    return _Server(config, stopping)


async def _seen_to_be_gone(receive: Any) -> None:
    """Wait until uvicorn knows that the client is gone: before that it takes a dropped answer for a failure of the application."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            while (await receive())["type"] != "http.disconnect":
                pass
