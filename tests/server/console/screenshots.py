"""The pictures of the documentation: ``python -m tests.server.console.screenshots``, or `scripts/screenshots`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from payseal.server.accounts import Database
from payseal.server.sandbox.serve import bind, serving
from payseal.server.sandbox.walkthrough import walk
from payseal.server.vault import Vault
from tests.browser import chromium, visit

from .browsing import address, refused_sale, sign_in
from .conftest import PASSWORD, Console
from .hour import hour, put

FOLDER: Final = Path(__file__).parents[3] / "docs" / "images"
LARGEST: Final = 150_000  # bytes
SIZE: Final = {"width": 1200, "height": 800}
ACTOR: Final = "user:operator"


def filled(console: Console) -> str:
    """An hour of requests, an account with keys of every kind, and a request that was refused just now, whose trace is returned."""
    now = time.time()
    put(console.database, hour(console.vault.demo_keys(), now))
    for step in walk(console.port, console.vault.demo_keys()):
        assert step.good, step
    console.users.create("operator", "operator", actor=ACTOR)
    console.users.set_password("operator", PASSWORD, actor=ACTOR)
    console.accounts.create("shop", "The shop", actor=ACTOR)
    console.accounts.allow_ip("shop", "203.0.113.0/28", actor=ACTOR)
    console.accounts.allow_ip("shop", "2001:db8:17::/48", actor=ACTOR)
    over = console.credentials.create("shop", "fiserv-payments", actor=ACTOR, label="old till")
    console.credentials.revoke(over.keyid, actor=ACTOR)
    console.credentials.create("shop", "fiserv-payments", actor=ACTOR, label="till", not_after=now + 9 * 86_400)
    payouts = console.credentials.create("shop", "startbutton-transfer", actor=ACTOR, label="payouts")
    console.credentials.rotate(payouts.keyid, overlap=86_400.0, actor=ACTOR)
    return refused_sale(console)


def tried(page: Page) -> None:
    page.get_by_role("button", name="Sign and send").click()
    expect(page.get_by_label("Body of the answer")).to_contain_text("APPROVED")
    expect(page.get_by_label("Signed headers")).to_contain_text(page.get_by_label("Request id").input_value())
    page.evaluate("scrollTo(0, 0)")


def waited(page: Page) -> None:
    page.wait_for_load_state("load")


def take() -> None:
    """Write each picture. Raises `AssertionError` for one that is too large, or a page that complains."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        vault, listener = Vault.open(Path(folder) / "sandbox"), bind(0)
        with serving(vault, listener):
            database = Database.open(vault.accounts_url)
            console = Console(listener.getsockname()[1], vault, database)
            request = f"/console/requests/{filled(console)}"
            pictures: list[tuple[str, str, str, Callable[[Page], None]]] = [
                ("overview", "/console", "light", waited),
                ("request", request, "light", waited),
                ("request-dark", request, "dark", waited),
                ("account", "/console/accounts/shop", "light", waited),
                ("try", "/console/try", "light", tried),
            ]
            for name, path, scheme, prepare in pictures:
                with visit(browser, viewport=SIZE, color_scheme=scheme, reduced_motion="reduce") as seen:
                    sign_in(seen.page, console, "operator")
                    expect(seen.page).to_have_url(address(console, "/console"))
                    seen.page.goto(address(console, path))
                    prepare(seen.page)
                    picture = seen.page.screenshot(animations="disabled", caret="hide")
                assert len(picture) < LARGEST, f"{name} takes {len(picture)} bytes"
                (FOLDER / f"{name}.png").write_bytes(picture)
                print(f"{name}.png: {len(picture):,} bytes")
            database.close()


if __name__ == "__main__":
    try:
        take()
    except pytest.skip.Exception as error:
        sys.exit(f"{error}")
