"""What a client may have signed in place of the request id and the key id that it sent."""

from __future__ import annotations

from collections.abc import Iterator

from payseal.explain.variants import Dimension, Variant

__all__ = ["keyids", "nonces"]


def nonces(nonce: str, base: str) -> Dimension[str]:
    """The ids that may have been signed instead; ``base`` shows what should be signed, for the remedy."""

    def variants() -> Iterator[Variant[str]]:
        yield Variant(nonce.lower(), ("nonce-case",))
        yield Variant(nonce.upper(), ("nonce-case",))
        bare = nonce.replace("-", "")
        yield Variant(bare, ("nonce-dashes",))
        if len(bare) == 32:
            yield Variant("-".join((bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:])), ("nonce-dashes",))
        yield Variant("", ("nonce-not-signed",), {"base": base})
        yield Variant(bare.upper(), ("nonce-case", "nonce-dashes"))
        yield Variant(bare.lower(), ("nonce-case", "nonce-dashes"))

    return Dimension(lambda mistakes: variants(), [nonce])


def keyids(keyid: str, own: str | None, base: str) -> Dimension[str]:
    """The key ids that may have been signed instead. ``own`` is the credential's."""

    def variants() -> Iterator[Variant[str]]:
        yield Variant("", ("keyid-not-signed",), {"base": base})
        if own is not None:
            yield Variant(own, ("keyid-case",))
        yield Variant(keyid.lower(), ("keyid-case",))
        yield Variant(keyid.upper(), ("keyid-case",))

    return Dimension(lambda mistakes: variants(), [keyid])
