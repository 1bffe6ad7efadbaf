"""Visitors of the console in a real browser, and what there is to visit."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

from payseal import Credential, Request, Signer, scheme
from payseal.server.users import User
from tests.browser import Visit, visit
from tests.server.sandbox.conftest import Reply

from .conftest import PASSWORD, Console

TRANSFER = "/transaction/transfer"
PHONE = {"width": 375, "height": 740}


def address(console: Console, path: str = "") -> str:
    return f"http://127.0.0.1:{console.port}{path}"


def sign_in(page: Page, console: Console, name: str, password: str = PASSWORD) -> None:
    page.goto(address(console, "/console/sign-in"))
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@contextmanager
def at_console(browser: Browser, console: Console, role: str = "operator", account: str | None = None, **options: Any) -> Iterator[Visit]:
    """Somebody new, signed in."""
    with at_console_as(browser, console, console.person(role, account), **options) as seen:
        yield seen


@contextmanager
def at_console_as(browser: Browser, console: Console, person: User, **options: Any) -> Iterator[Visit]:
    """That person, signed in."""
    with visit(browser, **options) as seen:
        sign_in(seen.page, console, person.name)
        expect(seen.page).to_have_url(address(console, "/console"))
        yield seen


def transfer_document(amount: int = 1000) -> dict[str, Any]:
    """A transfer that is unlike every other."""
    reference = f"test{time.time_ns():020}"
    return {"amount": amount, "currency": "KES", "country": "Kenya", "MNO": "MPESA", "msisdn": "254700000000", "reference": reference}


def transfer(console: Console, credential: Credential) -> Reply:
    return console.signed("startbutton-transfer", credential, "POST", TRANSFER, transfer_document())


def transfer_until(console: Console, credential: Credential, status: int) -> Reply:
    """A change of a key is in force within a second: transfers, until one is answered like that."""
    deadline = time.monotonic() + 10
    while (reply := transfer(console, credential)).status != status:
        assert time.monotonic() < deadline, f"still {reply.status}"
        time.sleep(0.1)
    return reply


def refused_sale(console: Console) -> str:
    """A sale whose body was written anew after it was signed; returns its trace."""
    path, body = (
        "/gateway/v2/payments",
        {"requestType": "PaymentCardSaleTransaction", "transactionAmount": {"total": 12.04, "currency": "EUR"}},
    )
    signer = Signer(scheme("fiserv-payments"), console.vault.demo_keys().fiserv)
    headers = signer.sign(Request("POST", path, body=json.dumps(body).encode()))
    sent = json.dumps(body, separators=(",", ":")).encode()
    reply = console.send("POST", path, {**headers, "Content-Type": "application/json"}, sent)
    assert reply.status == 401
    link: str = reply.json["payseal"]["explanation"]
    return link.rpartition("/")[2]


def keyid_of(credential: Credential) -> str:
    """Its id, which every credential of an account has."""
    assert credential.keyid is not None
    return credential.keyid


def row_of(page: Page, trace: str) -> Any:
    """The live row of a request."""
    return page.locator("#rows tr", has=page.locator(f'a[href$="{trace}"]'))
