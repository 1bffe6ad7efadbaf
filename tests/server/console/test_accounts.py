"""Accounts in the console: made, switched, limited to networks, disabled; what was set is in force in the sandbox within a second."""

from __future__ import annotations

import pytest

from payseal import Credential
from payseal.server.accounts import IssuedCredential
from tests.server.sandbox.calls import eventually
from tests.server.sandbox.samples import TRANSFER

from .conftest import ACTOR, Console, Visitor

SOON = 3.0
ATTACK = """"><script>alert(1)</script>&'"""


def with_key(console: Console, name: str = "startbutton-transfer") -> tuple[str, IssuedCredential]:
    account = console.account()
    return account, console.credentials.create(account, name, actor=ACTOR)


def transfer(console: Console, key: IssuedCredential, *, signed: bool = True) -> int:
    if signed:
        credential = Credential(key.keyid, key.secret, key.token)
        return console.signed("startbutton-transfer", credential, "POST", "/transaction/transfer", TRANSFER).status
    headers = {"Authorization": f"Bearer {key.token}", "Content-Type": "application/json"}
    return console.send("POST", "/transaction/transfer", headers, b"{}").status


def switch(visitor: Visitor, account: str, value: str) -> None:
    visitor.get(f"/console/accounts/{account}")
    form = {"name": "require_signed_transfers", "value": value}
    assert visitor.post(f"/console/accounts/{account}/switch", form).location == f"/console/accounts/{account}?said=switched"


def test_an_account_is_made(console: Console) -> None:
    visitor = console.signed_in()
    visitor.get("/console/accounts")
    got = visitor.post("/console/accounts/create", {"id": " new-shop ", "title": "A New Shop"})
    assert got.location == "/console/accounts/new-shop?said=account-created"
    page = visitor.get(got.location)
    assert "A New Shop" in page.words
    assert "The account was made." in page.words
    assert "new-shop" in visitor.get("/console/accounts").words
    assert visitor.post("/console/accounts/create", {"id": "new-shop"}).status == 400


@pytest.mark.parametrize("id", ["", "UPPER", "-x", "x" * 65, "../demo", "a b", ATTACK, "a\0b", "é"])
def test_what_is_no_id_is_refused_and_given_back_to_be_mended(console: Console, id: str) -> None:
    visitor = console.signed_in()
    visitor.get("/console/accounts")
    before = console.accounts.list()
    got = visitor.post("/console/accounts/create", {"id": id, "title": ATTACK})
    assert got.status == 400
    assert "lower-case letters" in got.words
    assert "<script>alert" not in got.text
    assert "&lt;script&gt;alert(1)" in got.text
    assert console.accounts.list() == before


def test_a_title_is_never_markup(console: Console) -> None:
    visitor = console.signed_in()
    console.accounts.create("odd-title", ATTACK, actor=ACTOR)
    for path in ("/console/accounts", "/console/accounts/odd-title", "/console/requests", "/console/audit"):
        page = visitor.get(path).text
        assert "<script>alert" not in page
    assert "&lt;script&gt;" in visitor.get("/console/accounts").text


def test_the_switch_for_signed_transfers_is_in_force_within_a_second(console: Console) -> None:
    visitor = console.signed_in()
    account, key = with_key(console)
    eventually(lambda: transfer(console, key) != 401, SOON)
    assert transfer(console, key, signed=False) == 401
    switch(visitor, account, "off")
    eventually(lambda: transfer(console, key, signed=False) == 400, SOON)
    assert 'aria-checked="false"' in visitor.get(f"/console/accounts/{account}").text
    switch(visitor, account, "on")
    eventually(lambda: transfer(console, key, signed=False) == 401, SOON)
    switched = [each for each in console.accounts.audit(account=account) if each.action == "account.switch"]
    assert [each.detail["value"] for each in switched] == [True, False]
    assert all(each.actor.startswith("console:person-") for each in switched)
    assert visitor.post(f"/console/accounts/{account}/switch", {"name": "no-such-switch", "value": "on"}).status == 400


def test_the_allow_list_is_in_force_within_a_second(console: Console) -> None:
    visitor = console.signed_in()
    account, key = with_key(console)
    page = f"/console/accounts/{account}"
    eventually(lambda: transfer(console, key) != 401, SOON)
    visitor.get(page)
    assert visitor.post(f"{page}/networks/add", {"cidr": "192.0.2.0/24"}).location == f"{page}?said=network-added"
    eventually(lambda: transfer(console, key) == 403, SOON)
    assert visitor.post(f"{page}/networks/add", {"cidr": " 127.0.0.0/8 "}).status == 303
    eventually(lambda: transfer(console, key) not in (401, 403), SOON)
    for wrong in ("", "192.0.2.0/24", "192.0.2.1/24", "everywhere", ATTACK, "1" * 5000, "127.0.0.1\0"):
        got = visitor.post(f"{page}/networks/add", {"cidr": wrong})
        assert got.status == 400
        assert "<script>alert" not in got.text
    assert visitor.post(f"{page}/networks/remove", {"cidr": "127.0.0.0/8"}).status == 303
    eventually(lambda: transfer(console, key) == 403, SOON)
    assert visitor.post(f"{page}/networks/remove", {"cidr": "127.0.0.0/8"}).status == 400
    assert visitor.post(f"{page}/networks/remove", {"cidr": "192.0.2.0/24"}).status == 303
    eventually(lambda: transfer(console, key) not in (401, 403), SOON)


def test_a_disabled_account_is_refused_until_it_is_enabled(console: Console) -> None:
    visitor = console.signed_in()
    account, key = with_key(console)
    page = f"/console/accounts/{account}"
    eventually(lambda: transfer(console, key) != 401, SOON)
    visitor.get(page)
    assert visitor.post(f"{page}/disabled", {"value": "on", "sure": "on"}).location == f"{page}?said=account-disabled"
    eventually(lambda: transfer(console, key) == 401, SOON)
    assert "disabled since" in visitor.get(page).words
    assert visitor.post(f"{page}/disabled", {"value": "off"}).location == f"{page}?said=account-enabled"
    eventually(lambda: transfer(console, key) != 401, SOON)


def test_the_list_counts_the_keys_that_are_in_use(console: Console) -> None:
    account = console.account()
    made = [console.credentials.create(account, "fiserv-payments", actor=ACTOR) for _ in range(3)]
    console.credentials.revoke(made[0].keyid, actor=ACTOR)
    console.credentials.rotate(made[1].keyid, actor=ACTOR)
    row = console.signed_in().get("/console/accounts").text.partition(f">{account}</a>")[2].partition("</tr>")[0]
    assert '<td class="number">2</td>' in row


def test_what_is_said_after_a_change_is_never_taken_from_the_address(console: Console) -> None:
    page = console.signed_in().get(f"/console/accounts/demo?said={'x' * 50}%3Cscript%3E")
    assert "xxx" not in page.text
    assert "<script>" not in page.text
