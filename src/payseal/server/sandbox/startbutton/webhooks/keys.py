"""The key that a webhook is signed with: the merchant's secret key, which is the access token of its credential."""

from __future__ import annotations

from collections.abc import Iterator

from payseal.server.accounts import CredentialStore, Database
from payseal.server.accounts.entries import Entry
from payseal.server.sandbox.provider import Backing

__all__ = ["SCHEME", "secret_key"]

#: The scheme whose credentials a merchant has.
SCHEME = "startbutton-transfer"


def secret_key(backing: Backing, account: str, keyid: str | None) -> str | None:
    """The token of the credential that sent the transfer; where that is no longer valid, of the account's newest that is; else ``None``.

    Raises `CredentialError` while the credentials are in doubt, `DatabaseError` when they cannot be listed.
    """
    now = backing.clock()
    for entry in _candidates(backing, account, keyid):
        if entry.account == account and entry.scheme == SCHEME and not entry.problem:
            credential = entry.credential(now)
            if credential.has_token and credential.valid_at(now):
                return credential.reveal_token()
    return None


def _candidates(backing: Backing, account: str, keyid: str | None) -> Iterator[Entry]:
    entry = backing.directory.by_keyid(keyid or "")
    if entry is not None:
        yield entry
    database = Database.open(backing.vault.accounts_url)
    try:
        records = CredentialStore(database).list(account)
    finally:
        database.close()
    for record in reversed(records):
        entry = backing.directory.by_keyid(record.keyid)
        if entry is not None:
            yield entry
