"""Accounts: who may sign requests, with what, and from where. Kept in SQLite or PostgreSQL, verified from memory.

`Database.open` → `AccountStore` and `CredentialStore` change it, `Directory` knows it without asking, `AccountVerifier` verifies by it.
"""

from payseal.server.accounts.cache import Directory
from payseal.server.accounts.database import Database, DatabaseError
from payseal.server.accounts.issuing import CredentialStore
from payseal.server.accounts.keyring import KeyRing
from payseal.server.accounts.records import SWITCHES, Account, AuditEntry, CredentialRecord, IssuedCredential
from payseal.server.accounts.store import AccountStore
from payseal.server.accounts.verifier import AccountVerifier

__all__ = [
    "SWITCHES",
    "Account",
    "AccountStore",
    "AccountVerifier",
    "AuditEntry",
    "CredentialRecord",
    "CredentialStore",
    "Database",
    "DatabaseError",
    "Directory",
    "IssuedCredential",
    "KeyRing",
]
