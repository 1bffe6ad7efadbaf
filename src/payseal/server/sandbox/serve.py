"""Run the sandbox on this machine: a socket on loopback, uvicorn behind it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn

from payseal.errors import PaysealError
from payseal.server.sandbox.app import App, opened
from payseal.server.vault import Vault

__all__ = ["bind", "serve", "serving"]

HOST = "127.0.0.1"


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


def serve(vault: Vault, listener: socket.socket) -> None:
    """Serve until interrupted."""
    with opened(vault) as app:
        _server(app).run(sockets=[listener])


@contextlib.contextmanager
def serving(vault: Vault, listener: socket.socket) -> Iterator[None]:
    """Serve from a thread for as long as the block runs."""
    with opened(vault) as app:
        server = _server(app)
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


def _server(app: App) -> uvicorn.Server:
    return uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=5))
