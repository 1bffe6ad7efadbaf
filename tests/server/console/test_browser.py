"""The console in a real browser: from the printed link to a revoked key, and the parts that move."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from payseal import Credential
from payseal.server.accounts import Database
from payseal.server.accounts.decided import newest_id
from payseal.server.sandbox.serve import bind, serving
from payseal.server.sandbox.welcome import console_link
from payseal.server.vault import Vault
from tests.browser import chromium, visit
from tests.server.sandbox.calls import eventually

from .browsing import (
    PHONE,
    TRANSFER,
    address,
    at_console,
    at_console_as,
    keyid_of,
    refused_sale,
    row_of,
    sign_in,
    transfer,
    transfer_document,
    transfer_until,
)
from .conftest import ACTOR, PASSWORD, Console
from .hour import decision, hour, put


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[Console]:
    """A sandbox that nobody has signed in to yet."""
    vault, listener = Vault.open(tmp_path / "sandbox"), bind(0)
    with serving(vault, listener):
        database = Database.open(vault.accounts_url)
        yield Console(listener.getsockname()[1], vault, database)
        database.close()


def live_page(page: Page, console: Console, query: str = "") -> Page:
    """The open requests, in a tab of their own, marked so that a reload would be noticed."""
    tab = page.context.new_page()
    with tab.expect_response(lambda response: "/requests/stream" in response.url):
        tab.goto(address(console, f"/console/requests{query}"))
    tab.evaluate("window.marked = true")
    return tab


def shown_once(page: Page) -> tuple[str, str, str]:
    """The key that the page shows: its id, its secret, its token."""
    keyid, secret, token = page.locator("dd.secret code").all_inner_texts()
    return keyid, secret, token


def test_from_the_first_sign_in_to_a_key_that_is_over(browser: Browser, untouched: Console) -> None:
    link = console_link(untouched.vault, address(untouched))
    assert link is not None
    with visit(browser) as seen:
        page = seen.page
        page.goto(link)
        assert page.url == address(untouched, "/console/link"), "the code is not in the address any more"
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(address(untouched, "/console/profile"))
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("The same again").fill(PASSWORD)
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_text("The password was set.")).to_be_visible()

        page.get_by_role("link", name="Accounts and keys").click()
        page.get_by_label("Id").fill("shop")
        page.get_by_label("Title").fill("The shop")
        page.get_by_role("button", name="Make it").click()
        expect(page.get_by_role("heading", name="The shop")).to_be_visible()
        page.get_by_label("For").select_option("startbutton-transfer")
        page.get_by_label("Label").fill("payouts")
        page.get_by_role("button", name="Make a key").click()
        expect(page.get_by_text("This is the only time that it is shown.")).to_be_visible()
        keyid, secret, token = shown_once(page)
        first = Credential(keyid, secret, token=token)

        live = live_page(page, untouched)
        expect(live.get_by_text("Nothing yet.")).to_be_visible()
        transfer_until(untouched, first, 200)
        accepted = live.locator("#rows tr").first
        expect(accepted).to_contain_text("accepted")
        expect(accepted).to_contain_text(keyid)
        expect(live.get_by_text("Nothing yet.")).to_be_hidden()

        page.get_by_role("link", name="I have it").click()
        expect(page.get_by_role("row", name=keyid)).to_be_visible()
        assert secret not in page.content()
        assert token not in page.content()
        page.get_by_role("button", name="Rotate or revoke").click()
        dialog = page.get_by_role("dialog", name=f"Key {keyid}")
        dialog.get_by_label("the old one still verifies for").select_option("hour")
        dialog.get_by_role("button", name="Rotate").click()
        expect(page.get_by_role("heading", name="The new secret")).to_be_visible()
        new_secret = page.locator("#part-2").inner_text()
        assert new_secret != secret
        renewed = Credential(keyid, new_secret, token=token)
        transfer_until(untouched, renewed, 200)
        assert transfer(untouched, first).status == 200, "the old secret verifies in the overlap"

        page.get_by_role("link", name="I have it").click()
        expect(page.get_by_text("the old secret verifies until")).to_be_visible()
        page.get_by_role("button", name="Rotate or revoke").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Revoke").click()
        expect(dialog, "nothing is ended by a slip").to_be_visible()
        dialog.get_by_label("I want to end this key").check()
        dialog.get_by_role("button", name="Revoke").click()
        expect(page.get_by_text("The key is revoked.")).to_be_visible()
        reply = transfer_until(untouched, renewed, 401)

        trace = reply.json["payseal"]["explanation"].rpartition("/")[2]
        refused = row_of(live, trace)
        expect(refused).to_contain_text("invalid-signature")
        assert live.evaluate("window.marked"), "all of it came without a reload"
        refused.get_by_role("link").click()
        why = live.get_by_role("region", name="Why")
        expect(why).to_contain_text(reply.json["payseal"]["cause"]["summary"])
        expect(why).to_contain_text("credential failed")


def test_a_link_works_once_and_a_wrong_password_never(browser: Browser, untouched: Console) -> None:
    link = console_link(untouched.vault, address(untouched))
    assert link is not None
    with visit(browser) as seen:
        seen.page.goto(link)
        seen.page.get_by_role("button", name="Sign in").click()
        expect(seen.page).to_have_url(address(untouched, "/console/profile"))
    with visit(browser) as seen:
        seen.expect("401")
        seen.page.goto(link)
        seen.page.get_by_role("button", name="Sign in").click()
        expect(seen.page.get_by_role("alert").filter(has_text="was used")).to_be_visible()
    person = untouched.person()
    with visit(browser) as seen:
        seen.expect("401")
        sign_in(seen.page, untouched, person.name, "not the password at all")
        expect(seen.page.get_by_role("alert").filter(has_text="is not right")).to_be_visible()
        expect(seen.page.get_by_label("Name")).to_have_value(person.name)
        expect(seen.page.get_by_label("Password")).to_be_focused()
        expect(seen.page.get_by_label("Password")).to_have_value("")
        seen.page.keyboard.type(PASSWORD)
        seen.page.keyboard.press("Enter")
        expect(seen.page.get_by_role("heading", name="Overview")).to_be_visible()


def test_after_signing_out_the_back_button_shows_nothing(browser: Browser, console: Console) -> None:
    with at_console(browser, console) as seen:
        seen.page.goto(address(console, "/console/accounts/demo"))
        seen.page.get_by_role("button", name="Sign out").click()
        expect(seen.page.get_by_text("You are signed out.")).to_be_visible()
        seen.page.go_back()
        expect(seen.page).to_have_url(re.compile("/console/sign-in"))
        assert keyid_of(console.vault.demo_keys().startbutton) not in seen.page.content()


def test_a_page_that_the_browser_kept_is_asked_for_again(browser: Browser, console: Console) -> None:
    """Chromium keeps no page for its back button while it is steered like this: it is told that it did."""
    kept = "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
    with at_console(browser, console) as seen:
        console.users.disable(seen.page.locator(".who a").inner_text(), actor=ACTOR)
        seen.page.wait_for_load_state("load")
        with seen.page.expect_navigation():
            seen.page.evaluate(kept)
        expect(seen.page).to_have_url(re.compile("/console/sign-in"))
    with at_console(browser, console) as seen:
        account = console.account()
        seen.page.goto(address(console, f"/console/accounts/{account}"))
        seen.page.get_by_role("button", name="Make a key").click()
        expect(seen.page.get_by_role("heading", name="The new key")).to_be_visible()
        seen.page.wait_for_load_state("load")  # the heading is there before the script has run
        with seen.page.expect_navigation():
            seen.page.evaluate(kept)
        expect(seen.page).to_have_url(address(console, f"/console/accounts/{account}"))
        assert len(console.credentials.list(account)) == 1, "the form was not sent again"


def test_the_switch_is_turned_by_keyboard_and_the_sandbox_obeys(browser: Browser, console: Console) -> None:
    account = console.account()
    issued = console.credentials.create(account, "startbutton-transfer", actor=ACTOR)
    bearer = {"Authorization": f"Bearer {issued.token}", "Content-Type": "application/json"}

    def unsigned(status: int) -> None:
        deadline = time.monotonic() + 10
        while True:
            body = str(transfer_document()).replace("'", '"').encode()
            got = console.send("POST", TRANSFER, bearer, body).status
            if got == status:
                return
            assert time.monotonic() < deadline, f"still {got}"
            time.sleep(0.1)

    unsigned(401)
    with at_console(browser, console) as seen:
        page = seen.page
        page.goto(address(console, f"/console/accounts/{account}"))
        switch = page.get_by_role("switch", name="Require signed transfers")
        expect(switch).to_be_checked()
        for _ in range(60):
            page.keyboard.press("Tab")
            if switch.evaluate("each => each === document.activeElement"):
                break
        expect(switch).to_be_focused()
        page.keyboard.press("Space")
        expect(page.get_by_text("The switch was set.")).to_be_visible()
        expect(switch).not_to_be_checked()
        unsigned(200)
        switch.press("Enter")
        expect(switch).to_be_checked()
        unsigned(401)


def test_dialogs_open_with_the_focus_inside_and_give_it_back(browser: Browser, console: Console) -> None:
    with at_console(browser, console) as seen:
        seen.page.goto(address(console, "/console/accounts/demo"))
        opener = seen.page.get_by_role("button", name=re.compile("Rotate or revoke")).first
        opener.press("Enter")
        dialog = seen.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        assert dialog.evaluate("each => each.contains(document.activeElement)")
        seen.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(opener).to_be_focused()
        opener.click()
        dialog.get_by_role("button", name="Leave it as it is").click()
        expect(dialog).to_be_hidden()


def test_the_preview_follows_what_is_typed(browser: Browser, console: Console) -> None:
    with at_console(browser, console) as seen:
        page = seen.page
        page.goto(address(console, "/console/try"))
        headers = page.get_by_label("Signed headers")
        before = headers.inner_text()
        page.locator("#hexadecimal summary").click()
        page.get_by_label("Body").fill('{"a":1}')
        expect(page.get_by_label("Signature base, text")).to_contain_text('{"a":1}')
        expect(page.locator('.base [title="body"]')).to_have_text('{"a":1}')
        expect(headers).not_to_have_text(before)
        expect(page.get_by_label("Signature base, hexadecimal"), "what was opened stays open").to_be_visible()
        expect(page.get_by_label("Body")).to_be_focused()
        page.get_by_label("Request id").fill("an-id-of-mine")
        expect(headers).to_contain_text("an-id-of-mine")
        page.get_by_label("Path and query").fill("no slash")
        expect(page.locator("#preview")).to_contain_text("the path begins with")
        page.get_by_role("button", name="Sign and send").click()
        expect(page.locator("#answer")).to_contain_text("the path begins with")
        expect(page.get_by_label("Request id")).to_have_value("an-id-of-mine")


def test_what_is_tried_is_answered_and_repeated(browser: Browser, console: Console) -> None:
    with at_console(browser, console) as seen:
        page = seen.page
        page.goto(address(console, "/console/try"))
        used = page.get_by_label("Request id").input_value()
        send = page.get_by_role("button", name="Sign and send")
        send.click()
        answer, said = page.get_by_label("Body of the answer"), page.locator("#answer-said")
        expect(answer).to_contain_text("APPROVED")
        expect(said).to_have_text("The answer is 200.")
        expect(send).to_be_focused()
        first = answer.inner_text()
        fresh = page.get_by_label("Request id").input_value()
        assert fresh != used
        expect(page.get_by_label("Signed headers")).to_contain_text(fresh)
        page.get_by_role("button", name="Put its id back").click()
        expect(page.get_by_label("Request id")).to_have_value(used)
        send.click()
        expect(page.locator("#answer")).to_contain_text("the first answer again")
        expect(said).to_have_text("The answer is 200, the first answer again.")
        assert answer.inner_text() == first
        page.get_by_label("Signed at").fill("1700000000")
        send.click()
        expect(page.locator("#answer")).to_contain_text("Fix:")
        page.get_by_role("link", name="The whole explanation").click()
        expect(page.get_by_role("region", name="Why")).to_be_visible()


def test_a_snippet_is_copied(browser: Browser, console: Console) -> None:
    with at_console(browser, console, permissions=["clipboard-read", "clipboard-write"]) as seen:
        page = seen.page
        page.goto(address(console, "/console/try"))
        page.locator("summary", has_text="Python").click()
        button = page.locator("#code-2 button")
        expect(button).to_have_accessible_name("Copy as Python")
        button.click()
        expect(button).to_contain_text("Copied")
        expect(page.locator("#aloud")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == page.get_by_label("As Python").text_content()
        assert "payseal.Signer" in page.evaluate("navigator.clipboard.readText()")
        expect(button).to_have_accessible_name("Copy as Python")
    with at_console(browser, console, permissions=[]) as seen:
        page = seen.page
        page.goto(address(console, "/console/try"))
        page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')))")
        page.locator("summary", has_text="curl").click()
        page.get_by_role("button", name="Copy as curl").click()
        assert "curl" in page.evaluate("getSelection().toString()"), "what cannot be copied is selected"


def test_a_merchant_sees_its_own_and_nothing_else(browser: Browser, console: Console) -> None:
    account, chance = console.account(), random.Random(1)
    mine = console.credentials.create(account, "fiserv-payments", actor=ACTOR).keyid
    foreign = keyid_of(console.vault.demo_keys().fiserv)
    now = time.time()
    rows = [
        ("accepted", account, mine),
        ("accepted", "demo", foreign),
        ("invalid-signature", None, mine),
        ("invalid-signature", None, foreign),
    ]
    put(
        console.database,
        [decision(code, at=now, scheme="fiserv-payments", account=who, keyid=key, chance=chance) for code, who, key in rows],
    )
    with at_console(browser, console, "merchant", account) as seen:
        page = seen.page
        live = live_page(page, console)
        put(
            console.database,
            [decision(code, at=now, scheme="fiserv-payments", account=who, keyid=key, chance=chance) for code, who, key in rows],
        )
        expect(live.locator("#rows tr")).to_have_count(4)
        assert live.locator("#rows tr", has_text=mine).count() == 4
        live.close()
        expect(page.get_by_role("link", name="People")).to_have_count(0)
        for path in ("/console", "/console/requests", "/console/accounts", "/console/audit", "/console/try", "/console/profile"):
            page.goto(address(console, path))
            assert foreign not in page.content()
            assert "demo" not in page.inner_text("main")
        seen.expect("404")
        page.goto(address(console, "/console/accounts/demo"))
        expect(page.get_by_role("heading", name="Not found")).to_be_visible()


def test_requests_are_filtered_and_the_stream_with_them(browser: Browser, console: Console) -> None:
    keyid, chance = console.vault.demo_keys().fiserv.keyid, random.Random(2)

    def two() -> None:
        for code in ("accepted", "outside-window"):
            put(console.database, [decision(code, at=time.time(), scheme="fiserv-payments", account="demo", keyid=keyid, chance=chance)])

    two()
    with at_console(browser, console) as seen:
        page = seen.page
        page.goto(address(console, "/console/requests"))
        page.get_by_label("Decision").select_option("outside-window")
        page.get_by_label("Scheme").select_option("fiserv-payments")
        with page.expect_response(lambda response: "/requests/stream" in response.url):
            page.get_by_role("button", name="Show").click()
        count = page.locator("#rows tr").count()
        assert count
        assert set(page.locator("#rows .code").all_inner_texts()) == {"outside-window"}
        two()
        expect(page.locator("#rows tr")).to_have_count(count + 1)
        assert set(page.locator("#rows .code").all_inner_texts()) == {"outside-window"}


def test_live_rows_are_held_let_go_dropped_and_never_read_aloud(browser: Browser, console: Console) -> None:
    keyid, chance = console.vault.demo_keys().fiserv.keyid, random.Random(3)

    def arrive(count: int) -> str:
        rows = [
            decision("accepted", at=time.time(), scheme="fiserv-payments", account="demo", keyid=keyid, chance=chance) for _ in range(count)
        ]
        put(console.database, rows)
        return str(rows[-1]["trace"])

    with at_console(browser, console) as seen:
        page = live_page(seen.page, console)
        rows, pause = page.locator("#rows tr"), page.get_by_role("button", name=re.compile("Pause|Go on"))
        trace = arrive(3)
        expect(row_of(page, trace)).to_be_visible()
        assert page.locator("#rows").evaluate("each => each.closest('[aria-live], [role=status], [role=alert], [role=log]')") is None
        expect(page.locator("#aloud")).to_be_empty()
        expect(page.locator("#live")).to_have_text("New requests appear at the top as they are decided.")
        pause.click()
        before = rows.count()
        trace = arrive(2)
        expect(pause).to_have_text("Go on (2 new)")
        assert rows.count() == before
        pause.click()
        expect(rows).to_have_count(before + 2)
        expect(rows.first.locator(f'a[href$="{trace}"]')).to_be_visible()
        assert rows.first.locator("time").evaluate("each => each.dateTime.endsWith('Z')")
        trace = arrive(600)
        expect(row_of(page, trace)).to_be_visible(timeout=30_000)
        expect(rows).to_have_count(500)
        found = rows.evaluate_all("rows => rows.map(row => row.id)")
        assert len(set(found)) == 500
        # A stream that begins again where the page began sends what is there already.
        row = page.evaluate("document.querySelector('#rows tr').outerHTML")
        page.evaluate(
            """([row, id]) => htmx.trigger("#rows", "htmx:sseBeforeMessage", {data: row, lastEventId: id})""",
            [row, found[0].removeprefix("decision-")],
        )
        assert rows.evaluate_all("rows => rows.map(row => row.id)") == found


def test_the_overview_renews_itself_without_getting_in_the_way(browser: Browser, console: Console) -> None:
    put(console.database, hour(console.vault.demo_keys(), time.time()))
    with at_console(browser, console) as seen:
        page = seen.page
        page.clock.install()
        page.goto(address(console, "/console"))
        page.evaluate("window.marked = true")
        refused = page.locator(".figures div", has_text="Refused").locator("dd")

        def tick() -> None:
            page.clock.run_for(6000)
            page.wait_for_timeout(200)

        def refuse_one() -> str:
            before, newest = refused.inner_text(), newest_id(console.database)
            refused_sale(console)
            eventually(lambda: newest_id(console.database) > newest)
            return before

        page.get_by_text("Minute by minute").click()
        page.get_by_role("heading", name="Overview").click()
        before = refuse_one()
        tick()
        expect(refused).not_to_have_text(before)
        expect(page.locator("#minutes"), "what was opened stays open").to_have_attribute("open", "")

        link = page.get_by_role("region", name="Refused, by code").get_by_role("link").first
        link.focus()
        before = refuse_one()
        tick()
        expect(refused, "nothing is replaced under the reader").to_have_text(before)
        expect(link).to_be_focused()
        link.blur()
        tick()
        expect(refused).not_to_have_text(before)

        page.get_by_role("button", name="Pause").click()
        before = refuse_one()
        tick()
        expect(refused).to_have_text(before)
        page.get_by_role("button", name="Go on").click()
        tick()
        expect(refused).not_to_have_text(before)
        expect(page.locator("#aloud")).to_be_empty()

        seen.allow("ERR_FAILED", "htmx:sendError", "htmx:afterRequest")  # once a poll, and time goes on
        page.route("**/console", lambda route: route.abort())
        page.clock.run_for(5000)
        expect(page.get_by_role("alert")).to_have_text("The server does not answer. What is shown may be old.")
        page.unroute("**/console")
        tick()
        expect(page.get_by_role("alert")).to_have_count(0)
        assert page.evaluate("window.marked")

        seen.allow("401")
        console.users.disable(page.locator(".who a").inner_text(), actor=ACTOR)
        page.clock.run_for(6000)
        expect(page).to_have_url(re.compile("/console/sign-in"))


@pytest.mark.alone
def test_ten_thousand_decisions_open_quickly(browser: Browser, console: Console) -> None:
    rows = hour(console.vault.demo_keys(), time.time(), busy=175.0)
    assert len(rows) >= 10_000
    put(console.database, rows)
    with at_console(browser, console) as seen:
        received, ready = [], []
        for _ in range(3):  # the best of three: other tests take their share of the machine
            seen.page.goto(address(console, "/console/requests?size=10000"))
            expect(seen.page.locator("#rows tr")).to_have_count(10_000)
            timing = seen.page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
            received.append(timing["responseEnd"])
            ready.append(timing["domContentLoadedEventEnd"])
        assert min(received) < 1_500, received
        assert min(ready) < 3_000, ready


def test_a_form_is_not_sent_twice(browser: Browser, console: Console) -> None:
    account = console.account()
    with at_console(browser, console) as seen:
        seen.page.goto(address(console, f"/console/accounts/{account}"))
        seen.page.get_by_role("button", name="Make a key").dblclick()
        expect(seen.page.get_by_role("heading", name="The new key")).to_be_visible()
        assert len(console.credentials.list(account)) == 1


def test_everything_fits_a_phone(browser: Browser, console: Console) -> None:
    trace = refused_sale(console)
    paths = [
        "", "/requests", f"/requests/{trace}", "/accounts", "/accounts/demo", "/try", "/catalogue", "/catalogue/commercehub-digest", "/audit",
        "/people", "/profile",
    ]  # fmt: skip
    person = console.person()
    with at_console_as(browser, console, person, viewport=PHONE, has_touch=True) as seen:
        page = seen.page
        for path in paths:
            page.goto(address(console, f"/console{path}"))
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], f"{path} is {width} wide"
        page.goto(address(console, "/console/accounts/demo"))
        page.get_by_role("button", name=re.compile("Rotate or revoke")).first.tap()
        box = page.get_by_role("dialog").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
    with visit(browser, viewport=PHONE) as seen:
        for path in ("/console/sign-in", "/console/link", f"/explanations/{trace}"):
            seen.page.goto(address(console, path))
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_one_can_skip_to_the_content(browser: Browser, console: Console) -> None:
    with at_console(browser, console, reduced_motion="reduce") as seen:
        seen.page.goto(address(console, "/console/accounts"))
        seen.page.keyboard.press("Tab")
        skip = seen.page.get_by_role("link", name="Skip to content")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        seen.page.keyboard.press("Enter")
        expect(seen.page.locator("main")).to_be_focused()
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.querySelector('main').contains(document.activeElement)")
