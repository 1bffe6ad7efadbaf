"""Credentials: issued, listed, rotated with an overlap, given an end, revoked. A secret leaves this module once, when it is made."""

from __future__ import annotations

import hashlib
import json
import secrets
import string
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Row, delete, insert, or_, select, update

from payseal.errors import CredentialError
from payseal.schemes import Scheme
from payseal.server.accounts import tables
from payseal.server.accounts.changes import Change, change
from payseal.server.accounts.database import Database
from payseal.server.accounts.keyring import KeyRing
from payseal.server.accounts.overrides import checked, compiled
from payseal.server.accounts.records import CredentialRecord, IssuedCredential

__all__ = ["CredentialStore", "subject_of", "token_digest"]

_ALPHABET: Final = string.ascii_letters + string.digits
#: Characters of a keyid. All have the same length, so that none begins another.
_KEYID: Final = 32
#: Characters of a secret and of a token: 256 bits.
_SECRET: Final = 43
#: The longest overlap (seconds): an old secret is to end within sight.
_LONGEST_OVERLAP: Final = 90 * 86_400.0


class CredentialStore:
    """The credentials in a database; ``ring`` seals what must not be read there. Without one nothing can be issued; all else can be done.

    ``clock`` gives seconds since the epoch. Everything raises `DatabaseError` when the database cannot be asked.
    """

    def __init__(self, database: Database, ring: KeyRing | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._ring = ring
        self._clock = clock

    def create(
        self,
        account: str,
        scheme: str,
        *,
        actor: str,
        label: str = "",
        overrides: Mapping[str, Any] | None = None,
        allow_unkeyed: bool = False,
        not_after: float | None = None,
    ) -> IssuedCredential:
        """Issue a credential for one scheme of the catalogue, with a secret and a token as far as the scheme needs them.

        ``overrides`` are tables of the scheme as `payseal.scheme` takes them, of which a credential may have its own: ``created``
        (unit, zone, a narrower window), ``nonce``, and the encodings. ``not_after`` is seconds since the epoch. What is returned is
        shown this once and never again. Raises `SchemeError`, `CredentialError`.
        """
        text = checked(scheme, overrides or {})
        rules = compiled(scheme, text)
        if rules.names == "nobody":
            raise CredentialError(f"requests of {scheme} do not say whose they are: they cannot be verified for accounts")
        if rules.keyed == allow_unkeyed:
            remedy = "say allow_unkeyed if something else proves the sender" if allow_unkeyed is False else "leave allow_unkeyed out"
            raise CredentialError(f"{scheme} has {'a' if rules.keyed else 'no'} key: {remedy}")
        if len(label) > 200 or (label and not label.isprintable()):
            raise CredentialError("a label is printable text of up to 200 characters")
        wants_secret, wants_token = _parts(rules)
        issued = IssuedCredential(
            _word(_KEYID), account, scheme, _word(_SECRET) if wants_secret else None, _word(_SECRET) if wants_token else None
        )
        with change(self._database, actor, self._clock()) as made:
            made.require_account(account)
            _require_future(not_after, made.now)
            made.connection.execute(
                insert(tables.credentials).values(
                    keyid=issued.keyid,
                    account=account,
                    label=label,
                    scheme=scheme,
                    overrides=text,
                    allow_unkeyed=allow_unkeyed,
                    token_sha256=None if issued.token is None else token_digest(issued.token),
                    created=made.now,
                    not_after=not_after,
                )
            )
            for kind, value in (("secret", issued.secret), ("token", issued.token)):
                if value is not None:
                    self._insert(made, issued.keyid, kind, value)
            made.record(
                "credential.create", account=account, keyid=issued.keyid, scheme=scheme, overrides=json.loads(text), not_after=not_after
            )
        return issued

    def list(self, account: str | None = None) -> list[CredentialRecord]:
        """Every credential, or an account's, the oldest first; never a secret."""
        query = select(tables.credentials).order_by(tables.credentials.c.created, tables.credentials.c.keyid)
        if account is not None:
            query = query.where(tables.credentials.c.account == account)
        now = self._clock()
        ends: dict[str, list[float | None]] = {}
        alive = or_(tables.secrets.c.not_after.is_(None), tables.secrets.c.not_after > now)
        columns = select(tables.secrets.c.keyid, tables.secrets.c.not_after).where(tables.secrets.c.kind == "secret", alive)
        with self._database.read() as connection:
            for row in connection.execute(columns.order_by(tables.secrets.c.created)):
                ends.setdefault(row.keyid, []).append(row.not_after)
            return [_record(row, tuple(ends.get(row.keyid, ()))) for row in connection.execute(query)]

    def revoked(self, *, keyid: str | None = None, token: str | None = None) -> bool:
        """Whether the credential of that keyid, or with that token, was revoked."""
        columns = tables.credentials.c
        named = columns.keyid == keyid if token is None else columns.token_sha256 == token_digest(token)
        with self._database.read() as connection:
            return connection.execute(select(columns.keyid).where(named, columns.revoked.is_not(None))).first() is not None

    def rotate(self, keyid: str, *, overlap: float = 86_400.0, actor: str) -> IssuedCredential:
        """Issue a new secret: it signs from now on, and the old one verifies for another ``overlap`` seconds (0 to 90 days).

        No more than two secrets verify at once, so that a request costs the same whoever sends it: rotating again within an overlap ends
        the oldest at once. Raises `CredentialError` for a credential that is not there, is over, or has no secret.
        """
        if not 0 <= overlap <= _LONGEST_OVERLAP:
            raise CredentialError(f"an overlap is a number of seconds from 0 to {_LONGEST_OVERLAP:.0f} (90 days)")
        with change(self._database, actor, self._clock()) as made:
            row = self._usable(made, keyid)
            if not _parts(compiled(row.scheme, row.overrides))[0]:
                raise CredentialError("this credential has no secret to rotate: issue a new one, and let this one expire")
            issued = IssuedCredential(row.keyid, row.account, row.scheme, _word(_SECRET), None)
            mine = tables.secrets.c.keyid == row.keyid, tables.secrets.c.kind == "secret"
            made.connection.execute(delete(tables.secrets).where(*mine, tables.secrets.c.not_after.is_not(None)))
            if overlap:
                made.connection.execute(update(tables.secrets).where(*mine).values(not_after=made.now + overlap))
            else:
                made.connection.execute(delete(tables.secrets).where(*mine))
            self._insert(made, row.keyid, "secret", issued.secret or "")
            made.record("credential.rotate", account=row.account, keyid=row.keyid, overlap=overlap)
        return issued

    def expire(self, keyid: str, not_after: float | None, *, actor: str) -> None:
        """Give a credential an end (seconds since the epoch, in the future), or with ``None`` take it away. Raises `CredentialError`."""
        with change(self._database, actor, self._clock()) as made:
            row = self._usable(made, keyid)
            _require_future(not_after, made.now)
            made.connection.execute(update(tables.credentials).where(tables.credentials.c.keyid == row.keyid).values(not_after=not_after))
            made.record("credential.expire", account=row.account, keyid=row.keyid, not_after=not_after)

    def revoke(self, keyid: str, *, actor: str) -> None:
        """End a credential at once and for good; its secrets are deleted. Raises `CredentialError` when it is not there or was revoked."""
        with change(self._database, actor, self._clock()) as made:
            row = self._found(made, keyid)
            made.connection.execute(update(tables.credentials).where(tables.credentials.c.keyid == row.keyid).values(revoked=made.now))
            made.connection.execute(delete(tables.secrets).where(tables.secrets.c.keyid == row.keyid))
            made.record("credential.revoke", account=row.account, keyid=row.keyid)

    def _found(self, made: Change, keyid: str) -> Row[Any]:
        row = made.connection.execute(select(tables.credentials).where(tables.credentials.c.keyid == keyid)).first()
        if row is None:
            raise CredentialError("there is no credential of that keyid: payseal keys list shows those there are")
        if row.revoked is not None:
            raise CredentialError("this credential was revoked: issue a new one")
        return row

    def _usable(self, made: Change, keyid: str) -> Row[Any]:
        row = self._found(made, keyid)
        if row.not_after is not None and row.not_after <= made.now:
            raise CredentialError("this credential has expired: issue a new one")
        return row

    def _insert(self, made: Change, keyid: str, kind: str, value: str) -> None:
        if self._ring is None:
            raise CredentialError("issuing a secret needs the master keys")
        # With another database's keys the secret would be sealed for nobody who serves this one.
        self._ring.require(set(made.connection.execute(select(tables.secrets.c.sealed_with).distinct()).scalars()))
        name = secrets.token_hex(16)
        sealed = self._ring.seal(value.encode("ascii"), subject_of(name, keyid, kind))
        row = {"id": name, "keyid": keyid, "kind": kind, "sealed": sealed, "sealed_with": self._ring.primary, "created": made.now}
        made.connection.execute(insert(tables.secrets), row)


def subject_of(id: str, keyid: str, kind: str) -> str:
    """What a sealed secret is bound to: its table, row, credential and kind."""
    return f"payseal/secrets/{id}/{keyid}/{kind}"


def token_digest(token: str) -> bytes:
    """How a token is found: a token is 256 random bits, so that a plain digest of it can be neither guessed nor turned round."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _parts(rules: Scheme) -> tuple[bool, bool]:
    """Whether a credential of this scheme has a secret, and whether it has a token."""
    sent = {component.name for rule in rules.headers for component in rule.components}
    return rules.signature.key == "secret", rules.signature.key == "token" or "token" in sent


def _require_future(not_after: float | None, now: float) -> None:
    if not_after is not None and not now < not_after < 10_000_000_000:
        raise CredentialError("a credential's end lies in the future, in seconds since the epoch")


def _word(size: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(size))


def _record(row: Row[Any], ends: tuple[float | None, ...]) -> CredentialRecord:
    return CredentialRecord(
        row.keyid,
        row.account,
        row.label,
        row.scheme,
        json.loads(row.overrides),
        row.allow_unkeyed,
        row.token_sha256 is not None,
        row.created,
        row.not_after,
        row.revoked,
        ends,
    )
