"""Answers that are kept, sealed: what a ledger holds of them tells whoever reads its files nothing but the status."""

from __future__ import annotations

from typing import Final, Protocol

from payseal.ledger.packing import packed_headers, unpacked
from payseal.ledger.protocol import Answer, Claim

__all__ = ["Sealer", "opened", "sealed"]

#: Bytes that say how long the headers are.
_LENGTH: Final = 4


class Sealer(Protocol):
    """Authenticated encryption, bound to a ``subject``: what was sealed for one is not opened for another."""

    def seal(self, plain: bytes, subject: str) -> bytes:
        """Encrypt."""

    def unseal(self, sealed: bytes, subject: str) -> bytes:
        """What was encrypted. Raises when it was not, or for another subject, or its key is gone."""


def sealed(answer: Answer, claim: Claim, sealer: Sealer) -> Answer:
    """The answer as it is kept: headers and body sealed for this claim's scope and id."""
    headers = packed_headers(answer).encode("ascii")
    return Answer(answer.status, (), sealer.seal(len(headers).to_bytes(_LENGTH, "big") + headers + answer.body, _subject(claim)))


def opened(answer: Answer, claim: Claim, sealer: Sealer) -> Answer:
    """The answer as it was given. Raises what the sealer raises, and `payseal.LedgerError`."""
    plain = sealer.unseal(answer.body, _subject(claim))
    end = _LENGTH + int.from_bytes(plain[:_LENGTH], "big")
    found = unpacked(answer.status, plain[_LENGTH:end], plain[end:])
    assert found is not None
    return found


def _subject(claim: Claim) -> str:
    return f"answers/{len(claim.scope)}/{claim.scope}/{claim.id}"  # with its length, as either may have a slash in it
