"""The sandbox's folder: keys that last, readable by their owner alone; a lost master key is an error that loses nothing."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from payseal import CredentialError
from payseal.server.accounts import Database, Directory
from payseal.server.vault import Vault


def test_the_first_start_makes_keys_that_only_the_owner_can_read(folder: Path) -> None:
    vault = Vault.open(folder)
    for path in (folder / "master.keys", vault.keys_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_keys_are_the_same_at_the_next_start(folder: Path) -> None:
    first = Vault.open(folder)
    text = first.keys_file.read_text()
    second = Vault.open(folder)
    assert second.keys_file.read_text() == text
    assert second.unseal(first.seal(b"x", "one"), "one") == b"x"


def test_two_folders_have_nothing_in_common(tmp_path: Path) -> None:
    first, second = Vault.open(tmp_path / "a"), Vault.open(tmp_path / "b")
    assert first.keys_file.read_text() != second.keys_file.read_text()
    with pytest.raises(CredentialError):
        second.unseal(first.seal(b"x", "one"), "one")


def test_a_missing_master_key_is_said_and_nothing_is_overwritten(folder: Path) -> None:
    vault = Vault.open(folder)
    vault.database_file.write_bytes(b"what was accepted")
    accounts = vault.accounts_file.read_bytes()
    (folder / "master.keys").unlink()
    with pytest.raises(CredentialError, match="put it back"):
        Vault.open(folder)
    assert not (folder / "master.keys").exists()
    assert vault.accounts_file.read_bytes() == accounts
    assert vault.database_file.read_bytes() == b"what was accepted"


@pytest.mark.parametrize("text", ["", "not hex", "00" * 31, "00" * 33])
def test_a_damaged_master_key_is_refused(folder: Path, text: str) -> None:
    Vault.open(folder)
    (folder / "master.keys").write_text(text)
    with pytest.raises(CredentialError, match="64 hexadecimal digits"):
        Vault.open(folder)


@pytest.mark.parametrize("text", ["", "not = [toml", "[fiserv]\nkeyid = 'a'\n", "fiserv = 3"])
def test_a_damaged_keys_file_is_said_without_what_it_holds(folder: Path, text: str) -> None:
    vault = Vault.open(folder)
    vault.keys_file.write_text(text)
    with pytest.raises(CredentialError, match="delete it") as caught:
        vault.demo_keys()
    assert caught.value.__cause__ is None


def test_what_is_sealed_opens_for_its_subject_and_this_master_key_only(tmp_path: Path) -> None:
    vault, other = Vault.open(tmp_path / "a"), Vault.open(tmp_path / "b")
    sealed = vault.seal(b"a private key", "session-1")
    assert b"private" not in sealed
    assert vault.unseal(sealed, "session-1") == b"a private key"
    for stranger, subject, data in (
        (vault, "session-2", sealed),
        (other, "session-1", sealed),
        (vault, "session-1", sealed[:-1]),
        (vault, "session-1", b""),
    ):
        with pytest.raises(CredentialError):
            stranger.unseal(data, subject)


def test_the_master_key_is_not_in_the_repr(folder: Path) -> None:
    vault = Vault.open(folder)
    found = re.search("[0-9a-f]{64}", (folder / "master.keys").read_text())
    assert found is not None
    assert found[0] not in repr(vault)


def test_without_the_keys_file_new_keys_are_made_and_the_old_ones_end(folder: Path) -> None:
    vault = Vault.open(folder)
    old = vault.demo_keys()
    vault.keys_file.unlink()
    assert Vault.open(folder).demo_keys().fiserv.keyid != old.fiserv.keyid
    database = Database.open(vault.accounts_url)
    with Directory(database, vault.ring) as directory:
        assert directory.by_keyid(old.fiserv.keyid or "") is None
        assert directory.by_keyid(vault.demo_keys().fiserv.keyid or "") is not None
    database.close()


def test_no_demo_key_is_in_a_database_in_the_clear(folder: Path) -> None:
    vault = Vault.open(folder)
    kept = b"".join(path.read_bytes() for path in folder.glob("*.db*"))
    found = re.findall(r'(?:secret|token) = "(.+)"', vault.keys_file.read_text())
    assert len(found) == 4
    assert vault.demo_keys().fiserv.keyid is not None
    assert (vault.demo_keys().fiserv.keyid or "").encode() in kept  # it was really read
    for secret in found:
        assert secret.encode() not in kept
