"""Sessions: a key pair, an access token and half an hour. Who holds the token may lay a card into the session; who began it may charge
that card, once.

A session is over when a charge has used it, when its time is up, and when the credential that began it is revoked, expired, or of an
account that was disabled. Then nothing is left to decrypt with: a charge wipes the private key, and every new session wipes those whose
time is up.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_der_private_key
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from payseal.credentials import Credential, Identity
from payseal.server.sandbox.cards import KeptCard
from payseal.server.sandbox.commercehub.tables import sessions
from payseal.server.sandbox.provider import Backing
from payseal.verification import Authenticated

__all__ = ["TIME_TO_LIVE", "Issued", "Session", "Sessions"]

#: How long an access token and its session live (seconds).
TIME_TO_LIVE: Final = 1800
_KEY_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class Issued:
    """A session that was just begun: the only time its token is there."""

    id: str
    key_id: str
    #: SubjectPublicKeyInfo, DER.
    public_key: bytes
    token: str = field(repr=False)
    #: Seconds since the epoch.
    issued: float
    expires: float


@dataclass(frozen=True, slots=True)
class Session:
    """A session that a card can be laid into."""

    id: str
    key_id: str
    _sealed: bytes = field(repr=False)

    def private_key(self, backing: Backing) -> rsa.RSAPrivateKey:
        """The key that its card blocks are encrypted for. Raises `CredentialError` when it cannot be opened."""
        key = load_der_private_key(backing.vault.unseal(self._sealed, self.id), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key


class Sessions:
    """The sessions in the sandbox's database. Those that ask the accounts raise `CredentialError` in doubt."""

    def __init__(self, backing: Backing) -> None:
        self._backing = backing

    def begin(self, who: Authenticated) -> Issued:
        """Make a key pair (tens of milliseconds) and begin a session with it."""
        now = self._backing.clock()
        key = rsa.generate_private_key(65537, _KEY_BITS)
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        issued = Issued(str(uuid.uuid4()), str(uuid.uuid4()), public, secrets.token_urlsafe(32), now, now + TIME_TO_LIVE)
        plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())  # sealed before it is stored
        row = {
            "id": issued.id,
            "account": who.account,
            "keyid": who.keyid,
            "rsa_key_id": issued.key_id,
            "token_sha256": _digest(issued.token),
            "private_key": self._backing.vault.seal(plain, issued.id),
            "expires": issued.expires,
        }
        with self._backing.store.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires <= now))
            connection.execute(insert(sessions), row)
        return issued

    def credential(self, presented: Identity) -> Credential | None:
        """What an access token stands for: the keyid that began its session, with the token as its key, until the session is over."""
        row = None if presented.token is None else self._row(presented.token)
        if row is None or row["used"] is not None or not self._has_its_credential(row):
            return None
        # Found by the digest of 256 random bits, which tells a stranger nothing however long it takes. What has that digest is the
        # token: kept nowhere, it is here again because it was sent.
        return Credential(row["keyid"], token=presented.token, account=row["account"], not_after=row["expires"])

    def of(self, token: str) -> Session | None:
        """The session of an access token that was proven; ``None`` when it was used meanwhile."""
        row = self._row(token)
        if row is None or row["used"] is not None:
            return None
        return Session(row["id"], row["rsa_key_id"], row["private_key"])

    def keep(self, session: Session, card: KeptCard) -> bool:
        """Lay what may be kept of a card into a session, in place of another; whether the session was still there."""
        query = update(sessions).where(sessions.c.id == session.id, *self._open()).values(_card_columns(card))
        with self._backing.store.write() as connection:
            return connection.execute(query).rowcount == 1

    def card(self, connection: Connection, id: str, account: str) -> KeptCard | None:
        """The card of an account's session that can be charged; ``None`` when there is none."""
        query = select(sessions).where(sessions.c.id == id, sessions.c.account == account, sessions.c.last4.is_not(None), *self._open())
        row = connection.execute(query).mappings().first()
        if row is None or not self._has_its_credential(row):
            return None
        return KeptCard(row["last4"], row["brand"], row["month"], row["year"])

    def use_up(self, connection: Connection, id: str) -> None:
        """End a session: it was charged. In the transaction that has seen its card."""
        query = update(sessions).where(sessions.c.id == id).values(used=self._backing.clock(), private_key=b"")
        connection.execute(query)

    def _row(self, token: str) -> RowMapping | None:
        with self._backing.store.read() as connection:
            return connection.execute(select(sessions).where(sessions.c.token_sha256 == _digest(token))).mappings().first()

    def _open(self) -> tuple[Any, ...]:
        return sessions.c.used.is_(None), sessions.c.expires > self._backing.clock()

    def _has_its_credential(self, row: RowMapping) -> bool:
        entry = self._backing.directory.by_keyid(row["keyid"])
        if entry is None:
            return False
        now = self._backing.clock()
        return entry.credential(now).valid_at(now)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _card_columns(card: KeptCard) -> dict[str, str]:
    return {"brand": card.brand, "last4": card.last4, "month": card.month, "year": card.year}
