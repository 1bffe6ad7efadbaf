"""A refusal of the sandbox says why, to whoever was refused; and nothing secret with it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from payseal import Credential, Request, Signer, scheme
from payseal.server.accounts import CredentialStore, Database

from .calls import sale
from .conftest import Reply, Sandbox
from .samples import CARD, CODE, SALE, TRANSFER


def spoilt(sandbox: Sandbox, body: bytes, sent: bytes, credential: Credential | None = None, **options: Any) -> Reply:
    """Signed over one body, sent with another."""
    signer = Signer(scheme("fiserv-payments"), credential or sandbox.vault.demo_keys().fiserv)
    headers = signer.sign(Request("POST", "/gateway/v2/payments", body=body), **options)
    return sandbox.send("POST", "/gateway/v2/payments", {**headers, "Content-Type": "application/json"}, sent)


def test_a_401_says_why_in_the_provider_s_shape_with_a_link(sandbox: Sandbox) -> None:
    compact = json.dumps(SALE, separators=(",", ":")).encode()
    answer = spoilt(sandbox, json.dumps(SALE).encode(), compact)
    assert (answer.status, answer.json["responseType"]) == (401, "Unauthenticated")
    assert int(answer.headers["Content-Length"]) == len(answer.raw)
    cause = answer.json["payseal"]["cause"]
    assert (cause["code"], cause["proven"]) == ("body-respaced", True)
    assert cause["summary"]
    assert cause["fix"]
    assert answer.json["payseal"]["explanation"].startswith(f"http://127.0.0.1:{sandbox.port}/explanations/")


def test_an_hour_s_difference_a_wrong_secret_and_a_repetition_are_said(sandbox: Sandbox) -> None:
    body = json.dumps(SALE).encode()
    stale = spoilt(sandbox, body, body, created=time.time() - 3600)
    assert stale.json["payseal"]["cause"]["code"] in ("created-clock-skew", "created-outside-window")
    keys = sandbox.vault.demo_keys().fiserv
    wrong = spoilt(sandbox, body, body, Credential(keys.keyid, "not the secret of this key"))
    assert wrong.json["payseal"]["cause"]["code"] == "unproven"
    unknown = spoilt(sandbox, body, body, Credential("nobody", "not a secret of any key"))
    assert unknown.json["payseal"]["cause"]["code"] == "credential-unknown"
    startbutton = sandbox.vault.demo_keys().startbutton
    document = {**TRANSFER, "reference": f"explained{time.time_ns()}"}
    pinned: dict[str, Any] = {"created": time.time()}
    first, again = (
        sandbox.signed("startbutton-transfer", startbutton, "POST", "/transaction/transfer", document, **pinned) for _ in range(2)
    )
    assert (first.status, again.status, again.json["payseal"]["cause"]["code"]) == (200, 409, "ledger-replayed")


def test_the_key_of_another_credential_of_the_account_is_recognised(sandbox: Sandbox) -> None:
    keys = sandbox.vault.demo_keys()
    body = json.dumps(SALE).encode()
    mixed = Credential(keys.fiserv.keyid, keys.commercehub.reveal_secrets()[0])
    assert spoilt(sandbox, body, body, mixed).json["payseal"]["cause"]["code"] == "key-other-environment"


def test_nothing_secret_is_in_an_explained_refusal(sandbox: Sandbox) -> None:
    keys = sandbox.vault.demo_keys()
    body = json.dumps(SALE).encode()
    expected = Signer(scheme("fiserv-payments"), keys.fiserv).sign(Request("POST", "/", body=body), nonce="same", created=1790000000)
    for sent in (body, b"{}", json.dumps({"secret": "x"}).encode()):
        raw = spoilt(sandbox, b"other" + body, sent).raw.decode()
        secrets = [secret.decode() for secret in keys.fiserv.reveal_secrets()]
        for hidden in (*secrets, CARD, f'"{CODE}"', expected["Message-Signature"]):
            assert hidden not in raw


@pytest.mark.parametrize("body", [b"", b"\xff" * 100, b"[" * 3000, b"9" * 200_000])
def test_whatever_is_sent_is_refused_with_an_explanation_in_time(sandbox: Sandbox, body: bytes) -> None:
    began = time.monotonic()
    answer = spoilt(sandbox, b"something else", body)
    assert answer.status == 401
    assert answer.json["payseal"]["code"] == "invalid-signature"
    assert time.monotonic() - began < 3


def test_an_accepted_request_is_answered_as_the_provider_does(sandbox: Sandbox) -> None:
    assert "payseal" not in sale(sandbox).json


def test_a_key_that_was_revoked_is_said_to_be(sandbox: Sandbox) -> None:
    database = Database.open(sandbox.vault.accounts_url)
    store = CredentialStore(database, sandbox.vault.ring)
    body = json.dumps(SALE).encode()
    for name, path in (("fiserv-payments", "/gateway/v2/payments"), ("startbutton-transfer", "/transaction/transfer")):
        issued = store.create("demo", name, actor="test:operator")
        store.revoke(issued.keyid, actor="test:operator")
        assert store.revoked(keyid=issued.keyid)
        credential = Credential(issued.keyid, issued.secret, issued.token)
        # The sandbox looks for changes each second: where it looked between the two, it takes the key until it looks again.
        deadline, code = time.monotonic() + 5, None
        while code != "credential-revoked":
            assert time.monotonic() < deadline, code
            answer = sandbox.signed(name, credential, "POST", path, raw=body)
            code = answer.json["payseal"]["cause"]["code"] if answer.status == 401 else answer.status
            time.sleep(0.1)
    assert not store.revoked(keyid="nobody")
    assert not store.revoked(token="nothing")
    database.close()
