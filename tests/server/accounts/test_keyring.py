"""Master keys: made once, never over others, readable by their owner alone; what they seal opens where it was sealed for, and nowhere else."""

from __future__ import annotations

import os
import pickle
import re
import stat
from pathlib import Path

import pytest

from payseal import CredentialError
from payseal.server.accounts import KeyRing
from payseal.server.accounts.keyring import VARIABLE, add_master_key

ONE, TWO = bytes(range(32)), bytes(range(32, 64))


def test_what_is_sealed_opens_for_its_subject_only() -> None:
    ring = KeyRing({"k1": ONE})
    sealed = ring.seal(b"a secret", "row 1")
    assert b"secret" not in sealed
    assert ring.seal(b"a secret", "row 1") != sealed
    assert ring.unseal(sealed, "row 1") == b"a secret"
    for subject, data in (
        ("row 2", sealed),
        ("row 1", sealed[:-1]),
        ("row 1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ("row 1", b""),
        ("row 1", b"\x01"),
    ):
        with pytest.raises(CredentialError):
            ring.unseal(data, subject)


@pytest.mark.parametrize("at", range(0, 44, 3))
def test_no_byte_of_a_sealed_value_can_change(at: int) -> None:
    ring = KeyRing({"k1": ONE, "k2": TWO})
    sealed = bytearray(ring.seal(b"0123456789", "row 1"))
    sealed[min(at, len(sealed) - 1)] ^= 1
    with pytest.raises(CredentialError):
        ring.unseal(bytes(sealed), "row 1")


def test_the_first_key_seals_and_all_open() -> None:
    old = KeyRing({"k1": ONE}).seal(b"a secret", "row")
    ring = KeyRing({"k2": TWO, "k1": ONE})
    assert (ring.primary, ring.ids) == ("k2", ("k2", "k1"))
    assert ring.unseal(old, "row") == b"a secret"
    new = ring.seal(b"a secret", "row")
    assert KeyRing({"k2": TWO}).unseal(new, "row") == b"a secret"
    with pytest.raises(CredentialError, match="'k1' is missing"):
        KeyRing({"k2": TWO}).unseal(old, "row")
    with pytest.raises(CredentialError, match="another key of that name"):
        KeyRing({"k1": TWO}).unseal(old, "row")


def test_a_file_is_made_private_and_a_new_key_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    old = add_master_key(path)
    assert re.fullmatch("k1-[0-9a-f]{8}", old)
    first = KeyRing.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sealed = first.seal(b"a secret", "row")
    new = add_master_key(path)
    assert re.fullmatch("k2-[0-9a-f]{8}", new)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second = KeyRing.load(path)
    assert second.ids == (new, old)
    assert second.unseal(sealed, "row") == b"a secret"
    # A process that was started before finds the new key when it meets it.
    assert first.unseal(second.seal(b"newer", "row"), "row") == b"newer"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.keys"
    add_master_key(path)
    path.chmod(mode)
    with pytest.raises(CredentialError, match="chmod 600"):
        KeyRing.load(path)
    with pytest.raises(CredentialError, match="chmod 600"):
        add_master_key(path)


def test_a_missing_file_is_said_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match="put the master keys back"):
        KeyRing.load(tmp_path / "master.keys")
    assert list(tmp_path.iterdir()) == []


def test_the_environment_holds_keys_too() -> None:
    text = f"k2:{TWO.hex()}, k1:{ONE.hex()}"
    assert KeyRing.load(environment={VARIABLE: text}).ids == ("k2", "k1")
    for nothing in ({}, {VARIABLE: " "}):
        with pytest.raises(CredentialError, match="there is no master key"):
            KeyRing.load(environment=nothing)


@pytest.mark.parametrize(
    "text", ["#", "nonsense", ONE.hex(), f"k1:{ONE.hex()[:-2]}", f"k1:{ONE.hex()}00", f"K 1:{ONE.hex()}", f"k1:{ONE.hex()} k1:{TWO.hex()}"]
)
def test_a_damaged_ring_is_refused_without_what_it_holds(text: str) -> None:
    with pytest.raises(CredentialError) as caught:
        KeyRing.load(environment={VARIABLE: text})
    assert ONE.hex()[:8] not in str(caught.value)


def test_keys_are_in_no_repr_and_no_pickle(tmp_path: Path) -> None:
    ring = KeyRing({"k1": ONE})
    assert repr(ring) == "<KeyRing 1 keys, primary 'k1'>"
    with pytest.raises(TypeError):
        pickle.dumps(ring)
    assert not hasattr(ring, "__dict__")
    assert os.listdir(tmp_path) == []
