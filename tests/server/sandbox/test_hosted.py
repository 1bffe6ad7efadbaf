"""The hosted payment page, in a real browser: the card is paid with, and leaves the browser encrypted or not at all."""

from __future__ import annotations

import base64
import json
import re
import shutil
import sqlite3
import subprocess
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from playwright.sync_api import Browser, expect

from payseal import Credential, Request, Signer, scheme
from payseal.server.sandbox import hosted
from payseal.server.sandbox.hosted.order import Order, Ticket
from payseal.server.sandbox.hosted.page import payment_page
from tests.browser import Visit, chromium, visit

from .calls import capture, capture_document
from .conftest import Reply, Sandbox

NUMBER, CODE = "4242424242424242", "123"
PAGE = Path(__file__).parents[3] / "docs" / "sandbox-hosted-page.md"
CAPTURE = "/payments-vas/v1/card-capture"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@contextmanager
def at_the_till(browser: Browser, sandbox: Sandbox, query: str = "", **options: Any) -> Iterator[Visit]:
    with visit(browser, **options) as seen:
        seen.page.goto(f"http://127.0.0.1:{sandbox.port}/pay{query}")
        expect(seen.page.locator("#pay")).to_be_enabled()
        yield seen


def type_card(seen: Visit, number: str = "4242 4242 4242 4242", expiry: str = "12/31", code: str = CODE) -> None:
    """By the keyboard alone: the first field has the focus when the page is opened."""
    expect(seen.page.locator("#number")).to_be_focused()
    for text in (number, expiry, code):
        seen.page.keyboard.type(text)
        seen.page.keyboard.press("Tab")
    expect(seen.page.locator("#pay")).to_be_focused()


def pay(seen: Visit, **card: str) -> None:
    type_card(seen, **card)
    seen.page.keyboard.press("Enter")


def typed(seen: Visit) -> list[str]:
    return [seen.page.locator(f"#{field}").input_value() for field in ("number", "expiry", "code")]


def charges(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Id and last four digits of each."""
    with sqlite3.connect(sandbox.vault.database_file) as database:
        found = database.execute("select id, last4 from commercehub_transactions where kind = 'CHARGE' and state <> 'DECLINED'").fetchall()
    database.close()
    return found


def get(sandbox: Sandbox, path: str) -> Reply:
    return sandbox.send("GET", path, {})


def session_of(reply: Reply) -> Any:
    found = re.search(r'<script type="application/json" id="session">(.*?)</script>', reply.raw.decode())
    assert found is not None
    return json.loads(found[1])


def session_in(seen: Visit) -> Any:
    return json.loads(seen.page.locator("#session").text_content() or "")


# The flow.


def test_a_card_is_paid_with_by_keyboard_and_is_kept_nowhere(browser: Browser, sandbox: Sandbox) -> None:
    with at_the_till(browser, sandbox, "?amount=12.04&currency=EUR") as seen:
        pay(seen)
        expect(seen.page.locator("#paid h2")).to_be_focused()
        receipt = {part: seen.page.locator(f"#receipt-{part}").inner_text() for part in ("amount", "card", "transaction")}
        assert (receipt["amount"], receipt["card"]) == ("12.04 EUR", "VISA ending in 4242")
        assert (receipt["transaction"], "4242") in charges(sandbox)
        assert seen.page.title() == "Paid"
        assert typed(seen) == ["", "", ""]
        left = (
            seen.page.content() + seen.page.url + str(seen.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])"))
        )
    for text in (left, *(path.read_bytes().decode("latin-1") for path in sandbox.vault.folder.rglob("*") if path.is_file())):
        assert NUMBER not in text
        assert "4242 4242" not in text


def test_the_card_leaves_the_browser_encrypted_and_only_to_the_payment_system(browser: Browser, sandbox: Sandbox) -> None:
    with at_the_till(browser, sandbox) as seen:
        session = session_in(seen)
        pay(seen)
        expect(seen.page.locator("#paid")).to_be_visible()
    (captured,) = seen.posted(CAPTURE)
    document = json.loads(captured.body)
    assert len(base64.b64decode(document["source"]["encryptionData"].pop("encryptionBlock"), validate=True)) == 256
    # Whatever is not the encrypted block is known to the last letter, so that the card cannot be in it.
    fields = "card.cardData:16,card.expirationMonth:2,card.expirationYear:4,card.securityCode:3"
    encryption = {
        "encryptionType": "RSA",
        "encryptionTarget": "MANUAL",
        "encryptionBlockFields": fields,
        "keyId": session["keyId"],
    }
    assert document == {
        "source": {"sourceType": "PaymentCard", "encryptionData": encryption},
        "merchantDetails": session["merchantDetails"],
    }
    (charged,) = seen.posted(f"/pay/{session['sessionId']}/charge")
    assert json.loads(charged.body) == {"ticket": session["ticket"]}
    assert [each.method for each in seen.sent if each not in (captured, charged)] == ["GET"] * (len(seen.sent) - 2)
    for each in seen.sent:
        assert NUMBER not in f"{each.url} {each.headers} {each.body}"
    # And it is signed as payseal signs it, over the very text that was sent.
    headers = captured.headers
    signer = Signer(scheme("commercehub-digest"), Credential(session["apiKey"], token=session["accessToken"]))
    signed = signer.sign(
        Request("POST", CAPTURE, body=captured.body.encode()),
        created=int(headers["timestamp"]) / 1000,
        nonce=headers["client-request-id"],
    )
    assert {name: headers[name.lower()] for name in signed} == signed


def test_a_declined_card_is_told_and_another_can_be_used(browser: Browser, sandbox: Sandbox) -> None:
    before = charges(sandbox)
    with at_the_till(browser, sandbox, "?amount=4000.01&currency=USD") as seen:
        pay(seen)
        expect(seen.page.locator("#declined h2")).to_be_focused()
        expect(seen.page.locator("#form")).to_be_hidden()
        assert charges(sandbox) == before
        seen.page.keyboard.press("Tab")
        seen.page.keyboard.press("Enter")
        expect(seen.page.locator("#number")).to_be_focused()
        assert "amount=4000.01&currency=USD" in seen.page.url


@pytest.mark.parametrize(
    ("field", "card", "complaint"),
    [
        ("number", {"number": "4242 4242 4242 4241"}, "This card number has a typing error: compare it with the card."),
        ("expiry", {"expiry": "1220"}, "This card has expired."),
        ("code", {"number": "378282246310005"}, "Enter the 4 digits of the security code."),
    ],
)
def test_a_slip_is_told_at_its_field_and_nothing_is_sent(
    browser: Browser, sandbox: Sandbox, field: str, card: dict[str, str], complaint: str
) -> None:
    with at_the_till(browser, sandbox) as seen:
        pay(seen, **card)
        wrong = seen.page.locator(f"#{field}")
        expect(wrong).to_be_focused()
        expect(wrong).to_have_attribute("aria-invalid", "true")
        expect(wrong).to_have_accessible_description(complaint)
        expect(seen.page.locator("[aria-invalid=true]")).to_have_count(1)
        expect(seen.page.get_by_role("alert")).to_have_text("Nothing was sent: see what is marked.")
        wrong.press("Backspace")
        expect(wrong).to_have_attribute("aria-invalid", "false")
    assert [each for each in seen.sent if each.method == "POST"] == []


def test_a_mended_slip_is_paid(browser: Browser, sandbox: Sandbox) -> None:
    with at_the_till(browser, sandbox) as seen:
        pay(seen, expiry="1/")
        expect(seen.page.locator("#expiry")).to_have_value("01/")
        seen.page.keyboard.type("31")
        seen.page.keyboard.press("Enter")
        expect(seen.page.locator("#paid")).to_be_visible()


def test_an_expired_session_is_told(browser: Browser, sandbox: Sandbox) -> None:
    with at_the_till(browser, sandbox) as seen:
        session = session_in(seen)["sessionId"]
        with sqlite3.connect(sandbox.vault.database_file) as database:
            assert database.execute("update commercehub_sessions set expires = 1 where id = ?", [session]).rowcount == 1
        database.close()
        seen.expect("the server responded with a status of 401")
        pay(seen)
        expect(seen.page.locator("#expired h2")).to_be_focused()
        assert not any(each.path.endswith("/charge") for each in seen.sent)


def test_a_page_that_was_left_open_says_that_it_has_expired(browser: Browser, sandbox: Sandbox) -> None:
    with visit(browser) as seen:
        seen.page.clock.install()
        seen.page.goto(f"http://127.0.0.1:{sandbox.port}/pay")
        expect(seen.page.locator("#pay")).to_be_enabled()
        type_card(seen)
        seen.page.clock.fast_forward("29:59")
        expect(seen.page.locator("#form")).to_be_visible()
        seen.page.clock.fast_forward("00:02")
        expect(seen.page.locator("#expired")).to_be_visible()
        assert seen.page.locator("#number").input_value() == ""


def test_a_shopper_whose_clock_is_wrong_can_pay(browser: Browser, sandbox: Sandbox) -> None:
    with visit(browser) as seen:
        seen.page.clock.install(time="2026-01-01T00:00:00Z")
        seen.page.goto(f"http://127.0.0.1:{sandbox.port}/pay")
        expect(seen.page.locator("#pay")).to_be_enabled()
        pay(seen)
        expect(seen.page.locator("#paid")).to_be_visible()


def test_a_double_click_is_one_charge(browser: Browser, sandbox: Sandbox) -> None:
    before = len(charges(sandbox))
    with at_the_till(browser, sandbox) as seen:
        type_card(seen)
        seen.page.locator("#pay").dblclick()
        expect(seen.page.locator("#paid")).to_be_visible()
    assert len(seen.posted(CAPTURE)) == 1
    assert len(charges(sandbox)) == before + 1


@pytest.mark.parametrize("amount", ["4000.05", "4000.06", "4000.08"])
def test_a_charge_whose_answer_was_lost_is_one_charge(browser: Browser, sandbox: Sandbox, amount: str) -> None:
    before = len(charges(sandbox))
    with at_the_till(browser, sandbox, f"?amount={amount}") as seen:
        pay(seen)
        expect(seen.page.locator("#paid")).to_be_visible()
    assert len(charges(sandbox)) == before + 1


def test_a_payment_system_that_cannot_be_reached_loses_nothing(browser: Browser, sandbox: Sandbox) -> None:
    before = len(charges(sandbox))
    with at_the_till(browser, sandbox) as seen:
        for path in (CAPTURE, "/pay/*/charge"):  # first the one is down, then the other
            seen.page.context.route(f"**{path}", lambda route: route.abort())
            seen.expect("net::ERR_FAILED")
            if path == CAPTURE:
                pay(seen)
            else:
                seen.page.keyboard.press("Enter")
            expect(seen.page.get_by_role("alert")).to_contain_text("try again")
            seen.page.context.unroute(f"**{path}")
        expect(seen.page.locator("#number")).to_be_hidden()
        assert typed(seen) == ["", "", ""]  # the card is with the payment system, and no longer here
        seen.page.keyboard.press("Enter")
        expect(seen.page.locator("#paid")).to_be_visible()
    assert len(charges(sandbox)) == before + 1


# The page.


def test_what_was_typed_is_gone_when_the_page_is_left(browser: Browser, sandbox: Sandbox) -> None:
    with at_the_till(browser, sandbox) as seen:
        type_card(seen)
        seen.page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")
        assert typed(seen) == ["", "", ""]


def is_whole(seen: Visit) -> bool:
    """Whether nothing has to be scrolled to from the left to the right."""
    return bool(seen.page.evaluate("document.documentElement.scrollWidth === 320 && document.documentElement.clientWidth === 320"))


@pytest.mark.parametrize("scheme_of_colours", ["light", "dark"])
def test_a_phone_shows_the_page_whole(browser: Browser, sandbox: Sandbox, scheme_of_colours: Any) -> None:
    phone = {"viewport": {"width": 320, "height": 568}, "is_mobile": True, "has_touch": True, "color_scheme": scheme_of_colours}
    with at_the_till(browser, sandbox, "?amount=999999999.99", **phone) as seen:
        assert is_whole(seen)
        pay(seen, number="4242 4242 4242 4241", expiry="13/31", code="1")
        expect(seen.page.locator("#number")).to_be_focused()
        assert is_whole(seen)
        for field, text in (("number", NUMBER), ("expiry", "1231"), ("code", CODE)):
            seen.page.locator(f"#{field}").fill(text)
        seen.page.locator("#pay").tap()
        expect(seen.page.locator("#paid")).to_be_visible()
        assert is_whole(seen)
        dark = seen.page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor") == "rgb(20, 23, 28)"
        assert dark == (scheme_of_colours == "dark")


def test_browsers_and_keypads_know_the_fields(sandbox: Sandbox) -> None:
    page = get(sandbox, "/pay").raw.decode()
    fields = re.findall(r'<input id="(\w+)" type="text" inputmode="numeric" autocomplete="([\w-]+)"', page)
    assert fields == [("number", "cc-number"), ("expiry", "cc-exp"), ("code", "cc-csc")]
    for field, _ in fields:
        assert f'<label for="{field}">' in page
        assert f'aria-describedby="{field}-wrong"' in page
    assert not re.search(r"<(input|form|button)[^>]*\s(name|action|formaction)=", page)  # without its script, the form has nothing to send


@pytest.mark.parametrize("path", ["/pay", "/pay?amount=x", "/pay/x/charge"])
def test_every_answer_has_its_security_headers(sandbox: Sandbox, path: str) -> None:
    headers = (asked(sandbox, "x", {}) if path.endswith("charge") else get(sandbox, path)).headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert (headers["Referrer-Policy"], headers["Cache-Control"], headers["X-Content-Type-Options"]) == (
        "no-referrer",
        "no-store",
        "nosniff",
    )


def test_the_page_s_files_are_what_they_say(sandbox: Sandbox) -> None:
    for name, media_type in (("pay.js", "text/javascript"), ("rsa.js", "text/javascript"), ("pay.css", "text/css")):
        answer = get(sandbox, f"/pay/static/{name}")
        assert (answer.status, answer.headers.get_content_type()) == (200, media_type)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for name in ("none.js", "../routes.py", "%2e%2e/routes.py", "..%2froutes.py"):
        assert get(sandbox, f"/pay/static/{name}").status == 404


def test_no_script_and_no_style_stands_in_the_page(sandbox: Sandbox) -> None:
    page = get(sandbox, "/pay").raw.decode()
    assert re.findall(r"<script(?! type=\"application/json\" id=\"session\">)[^>]*>", page) == [
        '<script type="module" src="/pay/static/pay.js">'
    ]
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", page)


def test_the_witness_of_the_browser_notices(browser: Browser, sandbox: Sandbox) -> None:
    for deed in (
        "document.body.setAttribute('onclick', 'alert(1)')",
        "setTimeout(() => { throw new Error('uncaught') })",
        "console.error('complaint')",
        "fetch('http://192.0.2.1/').catch(() => 0)",
    ):
        with pytest.raises(AssertionError), at_the_till(browser, sandbox) as seen:
            seen.page.evaluate(f"() => {{ {deed} }}")


# What strangers may try.


@pytest.mark.parametrize(
    "query",
    [
        "amount=<script>alert(1)</script>",
        'amount=1&currency="><img src=x onerror=alert(1)>',
        "amount=12.04&currency=XXX",
        "amount=0",
        "amount=-1",
        "amount=1e3",
        "amount=1.001",
        "amount=1.5&currency=JPY",
        "amount=NaN",
        "amount=1%0A",
        "amount=٣",
        "amount=",
        "amount=9999999999",
    ],
)
def test_what_cannot_be_paid_is_refused_and_not_repeated(sandbox: Sandbox, query: str) -> None:
    answer = get(sandbox, f"/pay?{quote(query, safe='=&%')}")
    assert (answer.status, b"<h1>This cannot be paid</h1>" in answer.raw) == (400, True)
    assert b"alert" not in answer.raw
    assert b"XXX" not in answer.raw


def test_a_script_in_the_address_is_not_run(browser: Browser, sandbox: Sandbox) -> None:
    with visit(browser) as seen:
        for query in ("amount=<script>alert(1)</script>", 'amount=1&currency="><img src=x onerror=alert(1)>'):
            seen.expect("the server responded with a status of 400")
            seen.page.goto(f"http://127.0.0.1:{sandbox.port}/pay?{query}")
            expect(seen.page.get_by_role("heading")).to_have_text("This cannot be paid")
            assert seen.page.locator("script, img").count() == 0


@pytest.mark.parametrize("host", ["shop.example:{port}", "127.0.0.1:1", "127.0.0.1", "", "localhost.example:{port}"])
def test_the_page_is_not_served_under_another_name(sandbox: Sandbox, host: str) -> None:
    assert sandbox.send("GET", "/pay", {"Host": host.format(port=sandbox.port)}).status == 421


def asked(sandbox: Sandbox, session: str, body: Any, **headers: str | None) -> Reply:
    usual = {"Origin": f"http://127.0.0.1:{sandbox.port}", "Content-Type": "application/json"}
    given = {**usual, **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return sandbox.send("POST", f"/pay/{session}/charge", {name: value for name, value in given.items() if value is not None}, raw)


def test_only_the_page_itself_can_have_its_session_charged(sandbox: Sandbox) -> None:
    mine, other = session_of(get(sandbox, "/pay")), session_of(get(sandbox, "/pay"))
    session, ticket = mine["sessionId"], {"ticket": mine["ticket"]}
    for origin in (None, "null", "https://shop.example", f"http://127.0.0.1:{sandbox.port + 1}", f"https://127.0.0.1:{sandbox.port}"):
        assert asked(sandbox, session, ticket, Origin=origin).status == 403
    assert asked(sandbox, session, ticket, Host="shop.example", Origin="http://shop.example").status == 403
    assert asked(sandbox, session, ticket, Content_Type="text/plain").status == 415
    for wrong in (other["ticket"], "", "x", "é", "A" * 2000, mine["ticket"][:-8] + "AAAAAAAA"):
        assert asked(sandbox, session, {"ticket": wrong}).status == 403
    for malformed in (b"", b"{", b"[]", b"\xff", {}, {"ticket": 1}, {"ticket": "x", "amount": 1}, b" " * 5000 + b"{}"):
        assert asked(sandbox, session, malformed).status == 400
    # What was refused used nothing up; and without a card there is nothing to charge.
    settled = asked(sandbox, session, ticket)
    assert (settled.status, settled.json) == (200, {"status": "expired", "receipt": {}})


def test_what_asks_at_the_same_time_is_told_of_one_charge(sandbox: Sandbox) -> None:
    before = len(charges(sandbox))
    session = session_of(get(sandbox, "/pay?amount=7"))
    assert capture(sandbox, session, capture_document(session)).status == 200
    with ThreadPoolExecutor(6) as threads:
        asking = [threads.submit(asked, sandbox, session["sessionId"], {"ticket": session["ticket"]}) for _ in range(6)]
        told = [each.result() for each in asking]
    assert {each.raw for each in told} == {told[0].raw}
    assert (told[0].status, told[0].json["status"], told[0].json["receipt"]["amount"]) == (200, "paid", "7.00 EUR")
    assert len(charges(sandbox)) == before + 1


def test_more_charges_at_once_than_there_are_threads_are_all_answered(sandbox: Sandbox) -> None:
    # The shop waits for the payment system, which is the same process: the one must not wait in the other's threads.
    tickets = [Ticket.new("none", Order(amount="1", currency="EUR")).seal(sandbox.vault) for _ in range(60)]
    with ThreadPoolExecutor(60) as threads:
        asking = [threads.submit(asked, sandbox, "none", {"ticket": ticket}) for ticket in tickets]
        assert {each.result().raw for each in asking} == {b'{"status":"expired","receipt":{}}'}


def test_what_the_script_is_given_cannot_end_its_element() -> None:
    given = {"text": "</script><img src=x>&lt;\u2028"}
    page = bytes(payment_page("1.00", "EUR", given).body).decode()
    found = re.search(r'id="session">(.*?)</script>', page)
    assert found is not None
    assert json.loads(found[1]) == given
    assert "<img" not in page


def test_a_shop_whose_key_is_refused_says_so(sandbox: Sandbox) -> None:
    keys = sandbox.vault.keys_file
    good = keys.read_text()
    try:
        keys.write_text(re.sub(r'(\[commercehub\]\nkeyid = ".*"\nsecret = ")', r"\1x", good))
        answer = get(sandbox, "/pay")
        keys.write_text("")
        unreadable = get(sandbox, "/pay")
    finally:
        keys.write_text(good)
    for reply in (answer, unreadable):
        assert (reply.status, b"<h1>No payment can begin</h1>" in reply.raw) == (502, True)


def test_the_shop_of_the_documentation_works(sandbox: Sandbox) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    keys = tomllib.loads(sandbox.vault.keys_file.read_text())["commercehub"]
    filled = example.replace("127.0.0.1:8700", f"127.0.0.1:{sandbox.port}").replace('keyid="…", secret="…"', "**keys")
    assert filled.count("**keys") == filled.count(str(sandbox.port)) == 1
    shop: dict[str, Any] = {"keys": keys}
    exec(filled, shop)
    issued = shop["begin"]()
    assert capture(sandbox, issued, capture_document(issued)).status == 200
    charged, again = (shop["charge"](issued["sessionId"], {"total": 12.04, "currency": "EUR"}, "order-1") for _ in range(2))
    assert charged.status_code == 201
    assert (again.content, again.headers["Idempotent-Replayed"]) == (charged.content, "true")


# The page's cryptography, executed by Node.


@pytest.fixture(scope="module")
def run_javascript(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run a module beside the page's own, and read the JSON that it prints."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed: the page's modules are then tried in the browser alone")
    folder = tmp_path_factory.mktemp("javascript")
    for module in (Path(hosted.__file__).parent / "static").glob("*.js"):
        shutil.copy(module, folder)
    (folder / "package.json").write_text('{"type": "module"}')

    def run(script: str, given: Any) -> Any:
        path: Path = folder / "script.js"
        path.write_text(f"const given = JSON.parse(process.argv[2]);\n{script}")
        done = subprocess.run([node, str(path), json.dumps(given)], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return run


def public_text(key: Any) -> str:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


ENCRYPT = """
import { encrypt, toBase64 } from "./rsa.js";
const bytes = new TextEncoder().encode(given.message);
console.log(JSON.stringify(Array.from({ length: given.times }, () => toBase64(encrypt(given.key, bytes)))));
"""


@pytest.mark.parametrize(("bits", "length"), [(2048, 25), (2048, 245), (2048, 0), (2047, 25), (3072, 100), (1024, 25)])
def test_what_the_page_encrypts_is_read_with_the_private_key(run_javascript: Any, bits: int, length: int) -> None:
    key = rsa.generate_private_key(65537, bits)
    message = ("4242424242424242" * 16)[:length]
    blocks = run_javascript(ENCRYPT, {"key": public_text(key), "message": message, "times": 8})
    assert len(set(blocks)) == 8  # padded anew each time
    for block in blocks:
        assert key.decrypt(base64.b64decode(block), padding.PKCS1v15()).decode() == message
        padded = pow(int.from_bytes(base64.b64decode(block)), key.private_numbers().d, key.public_key().public_numbers().n)
        whole = padded.to_bytes((bits + 7) // 8)
        assert whole[:2] == b"\x00\x02"
        assert b"\x00" not in whole[2 : len(whole) - length - 1]


def test_a_message_too_long_and_a_key_that_is_none_are_refused(run_javascript: Any) -> None:
    script = """
    import { encrypt } from "./rsa.js";
    const refused = ([key, length]) => { try { encrypt(key, new Uint8Array(length)); return ""; } catch (error) { return error.name; } };
    console.log(JSON.stringify(given.map(refused)));
    """
    good = public_text(rsa.generate_private_key(65537, 2048))
    der = base64.b64decode(good)
    cut = [base64.b64encode(der[:length]).decode() for length in (0, 1, 10, 30, 100, len(der) - 1)]
    elliptic = public_text(ec.generate_private_key(ec.SECP256R1()))
    tries = [(good, 246), (elliptic, 10), *((key, 10) for key in cut)]
    assert run_javascript(script, tries) == ["RangeError"] * len(tries)


def test_the_page_signs_as_payseal_does(run_javascript: Any) -> None:
    script = """
    import { signedHeaders } from "./signing.js";
    console.log(JSON.stringify(await Promise.all(given.map(({ body, now, id, ...session }) => signedHeaders(session, body, now, id)))));
    """
    tries = [
        {"apiKey": "key-1", "accessToken": "token-1", "body": "{}", "now": 1_790_000_000_123, "id": "id-1"},
        {"apiKey": "k" * 64, "accessToken": "t" * 200, "body": '{"name":"Zoë €"}', "now": 1_790_000_000_000, "id": "0" * 64},
        {"apiKey": "key", "accessToken": "token", "body": "", "now": 1_790_000_000_999, "id": "9f3c"},
    ]
    expected = []
    for each in tries:
        signer = Signer(scheme("commercehub-digest"), Credential(str(each["apiKey"]), token=str(each["accessToken"])))
        request = Request("POST", CAPTURE, body=str(each["body"]).encode())
        expected.append(signer.sign(request, created=int(str(each["now"])) / 1000, nonce=str(each["id"])))
    assert run_javascript(script, tries) == expected


def test_the_page_s_request_ids_and_times_are_its_own(run_javascript: Any) -> None:
    script = """
    import { signedHeaders } from "./signing.js";
    const session = { apiKey: "key", accessToken: "token" };
    console.log(JSON.stringify([await signedHeaders(session, "{}"), await signedHeaders(session, "{}"), Date.now()]));
    """
    first, second, now = run_javascript(script, None)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first["Client-Request-Id"])
    assert first["Client-Request-Id"] != second["Client-Request-Id"]
    assert 0 <= now - int(first["Timestamp"]) < 60_000


def test_card_numbers_are_known_by_brand_check_digit_and_length(run_javascript: Any) -> None:
    script = """
    import { brandOf, grouped, readCard, readExpiry } from "./card.js";
    const today = new Date(2026, 10, 15);
    const card = (number, code) => readCard({ number, expiry: "11/26", code }, today);
    console.log(JSON.stringify({
      brands: given.numbers.map((number) => [brandOf(number)?.name ?? "", grouped(number)]),
      taken: given.numbers.map((number) => Boolean(card(number, brandOf(number)?.code === 4 ? "1234" : "123").card)),
      expiries: given.expiries.map((text) => readExpiry(text) ?? null),
      months: ["10/26", "11/26", "12/26", "11/46", "12/46"].map((expiry) =>
        readCard({ number: given.numbers[0], expiry, code: "123" }, today).wrong.expiry ?? ""),
      wrong: given.wrong.map(([number, expiry, code]) => readCard({ number, expiry, code }, today).wrong),
    }));
    """
    numbers = {
        "4242424242424242": ("Visa", "4242 4242 4242 4242"),
        "5555555555554444": ("Mastercard", "5555 5555 5555 4444"),
        "2223003122003222": ("Mastercard", "2223 0031 2200 3222"),
        "378282246310005": ("American Express", "3782 822463 10005"),
        "6011111111111117": ("Discover", "6011 1111 1111 1117"),
        "3530111333300000": ("JCB", "3530 1113 3330 0000"),
        "30569309025904": ("Diners Club", "3056 9309 0259 04"),
    }
    expiries = ["12/31", "1/31", " 01 / 2031 ", "0131", "012031", "12-31", "12/1", "1", "", "12/311"]
    wrong = {
        ("", "", ""): {
            "number": "Enter the card number.",
            "expiry": "Enter the month and the year, such as 04/31.",
            "code": "Enter the 3 digits of the security code.",
        },
        ("4242", "12/31", "123"): {"number": "A card number has 12 to 19 digits."},
        ("4242x424242424242", "12/31", "123"): {"number": "A card number has 12 to 19 digits."},
        (NUMBER, "13/31", "123"): {"expiry": "Enter the month and the year, such as 04/31."},
        (NUMBER, "00/31", "123"): {"expiry": "Enter the month and the year, such as 04/31."},
        (NUMBER, "12/31", "1234"): {"code": "Enter the 3 digits of the security code."},
        (NUMBER, "12/31", "12x"): {"code": "Enter the 3 digits of the security code."},
    }
    found = run_javascript(script, {"numbers": list(numbers), "expiries": expiries, "wrong": list(wrong)})
    assert [tuple(each) for each in found["brands"]] == list(numbers.values())
    assert found["taken"] == [True] * len(numbers)
    january, december = {"month": "01", "year": "2031"}, {"month": "12", "year": "2031"}
    assert found["expiries"] == [december, january, january, january, january, december, None, None, None, None]
    assert found["months"] == ["This card has expired.", "", "", "", "No card is valid for so long: compare the year with the card."]
    assert found["wrong"] == list(wrong.values())
