"""One endpoint, many accounts: each credential is verified in its own unit, and in no other.

Whose a request is stands in headers that are the endpoint's, so that they are read first. The credential found there decides how the
rest is read and checked. What cannot be told from outside: whether a keyid is known. An unknown one is read as the endpoint's own scheme
has it, and a request that is well formed for *some* credential of the endpoint, though not for the one it names, gets the answer of a
wrong signature at the cost of one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from payseal.credentials import Credential, Identity
from payseal.errors import CredentialError, Rejected, SchemeError
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.server.accounts.cache import Directory
from payseal.server.accounts.entries import Entry
from payseal.server.accounts.overrides import compiled
from payseal.verification import MAX_HEADER, Authenticated, Presented, Verifier

__all__ = ["AccountVerifier"]

#: What is done with the entry of a known keyid is done with this one for an unknown keyid, in the same time.
_NOBODYS: Final = Entry("", "", "", "{}", False, None, ((float("inf"), Credential()),))


@dataclass(frozen=True, slots=True)
class _Selected(Presented):
    """What a request says, and by whose rules it was read."""

    verifier: Verifier | None = None
    credential: Credential | None = field(default=None, repr=False)
    #: For the operator, when there is no credential.
    diagnosis: str = ""


class AccountVerifier(Verifier):
    """A `payseal.Verifier` over the credentials of a `Directory`, for one scheme of the catalogue.

    ``overrides`` are the endpoint's own, as `payseal.scheme` takes them, below those of each credential. ``allow_unkeyed`` opens the
    endpoint for a scheme without a key, to credentials that allow it too. Lookups cost no query; they raise `CredentialError` while the
    directory is in doubt, which the middleware answers with 503. Raises `SchemeError`.
    """

    def __init__(
        self,
        directory: Directory,
        scheme: str,
        *,
        allow_unkeyed: bool = False,
        clock: Callable[[], float] = time.time,
        **overrides: Any,
    ) -> None:
        self.directory = directory
        self._endpoint = json.dumps(overrides, sort_keys=True)
        super().__init__(compiled(scheme, "{}", self._endpoint), _selected_credential, allow_unkeyed=allow_unkeyed, clock=clock)
        if self.scheme.names == "nobody":
            raise CredentialError(f"requests of {scheme} do not say whose they are: they cannot be verified for accounts")
        self._own: dict[str, Verifier] = {}
        #: Overrides of credentials that do not go with the endpoint's own.
        self._unfit: set[str] = set()
        self._allow_unkeyed = allow_unkeyed
        self._identity = [rule for rule in self.scheme.headers if any(part.name == self.scheme.names for part in rule.components)]

    def read(self, request: Request) -> Presented:
        """As `Verifier.read`, by the rules of the credential that the request names."""
        found = self.find_entry(request)
        entry = _NOBODYS if found is None else found
        credential = entry.credential(self._clock())
        own = self._verifier_for(entry.overrides)
        try:
            return _with(own.read(request), own, None if found is None else credential, keyid=self._named_keyid(request))
        except Rejected as rejected:
            refused = rejected
        # Well formed for another credential of this endpoint? Then the answer must not tell that this one is known. Nor may the time: a
        # request that is refused is read by every form in use, each of them once, here or in `check`.
        outcome: Presented | Rejected = refused
        for other in self._others(own):
            try:
                read: Presented | Rejected = _with(other.read(request), other, None, "form-of-another-credential")
            except Rejected as rejected:
                read = rejected
            if isinstance(outcome, Rejected) and outcome.code == "malformed-header":
                outcome = read  # any other refusal does not depend on who asks, only on how far the reading got
        if isinstance(outcome, Presented):
            return outcome
        if outcome.code != "malformed-header":
            raise outcome
        return self._plain.read(request)  # raises, in the words that an unknown keyid gets

    def check(self, request: Request, presented: Presented, credential: Credential | None, *, now: float | None = None) -> Authenticated:
        """As `Verifier.check`, by the rules that the request was read with."""
        own = presented.verifier if isinstance(presented, _Selected) and presented.verifier is not None else self._plain
        try:
            return own.check(request, presented, credential, now=now)
        except Rejected as rejected:
            if isinstance(presented, _Selected) and presented.diagnosis:
                rejected.diagnosis = presented.diagnosis
            elif rejected.code == "invalid-signature":
                for other in self._others(own):  # as in `read`
                    with suppress(Rejected):
                        other.read(request)
            raise

    def find_entry(self, request: Request) -> Entry | None:
        """The credential whose keyid or token the request's headers hold, unproven. Raises `CredentialError` in doubt."""
        name = self.named(request)
        if name is None:
            self.directory.account("")  # raises in doubt, whoever asks
            return None
        entry = self.directory.by_keyid(name) if self.scheme.names == "keyid" else self.directory.by_token(name)
        if entry is None or entry.scheme != self.scheme.name or (entry.allow_unkeyed and not self._allow_unkeyed):
            return None
        return entry

    def _named_keyid(self, request: Request) -> str | None:
        """Whose a request is that names its sender by a token, unproven: its owner finds what was refused, though the key is over."""
        return self.directory.keyid_of(token=self.named(request)) if self.scheme.names == "token" else None

    def named(self, request: Request) -> str | None:
        """The keyid or the token (whichever the scheme names its sender by) in the request's headers, unproven; ``None`` when there is
        none, or more than one."""
        named: set[str] = set()
        for rule in self._identity:
            for value in request.values(rule.key)[:2]:
                if len(value) > MAX_HEADER:
                    return None
                try:
                    named.update(text for component, text in rule.read(value) if component.name == self.scheme.names)
                except Rejected:
                    return None
        return named.pop() if len(named) == 1 else None  # of two, reading all of it refuses the request

    def owner(self, request: Request) -> tuple[Scheme, Credential] | None:
        """The credential that the request names, unproven, and the rules its requests are read by. Raises `CredentialError` in doubt."""
        entry = self.find_entry(request)
        return None if entry is None else (self._verifier_for(entry.overrides).scheme, entry.credential(self._clock()))

    def _others(self, own: Verifier) -> Iterator[Verifier]:
        for overrides in ("{}", *self.directory.overrides_in_use(self.scheme.name)):
            if overrides in self._unfit:
                continue
            try:
                other = self._verifier_for(overrides)
            except (CredentialError, SchemeError):  # whoever has it is told so
                self._unfit.add(overrides)
            else:
                if other is not own:
                    yield other

    @property
    def _plain(self) -> Verifier:
        """By the endpoint's own rules."""
        return self._verifier_for("{}")

    def _verifier_for(self, overrides: str) -> Verifier:
        found = self._own.get(overrides)
        if found is None:
            rules = compiled(self.scheme.name, overrides, self._endpoint)
            found = Verifier(rules, _selected_credential, allow_unkeyed=self._allow_unkeyed, clock=self._clock)
            self._own[overrides] = found
        return found


def _selected_credential(presented: Identity) -> Credential | None:
    return presented.credential if isinstance(presented, _Selected) else None


def _with(
    read: Presented, verifier: Verifier, credential: Credential | None, diagnosis: str = "", *, keyid: str | None = None
) -> _Selected:
    return _Selected(
        read.keyid if read.keyid is not None else keyid,
        read.token,
        read.nonce,
        read.created_text,
        read.created,
        read.signatures,
        read.digests,
        verifier,
        credential,
        diagnosis,
    )
