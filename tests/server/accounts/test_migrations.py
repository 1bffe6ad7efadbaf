"""Migrations: from nothing, from an old file, not from the future; and what they make is what the tables say."""

from __future__ import annotations

import shutil
import stat
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, inspect, select, text, update

from payseal import Request, Signer, scheme
from payseal.server.accounts import AccountStore, AccountVerifier, CredentialStore, Database, DatabaseError, Directory, KeyRing, tables
from payseal.server.accounts.database import newest
from payseal.server.users import UserStore

OLD = Path(__file__).parents[2] / "fixtures"


def test_the_migrated_tables_are_the_models(empty_url: str) -> None:
    database = Database.open(empty_url, create=True)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []
    database.close()


def test_an_upgrade_twice_and_by_several_at_once_is_one_upgrade(empty_url: str) -> None:
    databases = [Database.connect(empty_url, create=True) for _ in range(8)]
    reached: list[str] = []
    threads = [threading.Thread(target=lambda each=each: reached.append(each.upgrade())) for each in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reached == [newest()] * 8
    assert databases[0].upgrade() == newest()
    for database in databases:
        database.close()


def test_an_empty_or_old_database_is_said_with_the_remedy(empty_url: str, kind: str) -> None:
    if kind == "postgresql":
        with pytest.raises(DatabaseError, match="is empty: run payseal db upgrade"):
            Database.open(empty_url)
    else:
        with pytest.raises(DatabaseError, match="payseal db upgrade makes one"):
            Database.open(empty_url)
    database = Database.connect(empty_url, create=True)
    database.upgrade("0001")
    with pytest.raises(DatabaseError, match=r"at revision 0001.*run payseal db upgrade"):
        Database.open(empty_url)
    database.close()


def test_a_newer_database_is_left_alone(url: str) -> None:
    database = Database.open(url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (lambda: Database.open(url), lambda: Database.open(url, create=True), database.upgrade):
        with pytest.raises(DatabaseError, match="newer payseal"):
            attempt()
    assert database.revision() == "9999"
    database.close()


def test_a_failing_migration_leaves_nothing_behind(empty_url: str) -> None:
    database = Database.connect(empty_url, create=True)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE audit (id INTEGER)"))  # in the way of the seventh table
    with pytest.raises(DatabaseError):
        database.upgrade()
    with database.read() as connection:
        assert not connection.dialect.has_table(connection, "accounts")
    database.close()


def test_0003_adds_users_and_leaves_the_rest_as_it_was(empty_url: str) -> None:
    database = Database.connect(empty_url, create=True)
    database.upgrade("0002")
    with database.write() as connection:
        connection.execute(text("INSERT INTO accounts (id, title, created, revision) VALUES ('acme', 'Acme Shop', 1.5, 1)"))
        connection.execute(text("INSERT INTO switches (account, name, value) VALUES ('acme', 'require_signed_transfers', false)"))
        connection.execute(text("INSERT INTO audit (at, actor, action, account, detail) VALUES (1.5, 'x', 'account.create', 'acme', '{}')"))

    def held() -> dict[str, tuple[str, str]]:
        """Each table's form and rows."""
        found = MetaData()
        with database.read() as connection:
            found.reflect(connection)
            asked = inspect(connection)
            return {
                table.name: (
                    repr(
                        [
                            (column["name"], repr(column["type"]), column["nullable"], column["default"])
                            for column in asked.get_columns(table.name)
                        ]
                    )
                    + repr([*asked.get_indexes(table.name), *asked.get_foreign_keys(table.name), *asked.get_check_constraints(table.name)]),
                    repr(connection.execute(select(table)).all()),
                )
                for table in found.sorted_tables
                if table.name != "alembic_version"
            }

    before = held()
    assert "Acme Shop" in before["accounts"][1]
    assert database.upgrade("0003") == "0003"
    after = held()
    assert set(after) - set(before) == {"users", "sessions", "links", "sign_in_counters", "sign_in_places"}
    assert {name: after[name] for name in before} == before
    with pytest.raises(DatabaseError), database.write() as connection:
        connection.execute(text("DELETE FROM audit"))
    database.upgrade()
    users = UserStore(database)
    users.create("bob", "merchant", "acme", actor="test:operator")
    assert [user.account for user in users.list()] == ["acme"]
    database.close()


def test_an_old_file_goes_up_with_everything_in_it(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    shutil.copy(OLD / "accounts-0001.sqlite", path)
    with pytest.raises(DatabaseError, match="at revision 0001"):
        Database.open(f"sqlite:///{path}")
    database = Database.open(f"sqlite:///{path}", create=True)
    ring = KeyRing.load(environment={"PAYSEAL_MASTER_KEYS": (OLD / "accounts-0001.keys").read_text()})
    try:
        store, keys = AccountStore(database), CredentialStore(database, ring)
        assert [(account.id, account.title) for account in store.list()] == [("acme", "Acme Shop"), ("globex", "Globex")]
        assert store.get("acme").allows("192.0.2.7")
        assert not store.get("acme").allows("198.51.100.1")
        assert [entry.action for entry in store.audit()] == ["credential.create", "account.create", "account.create"]
        assert UserStore(database).list() == []
        (record,) = keys.list("acme")
        assert (record.keyid, record.label, record.scheme) == ("oldKeyid000000000000000000000001", "", "fiserv-payments")
        with database.read() as connection:
            number = connection.execute(select(tables.revision.c.number)).scalar_one()
            assert set(connection.execute(select(tables.accounts.c.revision)).scalars()) == {number}
        with Directory(database, ring) as directory:
            entry = directory.by_keyid(record.keyid)
            assert entry is not None
            signer = Signer(scheme("fiserv-payments"), entry.credential(0))
            request = Request("POST", "/", body=b"{}")
            signed = Request("POST", "/", headers=signer.sign(request), body=b"{}")
            assert AccountVerifier(directory, "fiserv-payments").verify(signed).account == "acme"
        with pytest.raises(DatabaseError), database.write() as connection:
            connection.execute(update(tables.audit).values(actor="somebody else"))
    finally:
        database.close()


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is not a database, and it is longer than a header of one hundred bytes would be " * 3)
    with pytest.raises(DatabaseError, match="not a database"):
        Database.open(f"sqlite:///{path}")


def test_a_new_sqlite_file_is_its_owner_s_alone(tmp_path: Path) -> None:
    Database.open(f"sqlite:///{tmp_path / 'new.db'}", create=True).close()
    for path in tmp_path.glob("new.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://u:hunter2@h/d", "sqlite://", "sqlite:///:memory:", "sqlite:///a.db?x=1", "postgresql://u:hunter2@h:port/d"],
)
def test_what_is_no_url_of_a_database_is_said_without_it(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        Database.open(url)
    assert "hunter2" not in str(caught.value)


def test_a_password_is_in_no_message_and_no_repr() -> None:
    url = "postgresql://somebody:hunter2@127.0.0.1:1/nowhere"
    with pytest.raises(DatabaseError) as caught:
        Database.open(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    database = Database.connect(url)
    assert database.shown == "postgresql://somebody:***@127.0.0.1:1/nowhere"
    assert "hunter2" not in repr(database)
    database.close()
