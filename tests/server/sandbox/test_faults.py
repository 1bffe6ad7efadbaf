"""Failing on purpose: what fails, what was done all the same, and what a retry then gets."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

from .calls import sale
from .conftest import Sandbox
from .samples import SALE, changed

GONE = (http.client.RemoteDisconnected, ConnectionResetError)


def of_amount(minor: int) -> Any:
    return changed(SALE, "transactionAmount.total", minor / 100)


def payments(sandbox: Sandbox) -> int:
    import sqlite3

    with sqlite3.connect(sandbox.vault.database_file) as database:
        count: int = database.execute("select count(*) from fiserv_payments").fetchone()[0]
    database.close()
    return count


def test_a_declined_amount_is_declined_every_time(sandbox: Sandbox) -> None:
    before = payments(sandbox)
    for _ in range(2):
        assert sale(sandbox, of_amount(400001)).status == 422
    assert payments(sandbox) == before


def test_an_error_after_the_work_was_done_is_one_payment_and_its_first_answer(sandbox: Sandbox) -> None:
    before = payments(sandbox)
    lost = sale(sandbox, of_amount(400006), nonce="after-1")
    assert (lost.status, lost.json["responseType"]) == (500, "ServerError")
    assert payments(sandbox) == before + 1
    retried = sale(sandbox, of_amount(400006), nonce="after-1")
    assert (retried.status, retried.headers["Idempotent-Replayed"]) == (200, "true")
    assert payments(sandbox) == before + 1


def test_an_error_before_the_work_leaves_the_id_to_the_retry(sandbox: Sandbox) -> None:
    before = payments(sandbox)
    assert sale(sandbox, of_amount(400005), nonce="before-1").status == 500
    assert payments(sandbox) == before
    retried = sale(sandbox, of_amount(400005), nonce="before-1")
    assert (retried.status, retried.headers["Idempotent-Replayed"]) == (200, None)
    assert payments(sandbox) == before + 1


@pytest.mark.parametrize(("minor", "done"), [(400007, 0), (400008, 1)])
def test_a_dropped_connection_says_nothing_of_the_work(sandbox: Sandbox, minor: int, done: int) -> None:
    before = payments(sandbox)
    with pytest.raises(GONE):
        sale(sandbox, of_amount(minor), nonce=f"drop-{minor}")
    assert payments(sandbox) == before + done
    assert sale(sandbox, of_amount(minor), nonce=f"drop-{minor}").status == 200
    assert payments(sandbox) == before + 1
