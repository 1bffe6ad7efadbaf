"""Accounts and credentials, on both databases: made, listed, rotated, ended; a secret is shown once, and kept nowhere in the clear."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from payseal import CredentialError, SchemeError
from payseal.server.accounts import AccountStore, CredentialStore, Database, DatabaseError, Directory, IssuedCredential, KeyRing, tables
from payseal.server.accounts.rewrap import keys_in_use, rewrap
from tests.clock import Clock

ACTOR = "test:operator"


def test_an_account_is_made_once(accounts: AccountStore) -> None:
    account = accounts.get("acme")
    assert (account.title, account.disabled, account.networks) == ("Acme Shop", None, ())
    assert account.switches == {"require_signed_transfers": True, "accept_unkeyed_digests": False}
    with pytest.raises(CredentialError, match="already"):
        accounts.create("acme", actor=ACTOR)
    assert [each.id for each in accounts.list()] == ["acme"]


def test_an_account_s_id_is_a_plain_word(accounts: AccountStore) -> None:
    for name in ("", "Acme", "a b", "-a", "a-", "x" * 65, "ä", "a\n"):
        with pytest.raises(CredentialError, match="lower-case"):
            accounts.create(name, actor=ACTOR)


def test_a_change_names_its_actor_or_is_not_made(accounts: AccountStore) -> None:
    for actor in ("", "x" * 201, "a\nb"):
        with pytest.raises(CredentialError, match="actor"):
            accounts.create("other", actor=actor)
    assert [each.id for each in accounts.list()] == ["acme"]


def test_what_is_not_there_is_said(accounts: AccountStore, keys: CredentialStore) -> None:
    attempts: list[Callable[[], Any]] = [
        lambda: accounts.get("nobody"),
        lambda: accounts.switch("nobody", "require_signed_transfers", True, actor=ACTOR),
        lambda: accounts.set_disabled("nobody", True, actor=ACTOR),
        lambda: accounts.allow_ip("nobody", "192.0.2.1", actor=ACTOR),
        lambda: accounts.remove_ip("acme", "192.0.2.1", actor=ACTOR),
        lambda: accounts.switch("acme", "nothing", True, actor=ACTOR),
        lambda: keys.create("nobody", "fiserv-payments", actor=ACTOR),
        lambda: keys.rotate("nobody", actor=ACTOR),
        lambda: keys.revoke("nobody", actor=ACTOR),
    ]
    for attempt in attempts:
        with pytest.raises(CredentialError):
            attempt()


def test_the_allow_list(accounts: AccountStore) -> None:
    for cidr in ("192.0.2.0/24", "2001:db8::/32", "198.51.100.7"):
        accounts.allow_ip("acme", cidr, actor=ACTOR)
    account = accounts.get("acme")
    for ip in ("192.0.2.200", "2001:db8:1::1", "198.51.100.7", "::ffff:192.0.2.1"):
        assert account.allows(ip), ip
    for other in ("192.0.3.1", "2001:db9::1", "198.51.100.8", "", "localhost", "::ffff:192.0.3.1", None):
        assert not account.allows(other), other
    with pytest.raises(CredentialError, match="already"):
        accounts.allow_ip("acme", "198.51.100.7/32", actor=ACTOR)
    for cidr in ("192.0.2.1/24", "nonsense", "", "10.0.0.0/33", "1.2.3"):
        with pytest.raises(CredentialError, match="networks such as"):
            accounts.allow_ip("acme", cidr, actor=ACTOR)
    for cidr in ("192.0.2.0/24", "2001:db8::/32", "198.51.100.7"):
        accounts.remove_ip("acme", cidr, actor=ACTOR)
    assert accounts.get("acme").allows(None)


def test_a_credential_is_made_for_its_scheme(keys: CredentialStore) -> None:
    by_scheme = {
        name: keys.create("acme", name, actor=ACTOR)
        for name in ("fiserv-payments", "startbutton-transfer", "commercehub-hmac", "commercehub-digest")
    }
    assert {name: (each.secret is not None, each.token is not None) for name, each in by_scheme.items()} == {
        "fiserv-payments": (True, False),
        "startbutton-transfer": (True, True),
        "commercehub-hmac": (True, False),
        "commercehub-digest": (False, True),
    }
    keyids = [each.keyid for each in by_scheme.values()]
    assert len(set(keyids)) == 4
    assert {len(keyid) for keyid in keyids} == {32}  # none begins another
    assert sorted(record.keyid for record in keys.list("acme")) == sorted(keyids)
    assert keys.list("other") == []


UNFIT: list[tuple[str, Any, type[Exception]]] = [
    ("nothing", {}, SchemeError),
    ("fiserv-payments", {"created": {"format": "nonsense"}}, SchemeError),
    ("fiserv-payments", {"created": {"formt": "unix"}}, CredentialError),
    ("fiserv-payments", {"created": False}, CredentialError),
    ("fiserv-payments", {"headers": {"Api-Key": "{keyid}"}}, CredentialError),
    ("fiserv-payments", {"signature": {"algorithm": "hmac-sha512"}}, CredentialError),
    ("fiserv-payments", {"signature": {"key": "none"}}, CredentialError),
    ("fiserv-payments", {"name": "another"}, CredentialError),
    # Accepted for longer than the endpoint remembers ids: a replay would be fresh again.
    ("fiserv-payments", {"created": {"tolerance": 86400}}, CredentialError),
    ("fiserv-payments", {"created": {"format": "%Y%m%d"}}, CredentialError),
    ("startbutton-webhook", {}, CredentialError),
    ("commercehub-digest-sha256", {}, CredentialError),
]


def test_a_credential_that_could_not_be_verified_is_not_made(keys: CredentialStore) -> None:
    for name, overrides, error in UNFIT:
        with pytest.raises(error):
            keys.create("acme", name, overrides=overrides, actor=ACTOR)
    assert keys.list() == []


def test_a_scheme_without_a_key_is_allowed_by_name(keys: CredentialStore) -> None:
    issued = keys.create("acme", "commercehub-digest-sha256", allow_unkeyed=True, actor=ACTOR)
    assert issued.secret is None
    with pytest.raises(CredentialError, match="leave allow_unkeyed out"):
        keys.create("acme", "fiserv-payments", allow_unkeyed=True, actor=ACTOR)


def test_rotation_ends_the_old_secret_with_the_overlap(database: Database, ring: KeyRing, accounts: AccountStore, clock: Clock) -> None:
    keys = CredentialStore(database, ring, clock=clock)
    first = keys.create("acme", "fiserv-payments", actor=ACTOR)
    second = keys.rotate(first.keyid, overlap=60, actor=ACTOR)
    assert (second.keyid, second.token) == (first.keyid, None)
    assert second.secret not in (None, first.secret)
    (record,) = keys.list()
    assert (record.state(clock()), record.secrets) == ("rotating", (clock() + 60, None))
    clock.now += 60
    (record,) = keys.list()
    assert (record.state(clock()), record.secrets) == ("active", (None,))
    for _ in range(3):
        keys.rotate(first.keyid, overlap=60, actor=ACTOR)
        assert len(keys.list()[0].secrets) == 2  # never a third
    keys.rotate(first.keyid, overlap=0, actor=ACTOR)
    assert keys.list()[0].secrets == (None,)
    for overlap in (-1, 91 * 86400, float("nan")):
        with pytest.raises(CredentialError, match="overlap"):
            keys.rotate(first.keyid, overlap=overlap, actor=ACTOR)


def test_a_credential_has_an_end(database: Database, ring: KeyRing, accounts: AccountStore, clock: Clock) -> None:
    keys = CredentialStore(database, ring, clock=clock)
    issued = keys.create("acme", "fiserv-payments", not_after=clock() + 10, actor=ACTOR)
    keys.expire(issued.keyid, clock() + 20, actor=ACTOR)
    assert keys.list()[0].state(clock() + 19.9) == "active"
    clock.now += 20
    assert keys.list()[0].state(clock()) == "expired"
    for attempt in (lambda: keys.rotate(issued.keyid, actor=ACTOR), lambda: keys.expire(issued.keyid, None, actor=ACTOR)):
        with pytest.raises(CredentialError, match="expired"):
            attempt()
    for end in (clock(), clock() - 1, float("nan"), 1e11):
        with pytest.raises(CredentialError, match="in the future"):
            keys.create("acme", "fiserv-payments", not_after=end, actor=ACTOR)


def test_what_is_revoked_is_over_and_its_secrets_are_gone(database: Database, keys: CredentialStore) -> None:
    issued = keys.create("acme", "startbutton-transfer", actor=ACTOR)
    keys.revoke(issued.keyid, actor=ACTOR)
    assert keys.list()[0].state(0) == "revoked"
    with database.read() as connection:
        assert connection.execute(select(tables.secrets)).all() == []
    for attempt in (
        lambda: keys.revoke(issued.keyid, actor=ACTOR),
        lambda: keys.rotate(issued.keyid, actor=ACTOR),
        lambda: keys.expire(issued.keyid, None, actor=ACTOR),
    ):
        with pytest.raises(CredentialError, match="revoked"):
            attempt()


def test_many_at_once(url: str, ring: KeyRing, database: Database, keys: CredentialStore) -> None:
    """Four writers, each with connections of its own, on one credential and on the table."""
    issued = keys.create("acme", "fiserv-payments", actor=ACTOR)
    made: list[IssuedCredential] = []
    errors: list[BaseException] = []

    def work() -> None:
        mine = Database.open(url)
        try:
            store = CredentialStore(mine, ring)
            for _ in range(5):
                made.append(store.rotate(issued.keyid, actor=ACTOR))
                made.append(store.create("acme", "fiserv-payments", actor=ACTOR))
        except BaseException as error:
            errors.append(error)
        finally:
            mine.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len({each.secret for each in made}) == 40
    records = {record.keyid: record for record in keys.list()}
    assert len(records) == 21
    assert len(records[issued.keyid].secrets) == 2
    with database.read() as connection:
        number = connection.execute(select(tables.revision.c.number)).scalar_one()
        lines = connection.execute(select(tables.audit.c.action)).scalars().all()
    assert number - 1 == len(lines) == 42  # none lost, none counted twice; the last migration counts as one


# --- the audit trail ----------------------------------------------------------------------------------------------------------


def test_every_change_is_in_the_audit_trail(accounts: AccountStore, keys: CredentialStore) -> None:
    issued = keys.create("acme", "fiserv-payments", overrides={"created": {"format": "unix"}}, actor=ACTOR)
    keys.rotate(issued.keyid, overlap=5, actor=ACTOR)
    keys.expire(issued.keyid, 9_000_000_000, actor=ACTOR)
    keys.revoke(issued.keyid, actor=ACTOR)
    accounts.switch("acme", "require_signed_transfers", False, actor=ACTOR)
    accounts.allow_ip("acme", "192.0.2.1", actor=ACTOR)
    accounts.remove_ip("acme", "192.0.2.1", actor=ACTOR)
    accounts.set_disabled("acme", True, actor=ACTOR)
    accounts.set_disabled("acme", False, actor=ACTOR)
    trail = list(accounts.audit())
    assert [entry.action for entry in reversed(trail)] == [
        "account.create", "credential.create", "credential.rotate", "credential.expire", "credential.revoke",
        "account.switch", "account.allow-ip", "account.remove-ip", "account.disable", "account.enable",
    ]  # fmt: skip
    assert {entry.actor for entry in trail} == {ACTOR, "test:setup"}
    assert trail[5].keyid == issued.keyid
    assert trail[4].detail == {"name": "require_signed_transfers", "value": False}
    assert issued.secret is not None
    assert issued.secret not in repr(trail)
    assert [entry.action for entry in accounts.audit(limit=2)] == ["account.enable", "account.disable"]
    assert list(accounts.audit(before=trail[-1].id)) == []
    assert list(accounts.audit(account="other")) == []


def test_the_database_refuses_to_change_the_trail(database: Database, accounts: AccountStore, kind: str) -> None:
    before = list(accounts.audit())
    row = {"id": before[0].id, "at": 0.0, "actor": "x", "action": "x", "detail": "{}"}
    statements: list[Any] = [update(tables.audit).values(actor="somebody else"), delete(tables.audit)]
    if kind == "sqlite":
        statements += [insert(tables.audit).prefix_with("OR REPLACE").values(row), text("REPLACE INTO audit SELECT * FROM audit")]
    else:
        statements += [text("TRUNCATE audit"), text("INSERT INTO audit SELECT * FROM audit")]
    for statement in statements:
        with pytest.raises(DatabaseError), database.write() as connection:
            connection.execute(statement)
    assert list(accounts.audit()) == before


def test_a_change_that_fails_leaves_no_line(database: Database, accounts: AccountStore, keys: CredentialStore) -> None:
    before = list(accounts.audit())
    with pytest.raises(CredentialError):
        keys.create("nobody", "fiserv-payments", actor=ACTOR)
    assert list(accounts.audit()) == before


# --- secrets ------------------------------------------------------------------------------------------------------------------


def test_no_secret_is_in_the_database_in_the_clear(
    database: Database, keys: CredentialStore, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    first = keys.create("acme", "startbutton-transfer", label="a label to be found", actor=ACTOR)
    second = keys.rotate(first.keyid, actor=ACTOR)
    hidden = [first.secret, first.token, second.secret]
    if kind == "sqlite":
        files = list(tmp_path.glob("accounts.db*"))
        assert len(files) == 3  # with its journal
        kept = b"".join(path.read_bytes() for path in files)
    else:
        with database.read() as connection:
            kept = b"".join(repr(connection.execute(select(table)).all()).encode() for table in tables.metadata.sorted_tables) + b"".join(
                bytes(sealed) for sealed in connection.execute(select(tables.secrets.c.sealed)).scalars()
            )
    assert b"a label to be found" in kept  # it was really read
    for secret in hidden:
        assert secret is not None
        assert secret.encode() not in kept
        assert secret.encode().hex().encode() not in kept


def test_no_secret_is_in_a_log_a_repr_or_a_pickle(database: Database, keys: CredentialStore, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("sqlalchemy.engine").setLevel(logging.DEBUG)
        database.engine.echo = "debug"
        try:
            issued = keys.create("acme", "startbutton-transfer", actor=ACTOR)
        finally:
            database.engine.echo = False
            logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    assert "INSERT INTO credentials" in caplog.text
    for secret in (issued.secret, issued.token):
        assert secret is not None
        assert secret not in caplog.text
        assert secret not in repr(issued)
        assert secret not in repr(keys.list())
    with pytest.raises(TypeError):
        pickle.dumps(issued)


def test_a_ciphertext_moved_to_another_row_does_not_open(database: Database, ring: KeyRing, keys: CredentialStore) -> None:
    mine, theirs = (keys.create("acme", "fiserv-payments", actor=ACTOR) for _ in range(2))
    with database.write() as connection:
        stolen = connection.execute(select(tables.secrets.c.sealed).where(tables.secrets.c.keyid == theirs.keyid)).scalar_one()
        connection.execute(update(tables.secrets).where(tables.secrets.c.keyid == mine.keyid).values(sealed=stolen))
    with Directory(database, ring) as directory:
        entry, other = directory.by_keyid(mine.keyid), directory.by_keyid(theirs.keyid)
        assert entry is not None
        assert other is not None
        other.credential(0)
        with pytest.raises(CredentialError, match="cannot be used"):
            entry.credential(0)


# --- the master key changes ---------------------------------------------------------------------------------------------------


def test_rewrapping_makes_the_old_master_key_superfluous(database: Database, keys: CredentialStore) -> None:
    issued = [keys.create("acme", "startbutton-transfer", actor=ACTOR) for _ in range(4)]
    old, new = bytes(range(32)), bytes(32)
    both = KeyRing({"k2": new, "k1": old})
    assert keys_in_use(database) == {"k1": 8}
    with Directory(database, both) as directory:
        assert rewrap(database, both, actor=ACTOR, now=0, batch=3) == 8
        assert rewrap(database, both, actor=ACTOR, now=0) == 0
        assert keys_in_use(database) == {"k2": 8}
        assert directory.by_keyid(issued[0].keyid) is not None
    with Directory(database, KeyRing({"k2": new})) as directory:
        for each in issued:
            entry = directory.by_keyid(each.keyid)
            assert entry is not None
            assert each.token is not None
            assert entry.credential(0).token_is(each.token)
    with pytest.raises(CredentialError, match="'k2'"):
        Directory(database, KeyRing({"k1": old})).start()


def test_a_missing_master_key_loses_nothing(database: Database, keys: CredentialStore, ring: KeyRing) -> None:
    issued = keys.create("acme", "fiserv-payments", actor=ACTOR)
    other = KeyRing({"k9": bytes(32)})
    for attempt in (Directory(database, other).start, lambda: rewrap(database, other, actor=ACTOR, now=0)):
        with pytest.raises(CredentialError, match=r"'k1', and that key is missing.*nothing was changed"):
            attempt()
    with Directory(database, ring) as directory:
        entry = directory.by_keyid(issued.keyid)
        assert entry is not None
        entry.credential(0)


# --- backup -------------------------------------------------------------------------------------------------------------------


def test_a_backup_made_in_use_restores_everything(
    database: Database, keys: CredentialStore, ring: KeyRing, kind: str, tmp_path: Path
) -> None:
    kept = keys.create("acme", "fiserv-payments", actor=ACTOR)
    target = tmp_path / "backup.db"
    if kind == "postgresql":
        with pytest.raises(DatabaseError, match="pg_dump"):
            database.backup(target)
        return
    database.backup(target)
    keys.revoke(kept.keyid, actor=ACTOR)
    assert target.stat().st_mode & 0o077 == 0
    with pytest.raises(DatabaseError, match="exists already"):
        database.backup(target)
    restored = Database.open(f"sqlite:///{target}")
    with Directory(restored, ring) as directory:
        entry = directory.by_keyid(kept.keyid)
        assert entry is not None
        entry.credential(0)
    restored.close()
