"""The two readings of ``Message-Digest``: which one is taken from whom, and that the end of a credential is the end of its sessions."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from payseal import Credential, Rejected, Request, Signer, Verifier, scheme
from payseal.errors import SchemeError
from payseal.server.accounts import AccountStore, CredentialStore, Database
from payseal.server.sandbox.commercehub import _MisledDigestVerifier
from payseal.server.sandbox.commercehub.digests import SWITCH, DigestVerifier
from payseal.server.sandbox.faults.misled import wrong_key

from .calls import capture_document, charge, hub
from .conftest import Reply, Sandbox
from .samples import MERCHANT

ACTOR = "test:operator"
CAPTURE = "/payments-vas/v1/card-capture"
KEYED, PLAIN = "commercehub-digest", "commercehub-digest-sha256"
_numbers = itertools.count(1)


def soon(send: Callable[[], Reply], status: int) -> Reply:
    """The first answer with that status. It is there within a second, which `tests/server/accounts/test_directory.py` holds; a machine that
    is busy with other tests is given more."""
    deadline = time.monotonic() + 10.0
    while (answer := send()).status != status:
        assert time.monotonic() < deadline, f"still {answer.status}"
        time.sleep(0.02)
    return answer


@dataclass
class Shop:
    """An account of its own, with one API key."""

    sandbox: Sandbox
    database: Database
    account: str
    key: Credential

    @property
    def accounts(self) -> AccountStore:
        return AccountStore(self.database)

    def begin(self) -> Any:
        answer = hub(self.sandbox, "/payments-vas/v1/security/credentials", {"merchantDetails": MERCHANT}, credential=self.key)
        assert answer.status == 201
        return answer.json

    def capture(self, issued: Any, name: str = PLAIN, *, token: str | None = None, raw: bytes | None = None, **pinned: Any) -> Reply:
        credential = Credential(self.key.keyid, token=token or issued["accessToken"])
        document = None if raw is not None else capture_document(issued)
        return self.sandbox.signed(name, credential, "POST", CAPTURE, document, raw=raw, **pinned)

    def accept_unkeyed(self, value: bool = True) -> None:
        self.accounts.switch(self.account, SWITCH, value, actor=ACTOR)
        issued = self.begin()
        soon(lambda: self.capture(issued), 200 if value else 401)


@pytest.fixture
def shop(sandbox: Sandbox) -> Iterator[Shop]:
    database = Database.open(sandbox.vault.accounts_url)
    account = f"shop-{next(_numbers)}"
    AccountStore(database).create(account, actor=ACTOR)
    issued = CredentialStore(database, sandbox.vault.ring).create(account, "commercehub-hmac", actor=ACTOR)
    key = Credential(issued.keyid, issued.secret)
    soon(lambda: hub(sandbox, "/payments/v1/transaction-inquiry", {}, credential=key), 400)
    yield Shop(sandbox, database, account, key)
    database.close()


def test_without_the_switch_a_plain_digest_is_a_wrong_signature(shop: Shop) -> None:
    issued = shop.begin()
    refused, wrong = shop.capture(issued), shop.capture(issued, KEYED, token="x" * 43)
    assert refused.status == wrong.status == 401
    assert refused.json["error"] == wrong.json["error"]
    assert set(refused.headers) == set(wrong.headers)
    assert shop.capture(issued, KEYED).status == 200


def test_with_the_switch_either_reading_is_taken_and_nothing_that_is_wrong(shop: Shop) -> None:
    shop.accept_unkeyed()
    issued = shop.begin()
    assert shop.capture(issued, KEYED).status == shop.capture(issued, PLAIN).status == 200
    token = issued["accessToken"]
    assert shop.capture(issued, PLAIN, token="x" * len(token)).status == 401
    assert shop.capture(issued, PLAIN, token=f"{token}x").status == 401
    assert shop.capture(issued, PLAIN, created=time.time() - 3600).status == 401
    body = json.dumps(capture_document(issued)).encode()
    signed = {
        **Signer(scheme(PLAIN), Credential(shop.key.keyid, token=token)).sign(Request("POST", CAPTURE, body=body)),
        "Content-Type": "application/json",
    }

    def sent(**changes: str | None) -> int:
        headers = {**signed, **{name.replace("_", "-"): value for name, value in changes.items()}}
        return shop.sandbox.send("POST", CAPTURE, {name: value for name, value in headers.items() if value is not None}, body).status

    assert shop.sandbox.send("POST", CAPTURE, signed, body.replace(b"100000000000001", b"100000000000002")).status == 401
    assert sent(Message_Digest=signed["Message-Digest"].upper()) == 401
    assert sent(Message_Digest=hashlib.sha256(body).hexdigest()) == 401
    assert sent(Message_Digest="0" * 63) == 401
    assert sent(Message_Digest=None) == 401
    assert sent(Authorization=None) == 401
    assert sent(Auth_Token_Type="HMAC") == 401
    assert sent() == 200
    shop.accept_unkeyed(False)


def test_a_request_id_is_used_once_whichever_the_reading(shop: Shop) -> None:
    shop.accept_unkeyed()
    issued = shop.begin()
    body = json.dumps(capture_document(issued)).encode()
    first = shop.capture(issued, KEYED, raw=body, nonce="digest-1")
    again = shop.capture(issued, PLAIN, raw=body, nonce="digest-1")
    assert (again.raw, again.headers["Idempotent-Replayed"]) == (first.raw, "true")
    assert shop.capture(issued, PLAIN, nonce="digest-1").status == 422


def test_a_session_ends_with_its_credential(shop: Shop) -> None:
    issued = shop.begin()
    assert shop.capture(issued, KEYED).status == 200
    CredentialStore(shop.database).revoke(shop.key.keyid or "", actor=ACTOR)
    soon(lambda: shop.capture(issued, KEYED), 401)
    # Nor can another credential of the account charge what it left behind.
    other = CredentialStore(shop.database, shop.sandbox.vault.ring).create(shop.account, "commercehub-hmac", actor=ACTOR)
    key = Credential(other.keyid, other.secret)
    soon(lambda: hub(shop.sandbox, "/payments/v1/transaction-inquiry", {}, credential=key), 400)
    document = {"source": {"sourceType": "PaymentSession", "sessionId": issued["sessionId"]}, "amount": {"total": 3, "currency": "USD"}}
    refused = hub(shop.sandbox, "/payments/v1/charges", document, credential=key)
    assert (refused.status, refused.json["error"][0]["field"]) == (400, "source.sessionId")


def test_a_session_ends_with_its_account_and_is_nobody_else_s(shop: Shop) -> None:
    issued = shop.begin()
    assert shop.capture(issued, KEYED).status == 200
    assert charge(shop.sandbox, issued["sessionId"]).status == 400  # the demo account asks
    shop.accounts.set_disabled(shop.account, True, actor=ACTOR)
    soon(lambda: shop.capture(issued, KEYED), 401)


TOKEN = Credential("key", token="t" * 43, account="acme")
BODY = b'{"a": 1}' * 1000


def signed(name: str, credential: Credential = TOKEN) -> Request:
    return Request("POST", CAPTURE, Signer(scheme(name), credential).sign(Request("POST", CAPTURE, body=BODY)), BODY)


def diagnosis(verifier: Verifier, request: Request) -> str:
    with pytest.raises(Rejected) as caught:
        verifier.verify(request)
    assert (caught.value.code, caught.value.detail) == ("invalid-signature", "")
    return caught.value.diagnosis


def test_the_operator_is_told_which_digest_it_was() -> None:
    verifier = DigestVerifier(lambda presented: TOKEN, lambda account: False)
    assert diagnosis(verifier, signed(PLAIN)) == "unkeyed-digest-not-accepted"
    wrong = Credential("key", token="t" * 42 + "u")
    assert diagnosis(verifier, signed(KEYED, wrong)) == "token-mismatch"
    assert diagnosis(DigestVerifier(lambda presented: None, lambda account: True), signed(PLAIN)) == "credential-unknown"
    assert diagnosis(DigestVerifier(lambda presented: TOKEN, lambda account: True), signed(PLAIN, wrong)) == "token-mismatch"


def test_the_reading_of_an_explanation_is_the_account_s() -> None:
    for accepting, expected in (({"acme"}, PLAIN), (set[str](), KEYED)):
        found = DigestVerifier(lambda presented: TOKEN, accepting.__contains__).owner(signed(PLAIN))
        assert found is not None
        assert (found[0].name, found[1]) == (expected, TOKEN)
    assert DigestVerifier(lambda presented: None, lambda account: True).owner(signed(PLAIN)) is None
    assert DigestVerifier(lambda presented: TOKEN, lambda account: True).owner(Request("POST", CAPTURE, {}, b"")) is None


@pytest.mark.parametrize("name", [KEYED, PLAIN])
def test_a_fault_misleads_both_readings(name: str) -> None:
    verifier = _MisledDigestVerifier(lambda presented: TOKEN, lambda account: account == "acme")
    assert verifier.verify(signed(name)).scope == f"{KEYED}:acme"
    ordered = wrong_key.set(True)
    try:
        diagnosis(verifier, signed(name))
    finally:
        wrong_key.reset(ordered)


def test_a_scheme_without_a_key_wants_to_be_allowed() -> None:
    with pytest.raises(SchemeError):
        Verifier(scheme(PLAIN), TOKEN)


def test_refusing_a_plain_digest_costs_what_a_wrong_signature_costs() -> None:
    verifier = DigestVerifier(lambda presented: TOKEN, lambda account: False)

    def cost(request: Request) -> float:
        def once() -> float:
            began = time.process_time()
            for _ in range(100):
                diagnosis(verifier, request)
            return time.process_time() - began

        return min(once() for _ in range(7))

    plain, wrong = cost(signed(PLAIN)), cost(signed(KEYED, Credential("key", token="w" * 43)))
    assert 0.5 < plain / wrong < 2
