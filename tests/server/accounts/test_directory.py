"""The cache: no query a request, every change seen everywhere within a second, and in doubt nothing is accepted."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, text

from payseal import Credential, CredentialError, Rejected, Request, Signer, scheme
from payseal.ledger import MemoryLedger
from payseal.middleware import ASGIMiddleware
from payseal.server.accounts import AccountStore, AccountVerifier, CredentialStore, Database, Directory, IssuedCredential, KeyRing
from tests.clock import Clock
from tests.core.support import counted_macs
from tests.middleware.support import asgi_call

#: What is timed, by a test or by the directory itself.
alone = pytest.mark.alone

ACTOR = "test:operator"
BODY = b'{"amount": 1}'


def signed(issued: IssuedCredential, name: str = "fiserv-payments", **overrides: Any) -> Request:
    credential = Credential(issued.keyid, issued.secret, issued.token)
    headers = Signer(scheme(name, **overrides), credential).sign(Request("POST", "/pay", body=BODY))
    return Request("POST", "/pay", headers=headers, body=BODY)


def eventually(check: Callable[[], bool], within: float = 1.0) -> float:
    """Seconds until it is so; fails when it is not so in time."""
    began = time.monotonic()
    while not check():
        assert time.monotonic() - began < within, f"not so after {within} s"
        time.sleep(0.005)
    return time.monotonic() - began


def accepted(verifier: AccountVerifier, request: Request) -> bool:
    try:
        verifier.verify(request)
    except Rejected as rejected:
        if rejected.code != "invalid-signature":
            raise
        return False
    return True


@alone
def test_a_change_is_seen_on_another_replica_within_a_second(
    url: str, ring: KeyRing, keys: CredentialStore, accounts: AccountStore, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The replica has connections of its own; nothing but the database is between the two."""
    other = Database.open(url)
    took = []
    with Directory(other, ring) as replica:
        verifier = AccountVerifier(replica, "fiserv-payments")
        for _ in range(3):
            issued = keys.create("acme", "fiserv-payments", actor=ACTOR)
            request = signed(issued)
            eventually(lambda request=request: accepted(verifier, request))  # type: ignore[misc]
            keys.revoke(issued.keyid, actor=ACTOR)
            took.append(eventually(lambda request=request: not accepted(verifier, request)))  # type: ignore[misc]
        issued = keys.create("acme", "fiserv-payments", actor=ACTOR)
        eventually(lambda: accepted(verifier, signed(issued)))
        rotated = keys.rotate(issued.keyid, actor=ACTOR)
        eventually(lambda: accepted(verifier, signed(rotated)))
        assert accepted(verifier, signed(issued))  # in the overlap
        accounts.set_disabled("acme", True, actor=ACTOR)
        eventually(lambda: not accepted(verifier, signed(rotated)))
        accounts.set_disabled("acme", False, actor=ACTOR)
        eventually(lambda: accepted(verifier, signed(rotated)))
        accounts.switch("acme", "require_signed_transfers", False, actor=ACTOR)
        accounts.allow_ip("acme", "192.0.2.0/24", actor=ACTOR)
        eventually(lambda: (found := replica.account("acme")) is not None and not found.allows("198.51.100.1"))
        assert replica.account("acme") == accounts.get("acme")
    other.close()
    with capsys.disabled():
        print(f"\nrevocation seen by another replica ({kind}): {', '.join(f'{each * 1000:.0f} ms' for each in took)}")


def test_only_what_changed_is_loaded_again(database: Database, directory: Directory, accounts: AccountStore, keys: CredentialStore) -> None:
    accounts.create("other", actor=ACTOR)
    mine, theirs = keys.create("acme", "fiserv-payments", actor=ACTOR), keys.create("other", "fiserv-payments", actor=ACTOR)
    directory.refresh()
    before = directory.by_keyid(mine.keyid), directory.by_keyid(theirs.keyid)
    keys.rotate(mine.keyid, actor=ACTOR)
    directory.refresh()
    assert directory.by_keyid(mine.keyid) is not before[0]
    assert directory.by_keyid(theirs.keyid) is before[1]


@alone
def test_a_request_asks_the_database_nothing(
    database: Database, directory: Directory, keys: CredentialStore, kind: str, capsys: Any
) -> None:
    issued = keys.create("acme", "fiserv-payments", actor=ACTOR)
    directory.refresh()
    verifier, request, stranger = AccountVerifier(directory, "fiserv-payments"), signed(issued), Request("POST", "/", body=BODY)
    me, statements = threading.get_ident(), []

    def count(*arguments: Any) -> None:
        if threading.get_ident() == me:  # the thread that keeps it fresh asks all the time
            statements.append(arguments[2])

    event.listen(database.engine, "before_cursor_execute", count)
    began = time.perf_counter()
    for _ in range(2000):
        verifier.verify(request)
    each = (time.perf_counter() - began) / 2000
    with pytest.raises(Rejected):
        verifier.verify(stranger)
    lookups = 20_000
    began = time.perf_counter()
    for _ in range(lookups):
        directory.by_keyid(issued.keyid)
    lookup = (time.perf_counter() - began) / lookups
    event.remove(database.engine, "before_cursor_execute", count)
    assert statements == []
    with capsys.disabled():
        print(f"\na lookup {lookup * 1e6:.2f} µs, a request verified {each * 1e6:.0f} µs, no statement ({kind})")


def test_each_credential_is_verified_in_its_own_unit(directory: Directory, keys: CredentialStore) -> None:
    in_seconds = keys.create("acme", "fiserv-payments", overrides={"created": {"format": "unix"}}, actor=ACTOR)
    in_milliseconds = keys.create("acme", "fiserv-payments", actor=ACTOR)
    directory.refresh()
    verifier = AccountVerifier(directory, "fiserv-payments")
    seconds: dict[str, Any] = {"created": {"format": "unix"}}
    assert verifier.verify(signed(in_seconds, **seconds)).keyid == in_seconds.keyid
    assert verifier.verify(signed(in_milliseconds)).keyid == in_milliseconds.keyid
    for wrong in (signed(in_seconds), signed(in_milliseconds, **seconds)):
        with pytest.raises(Rejected) as caught:
            verifier.verify(wrong)
        assert (caught.value.code, caught.value.diagnosis) == ("invalid-signature", "form-of-another-credential")


def test_a_known_keyid_cannot_be_told_from_an_unknown_one(directory: Directory, keys: CredentialStore) -> None:
    """Whatever is wrong with a request, its answer is the same for both credentials and for a keyid that nobody has."""
    keyids = [
        keys.create("acme", "fiserv-payments", overrides={"created": {"format": "unix"}}, actor=ACTOR).keyid,
        keys.create("acme", "fiserv-payments", overrides={"signature": {"accept": ["base64"]}}, actor=ACTOR).keyid,
        keys.create("acme", "fiserv-payments", overrides={"nonce": {"pattern": "[a-f0-9-]{36}"}}, actor=ACTOR).keyid,
        keys.create("acme", "fiserv-payments", actor=ACTOR).keyid,
        "x" * 32,
    ]
    directory.refresh()
    verifier = AccountVerifier(directory, "fiserv-payments")
    now = time.time()
    good = {"Client-Request-Id": "30dd879c-ee2f-11db-8314-0800200c9a66", "Timestamp": f"{now * 1000:.0f}", "Message-Signature": "A" * 44}
    changes: list[dict[str, str | None]] = [
        {}, {"Timestamp": f"{now:.0f}"}, {"Timestamp": "12345"}, {"Timestamp": None}, {"Timestamp": ""}, {"Message-Signature": "A" * 88},
        {"Message-Signature": "A" * 10}, {"Message-Signature": None}, {"Timestamp": f"{now:.0f}", "Message-Signature": None},
        {"Client-Request-Id": "upper-CASE"}, {"Client-Request-Id": "!"}, {"Client-Request-Id": None}, {"Client-Request-Id": "!", "Timestamp": None},
    ]  # fmt: skip
    for change in changes:
        headers = {name: value for name, value in {**good, **change}.items() if value is not None}
        answers = set()
        for keyid in keyids:
            with pytest.raises(Rejected) as caught:
                verifier.verify(Request("POST", "/", headers={"Api-Key": keyid, **headers}, body=BODY))
            answers.add((caught.value.code, caught.value.detail))
        assert len(answers) == 1, (change, answers)


def test_an_unknown_keyid_costs_as_many_macs(directory: Directory, keys: CredentialStore, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = keys.create("acme", "fiserv-payments", actor=ACTOR)
    unit = keys.create("acme", "fiserv-payments", overrides={"created": {"format": "unix"}}, actor=ACTOR)
    rotated = keys.create("acme", "fiserv-payments", actor=ACTOR)
    keys.rotate(rotated.keyid, actor=ACTOR)
    directory.refresh()
    verifier = AccountVerifier(directory, "fiserv-payments")
    counts = set()
    for keyid in (issued.keyid, unit.keyid, rotated.keyid, "x" * 32):
        headers = {"Api-Key": keyid, "Client-Request-Id": "1", "Timestamp": f"{time.time() * 1000:.0f}", "Message-Signature": "A" * 44}
        with counted_macs(monkeypatch) as made, pytest.raises(Rejected):
            verifier.verify(Request("POST", "/", headers=headers, body=BODY))
        counts.add(len(made))
    assert counts == {2}


def test_a_token_names_its_merchant(directory: Directory, keys: CredentialStore) -> None:
    first, second = (keys.create("acme", "startbutton-transfer", actor=ACTOR) for _ in range(2))
    other = keys.create("acme", "commercehub-digest", actor=ACTOR)
    directory.refresh()
    verifier = AccountVerifier(directory, "startbutton-transfer", headers={"Authorization": "Bearer {token}"})
    for issued in (first, second):
        assert verifier.verify(signed(issued, "startbutton-transfer")).keyid == issued.keyid
    for token in (second.token, other.token, "unknown"):
        mixed = IssuedCredential(first.keyid, "acme", "startbutton-transfer", first.secret, token)
        with pytest.raises(Rejected) as caught:
            verifier.verify(signed(mixed, "startbutton-transfer"))
        assert caught.value.code == "invalid-signature"
    digest = AccountVerifier(directory, "commercehub-digest")
    assert digest.verify(signed(other, "commercehub-digest")).keyid == other.keyid


def test_a_credential_serves_its_own_scheme_only(directory: Directory, keys: CredentialStore) -> None:
    hub = keys.create("acme", "commercehub-hmac", actor=ACTOR)
    directory.refresh()
    with pytest.raises(Rejected):
        AccountVerifier(directory, "fiserv-payments").verify(signed(hub))
    assert AccountVerifier(directory, "commercehub-hmac").verify(signed(hub, "commercehub-hmac")).keyid == hub.keyid


def test_a_scheme_without_a_key_wants_both_to_allow_it(directory: Directory, keys: CredentialStore) -> None:
    name = "commercehub-digest-sha256"
    issued = keys.create("acme", name, allow_unkeyed=True, actor=ACTOR)
    directory.refresh()
    assert AccountVerifier(directory, name, allow_unkeyed=True).verify(signed(issued, name)).keyid == issued.keyid
    with pytest.raises(Exception, match="has no key"):
        AccountVerifier(directory, name)


def test_an_overlap_ends_without_a_word_from_the_database(database: Database, ring: KeyRing, accounts: AccountStore, clock: Clock) -> None:
    keys = CredentialStore(database, ring, clock=clock)
    old = keys.create("acme", "fiserv-payments", actor=ACTOR)
    new = keys.rotate(old.keyid, overlap=60, actor=ACTOR)
    with Directory(database, ring, clock=clock) as directory:
        verifier = AccountVerifier(directory, "fiserv-payments", clock=clock)

        def holds(issued: IssuedCredential) -> bool:
            credential = Credential(issued.keyid, issued.secret)
            headers = Signer(scheme("fiserv-payments"), credential).sign(Request("POST", "/", body=BODY), created=clock())
            return accepted(verifier, Request("POST", "/", headers=headers, body=BODY))

        clock.now += 59.9
        assert holds(old)
        assert holds(new)
        clock.now += 0.2
        assert not holds(old)
        assert holds(new)


# --- in doubt -----------------------------------------------------------------------------------------------------------------


@alone
def test_a_database_that_fails_refuses_with_503_and_comes_back(
    url: str, database: Database, ring: KeyRing, keys: CredentialStore, caplog: pytest.LogCaptureFixture
) -> None:
    issued = keys.create("acme", "fiserv-payments", actor=ACTOR)
    mine = Database.open(url)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    with Directory(mine, ring) as directory:
        middleware = ASGIMiddleware(app, AccountVerifier(directory, "fiserv-payments"), MemoryLedger())

        def status() -> int:
            request = signed(issued)
            return asgi_call(middleware, BODY, headers=list(request.headers)).status

        assert status() == 204
        with database.write() as connection:  # the counter is gone: every poll fails
            connection.execute(text("ALTER TABLE revision RENAME TO elsewhere"))
        broken = time.monotonic()
        eventually(lambda: status() == 503, within=1.5)
        assert 0.7 < time.monotonic() - broken < 1.5  # what is known is trusted for a second, no longer
        with pytest.raises(CredentialError, match="could not be kept fresh"):
            directory.by_keyid(issued.keyid)
        stranger = asgi_call(middleware, BODY)
        assert stranger.status == 503  # an unknown sender learns no more
        assert "does not answer" in caplog.text
        with database.write() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO revision"))
        eventually(lambda: status() == 204)
        assert "answers again" in caplog.text
    mine.close()


def test_before_the_start_and_after_the_end_nothing_is_known(database: Database, ring: KeyRing, keys: CredentialStore) -> None:
    directory = Directory(database, ring)
    for attempt in (lambda: directory.by_keyid("x"), lambda: directory.account("acme"), lambda: directory.by_token("x")):
        with pytest.raises(CredentialError):
            attempt()
    directory.start()
    assert directory.by_keyid("x") is None
    directory.close()
    with pytest.raises(CredentialError):
        directory.by_keyid("x")


@alone
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_keeps_fresh_by_itself(directory: Directory, keys: CredentialStore) -> None:
    issued = keys.create("acme", "fiserv-payments", actor=ACTOR)
    directory.refresh()
    verifier = AccountVerifier(directory, "fiserv-payments")
    readable, writable = os.pipe()
    to_child, from_parent = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            first = accepted(verifier, signed(issued))
            os.write(writable, b"1" if first else b"0")
            os.read(to_child, 1)
            eventually(lambda: not accepted(verifier, signed(issued)))
            os.write(writable, b"1")
        finally:
            os._exit(0)
    os.close(writable)
    assert os.read(readable, 1) == b"1"
    keys.revoke(issued.keyid, actor=ACTOR)
    os.write(from_parent, b"x")
    assert os.read(readable, 1) == b"1"
    assert os.waitpid(child, 0)[1] == 0
    for end in (readable, to_child, from_parent):
        os.close(end)
    eventually(lambda: not accepted(verifier, signed(issued)))  # and the parent's own connections are whole


def test_a_database_put_in_its_place_is_loaded_whole(database: Database, directory: Directory, keys: CredentialStore) -> None:
    issued = keys.create("acme", "fiserv-payments", actor=ACTOR)
    directory.refresh()
    assert directory.by_keyid(issued.keyid) is not None
    with database.write() as connection:  # as a backup from before the credential was made would have it
        for table in ("secrets", "credentials"):
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text("UPDATE revision SET number = 1"))
        connection.execute(text("UPDATE accounts SET revision = 1"))
    directory.refresh()
    assert directory.by_keyid(issued.keyid) is None


@alone
def test_a_thread_that_is_late_is_no_reason_to_refuse(directory: Directory, keys: CredentialStore) -> None:
    """On a busy machine the thread may miss its turn: the request looks itself, once, and only where the database answers."""
    issued = keys.create("acme", "fiserv-payments", actor=ACTOR)
    directory.refresh()
    directory._stop.set()
    assert directory._thread is not None
    directory._thread.join()
    keys.revoke(issued.keyid, actor=ACTOR)
    assert directory.by_keyid(issued.keyid) is not None  # within what may be trusted
    time.sleep(1.05)
    assert directory.by_keyid(issued.keyid) is None
