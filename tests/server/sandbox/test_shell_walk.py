"""A payment's life from a shell: the commands in the documentation, run as they stand there by ``sh``."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import Sandbox

PAGE = (Path(__file__).parents[3] / "docs" / "collections.md").read_text("utf-8")
SHARED, FISERV, COMMERCEHUB, STARTBUTTON = re.findall(r"^```sh\n(.*?)^```", PAGE.partition("## From a shell")[2], re.DOTALL | re.MULTILINE)


@pytest.fixture
def place(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A folder with the sandbox's beside it, and with ``payseal`` and ``python3`` as this interpreter has them."""
    (tmp_path / "payseal-sandbox").symlink_to(sandbox.vault.folder)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, command in (("payseal", [sys.executable, "-m", "payseal"]), ("python3", [sys.executable])):
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        (programs / name).chmod(0o700)
    return tmp_path


def walk(sandbox: Sandbox, place: Path, commands: str) -> list[Any]:
    """The answers that a block prints, one JSON document each. Any command that fails ends it."""
    ours = SHARED.replace("http://127.0.0.1:8700", f"http://127.0.0.1:{sandbox.port}")
    assert ours != SHARED
    environment = {**os.environ, "PATH": f"{place / 'programs'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-eu", "-c", f"{ours}\n{commands}"],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    statuses = re.findall(r"^HTTP (\d+)", done.stderr, re.MULTILINE)
    assert len(statuses) == len(re.findall(r"\b(?:GET|POST) \$api", commands))
    assert set(statuses) <= {"200", "201"}
    decoder, answers, at = json.JSONDecoder(), [], 0
    while at < len(done.stdout):
        answer, at = decoder.raw_decode(done.stdout, at)
        answers.append(answer)
    return answers


def kept(place: Path, name: str) -> Any:
    return json.loads((place / name).read_text("utf-8"))


def test_a_sale_its_inquiry_its_return_and_its_order(sandbox: Sandbox, place: Path) -> None:
    found, returned, order = walk(sandbox, place, FISERV)
    sale = kept(place, "sale.json")
    assert (sale["transactionType"], sale["transactionStatus"]) == ("SALE", "APPROVED")
    assert found["ipgTransactionId"] == sale["ipgTransactionId"]
    assert (returned["transactionType"], returned["approvedAmount"]["total"]) == ("RETURN", 2.04)
    assert order["orderId"] == sale["orderId"]
    assert {each["ipgTransactionId"] for each in order["transactions"]} == {sale["ipgTransactionId"], returned["ipgTransactionId"]}


def test_a_session_its_card_its_charge_the_inquiry_and_a_refund(sandbox: Sandbox, place: Path) -> None:
    captured, (found,), refunded = walk(sandbox, place, COMMERCEHUB)
    assert captured["source"]["card"]["last4"] == "1111"
    charge = kept(place, "charge.json")
    assert charge["paymentReceipt"]["approvedAmount"]["total"] == 12.04
    ids = [each["gatewayResponse"]["transactionProcessingDetails"]["transactionId"] for each in (charge, found, refunded)]
    assert ids[0] == ids[1] != ids[2]
    assert refunded["gatewayResponse"]["transactionType"] == "REFUND"
    assert refunded["paymentReceipt"]["approvedAmount"]["total"] == 2.04


def test_a_wallet_a_transfer_and_its_status(sandbox: Sandbox, place: Path) -> None:
    wallets, transfer, status = walk(sandbox, place, STARTBUTTON)
    assert wallets["success"] is True
    assert transfer == {"success": True, "message": "transfer", "data": "processing"}
    assert status["data"]["transaction"]["amount"] == 1000
