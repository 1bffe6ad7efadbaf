"""An auth for httpx2, the continuation of httpx: see `payseal.clients.httpx`."""

from __future__ import annotations

from payseal.clients.flow import Flow
from payseal.errors import MissingExtra

try:
    import httpx2
except ImportError:
    raise MissingExtra("payseal.clients.httpx2", "httpx2") from None

__all__ = ["SignatureAuth"]


class SignatureAuth(Flow, httpx2.Auth, library=httpx2):
    """Signs each request of an ``httpx2.Client`` or ``httpx2.AsyncClient``; all else is as in `payseal.clients.httpx.SignatureAuth`."""
