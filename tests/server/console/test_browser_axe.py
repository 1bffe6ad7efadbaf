"""axe-core looks at every page, light and dark, with dialogs open and on a phone: nothing that it calls serious or critical is there."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium, visit

from .browsing import PHONE, address, at_console, refused_sale
from .conftest import ACTOR, Console
from .hour import hour, put

PAGES = {
    "overview": "/console",
    "requests": "/console/requests",
    "accounts": "/console/accounts",
    "account": "/console/accounts/demo",
    "try": "/console/try",
    "catalogue": "/console/catalogue",
    "scheme": "/console/catalogue/commercehub-digest",
    "audit": "/console/audit",
    "people": "/console/people",
    "profile": "/console/profile",
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", "viewport": PHONE},
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def something_to_see(console: Console) -> None:
    put(console.database, hour(console.vault.demo_keys(), time.time(), busy=5.0))
    console.credentials.create("demo", "startbutton-transfer", actor=ACTOR, label="till", not_after=time.time() + 3 * 86_400)


def check(page: Page) -> None:
    """Looks at the page as it stands."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    grave = [
        f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes']]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
    assert grave == [], page.url


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_keeps_anybody_out(browser: Browser, console: Console, look: str) -> None:
    with at_console(browser, console, **LOOKS[look]) as seen:
        for path in PAGES.values():
            seen.page.goto(address(console, path))
            check(seen.page)


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_before_sign_in_does(browser: Browser, console: Console, look: str) -> None:
    trace = refused_sale(console)
    with visit(browser, **LOOKS[look]) as seen:
        for path in ("/console/sign-in", "/console/link", f"/explanations/{trace}"):
            seen.page.goto(address(console, path))
            check(seen.page)
        seen.expect("401")
        seen.page.goto(address(console, "/console/sign-in"))
        seen.page.get_by_label("Name").fill("nobody")
        seen.page.get_by_label("Password").fill("nothing")
        seen.page.get_by_role("button", name="Sign in").click()
        expect(seen.page.get_by_role("alert").filter(has_text="is not right")).to_be_visible()
        check(seen.page)


@pytest.mark.parametrize("look", LOOKS)
def test_nor_what_appears_after_a_click(browser: Browser, console: Console, look: str) -> None:
    account, trace = console.account(), refused_sale(console)
    with at_console(browser, console, **LOOKS[look]) as seen:
        page = seen.page
        page.goto(address(console, "/console/accounts/demo"))
        page.get_by_role("button", name=re.compile("Rotate or revoke")).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        check(page)

        page.goto(address(console, f"/console/requests/{trace}"))
        page.locator("#hexadecimal summary").click()
        expect(page.get_by_role("region", name="Why")).to_be_visible()
        check(page)

        page.goto(address(console, "/console/try"))
        page.locator("summary", has_text="curl").click()
        page.get_by_role("button", name="Sign and send").click()
        expect(page.get_by_label("Body of the answer")).to_be_visible()
        check(page)

        page.goto(address(console, f"/console/accounts/{account}"))
        page.get_by_role("button", name="Make a key").click()
        expect(page.get_by_role("heading", name="The new key")).to_be_visible()
        check(page)

        page.goto(address(console, "/console/people"))
        page.get_by_role("button", name="Make a link").first.click()
        expect(page.get_by_role("button", name="Copy the link")).to_be_visible()
        check(page)

        page.goto(address(console, "/console/profile"))
        page.get_by_label("Current password").fill("not this one")
        page.get_by_label("New password").fill("twelve letters")
        page.get_by_label("The same again").fill("twelve letters")
        seen.expect("400")
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_role("alert").filter(has_text="is not right")).to_be_visible()
        check(page)

        seen.expect("404")
        page.goto(address(console, "/console/accounts/nobody"))
        check(page)


def test_axe_is_at_work(browser: Browser, console: Console) -> None:
    with at_console(browser, console) as seen:
        seen.page.goto(address(console, "/console/accounts"))
        seen.page.evaluate("document.querySelector('label[for=id]').remove()")
        with pytest.raises(AssertionError, match="label"):
            check(seen.page)
