"""Delivering a webhook: signed when it is sent, to an address that was judged, within a time, and tried again when it was not taken.

An answer of 2xx within the time means that it was taken. Every other answer, a redirect among them, and none at all is a failure.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, Final

from payseal.credentials import Credential
from payseal.errors import CredentialError
from payseal.request import Request
from payseal.schemes import scheme
from payseal.server.accounts import DatabaseError
from payseal.server.sandbox.provider import Backing
from payseal.server.sandbox.startbutton.transfers import now_of
from payseal.server.sandbox.startbutton.webhooks import outbox
from payseal.server.sandbox.startbutton.webhooks.keys import secret_key
from payseal.server.sandbox.startbutton.webhooks.outbox import Letter
from payseal.server.sandbox.startbutton.webhooks.targets import Address, Forbidden, Rules, Target, parsed
from payseal.signing import Signer

__all__ = ["SCHEDULE", "Postman", "Schedule"]

_logger: Final = logging.getLogger("payseal")

#: Bytes of an answer's body that are read, so that its sender is not cut off.
_ANSWER: Final = 65_536


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds: how long an attempt may take as a whole, and how long to wait after each that failed. After the last wait comes one more."""

    timeout: float
    delays: tuple[float, ...]


SCHEDULE: Final = Schedule(5.0, (1.0, 2.0, 4.0, 8.0))


class _NotTaken(Exception):
    """Why this attempt failed."""


class _Hopeless(Exception):
    """Why no attempt can succeed."""


class Postman:
    """Sends what the outbox holds. Raises `PaysealError` for a list of hosts that is none."""

    def __init__(self, backing: Backing, schedule: Schedule = SCHEDULE) -> None:
        self._backing, self._schedule = backing, schedule
        self._rules = Rules.of(backing.settings.webhook_hosts)

    def send_next(self) -> bool:
        """Send the webhook that is due, if there is one; returns whether there was."""
        store, schedule = self._backing.store, self._schedule
        now = now_of(self._backing)
        # Counted and put off before it is sent: whatever happens meanwhile, it is neither lost nor sent for ever.
        letter = outbox.take(store, now, now + int(schedule.timeout * 2000))
        if letter is None:
            return False
        try:
            if letter.attempt > len(schedule.delays) + 1:
                raise _Hopeless("the attempts are used up")
            self._send(letter)
        except _NotTaken as error:
            if letter.attempt > len(schedule.delays):
                self._give_up(letter, str(error))
            else:
                outbox.postpone(store, letter, now_of(self._backing) + int(schedule.delays[letter.attempt - 1] * 1000))
        except _Hopeless as error:
            self._give_up(letter, str(error))
        else:
            outbox.remove(store, letter)
        return True

    def _send(self, letter: Letter) -> None:
        """One attempt. Raises `_NotTaken`, `_Hopeless`."""
        target = parsed(letter.url)
        try:
            key = secret_key(self._backing, letter.account, letter.keyid)
            addresses = self._rules.addresses(target)
        except (CredentialError, DatabaseError):
            raise _NotTaken("the account's credentials could not be read") from None
        except Forbidden:
            raise _Hopeless("the host stands for an address that webhooks do not go to") from None
        except OSError:
            raise _NotTaken("the host's name could not be looked up") from None
        if key is None:
            raise _Hopeless("the account has no valid credential to sign it with")
        signed = Signer(scheme("startbutton-webhook"), Credential(secret=key)).sign(Request("POST", target.path, body=letter.body))
        headers = {
            "Host": target.authority,
            "Content-Type": "application/json",
            "User-Agent": "payseal-sandbox",
            "Connection": "close",
            **signed,
        }
        try:
            status = _post(target, addresses, headers, letter.body, self._schedule.timeout)
        except (OSError, http.client.HTTPException) as error:
            raise _NotTaken(f"no answer ({type(error).__name__})") from None
        if not 200 <= status < 300:
            raise _NotTaken(f"answered {status}")

    def _give_up(self, letter: Letter, reason: str) -> None:
        outbox.remove(self._backing.store, letter)
        # The host alone: the rest of a URL may be a secret.
        host = parsed(letter.url).authority
        _logger.warning("webhook %s of transfer %s to %s is given up: %s", letter.event, letter.reference, host, reason)


def _post(target: Target, addresses: list[Address], headers: Mapping[str, str], body: bytes, timeout: float) -> int:
    """The status that was answered. Raises `OSError` (a time-out too), `http.client.HTTPException`."""
    with ExitStack() as open_sockets:
        connection = _Connection(target, addresses, time.monotonic() + timeout, open_sockets)
        connection.request("POST", target.path, body, dict(headers))
        response = connection.getresponse()
        with suppress(OSError, http.client.HTTPException):  # it was said already whether it was taken
            response.read(_ANSWER)
        response.close()
        return response.status


class _Connection(http.client.HTTPConnection):
    """Connects to the addresses it is given, and to no other. All that it does must be done by ``deadline`` (of `time.monotonic`)."""

    def __init__(self, target: Target, addresses: list[Address], deadline: float, open_sockets: ExitStack) -> None:
        super().__init__(target.host, target.port)
        self._target, self._addresses, self._deadline, self._open_sockets = target, addresses, deadline, open_sockets

    def connect(self) -> None:
        """The first address that answers. Raises `OSError`."""
        connected = self._open_sockets.enter_context(self._connected())
        if self._target.secure:
            connected.settimeout(_left(self._deadline))
            context = ssl.create_default_context()
            connected = self._open_sockets.enter_context(context.wrap_socket(connected, server_hostname=self._target.host))
        self.sock: Any = _Bounded(connected, self._deadline)

    def _connected(self) -> socket.socket:
        failure = OSError("no address")
        for family, address in self._addresses:
            opened = socket.socket(family, socket.SOCK_STREAM)
            try:
                opened.settimeout(_left(self._deadline))
                opened.connect(address)
            except OSError as error:
                opened.close()
                failure = error
            else:
                return opened
        raise failure


class _Bounded:
    """What http.client uses of a socket, with one deadline for all of it: a time-out of each call would let a slow answer last for ever."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = connected, deadline

    def sendall(self, data: bytes) -> None:
        """As of a socket."""
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What is read from it."""
        return io.BufferedReader(_Reading(self._socket, self._deadline))

    def close(self) -> None:
        """The socket is closed by whoever opened it: an answer is read after its connection was let go."""


class _Reading(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = connected, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(_left(self._deadline))
        return self._socket.recv_into(buffer)


def _left(deadline: float) -> float:
    """Raises `TimeoutError` when there is no time left."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the attempt took too long")
    return left
