"""Trying a request: its base and headers as the form changes, what is wrong with a field, and what the sandbox answers to it."""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
import uuid
from urllib.parse import urlencode

import httpx
import pytest

from payseal import Request, Signer, scheme
from payseal.ledger import open_ledger
from payseal.server.accounts import Database
from payseal.server.accounts.cache import Directory
from payseal.server.console import Gauge, Services
from payseal.server.console import console as application
from payseal.server.sandbox.endpoints import endpoints
from payseal.server.sightings import Sightings
from payseal.server.users import SessionStore
from tests.server.sandbox.samples import SALE

from .conftest import ACTOR, Console, Got, Visitor

ENDPOINTS = endpoints()
SALES = next(number for number, each in enumerate(ENDPOINTS) if each.title.endswith(": Sale"))
#: Those that need nothing of an earlier answer.
ALONE = [
    number
    for number, each in enumerate(ENDPOINTS)
    if each.title.rpartition(": ")[2] in ("Sale", "Pre-authorisation", "Card verification", "Security credentials", "Transfer")
]


@pytest.fixture(scope="module")
def operator(console: Console) -> Visitor:
    visitor = console.signed_in()
    visitor.get("/console/try")
    return visitor


def form(console: Console, number: int = SALES, **changes: str) -> dict[str, str]:
    endpoint = ENDPOINTS[number]
    keyid = next(key.keyid for key in console.credentials.list("demo") if key.scheme == endpoint.scheme and key.revoked is None)
    values = {
        "endpoint": str(number),
        "keyid": keyid,
        "path": endpoint.path,
        "body": endpoint.body,
        "nonce": str(uuid.uuid4()),
        "created": "",
    }
    return {**values, **changes}


def headers_of(page: Got) -> dict[str, str]:
    found = re.search(r'aria-label="Signed headers">(.*?)</pre>', page.text, re.DOTALL)
    assert found is not None, page.words
    lines = [line.partition(": ") for line in html.unescape(found[1]).splitlines() if line]
    return {name: value for name, _, value in lines}


def base_of(page: Got) -> str:
    found = re.search(r'<pre class="base".*?</pre>', page.text, re.DOTALL)
    assert found is not None
    return html.unescape(re.sub(r"<[^>]*>", "", found[0]))


def test_the_page_has_every_endpoint_and_one_s_own_keys(console: Console, operator: Visitor) -> None:
    page = operator.get("/console/try")
    for endpoint in ENDPOINTS:
        assert html.escape(endpoint.title) in page.text
    for number in range(len(ENDPOINTS)):
        assert operator.get(f"/console/try?endpoint={number}").status == 200
    for wrong in ("-1", "999", "x", "1" * 50, "%00", "%C2%B2"):
        assert ENDPOINTS[0].path in operator.get(f"/console/try?endpoint={wrong}").text
    merchant = console.signed_in("merchant", console.account())
    assert "no key for this scheme yet" in merchant.get("/console/try").words


def test_the_preview_is_what_a_signer_makes(console: Console, operator: Visitor) -> None:
    nonce = "30dd879c-ee2f-11db-8314-0800200c9a66"
    for changes in ({}, {"body": '{"a":\r\n "ü€😀"}'}, {"created": "1790000001.5"}, {"body": ""}, {"path": "/gateway/v2/payments?x=1"}):
        given = form(console, SALES, nonce=nonce, **{"created": "1790000000", **changes})
        page = operator.post("/console/try/preview", given)
        assert page.status == 200
        body = given["body"].replace("\r\n", "\n").encode()
        signer = Signer(scheme("fiserv-payments"), console.vault.demo_keys().fiserv)
        request = Request("POST", given["path"], body=body)
        assert headers_of(page) == signer.sign(request, created=float(given["created"]), nonce=nonce)
        base = signer.signature_base(request, created=float(given["created"]), nonce=nonce).decode()
        assert base_of(page) == base.replace("\n", "↵\n")


def test_each_field_changes_the_signature(console: Console, operator: Visitor) -> None:
    first = form(console, created="1790000000")
    changed = [first, {**first, "body": "{}"}, {**first, "nonce": str(uuid.uuid4())}, {**first, "created": "1790000001"}]
    signatures = [headers_of(operator.post("/console/try/preview", each))["Message-Signature"] for each in changed]
    assert len(set(signatures)) == 4
    assert headers_of(operator.post("/console/try/preview", {**first, "path": "/other"}))["Message-Signature"] == signatures[0]


BAD: list[tuple[dict[str, str], str]] = [
    ({"keyid": ""}, "choose a key"),
    ({"keyid": "nobody's"}, "choose a key"),
    ({"path": ""}, "the path begins with one slash"),
    ({"path": "//elsewhere.example/x"}, "the path begins with one slash"),
    ({"path": "http://elsewhere.example/x"}, "the path begins with one slash"),
    ({"path": "/a b"}, "the path begins with one slash"),
    ({"path": "/ü"}, "the path begins with one slash"),
    ({"path": "/x\r\nX-Injected: 1"}, "the path begins with one slash"),
    ({"path": "/x#fragment"}, "the path begins with one slash"),
    ({"path": "/x%zz"}, "the path begins with one slash"),
    ({"path": "/payments/{{fiserv_sale}}"}, "put it in place of the braces"),
    ({"path": "/" + "x" * 2001}, "longer than can be tried"),
    ({"body": "x" * 100_001}, "longer than can be tried"),
    ({"created": "yesterday"}, "in seconds since the epoch"),
    ({"created": "nan"}, "created:"),
    ({"created": "inf"}, "created:"),
    ({"created": "-1"}, "created:"),
    ({"created": "1e400"}, "created:"),
    ({"created": "9" * 400}, "created:"),
    ({"nonce": "not a request id"}, "nonce:"),
    ({"nonce": "x" * 65}, "nonce:"),
    ({"nonce": "<script>alert(1)</script>"}, "nonce:"),
]


@pytest.mark.parametrize(("changes", "problem"), BAD)
@pytest.mark.parametrize("path", ["/console/try/preview", "/console/try/send"])
def test_what_is_wrong_with_a_field_is_said(console: Console, operator: Visitor, changes: dict[str, str], problem: str, path: str) -> None:
    got = operator.post(path, form(console, SALES, **changes))
    assert got.status == 200  # a part of a page, to be put into it
    assert problem in got.words
    assert 'class="problem"' in got.text
    assert "<script>alert" not in got.text
    assert "<html" not in got.text


@pytest.mark.parametrize("number", ALONE, ids=lambda number: ENDPOINTS[number].title)
def test_a_request_is_signed_and_sent(console: Console, operator: Visitor, number: int) -> None:
    got = operator.post("/console/try/send", form(console, number))
    assert re.search(r'class="code good">20[01]<', got.text), got.words
    assert 'id="nonce"' in got.text
    assert operator.post("/console/try/preview", form(console, number)).text.count("<details") == 5


def test_what_needs_an_earlier_answer_is_sent_with_it(console: Console, operator: Visitor) -> None:
    sale = operator.post("/console/try/send", form(console))
    transaction = re.search(r"&#34;ipgTransactionId&#34;: &#34;([^&]+)", sale.text)
    assert transaction is not None
    for number, endpoint in enumerate(ENDPOINTS):
        if endpoint.title.endswith((": Inquiry", ": Return of a part")):
            path = endpoint.path.replace("{{fiserv_sale}}", transaction[1])
            assert 'class="code good">200<' in operator.post("/console/try/send", form(console, number, path=path)).text


def test_the_same_request_again_is_given_its_first_answer(console: Console, operator: Visitor) -> None:
    given = form(console)
    first, again = (operator.post("/console/try/send", given) for _ in range(2))
    assert "the first answer again" not in first.words
    assert "the first answer again" in again.words
    numbers = [re.search(r"ipgTransactionId&#34;: &#34;([^&]+)", got.text) for got in (first, again)]
    assert numbers[0] is not None
    assert numbers[1] is not None
    assert numbers[0][1] == numbers[1][1]
    assert re.findall(r'name="nonce" value="([^"]+)"', first.text) != re.findall(r'name="nonce" value="([^"]+)"', again.text)


def test_a_refusal_says_why_with_a_link(console: Console, operator: Visitor) -> None:
    got = operator.post("/console/try/send", form(console, created=f"{time.time() - 4000:.0f}"))
    assert 'class="code bad">401<' in got.text
    assert "created-outside-window" in got.words
    link = re.search(r'href="(/explanations/[0-9a-f-]{36})"', got.text)
    assert link is not None
    assert operator.get(link[1]).status == 200


def test_an_answer_is_never_markup(console: Console, operator: Visitor) -> None:
    attack = "<script>alert(1)</script>"
    document = {**SALE, "order": {"orderId": attack}}
    got = operator.post("/console/try/send", form(console, body=json.dumps(document)))
    assert "<script>" not in got.text
    preview = operator.post("/console/try/preview", form(console, body=f'"{attack}</pre>'))
    assert "<script>" not in preview.text
    assert preview.text.count("</pre>") == preview.text.count("<pre")


def test_no_secret_and_no_token_is_in_a_preview(console: Console, operator: Visitor) -> None:
    secrets = re.findall(r'(?:secret|token) = "(.+)"', console.vault.keys_file.read_text())
    assert len(secrets) == 4
    for number in ALONE:
        page = operator.post("/console/try/preview", form(console, number))
        sent = operator.post("/console/try/send", form(console, number))
        for secret in secrets:
            assert secret not in page.text
            assert secret not in sent.text
    transfer = next(number for number in ALONE if ENDPOINTS[number].scheme == "startbutton-transfer")
    assert headers_of(operator.post("/console/try/preview", form(console, transfer)))["Authorization"] == "Bearer <hidden>"


def test_a_key_with_seconds_signs_in_seconds(console: Console, operator: Visitor) -> None:
    made = console.credentials.create("demo", "fiserv-payments", overrides={"created": {"format": "unix"}}, actor=ACTOR)
    deadline = time.monotonic() + 3
    given = form(console, keyid=made.keyid, created="1790000000")
    while "Timestamp" not in (page := operator.post("/console/try/preview", given)).text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert headers_of(page)["Timestamp"] == "1790000000"
    assert "created={&#39;format&#39;: &#39;unix&#39;}" in page.text
    console.credentials.revoke(made.keyid, actor=ACTOR)
    assert "choose a key" in operator.post("/console/try/preview", given).words


def test_there_is_nothing_to_try_where_no_endpoints_are(console: Console) -> None:
    database = Database.open(console.vault.accounts_url)
    ledger = open_ledger("memory://")
    with Directory(database, console.vault.ring) as directory:
        services = Services(database, console.vault.ring, directory, Gauge(ledger), Sightings(), "http://console.example")
        app = application(services)
        person = console.person()
        token = SessionStore(database).begin(person, client=None, agent="")

        async def statuses() -> list[int]:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://console.example", cookies={"payseal": token}) as client:
                overview = await client.get("/console")
                assert "/console/try" not in overview.text
                csrf = re.search(r'name="csrf" value="([^"]+)"', overview.text)
                assert csrf is not None
                answers = [overview, await client.get("/console/try")]
                for path in ("preview", "send"):
                    content = urlencode({"csrf": csrf[1], **form(console)})
                    origin = {"Origin": "http://console.example", "Content-Type": "application/x-www-form-urlencoded"}
                    answers.append(await client.post(f"/console/try/{path}", content=content, headers=origin))
                answers.append(await client.get("/explanations/00000000-0000-4000-8000-000000000000"))
                return [answer.status_code for answer in answers]

        assert asyncio.run(statuses()) == [200, 404, 404, 404, 404]
    ledger.close()
    database.close()
