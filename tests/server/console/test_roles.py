"""Who may see and change what, over every page and every form: a merchant its own account, and nothing else to be told from nothing."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

import pytest

from payseal import Credential
from payseal.server.console import accounts, audit, catalogue, keys, overview, people, requests, signin, tryit
from tests.server.sandbox.calls import eventually
from tests.server.sandbox.samples import SALE

from .conftest import ACTOR, Console, Got, Visitor
from .test_door import FORMS, PAGES

NOBODYS = "nobody-has-this-id"

#: A page or a form of an account (or key, or request) → what its owner gets. What others get: 404, and for an operator 200 or 303.
OF_AN_ACCOUNT: list[tuple[str, dict[str, str] | None, int]] = [
    ("/console/accounts/{account}", None, 200),
    ("/console/accounts/{account}/switch", {"name": "accept_unkeyed_digests", "value": "on"}, 303),
    ("/console/accounts/{account}/networks/add", {"cidr": "198.51.100.0/24"}, 303),
    ("/console/accounts/{account}/networks/remove", {"cidr": "203.0.113.0/24"}, 303),
    ("/console/accounts/{account}/keys", {"scheme": "fiserv-payments"}, 200),
    ("/console/keys/{keyid}/rotate", {"overlap": "day"}, 200),
    ("/console/keys/{keyid}/expire", {"end": "90"}, 303),
    ("/console/requests/{trace}", None, 200),
]
OPERATORS: list[tuple[str, dict[str, str] | None]] = [
    ("/console/people", None),
    ("/console/people/create", {"name": "intruder", "role": "operator"}),
    ("/console/people/{person}/link", {}),
    ("/console/people/{person}/disabled", {"value": "on"}),
    ("/console/accounts/create", {"id": "intruders"}),
    ("/console/accounts/{account}/disabled", {"value": "on", "sure": "on"}),
]


@dataclass(frozen=True)
class Shop:
    """An account with a key, and a refused request."""

    account: str
    key: Credential
    trace: str

    @property
    def keyid(self) -> str:
        return str(self.key.keyid)


@pytest.fixture(scope="module")
def shops(console: Console) -> tuple[Shop, Shop]:
    return shop(console), shop(console)


@pytest.fixture(scope="module")
def merchant(console: Console, shops: tuple[Shop, Shop]) -> Visitor:
    """Of the first shop."""
    return console.signed_in("merchant", shops[0].account)


@pytest.fixture(scope="module")
def operator(console: Console) -> Visitor:
    return console.signed_in()


def shop(console: Console) -> Shop:
    account = console.account()
    issued = console.credentials.create(account, "fiserv-payments", actor=ACTOR, label=f"label-of-{account}")
    key = Credential(issued.keyid, issued.secret, account=account)
    eventually_known(console, key)
    trace = refused(console, key)
    return Shop(account, key, trace)


def eventually_known(console: Console, key: Credential) -> None:
    eventually(lambda: console.signed("fiserv-payments", key, "POST", "/gateway/v2/payments", SALE).status == 200, 5)


def refused(console: Console, key: Credential) -> str:
    """A request that names this key and is not signed by it; its trace."""
    other = Credential(key.keyid, "a secret of somebody else altogether")
    answer = console.signed("fiserv-payments", other, "POST", "/gateway/v2/payments", SALE)
    assert answer.status == 401
    return str(answer.json["payseal"]["explanation"].rpartition("/")[2])


def ask(visitor: Visitor, path: str, form: dict[str, str] | None) -> Got:
    visitor.get("/console/profile")
    return visitor.get(path) if form is None else visitor.post(path, form)


def filled(path: str, own: Shop) -> str:
    return path.format(account=own.account, keyid=own.keyid, trace=own.trace)


def test_a_key_is_revoked_by_its_owner_and_the_operators(console: Console) -> None:
    """As above, with keys that nobody needs afterwards."""
    mine, other = shop(console), shop(console)
    path, form = "/console/keys/{keyid}/revoke", {"sure": "on"}
    merchant = console.signed_in("merchant", mine.account)
    assert ask(merchant, filled(path, other), form).status == 404
    assert ask(merchant, filled(path, mine), form).status == 303
    assert ask(console.signed_in(), filled(path, other), form).status == 303


def everything(console: Console) -> list[object]:
    """What there is that a form could change, and the trail of it."""
    return [
        console.accounts.list(),
        console.credentials.list(),
        [entry for entry in console.accounts.audit(limit=1000) if not entry.action.startswith(("session", "user", "link"))],
    ]


@pytest.mark.parametrize(("path", "form", "status"), OF_AN_ACCOUNT)
def test_what_is_an_account_s_is_its_own_and_the_operators(
    console: Console, shops: tuple[Shop, Shop], merchant: Visitor, operator: Visitor, path: str, form: dict[str, str] | None, status: int
) -> None:
    mine, other = shops
    if path.endswith("networks/remove"):
        for each in shops:
            console.accounts.allow_ip(each.account, "203.0.113.0/24", actor=ACTOR)
    before = everything(console)
    nobodys = path.format(account=NOBODYS, keyid=NOBODYS, trace=uuid.uuid4())
    foreign, missing = ask(merchant, filled(path, other), form), ask(merchant, nobodys, form)
    assert foreign.status == missing.status == 404
    assert foreign.words == missing.words
    assert everything(console) == before
    assert ask(operator, nobodys, form).status == 404
    assert ask(merchant, filled(path, mine), form).status == status
    assert ask(operator, filled(path, other), form).status == status


@pytest.mark.parametrize(("path", "form"), OPERATORS)
def test_what_is_the_operators_is_theirs_alone(
    console: Console, merchant: Visitor, operator: Visitor, path: str, form: dict[str, str] | None
) -> None:
    account, person = console.account(), console.person()
    before = everything(console), console.users.list()
    got = ask(merchant, path.format(account=account, person=person.name), form)
    assert got.status == 403
    assert person.name not in got.text
    assert (everything(console), console.users.list()) == before
    assert ask(operator, path.format(account=account, person=person.name), form).status in (200, 303)


#: What has a test of its own.
APART = {"/console/keys/{keyid}/revoke", "/console/catalogue/{name}"}


def test_every_page_and_form_is_in_a_table() -> None:
    """Whoever adds a page says here or in `test_door` who may ask for it."""
    modules = (accounts, audit, catalogue, keys, overview, people, requests, signin, tryit)
    by_access: dict[str, set[str]] = {"anyone": set(), "user": set(), "operator": set()}
    for page in (page for module in modules for page in module.PAGES):
        by_access[page.access].add(page.path)
    assert by_access["anyone"] == {"/console/sign-in", "/console/link", "/explanations/{trace}"}
    paths = [*(path for path, _, _ in OF_AN_ACCOUNT), *(path for path, _ in OPERATORS)]
    named = {path.replace("/accounts/{account}", "/accounts/{id}") for path in paths}
    assert by_access["operator"] == {path.replace("{person}", "{name}").replace("{account}", "{id}") for path, _ in OPERATORS}
    assert by_access["user"] <= named | APART | {*PAGES, *FORMS}


def test_a_merchant_s_lists_hold_its_own_alone(console: Console, shops: tuple[Shop, Shop], merchant: Visitor) -> None:
    mine, other = shops
    eventually(lambda: mine.trace in merchant.get("/console/requests").text, 5)
    stranger = [other.account, other.keyid, other.trace, f"label-of-{other.account}"]
    for path in (
        "/console",
        "/console/requests",
        f"/console/requests?account={other.account}",
        "/console/requests?size=10000",
        f"/console/accounts/{mine.account}",
        "/console/audit",
        f"/console/audit?account={other.account}",
        "/console/audit.csv",
        f"/console/audit.csv?account={other.account}",
        "/console/audit.jsonl",
        f"/console/audit.jsonl?account={other.account}",
        "/console/try",
        f"/console/try?keyid={other.keyid}",
        "/console/profile",
    ):
        got = merchant.get(path)
        assert got.status == 200
        assert [each for each in stranger if each in got.text] == [], path
        assert str(console.vault.demo_keys().fiserv.keyid) not in got.text
    assert merchant.get("/console/accounts").location == f"/console/accounts/{mine.account}"
    assert mine.keyid in merchant.get("/console/audit.csv").text
    lines = [json.loads(line) for line in merchant.get("/console/audit.jsonl").text.splitlines()]
    assert {line["account"] for line in lines} == {mine.account}
    assert "/console/people" not in merchant.get("/console").text


def test_a_merchant_tries_nothing_with_another_s_key(shops: tuple[Shop, Shop], merchant: Visitor) -> None:
    other = shops[1]
    merchant.get("/console/try")
    form = {"endpoint": "0", "path": "/gateway/v2/payments", "body": json.dumps(SALE), "keyid": other.keyid}
    for path in ("/console/try/preview", "/console/try/send"):
        foreign = merchant.post(path, form)
        assert "choose a key" in foreign.words
        assert foreign.text == merchant.post(path, {**form, "keyid": NOBODYS}).text


def test_a_merchant_s_rights_end_with_its_session_and_never_reach_the_demo_account(console: Console) -> None:
    merchant = console.signed_in("merchant", console.account())
    for path in ("/console/accounts/demo", f"/console/accounts/{NOBODYS}", "/console/accounts/%00", "/console/accounts/../people"):
        assert merchant.get(path).status == 404
    demo = console.vault.demo_keys().fiserv.keyid
    assert ask(merchant, f"/console/keys/{demo}/revoke", {"sure": "on"}).status == 404
