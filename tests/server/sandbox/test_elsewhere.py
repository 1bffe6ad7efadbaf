"""Accounts that are not in the sandbox's folder: its own are made there, another's are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from payseal import CredentialError
from payseal.server.accounts import AccountStore, CredentialStore, Database, DatabaseError, Directory
from payseal.server.vault import DEMO_ACCOUNT, Vault


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/elsewhere.db"


def in_use(url: str) -> set[str]:
    """The keyids that are valid there."""
    database = Database.open(url)
    try:
        return {record.keyid for record in CredentialStore(database).list(DEMO_ACCOUNT) if record.revoked is None}
    finally:
        database.close()


def keyids(vault: Vault) -> set[str | None]:
    keys = vault.demo_keys()
    return {keys.fiserv.keyid, keys.commercehub.keyid, keys.startbutton.keyid}


def test_the_demo_account_is_made_there_and_its_keys_stay(folder: Path, url: str) -> None:
    vault = Vault.open(folder, accounts=url)
    assert keyids(vault) == in_use(url)
    assert not vault.accounts_file.exists()
    text = vault.keys_file.read_text("utf-8")
    assert Vault.open(folder, accounts=url).keys_file.read_text("utf-8") == text


def test_the_keys_file_always_has_keys_of_the_accounts_that_are_used(folder: Path, url: str) -> None:
    own = Vault.open(folder)
    there = Vault.open(folder, accounts=url)
    assert keyids(there) == in_use(url)
    back = Vault.open(folder)
    assert keyids(back) == in_use(own.accounts_url) != in_use(url)


def test_keys_that_were_revoked_are_not_made_anew_behind_their_owners_back(folder: Path, url: str) -> None:
    vault = Vault.open(folder, accounts=url)
    database = Database.open(url)
    CredentialStore(database).revoke(vault.demo_keys().fiserv.keyid or "", actor="test")
    database.close()
    text = vault.keys_file.read_text("utf-8")
    assert Vault.open(folder, accounts=url).keys_file.read_text("utf-8") == text


def test_a_database_of_real_accounts_is_not_settled_in(folder: Path, url: str) -> None:
    database = Database.open(url, create=True)
    AccountStore(database).create("acme", actor="test")
    database.close()
    with pytest.raises(CredentialError, match="a database of its own"):
        Vault.open(folder, accounts=url)
    database = Database.open(url)
    assert [account.id for account in AccountStore(database).list()] == ["acme"]
    database.close()


def test_accounts_of_an_older_version_are_not_brought_up_to_date_behind_their_owners_back(folder: Path, url: str) -> None:
    database = Database.connect(url, create=True)
    older = database.upgrade("0003")
    database.close()
    with pytest.raises(DatabaseError, match="payseal db upgrade"):
        Vault.open(folder, accounts=url)
    database = Database.connect(url)
    assert database.revision() == older == "0003"
    database.close()


def test_a_damaged_keys_file_does_not_stand_in_for_keys_that_were_never_made(folder: Path, url: str) -> None:
    Vault.open(folder).keys_file.write_text("damaged", "utf-8")
    assert keyids(Vault.open(folder, accounts=url)) == in_use(url)


def test_another_folders_accounts_are_left_as_they_are(tmp_path: Path, url: str) -> None:
    first = Vault.open(tmp_path / "first", accounts=url)
    with pytest.raises(CredentialError, match="that key is missing"):
        Vault.open(tmp_path / "second", accounts=url)
    assert keyids(first) == in_use(url)
    database = Database.open(url)
    with Directory(database, first.ring) as directory:
        assert directory.by_keyid(first.demo_keys().fiserv.keyid or "") is not None
    database.close()


def test_a_url_is_not_in_the_repr(folder: Path, url: str) -> None:
    vault = Vault.open(folder, accounts=url, ledger="valkey://:hunter2@127.0.0.1/0")
    assert "hunter2" not in repr(vault)
    assert url not in repr(vault)
    assert vault.ledger_url == "valkey://:hunter2@127.0.0.1/0"
