"""What one connection may take: seconds, bytes of a head, requests sent ahead of their answers. And how many connections there may be.

uvicorn ends a connection that is idle after an answer. It has no limit for what comes before one: a head may grow without end, or come
a byte a minute, and requests are read on however many are waiting. Here every wait for the client has its end.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
from http import HTTPStatus
from typing import Any, Final

import h11
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ImportError:  # not on Windows
    HttpToolsProtocol = None  # type: ignore[assignment,misc]

__all__ = ["MAX_HEAD", "SECONDS", "Bounded", "room_for_connections"]

#: Bytes of a request line with all its headers.
MAX_HEAD: Final = 65_536
#: What is waited for, and for how many seconds. `look` sees it, once a second.
SECONDS: Final = {
    "head": 10.0,  # a whole head: since the connection was made, or since the last answer
    "body": 10.0,  # a whole body, and a second more for each 16 KiB that came, up to a minute more
    "rest": 5.0,  # the rest of a body, when its request has been refused already
    "unread": 10.0,  # a client that does not read its answer
    "closing": 10.0,  # the same, when nothing follows that answer
}
_RATE: Final = 16_384
_LONGER: Final = 60.0
#: Bytes that are parsed at a time: no more requests than fit into them are waiting for their turn.
_SLICE: Final = 8192
#: Connections at one time; where the system allows fewer open files, what is left of those beside the sandbox's own.
_MOST: Final = 2000
_OWN_FILES: Final = 200


class _Flow(FlowControl):
    """Does not read on while there is something left of what was read before."""

    full = False

    def resume_reading(self) -> None:
        if not self.full:
            super().resume_reading()


_Protocol: Any = asyncio.Protocol


class _Limits(abc.ABC, _Protocol):  # type: ignore[misc]  # stands before one of uvicorn's two protocols
    """What both have in common. `look` is to be called once a second."""

    #: Connections at one time.
    most = _MOST
    flow: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: Read, and not parsed yet.
        self._held = b""
        #: Bytes of the head that is coming in; of everything.
        self._head = self._taken = 0
        #: Nothing more is read: the client was refused, or its requests cannot be told apart any more.
        self._over = False
        #: What was waited for at the last look: for what, with which request, since when, and how many bytes there were then.
        self._wait: tuple[str, Any, float, int] = ("", None, 0.0, 0)

    def connection_made(self, transport: asyncio.Transport) -> None:
        """As uvicorn's; one connection too many is dropped."""
        super().connection_made(transport)
        self.flow = _Flow(transport)
        if len(self.connections) > self.most:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """As uvicorn's, a slice at a time, and no slice while a request that was sent ahead is waiting."""
        if self._over:
            return
        if self._held:
            self._held += data  # it was on its way when reading stopped
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        for at in range(0, len(data), _SLICE):
            if self._ahead():
                self._held, self.flow.full = data[at:], True
                self.flow.pause_reading()
                return
            piece = data[at : at + _SLICE]
            self._taken += len(piece)
            request = self.cycle
            super().data_received(piece)
            if self._over or self.transport.is_closing():
                return
            if self.cycle is not request:
                self._head = 0  # one head ended in this piece; another may have begun
            self._head = self._head + len(piece) if self._reading() == "head" else 0
            if self._head > MAX_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return

    def on_response_complete(self) -> None:
        """As uvicorn's; then what was left is parsed."""
        super().on_response_complete()
        if self._held and not self._over and not self._ahead() and not self.transport.is_closing():
            data, self._held, self.flow.full = self._held, b"", False
            self.flow.resume_reading()
            self._take(data)

    def send_400_response(self, msg: str) -> None:
        """As uvicorn's, but never in the place of another request's answer."""
        self._refuse(HTTPStatus.BAD_REQUEST)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer, and close. Where earlier requests still wait for their answers, they get them, and the connection is closed then."""
        self._over = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            cycle.keep_alive = False
        elif cycle is not None and not cycle.response_complete and (self._ahead() or cycle.response_started):
            self.transport.abort()
        else:
            said = f"{status.phrase}\n".encode()
            head = (
                f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: text/plain\r\ncontent-length: {len(said)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + said)
            self.transport.close()

    def look(self, now: float) -> None:
        """End what takes too long. ``now`` is the event loop's time."""
        what, request = self._waiting_for(), self.cycle
        if (what, request) != self._wait[:2]:
            self._wait = (what, request, now, self._taken)
        elif what in SECONDS:
            _, _, since, taken = self._wait
            if now - since > SECONDS[what] + (min((self._taken - taken) / _RATE, _LONGER) if what == "body" else 0.0):
                self._end(what)

    def _waiting_for(self) -> str:
        """A key of `SECONDS`; another word where it is not the client that is waited for."""
        if self.transport.is_closing():
            return "closing"
        if self.flow.write_paused:
            return "unread"
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return "rest" if self._reading() == "body" else "head"
        if self._reading() != "body" or self.flow.read_paused or cycle.waiting_for_100_continue:
            return "application"
        return "body"

    def _end(self, what: str) -> None:
        if what == "body" or (what == "head" and self._reading() == "head"):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif what == "head":
            self.transport.close()  # there is nothing to answer
        else:
            self.transport.abort()

    @abc.abstractmethod
    def _reading(self) -> str:
        """In the middle of what the parser is: ``head``, ``body``, or ``nothing``."""

    @abc.abstractmethod
    def _ahead(self) -> bool:
        """Whether a request, or the beginning of one, waits for the answer to another."""


class H11Bounded(_Limits, H11Protocol):  # type: ignore[misc]  # neither may say what uvicorn's says of transports
    """Over h11."""

    def _reading(self) -> str:
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            return "body"
        return "head" if state is h11.IDLE and self.conn.trailing_data[0] else "nothing"

    def _ahead(self) -> bool:
        return self.conn.their_state is h11.DONE and bool(self.conn.trailing_data[0])


if HttpToolsProtocol is not None:

    class HttptoolsBounded(_Limits, HttpToolsProtocol):  # type: ignore[misc]  # the same
        """Over httptools, which tells where it is by calling back."""

        _place = "nothing"

        def on_message_begin(self) -> None:
            """As uvicorn's."""
            self._place = "head"
            super().on_message_begin()

        def on_header(self, name: bytes, value: bytes) -> None:
            """As uvicorn's, but no header may come after the body: what was verified did not have it."""
            if self._place == "head":
                super().on_header(name, value)

        def on_headers_complete(self) -> None:
            """As uvicorn's; a request that wants another protocol is the connection's last, since httptools reads nothing after it."""
            self._place = "body"
            super().on_headers_complete()
            if self.parser.should_upgrade():
                self.cycle.keep_alive = False

        def on_message_complete(self) -> None:
            """As uvicorn's."""
            self._place = "nothing"
            super().on_message_complete()

        def _reading(self) -> str:
            return self._place

        def _ahead(self) -> bool:
            return bool(self.pipeline)


#: The quicker of the two that is installed.
Bounded: type[_Limits] = H11Bounded if HttpToolsProtocol is None else HttptoolsBounded


def room_for_connections() -> int:
    """How many connections there may be at one time. Asks the system for as many open files as that takes."""
    wanted = _MOST + _OWN_FILES
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # not on Windows

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            return max(allowed - _OWN_FILES, allowed // 2)
    return _MOST
