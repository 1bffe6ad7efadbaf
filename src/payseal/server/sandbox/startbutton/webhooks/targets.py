"""Where a webhook may go: to this machine, and to the hosts that the operator lists.

A client of the sandbox chooses the URL and the sandbox makes the request, so that whatever the sandbox can reach the client could. A host
that is not listed is therefore judged by the addresses that its name stands for, however it is written, and each of them must be
loopback; the connection then goes to one of the addresses that were judged, and no name is looked up again.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from payseal.errors import PaysealError

__all__ = ["MAX_URL", "Address", "Forbidden", "Rules", "Target", "is_target", "parsed"]

#: Characters of a URL.
MAX_URL: Final = 2048

_HOST: Final = r"(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
#: Visible ASCII. A user name, a password and a fragment have no place in it.
_URL: Final = re.compile(rf"(?P<scheme>(?i:https?))://{_HOST}(?P<path>/[!-\"$-~]*)?(?P<query>\?[!-\"$-~]*)?")
_LISTED: Final = re.compile(_HOST)

#: As the socket module has them: family, and what to connect to.
Address: TypeAlias = tuple[int, tuple[Any, ...]]


class Forbidden(Exception):
    """A host that webhooks do not go to."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts. ``host`` is in lower case, without brackets and without the dot at its end."""

    secure: bool
    host: str
    port: int
    #: With the query.
    path: str

    @property
    def authority(self) -> str:
        """What stands in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _port(self.secure) else f"{host}:{self.port}"


def parsed(url: str) -> Target:
    """The parts of a URL. Raises `ValueError` where `is_target` says no."""
    found = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if found is None:
        raise ValueError("not a URL that a webhook can be sent to")
    secure = found["scheme"].lower() == "https"
    host, port = _host_and_port(found)
    return Target(secure, host, _port(secure) if port is None else port, (found["path"] or "/") + (found["query"] or ""))


def is_target(url: str) -> bool:
    """Whether it is a URL that a webhook can be sent to, if its host is allowed."""
    try:
        parsed(url)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's list: hosts, each with one port or (``None``) with any."""

    listed: frozenset[tuple[str, int | None]]

    @classmethod
    def of(cls, entries: Iterable[str]) -> Rules:
        """From ``host`` or ``host:port`` each. Raises `PaysealError` for what is neither."""
        listed = set()
        for entry in entries:
            found = _LISTED.fullmatch(entry)
            try:
                if found is None:
                    raise ValueError
                listed.add(_host_and_port(found))
            except ValueError:
                raise PaysealError(f"{entry!r} is no host for webhooks: give host or host:port, an IPv6 address in brackets") from None
        return cls(frozenset(listed))

    def may_allow(self, target: Target) -> bool:
        """Whether a webhook could ever go there, as far as can be told now."""
        try:
            return self._lists(target) or bool(self.addresses(target))
        except (Forbidden, OSError):
            return False

    def addresses(self, target: Target) -> list[Address]:
        """What to connect to, judged. Raises `Forbidden`, and `OSError` when the name cannot be looked up."""
        found = _resolved(target)
        if not self._lists(target) and not all(_is_loopback(address) for address in found):
            raise Forbidden
        return found

    def _lists(self, target: Target) -> bool:
        return (target.host, None) in self.listed or (target.host, target.port) in self.listed


def _host_and_port(found: re.Match[str]) -> tuple[str, int | None]:
    """Raises `ValueError` for a host of dots alone, and for a port that there is not."""
    port = None if found["port"] is None else int(found["port"])
    if port is not None and not 0 < port < 65536:
        raise ValueError("no such port")
    host = found["host"].strip("[]").rstrip(".").lower()
    if not host:
        raise ValueError("no host")
    return host, port


def _port(secure: bool) -> int:
    return 443 if secure else 80


def _resolved(target: Target) -> list[Address]:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is empty or too long
        raise OSError("no such host") from None
    return [(family, address) for family, _, _, _, address in found]


def _is_loopback(address: Address) -> bool:
    try:
        ip = ipaddress.ip_address(address[1][0])
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback
