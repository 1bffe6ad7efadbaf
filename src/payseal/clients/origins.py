"""An origin: scheme, host and port (RFC 6454). A signature is made for one of them and goes to no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from payseal.errors import SigningError

__all__ = ["Origin"]

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request goes. Made by `Origin.of`, so that two spellings of one origin are equal."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, scheme: str | None, host: str | None, port: int | None) -> Origin:
        """The origin of a URL's parts, as the HTTP client that will send to it parsed them: a host in its ASCII (IDNA) form.

        Raises `SigningError` when it is not an absolute ``http`` or ``https`` URL's.
        """
        scheme = (scheme or "").lower()
        host = (host or "").lower().removeprefix("[").removesuffix("]")
        if scheme not in _DEFAULT_PORTS or not host:
            raise SigningError("not an absolute http or https URL, such as https://api.example.com")
        return cls(scheme, host, _DEFAULT_PORTS[scheme] if port is None else port)

    @property
    def authority(self) -> str:
        """What ``Host`` says for it: the port only where it is not the scheme's own (RFC 9110, section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"
