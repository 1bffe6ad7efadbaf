"""What the operations take and give: plain values, none of which shows a secret."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from payseal.errors import CredentialError

__all__ = ["SWITCHES", "Account", "AuditEntry", "CredentialRecord", "IssuedCredential", "Network", "Switch", "address_in", "network"]

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Switch:
    """Something an account can turn on and off."""

    default: bool
    meaning: str


#: Every switch there is. A new one needs a line here, and no migration.
SWITCHES: Final[dict[str, Switch]] = {
    "require_signed_transfers": Switch(True, "Startbutton: refuse a transfer that carries the access token and no signature"),
    "accept_unkeyed_digests": Switch(
        False,
        "Commerce Hub: take a card capture whose message digest has no key (plain SHA-256), so that only its access token says who sent it",
    ),
}


@dataclass(frozen=True, slots=True)
class Account:
    """An account. Times are seconds since the epoch."""

    id: str
    title: str
    created: float
    #: Since when its credentials are refused; ``None`` while they are not.
    disabled: float | None
    switches: Mapping[str, bool]
    #: Where its requests may come from; empty: anywhere.
    networks: tuple[Network, ...]

    def allows(self, ip: str | None) -> bool:
        """Whether a request may come from that address. Without a list: yes. With one, what is no address is refused."""
        return not self.networks or (ip is not None and address_in(ip, self.networks))


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """A credential as it is listed: everything but its secrets. Times are seconds since the epoch."""

    keyid: str
    account: str
    label: str
    scheme: str
    overrides: Mapping[str, Any]
    allow_unkeyed: bool
    has_token: bool
    created: float
    not_after: float | None
    revoked: float | None
    #: For each secret that still verifies, oldest first: when its overlap ends; ``None`` for the one that signs.
    secrets: tuple[float | None, ...]

    def state(self, now: float) -> str:
        """``active``, ``rotating`` (an older secret still verifies), ``expired`` or ``revoked``."""
        if self.revoked is not None:
            return "revoked"
        if self.not_after is not None and now >= self.not_after:
            return "expired"
        return "rotating" if any(end is not None and now < end for end in self.secrets) else "active"


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential that was just made or rotated. The only place its secret and token are ever shown; they are left out of the repr."""

    keyid: str
    account: str
    scheme: str
    secret: str | None = field(repr=False)
    token: str | None = field(repr=False)

    def __reduce__(self) -> Any:
        raise TypeError("an issued credential holds secrets and is not pickled")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit trail."""

    id: int
    at: float  # seconds since the epoch
    actor: str
    action: str
    account: str | None
    keyid: str | None
    detail: Mapping[str, Any]


def network(text: str) -> Network:
    """A network from CIDR text; an address alone is a network of one. Raises `CredentialError`."""
    try:
        return ipaddress.ip_network(text.strip(), strict=True)
    except ValueError:
        raise CredentialError(
            "an allow-list holds networks such as 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7 (no bits set after the prefix)"
        ) from None


def address_in(ip: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address lies in one of the networks. An IPv4 address that a socket of both kinds gives as ``::ffff:…`` is that address."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in each for each in networks)
