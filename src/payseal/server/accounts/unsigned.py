"""A request without a signature, carried by its access token alone: where a switch such as "require signed transfers" is off, or always.

It is asked only for a request that has no signature header (`payseal.middleware.Guard`), so that a wrong signature stays wrong. The token
is the proof here: read as strictly as ever, found by its digest, compared in constant time, and, where there is a switch, good only for
an account that has turned it off. Whatever is not right with it gets the answer of any request without a signature.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from payseal.errors import Rejected
from payseal.request import Request
from payseal.server.accounts.verifier import AccountVerifier
from payseal.verification import MAX_HEADER, Authenticated

__all__ = ["TokenAlone"]


class TokenAlone:
    """For ``unsigned=`` of the middleware, over an endpoint whose requests name their sender by token.

    ``switch`` is the name of the one that must be off; ``None``: the token is always enough, as for requests that only read. Raises
    `CredentialError` while the directory is in doubt.
    """

    def __init__(self, verifier: AccountVerifier, switch: str | None, *, clock: Callable[[], float] = time.time) -> None:
        if verifier.scheme.names != "token":
            raise ValueError(f"requests of {verifier.scheme.name} do not name their sender by token")
        self._verifier, self._switch, self._clock = verifier, switch, clock

    def __call__(self, request: Request) -> Authenticated | None:
        """The sender, or ``None``."""
        entry = self._verifier.find_entry(request)
        token = self._token(request)
        if entry is None or token is None:
            return None
        account = self._verifier.directory.account(entry.account)
        now = self._clock()
        credential = entry.credential(now)
        if account is None or (self._switch is not None and account.switches[self._switch]):
            return None
        if not credential.valid_at(now) or not credential.token_is(token):
            return None
        # Nothing in it tells two such requests apart, so that each is the first: what is done twice the application must notice.
        return Authenticated(
            scheme=entry.scheme,
            keyid=entry.keyid,
            account=entry.account,
            nonce=None,
            created=None,
            id=str(uuid.uuid4()),
            expires=None,
            secret_index=-1,  # none of them
        )

    def _token(self, request: Request) -> str | None:
        """The token in its header, which stands there once and is well formed."""
        found: list[str] = []
        for rule in self._verifier.scheme.headers:
            if any(component.name == "token" for component in rule.components):
                values = request.values(rule.key)
                if len(values) != 1 or len(values[0]) > MAX_HEADER:
                    return None
                try:
                    found += [text for component, text in rule.read(values[0]) if component.name == "token"]
                except Rejected:
                    return None
        return found[0] if len(found) == 1 else None
