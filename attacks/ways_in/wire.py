"""Bytes on a socket, exactly as they were written down, and what came back."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Conversation", "said", "talk"]

#: Bytes of an answer that are read, at most.
_MOST: Final = 262_144
#: Seconds between two pieces.
_PAUSE: Final = 0.1
#: Where one answer begins, whatever stands before it.
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n")

_ADDRESSES: Final = (f"127.{high}.{middle}.{low}" for high in range(1, 256) for middle in range(256) for low in range(1, 255))


@dataclass(frozen=True)
class Conversation:
    """What was answered on one connection. ``client`` is the client's own address and port, by which the server knows the connection."""

    client: tuple[str, int]
    answered: bytes

    @property
    def statuses(self) -> list[int]:
        """Of each final answer; 100 Continue is none."""
        found = [int(status) for status in _STATUS.findall(self.answered)]
        return [status for status in found if status >= 200]


def talk(server: int, data: bytes | Sequence[bytes], patience: float) -> Conversation:
    """Send ``data`` to that port of this machine and read until the server closes, or says nothing for ``patience`` seconds.

    Where there are several pieces the server is given time to act on each before the next one comes."""
    with _connected(server) as connection:
        client: tuple[str, int] = connection.getsockname()
        # A server that has refused does not read to the end: what it said is still there to be read.
        with contextlib.suppress(ConnectionError):
            first, *later = [data] if isinstance(data, bytes) else data
            connection.sendall(first)
            for piece in later:
                time.sleep(_PAUSE)
                connection.sendall(piece)
        connection.settimeout(patience)
        answered = b""
        with contextlib.suppress(OSError):
            while len(answered) < _MOST and (piece := connection.recv(65_536)):
                answered += piece
    return Conversation(client, answered)


def _connected(server: int) -> socket.socket:
    """From an address of its own: a port alone would soon be used again, and what came late from before be taken for this connection's."""
    with contextlib.suppress(OSError):  # where not all of 127.0.0.0/8 is this machine's
        return socket.create_connection(("127.0.0.1", server), timeout=10, source_address=(next(_ADDRESSES), 0))
    return socket.create_connection(("127.0.0.1", server), timeout=10)


def said(conversation: Conversation) -> str:
    """The first answer in a few words: payseal's own code where it has one."""
    if not conversation.statuses:
        return "no answer"
    head, _, body = conversation.answered.partition(b"\r\n\r\n")
    if b"application/problem+json" in head.lower():
        with contextlib.suppress(ValueError):
            return str(json.JSONDecoder().raw_decode(body.decode("utf-8", "replace"))[0]["code"])
    return f"{conversation.statuses[0]} from the server"
