"""Credentials, and where a verifier finds them.

A credential is the only object that holds a secret. It shows none: not in ``repr``, ``str`` or ``format``, not through ``vars`` or
``dataclasses.asdict``, not in a pickle.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, Protocol, TypeAlias

from payseal.errors import CredentialError
from payseal.grammar import VISIBLE, Grammar
from payseal.mac import Algorithm, PreparedMac

__all__ = ["KEYID", "TOKEN", "Credential", "Credentials", "Identity", "KeySource", "Lookup", "resolver"]

#: What a keyid can be: visible ASCII, so that it can stand in a header and be found there again.
KEYID = Grammar.of(VISIBLE, 1, 256)
#: What an access token can be.
TOKEN = Grammar.of(VISIBLE, 1, 4096)

#: Which part of a credential keys the MAC.
KeySource: TypeAlias = Literal["secret", "token", "none"]
_Secret: TypeAlias = str | bytes


class _Hidden:
    """A value that is used and never shown. Only this module opens it."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "<hidden>"

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not pickled")


class Credential:
    """What a request is signed with, and what it is verified against.

    ``keyid`` names the credential on the wire (``None`` where a scheme names nobody, such as most webhooks). ``secret`` is one secret
    or a list of them from oldest to newest: the newest signs, all verify. Text is used as its UTF-8 bytes, exactly as given: nothing
    is trimmed or decoded. ``token`` is an access token. ``account`` is whom the credential belongs to (by default its keyid) and
    scopes request ids. ``not_before`` and ``not_after`` (seconds since the epoch) bound its validity.

    Raises `CredentialError` when a part cannot be what it should be.
    """

    __slots__ = ("_secrets", "_token", "account", "keyid", "not_after", "not_before", "prepared", "unbounded")

    account: str
    keyid: str | None
    not_after: float | None
    not_before: float | None
    #: Whether neither of them is given, so that it is always valid.
    unbounded: bool
    #: What `macs` has made so far, by algorithm and source.
    prepared: dict[tuple[str, str], tuple[PreparedMac, ...]]

    def __init__(
        self,
        keyid: str | None = None,
        secret: _Secret | Sequence[_Secret] | None = None,
        token: str | None = None,
        *,
        account: str | None = None,
        not_before: float | None = None,
        not_after: float | None = None,
    ) -> None:
        listed = [secret] if isinstance(secret, str | bytes) else [] if secret is None else secret
        put = object.__setattr__
        problem = _problem(keyid, listed, token, account, not_before, not_after)
        if problem:
            # A traceback may be logged with its locals: it finds no secret, and a credential that can be shown.
            del secret, listed, token
            for name, nothing in (("keyid", None), ("_secrets", ()), ("_token", None)):
                put(self, name, nothing)
            raise CredentialError(problem)
        put(self, "keyid", keyid or None)
        put(self, "account", account or keyid or "")
        put(self, "not_before", not_before)
        put(self, "not_after", not_after)
        put(self, "unbounded", not_before is None and not_after is None)
        # An empty secret is no secret: a scheme that needs one will say so, instead of signing with an empty key.
        put(self, "_secrets", tuple(_Hidden(_bytes(each)) for each in reversed(listed) if each))
        put(self, "_token", _Hidden(_bytes(token)) if token else None)
        put(self, "prepared", {})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a credential does not change: make a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a credential does not change: make a new one")

    def __repr__(self) -> str:
        parts = [f"keyid={self.keyid!r}", f"secrets={len(self._secrets)}", f"token={'yes' if self._token else 'no'}"]
        return f"<Credential {' '.join(parts)}>"

    def __reduce__(self) -> Any:
        raise TypeError("a credential holds secrets and is not pickled: load it again from where it is kept")

    def __copy__(self) -> Credential:
        return self

    def __deepcopy__(self, memo: object) -> Credential:
        return self

    @property
    def has_token(self) -> bool:
        """Whether there is an access token."""
        return self._token is not None

    def valid_at(self, now: float) -> bool:
        """Whether ``now`` (seconds) lies within ``not_before`` and ``not_after``. Not a number: no."""
        return (self.not_before is None or now >= self.not_before) and (self.not_after is None or now < self.not_after)

    def macs(self, algorithm: Algorithm, source: KeySource) -> tuple[PreparedMac, ...]:
        """The prepared MACs, newest secret first; empty when the credential has no such key."""
        found = self.prepared.get((algorithm.name, source))
        if found is None:
            if source == "none":
                found = (PreparedMac(algorithm, None),)
            else:
                keys = self._secrets if source == "secret" else (self._token,) if self._token else ()
                found = tuple(PreparedMac(algorithm, key._value) for key in keys)
            self.prepared[algorithm.name, source] = found
        return found

    def token_is(self, presented: str) -> bool:
        """Whether ``presented`` is the access token, compared in constant time; ``False`` without a token."""
        expected = self._token._value if self._token else b""
        return hmac.compare_digest(expected, presented.encode("utf-8", "surrogatepass")) and self._token is not None

    def reveal_token(self) -> str:
        """The access token, to be put into a header. Raises `CredentialError` without one."""
        if self._token is None:
            raise CredentialError("this scheme sends an access token and the credential has none: pass token=…")
        value: bytes = self._token._value
        return value.decode("utf-8")

    def reveal_secrets(self) -> tuple[bytes, ...]:
        """The secrets, newest first: for explaining how one was misused. Whoever takes them must show none."""
        return tuple(secret._value for secret in self._secrets)

    # The slots hold what __init__ puts there; typed here for the checker.
    _secrets: tuple[_Hidden, ...]
    _token: _Hidden | None


def _problem(keyid: object, secrets: object, token: object, account: object, *moments: object) -> str:
    """What is wrong with the parts of a credential, without any value of theirs; empty when they are sound."""
    if keyid and not (isinstance(keyid, str) and KEYID.accepts(keyid)):
        return "keyid must be 1 to 256 visible ASCII characters: look for a space or a newline around it"
    if token and not (isinstance(token, str) and TOKEN.accepts(token)):
        return "token must be visible ASCII characters: look for a space or a newline around it"
    if not isinstance(secrets, list | tuple) or not all(isinstance(each, str | bytes) for each in secrets):
        return "secret must be text, bytes, or a list of those"
    if len(secrets) > 1 and not all(secrets):
        return "one of the secrets is empty: take it out of the list"
    if any(isinstance(each, str) and any("\ud800" <= character <= "\udfff" for character in each) for each in secrets):
        return "secret holds a character that UTF-8 does not have: pass bytes if it is no text"
    if not isinstance(account, str | None):
        return "account must be text"
    if not all(moment is None or (isinstance(moment, int | float) and not isinstance(moment, bool)) for moment in moments):
        return "not_before and not_after must be seconds since the epoch"
    return ""


def _bytes(value: _Secret) -> bytes:
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)


class Identity(Protocol):
    """What a request says of its sender, unproven: the part of `payseal.verification.Presented` that a lookup may use."""

    @property
    def keyid(self) -> str | None: ...
    @property
    def token(self) -> str | None: ...


#: Finds the credential that a request names, or ``None``. Called with what the request presents, unproven.
Lookup: TypeAlias = Callable[[Identity], "Credential | None"]
#: What a `Verifier` takes: one credential, a mapping by keyid, or a function.
Credentials: TypeAlias = "Credential | Mapping[Any, Credential] | Lookup"


def resolver(credentials: Credentials, *, names: Literal["keyid", "token", "nobody"]) -> Lookup:
    """One way to look credentials up, whatever was given; ``names`` is how the scheme's requests name their sender.

    A mapping is looked at afresh for each request, so keys may be added and removed while it is in use. Raises `CredentialError`
    for a mapping that cannot serve a scheme whose requests name nobody.
    """
    if isinstance(credentials, Credential):
        only = credentials
        return lambda presented: only
    if not isinstance(credentials, Mapping):
        return credentials
    mapping = credentials
    if names == "keyid":
        if pair := _sharing_a_secret(mapping):
            raise CredentialError(f"the credentials {pair[0]!r} and {pair[1]!r} have a secret in common: give each its own")
        return lambda presented: _named(mapping.get(presented.keyid), presented)
    if names == "nobody" and len(mapping) != 1:
        raise CredentialError(
            f"requests of this scheme do not say whose they are, and {len(mapping)} credentials were given: give one, or a function"
        )
    return lambda presented: _by_token(mapping, presented)


def _sharing_a_secret(mapping: Mapping[Any, Credential]) -> tuple[str, str] | None:
    """Two credentials of which one keyid begins the other, with a secret in common; ``None`` when there are none.

    Where a base begins ``keyid ‖ nonce``, a request of ``ab`` is also one of ``a`` if both have the same secret.
    """
    owners: dict[bytes, list[str]] = {}
    for credential in mapping.values():
        for secret in {hashlib.sha256(each._value).digest() for each in credential._secrets}:
            owners.setdefault(secret, []).append(credential.keyid or "")
    for keyids in owners.values():
        keyids.sort()  # a keyid that begins another comes right before one that it begins
        for shorter, longer in pairwise(keyids):
            if shorter != longer and longer.startswith(shorter):
                return shorter, longer
    return None


def _named(found: Credential | None, presented: Identity) -> Credential | None:
    # Entered under another name than its own, a credential would be found but could never verify.
    return found if found is not None and found.keyid == presented.keyid else None


def _by_token(mapping: Mapping[Any, Credential], presented: Identity) -> Credential | None:
    """The credential with that token; without a token, the only credential there is (the MAC still has to prove it)."""
    candidates = list(mapping.values())
    if presented.token is None:
        return candidates[0] if len(candidates) == 1 else None
    found = None
    for candidate in candidates:  # all of them, so that time does not tell which
        if candidate.token_is(presented.token):
            found = candidate
    if found is None and len(candidates) == 1 and not candidates[0].has_token:
        return candidates[0]  # whoever keeps no token here relies on the signature alone
    return found
