"""A request that is proven."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Authenticated"]


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A request that is proven: signed by this credential, over exactly these bytes, inside the window.

    That it is there for the *first time* only the ledger can say: claim ``id`` in ``scope`` before acting on it.
    """

    scheme: str
    keyid: str | None
    account: str
    nonce: str | None
    #: The signer's time, seconds since the epoch; ``None`` where the scheme has none.
    created: float | None
    #: What may be used once: the nonce, or, where a scheme has none, a digest of the signature base.
    id: str
    #: The time (seconds since the epoch) from which this request is no longer accepted; ``None`` where the scheme has no time.
    expires: float | None
    #: Which of the credential's secrets signed it: 0 is the newest.
    secret_index: int

    @property
    def scope(self) -> str:
        """Within what ``id`` is unique: scheme and account."""
        return f"{self.scheme}:{self.account}"
