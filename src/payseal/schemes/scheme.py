"""A scheme: how one provider feature authenticates a request. Parsed and proven sound when it is loaded; inside, nothing can be wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from payseal.schemes import tables
from payseal.schemes.base import SignatureRule
from payseal.schemes.headers import HeaderRule
from payseal.schemes.nonces import NonceRule
from payseal.schemes.parsing import rules
from payseal.schemes.refusals import Refusal
from payseal.schemes.times import CreatedRule

__all__ = ["Scheme", "scheme"]


@dataclass(frozen=True, slots=True, repr=False)
class Scheme:
    """How one provider feature authenticates a request: covered components, MAC, encoding, headers, time, nonce.

    Make one with `payseal.scheme` (from the catalogue), `Scheme.load` (from a file) or `Scheme.loads` (from text).
    """

    name: str
    title: str
    signature: SignatureRule
    headers: tuple[HeaderRule, ...]
    created: CreatedRule | None
    nonce: NonceRule | None
    refusal: Refusal | None
    #: How a request says whose it is: by keyid, by access token, or not at all (then one credential is all a verifier can have).
    names: Literal["keyid", "token", "nobody"]
    #: Whether the time is in a header. When it is not, a verifier tries every time in the window.
    created_sent: bool
    #: Whether id, time and body touch, so that a verifier must also refuse what can be read as another request.
    guarded: bool
    #: The tables it was made from, merged: data to show, not to change.
    source: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str], /, **overrides: Any) -> Scheme:
        """The scheme in a TOML file. ``overrides`` change tables key by key: ``created={"format": "unix"}``. Raises `SchemeError`."""
        return cls(**rules(tables.from_file(path).overridden(overrides)))

    @classmethod
    def loads(cls, text: str, /, **overrides: Any) -> Scheme:
        """The scheme in TOML text. Raises `SchemeError`."""
        return cls(**rules(tables.from_text(text).overridden(overrides)))

    def __repr__(self) -> str:
        return f"<Scheme {self.name!r}>"

    @property
    def keyed(self) -> bool:
        """Whether a signature proves who sent the request; without a key it only proves that nothing was damaged."""
        return self.signature.algorithm.keyed


def scheme(name: str, /, **overrides: Any) -> Scheme:
    """A scheme that comes with payseal, such as ``payseal.scheme("fiserv-payments")``.

    ``overrides`` change its tables key by key, for what a provider leaves open or does in its own way:
    ``payseal.scheme("fiserv-payments", created={"format": "unix"})``. Raises `SchemeError`.
    """
    return Scheme(**rules(tables.from_catalogue(name).overridden(overrides)))
