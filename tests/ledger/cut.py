"""A wire that can be cut: forwards to a server, and on demand loses its answers."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable


class Wire:
    """Listens on a port of this machine. ``losing`` is how many more times the answer to what is sent is lost, with the connection."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.losing = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._open: set[socket.socket] = set()
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = self._connect()
            self._open |= {client, server}
            thread = threading.Thread(target=self._forward, args=(client, server))
            self._threads.append(thread)
            thread.start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        lose = False
        with client, server, selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    source, target = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    data = source.recv(65_536)
                    if not data or (source is server and lose):
                        return
                    if source is client and self.losing and self.counts(data):
                        self.losing -= 1
                        lose = True
                    target.sendall(data)

    def counts(self, data: bytes) -> bool:
        """Whether this is a claim on its way; what connects and prepares passes."""
        return b"cut-" in data

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
