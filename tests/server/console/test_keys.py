"""Keys from the console: shown once and never again, good in the sandbox within a second, rotated with an overlap, ended, revoked."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable

import pytest

from payseal import Credential, Request, Signer, scheme
from tests.server.sandbox.calls import eventually
from tests.server.sandbox.conftest import Reply
from tests.server.sandbox.samples import SALE, TRANSFER

from .conftest import ACTOR, Console, Got, Visitor

#: Within a second, and what a busy machine adds to it.
SOON = 3.0
BODY = json.dumps(SALE).encode()


def shown(page: Got) -> dict[str, str]:
    """What the page of a new key shows, by its name."""
    names = re.findall(r'<dt id="part-(\d)-name">([^<]+)</dt>', page.text)
    return {name: re.findall(rf'<code id="part-{number}"[^>]*>([^<]+)</code>', page.text)[0] for number, name in names}


def make(visitor: Visitor, account: str, name: str, **form: str) -> Got:
    visitor.get(f"/console/accounts/{account}")
    return visitor.post(f"/console/accounts/{account}/keys", {"scheme": name, **form})


def credential(page: Got, keyid: str = "") -> Credential:
    parts = shown(page)
    return Credential(parts.get("Key id", keyid), parts.get("Secret"), parts.get("Access token"))


def sale(console: Console, key: Credential) -> int:
    return console.signed("fiserv-payments", key, "POST", "/gateway/v2/payments", SALE).status


def settles(send: Callable[[], int], status: int) -> None:
    eventually(lambda: send() == status, SOON)


def actions(console: Console, keyid: str) -> list[tuple[str, str]]:
    """The key's lines in the audit trail, the oldest first."""
    return [(each.action, each.actor) for each in console.accounts.audit(limit=1000) if each.keyid == keyid][::-1]


def test_a_secret_is_in_one_answer_and_nowhere_else(console: Console, caplog: pytest.LogCaptureFixture) -> None:
    account, person = console.account(), console.person()
    visitor = console.visitor()
    visitor.sign_in(person.name)
    with caplog.at_level(logging.DEBUG):
        made = [make(visitor, account, name, label="mine") for name in ("fiserv-payments", "startbutton-transfer", "commercehub-hmac")]
        keyid = shown(made[0])["Key id"]
        visitor.get(f"/console/accounts/{account}")
        made.append(visitor.post(f"/console/keys/{keyid}/rotate", {"overlap": "day"}))
        assert [page.status for page in made] == [200] * 4
        for page in made:
            assert page.headers["Cache-Control"] == "no-store"
        secrets = [value for page in made for name, value in shown(page).items() if name != "Key id"]
        assert len(secrets) == len(set(secrets)) == 5
        assert [page.text.count(each) for page in made for each in shown(page).values() if each in secrets] == [1] * 5
        settles(lambda: sale(console, credential(made[0])), 200)
        traces = [console.signed("fiserv-payments", credential(made[0]), "POST", "/gateway/v2/payments", SALE).status]
        assert traces == [200]
        eventually(lambda: keyid in visitor.get("/console/requests").text, SOON)
        trace = re.findall(r'href="(/console/requests/[0-9a-f-]{36})"', visitor.get("/console/requests").text)[0]
        pages = [
            visitor.get(path).text
            for path in (
                "/console",
                "/console/accounts",
                f"/console/accounts/{account}",
                "/console/requests",
                trace,
                "/console/audit",
                "/console/audit.csv",
                "/console/audit.jsonl",
                "/console/people",
                f"/console/try?keyid={keyid}",
            )
        ]
    kept = b"".join(path.read_bytes() for path in console.vault.folder.iterdir() if path.is_file() and path.name != "keys.toml")
    for secret in secrets:
        assert secret not in "".join(pages)
        assert secret not in caplog.text
        assert secret.encode() not in kept
    assert keyid.encode() in kept


def test_a_key_signs_and_is_rotated_and_revoked(console: Console) -> None:
    account, person = console.account(), console.person()
    visitor = console.visitor()
    visitor.sign_in(person.name)
    first = credential(make(visitor, account, "fiserv-payments"))
    assert first.keyid is not None
    settles(lambda: sale(console, first), 200)

    visitor.get(f"/console/accounts/{account}")
    second = credential(visitor.post(f"/console/keys/{first.keyid}/rotate", {"overlap": "hour"}))
    assert second.keyid == first.keyid
    settles(lambda: sale(console, second), 200)
    assert sale(console, first) == 200
    assert "the old secret verifies until" in visitor.get(f"/console/accounts/{account}").words

    third = credential(visitor.post(f"/console/keys/{first.keyid}/rotate", {"overlap": "none"}))
    settles(lambda: sale(console, second), 401)
    settles(lambda: sale(console, first), 401)
    settles(lambda: sale(console, third), 200)

    assert visitor.post(f"/console/keys/{first.keyid}/expire", {"end": "30"}).status == 303
    ends = next(key.not_after for key in console.credentials.list(account))
    assert ends is not None
    assert sale(console, third) == 200
    for wrong in ({}, {"end": "soon"}, {"end": ""}):
        assert visitor.post(f"/console/keys/{first.keyid}/expire", wrong).status == 400
    assert next(key.not_after for key in console.credentials.list(account)) == ends
    assert visitor.post(f"/console/keys/{first.keyid}/expire", {"end": "never"}).status == 303
    assert next(key.not_after for key in console.credentials.list(account)) is None

    assert visitor.post(f"/console/keys/{first.keyid}/revoke").status == 400
    assert sale(console, third) == 200
    assert visitor.post(f"/console/keys/{first.keyid}/revoke", {"sure": "on"}).status == 303
    settles(lambda: sale(console, third), 401)
    for path, form in (("rotate", {"overlap": "day"}), ("expire", {"end": "30"}), ("revoke", {"sure": "on"})):
        assert visitor.post(f"/console/keys/{first.keyid}/{path}", form).status == 400
    page = visitor.get(f"/console/accounts/{account}")
    assert "revoked" in page.words
    assert f"/console/keys/{first.keyid}/" not in page.text
    actor = f"console:{person.name}"
    happened = ["create", "rotate", "rotate", "expire", "expire", "revoke"]
    assert actions(console, first.keyid) == [(f"credential.{each}", actor) for each in happened]


def test_a_key_can_have_seconds(console: Console) -> None:
    account, visitor = console.account(), console.signed_in()
    key = credential(make(visitor, account, "fiserv-payments", unit="unix"))
    signer = Signer(scheme("fiserv-payments", created={"format": "unix"}), key)

    def in_seconds() -> Reply:
        headers = signer.sign(Request("POST", "/gateway/v2/payments", body=BODY))
        return console.send("POST", "/gateway/v2/payments", {**headers, "Content-Type": "application/json"}, BODY)

    settles(lambda: in_seconds().status, 200)
    assert sale(console, key) == 401
    assert "unix" in visitor.get(f"/console/accounts/{account}").text


def test_a_transfer_key_signs_transfers(console: Console) -> None:
    account, visitor = console.account(), console.signed_in()
    key = credential(make(visitor, account, "startbutton-transfer"))
    other = Credential(key.keyid, "not the signKey of this merchant", key.reveal_token())

    def transfer(with_key: Credential) -> int:
        return console.signed("startbutton-transfer", with_key, "POST", "/transaction/transfer", TRANSFER).status

    eventually(lambda: transfer(key) != 401, SOON)
    assert transfer(other) == 401


@pytest.mark.parametrize(
    "form",
    [
        {"scheme": ""},
        {"scheme": "../../etc/passwd"},
        {"scheme": "startbutton-webhook"},
        {"scheme": "commercehub-digest-sha256"},
        {"scheme": "fiserv-payments", "unit": "%d"},
        {"scheme": "fiserv-payments", "unit": "minutes"},
        {"scheme": "fiserv-payments", "end": "tomorrow"},
        {"scheme": "fiserv-payments", "label": "x" * 201},
        {"scheme": "fiserv-payments", "label": "line\nbreak"},
        {"scheme": "<script>alert(1)</script>"},
    ],
)
def test_what_cannot_be_made_is_said_and_not_made(console: Console, form: dict[str, str]) -> None:
    visitor = console.signed_in()
    visitor.get("/console/accounts/demo")
    before = console.credentials.list()
    got = visitor.post("/console/accounts/demo/keys", form)
    assert got.status == 400
    assert "<script>alert" not in got.text
    assert console.credentials.list() == before
    assert f"/console/keys/{console.vault.demo_keys().fiserv.keyid}/rotate" in got.text


def test_a_rotation_without_a_choice_is_none(console: Console) -> None:
    account, visitor = console.account(), console.signed_in()
    key = credential(make(visitor, account, "fiserv-payments"))
    before = console.credentials.list(account)
    visitor.get(f"/console/accounts/{account}")
    for form in ({}, {"overlap": "for ever"}, {"overlap": "-1"}):
        assert visitor.post(f"/console/keys/{key.keyid}/rotate", form).status == 400
    assert console.credentials.list(account) == before


def test_what_is_typed_is_never_markup(console: Console) -> None:
    attack = """"><script>alert(1)</script><img src=x onerror=alert(1)>'"""
    account, visitor = console.account(), console.signed_in()
    console.credentials.create(account, "fiserv-payments", label=attack, actor=ACTOR)
    page = visitor.get(f"/console/accounts/{account}").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
