"""Nothing is served unsigned, and nothing of a card is kept but what may be."""

from __future__ import annotations

import logging
import re
import sqlite3

import pytest

from .calls import capture, capture_document, issue, sale
from .conftest import Sandbox
from .samples import CARD, CODE, SALE, changed


def test_nothing_is_served_unsigned_but_the_front(sandbox: Sandbox) -> None:
    for path in (
        "/gateway/v2/payments",
        "/transaction/transfer",
        "/payments/v1/charges",
        "/payments-vas/v1/card-capture",
        "/payments-vas/v1/x",
    ):
        assert sandbox.send("POST", path, {"Content-Type": "application/json"}, b"{}").status == 401
    assert sandbox.send("GET", "/", {}).status == 200
    assert sandbox.send("GET", "/healthz", {}).json == {"status": "ok"}
    assert sandbox.send("GET", "/gateway/v2x", {}).status == 404


def test_no_card_number_code_or_secret_is_kept_or_logged(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert sale(sandbox).status == 200
        assert sale(sandbox, changed(SALE, "transactionAmount.total", -1)).status == 400
        issued = issue(sandbox)
        assert capture(sandbox, issued, capture_document(issued)).status == 200
    keys = re.findall(r'(?:secret|token) = "(.+)"', sandbox.vault.keys_file.read_text())
    assert len(keys) == 4
    hidden = [CARD, issued["accessToken"], *keys]
    kept = b"".join(path.read_bytes() for path in sandbox.vault.folder.glob("*.db*"))
    assert kept.count(b"MASTERCARD") > 0  # the database was really read
    for secret in hidden:
        assert secret.encode() not in kept
        assert secret not in caplog.text
    assert f'"securityCode": "{CODE}"' not in caplog.text
    with sqlite3.connect(sandbox.vault.database_file) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            for row in database.execute(f'select * from "{table}"'):
                assert CODE not in [str(value) for value in row], table
    database.close()
