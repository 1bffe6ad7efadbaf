"""The keys and the algorithms that a client may have used instead.

This is the one place outside `payseal.credentials` that sees a secret's bytes, because the mistakes lie in how they were used. Nothing
of them leaves: a variant holds a function that makes MACs, and shows itself as that.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from payseal.credentials import Credential
from payseal.explain.variants import Dimension, Variant
from payseal.schemes import Scheme

__all__ = ["Key", "Mac", "Maker", "baseline_maker", "keys_of", "makers"]

#: Text → MAC.
Mac: TypeAlias = Callable[[bytes], bytes]


class Key:
    """A key that is used and never shown."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "<hidden>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Any:
        raise TypeError("a key is not pickled")


#: Key → what makes MACs with it: an algorithm, rightly or wrongly used.
Maker: TypeAlias = Callable[[Key], Mac]


def keys_of(scheme: Scheme, credential: Credential, others: Iterable[Credential]) -> tuple[Key | None, Dimension[Key]]:
    """The key that belongs there (``None`` where the scheme has none, or the credential lacks it), and those that do not."""
    source = scheme.signature.key
    secrets = [Key(each) for each in credential.reveal_secrets()]
    token = [Key(credential.reveal_token().encode())] if credential.has_token else []
    own, foreign, used, wanted = (
        (token, secrets, "secret", "access token") if source == "token" else (secrets, token, "access token", "secret")
    )

    def make(mistakes: int) -> Iterator[Variant[Key]]:
        if credential.keyid:
            yield Variant(Key(credential.keyid.encode()), ("key-swapped",))
        yield from (Variant(key, ("key-token",), {"used": used, "wanted": wanted}) for key in foreign)
        yield from (Variant(key, ("key-retired",)) for key in own[1:2])
        for key in own[:1]:
            yield from _misused(key)
        yield from (Variant(key, ("key-retired",)) for key in own[2:])
        for other in others:
            code = "key-other-environment" if other.account == credential.account else "key-other-account"
            for value in (*other.reveal_secrets(), *([other.reveal_token().encode()] if other.has_token else [])):
                yield Variant(Key(value), (code,), {"keyid": other.keyid or "without a name"})

    return own[0] if own and source != "none" else None, Dimension(make, own[:1])


def _misused(key: Key) -> Iterator[Variant[Key]]:
    raw = key._value
    yield Variant(Key(raw + b"\n"), ("key-whitespace",))
    yield Variant(Key(b'"' + raw + b'"'), ("key-quotes",))
    for value in _base64_decoded(raw):
        yield Variant(Key(value), ("key-base64-decoded",))
    with contextlib.suppress(ValueError):
        yield Variant(Key(bytes.fromhex(raw.decode("ascii"))), ("key-hex-decoded",))
    yield Variant(Key(base64.b64encode(raw)), ("key-base64-encoded",))
    for changed in (raw.strip(), raw + b" ", b" " + raw, raw + b"\r\n", raw + b"\r", b" " + raw + b" "):
        yield Variant(Key(changed), ("key-whitespace",))
    for mark in (b"'", b"`"):
        yield Variant(Key(mark + raw + mark), ("key-quotes",))
    yield Variant(Key(raw.strip(b"\"'`")), ("key-quotes",))
    yield Variant(Key(base64.urlsafe_b64encode(raw)), ("key-base64-encoded",))


def _base64_decoded(raw: bytes) -> list[bytes]:
    """What decoders make of a secret: strict ones, and those that pass over what is not in their alphabet, as Node's and PHP's do."""
    bare = raw.rstrip(b"=")
    kept = bytes(byte for byte in raw if chr(byte).isalnum() or byte in b"+/-_").replace(b"-", b"+").replace(b"_", b"/")
    decoded = []
    for text, altchars in ((bare, None), (bare, b"-_"), (kept, None), (kept[: len(kept) // 4 * 4], None)):
        with contextlib.suppress(binascii.Error, ValueError):
            decoded.append(base64.b64decode(text + b"=" * (-len(text) % 4), altchars, validate=True))
    return decoded


def baseline_maker(scheme: Scheme) -> Maker:
    """The scheme's own algorithm."""
    algorithm = scheme.signature.algorithm
    return _hmac(algorithm.hash) if algorithm.keyed else _plain(algorithm.hash)


def makers(scheme: Scheme) -> Dimension[Maker]:
    """The algorithms that may have been used instead."""
    algorithm = scheme.signature.algorithm
    facts = {"algorithm": algorithm.name}
    name = algorithm.hash
    variants: list[tuple[str, Maker]] = []
    keyed = _hmac if algorithm.keyed else _plain
    if algorithm.keyed:
        variants.append(("algorithm-unkeyed", _plain(name)))
    variants += [(f"algorithm-{other}", keyed(other)) for other in ("sha512", "sha1", "sha256", "sha384", "md5") if other != name]
    if algorithm.keyed:
        variants += [("algorithm-secret-prefixed", _prefixed(name)), ("algorithm-secret-suffixed", _suffixed(name))]
    variants += [("algorithm-double-hash", maker) for maker in _double(name, keyed)]
    made: list[Variant[Maker]] = [Variant(maker, (code,), facts) for code, maker in variants]
    own = baseline_maker(scheme)
    made += [Variant(_recoded(own, charset), ("body-charset",), {"charset": name}) for charset, name in _CHARSETS]
    return Dimension(lambda mistakes: made)


#: Charsets that a client may have encoded the whole text in.
_CHARSETS: Final = (("utf-16-le", "UTF-16"), ("utf-16", "UTF-16"), ("utf-16-be", "UTF-16"), ("latin-1", "ISO 8859-1"), ("ascii", "ASCII"))


def _recoded(own: Maker, charset: str) -> Maker:
    def maker(key: Key) -> Mac:
        mac = own(key)
        return lambda text: mac(text.decode("utf-8", "replace").encode(charset, "replace"))

    return maker


def _hmac(name: str) -> Maker:
    def maker(key: Key) -> Mac:
        # HMAC written out (RFC 2104), since copying its two states costs a third of copying the library's object.
        inner, outer = hashlib.new(name), hashlib.new(name)
        size = inner.block_size
        block = (key._value if len(key._value) <= size else hashlib.new(name, key._value).digest()).ljust(size, b"\0")
        inner.update(block.translate(_INNER))
        outer.update(block.translate(_OUTER))
        first_state, second_state = inner.copy, outer.copy

        def mac(text: bytes) -> bytes:
            first, second = first_state(), second_state()
            first.update(text)
            second.update(first.digest())
            return second.digest()

        return mac

    return maker


#: The two paddings of HMAC, over every byte.
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


def _plain(name: str) -> Maker:
    return lambda key: _digest(name)


def _prefixed(name: str) -> Maker:
    return lambda key: _digest(name, key._value)


def _suffixed(name: str) -> Maker:
    def maker(key: Key) -> Mac:
        digest = _digest(name)
        return lambda text: digest(text + key._value)

    return maker


def _digest(name: str, before: bytes = b"") -> Mac:
    """A plain digest of a text, and of what stands before it."""
    begun = hashlib.new(name, before).copy

    def digest(text: bytes) -> bytes:
        state = begun()
        state.update(text)
        return state.digest()

    return digest


def _double(name: str, keyed: Callable[[str], Maker]) -> Iterator[Maker]:
    digest = _digest(name)

    def composed(form: Callable[[bytes], bytes]) -> Maker:
        def maker(key: Key) -> Mac:
            mac = keyed(name)(key)
            return lambda text: mac(form(digest(text)))

        return maker

    def hashed_after(form: Callable[[bytes], bytes]) -> Maker:
        def maker(key: Key) -> Mac:
            mac = keyed(name)(key)
            return lambda text: digest(form(mac(text)))

        return maker

    yield composed(_hexadecimal)
    yield composed(bytes)
    yield hashed_after(bytes)
    yield hashed_after(_hexadecimal)


def _hexadecimal(digest: bytes) -> bytes:
    return digest.hex().encode()
