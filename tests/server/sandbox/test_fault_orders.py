"""Orders to fail: laid down by the operator alone, met by the requests they fit, and then gone."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from payseal.cli.group import payseal
from payseal.server.vault import control_token

from .calls import balance, charge, issue, sale, transfer
from .conftest import Reply, Sandbox
from .samples import TRANSFER

GONE = (http.client.RemoteDisconnected, ConnectionResetError)


def order(sandbox: Sandbox, method: str = "POST", token: str | None = None, **document: Any) -> Reply:
    token = control_token(sandbox.vault.folder) if token is None else token
    body = json.dumps(document).encode() if method == "POST" else b""
    return sandbox.send(method, "/control/faults", {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}, body)


@pytest.fixture(autouse=True)
def no_orders(sandbox: Sandbox) -> Iterator[None]:
    yield
    order(sandbox, "DELETE")


def test_an_order_is_met_as_often_as_it_says_and_then_gone(sandbox: Sandbox) -> None:
    laid = order(sandbox, kind="error-before", provider="fiserv", times=2)
    assert (laid.status, laid.json["id"] > 0) == (201, True)
    assert transfer(sandbox, {**TRANSFER, "amount": 7}).status == 200  # another system
    assert [sale(sandbox).status for _ in range(3)] == [500, 500, 200]
    assert order(sandbox, "GET").json == []


def test_the_first_order_that_fits_is_met(sandbox: Sandbox) -> None:
    order(sandbox, kind="error-before", path="/gateway/v2/elsewhere")
    order(sandbox, kind="decline", times=None)
    assert [sale(sandbox).status for _ in range(2)] == [422, 422]
    assert [each["kind"] for each in order(sandbox, "GET").json] == ["error-before", "decline"]


def test_the_clock_and_the_key_are_misled_for_one_request(sandbox: Sandbox) -> None:
    for kind in ("clock-skew", "wrong-key"):
        order(sandbox, kind=kind, provider="fiserv")
        refused = sale(sandbox)
        assert (refused.status, refused.json["payseal"]["cause"]["code"]) == (401, "sandbox-fault")
        assert sale(sandbox).status == 200


def test_a_timeout_and_a_drop_answer_nothing_and_the_work_is_done_or_not(sandbox: Sandbox) -> None:
    issued = issue(sandbox)
    for kind, done in (("timeout-before", False), ("timeout-after", True), ("drop-before", False), ("drop-after", True)):
        before = balance(sandbox, "KES")
        document = {**TRANSFER, "currency": "KES", "reference": f"fault{kind.replace('-', '')}0001", "amount": 11}
        order(sandbox, kind=kind, provider="startbutton", seconds=0.2 if kind.startswith("timeout") else None)
        with pytest.raises(GONE):
            transfer(sandbox, document)
        assert before - balance(sandbox, "KES") == (11 if done else 0), kind
        assert transfer(sandbox, document).status == (409 if done else 200), kind
        assert before - balance(sandbox, "KES") == 11, kind
    order(sandbox, kind="error-after", provider="commercehub")
    assert charge(sandbox, issued["sessionId"]).status == 400  # nothing was done: an answer that says so is not kept back


def test_a_slow_answer_is_the_answer(sandbox: Sandbox) -> None:
    order(sandbox, kind="slow", seconds=0.05)
    assert sale(sandbox).status == 200


def test_only_the_operator_gives_orders(sandbox: Sandbox) -> None:
    for token in ("", "wrong", "ü"):
        for method in ("GET", "POST", "DELETE"):
            assert order(sandbox, method, token=token, kind="decline").status == 401
    assert sale(sandbox).status == 200


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"kind": "explode"}, "kind"),
        ({}, "kind"),
        ({"kind": "slow", "seconds": -1}, "seconds"),
        ({"kind": "slow", "seconds": 10_000}, "seconds"),
        ({"kind": "decline", "seconds": 1}, "seconds"),
        ({"kind": "slow", "times": 0}, "times"),
        ({"kind": "slow", "provider": "acme"}, "provider"),
        ({"kind": "slow", "path": "no slash"}, "path"),
        ({"kind": "slow", "more": 1}, "more"),
    ],
)
def test_an_order_that_cannot_be_is_refused_with_its_field(sandbox: Sandbox, document: Any, said: str) -> None:
    answer = order(sandbox, **document)
    assert (answer.status, said in answer.json["message"]) == (400, True)
    assert order(sandbox, "GET").json == []


FAULTS = ("sandbox", "faults")


def faults(*arguments: str) -> Result:
    return CliRunner().invoke(payseal, [*FAULTS, *arguments], prog_name="payseal")


def test_the_command_line_gives_orders_to_the_running_sandbox(sandbox: Sandbox) -> None:
    folder = ("--folder", str(sandbox.vault.folder))
    # From another process, as an operator does; that a process does what the command does here, tests/cli/test_process.py holds.
    command = [sys.executable, "-m", "payseal", *FAULTS, "add", "error-before", "--provider", "fiserv", *folder]
    added = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (added.returncode, "nothing was done" in added.stderr) == (0, True)
    listed = json.loads(faults("list", "--json", *folder).stdout)
    assert [(each["kind"], each["times"]) for each in listed] == [("error-before", 1)]
    assert sale(sandbox).status == 500
    assert faults("add", "slow", "--seconds", "0.1", "--always", *folder).exit_code == 0
    assert "1 taken back" in faults("clear", *folder).stderr
    assert "400006" in faults("kinds").stdout
    refused = faults("add", "decline", "--seconds", "3", *folder)
    assert (refused.exit_code, "takes no seconds" in refused.stderr) == (2, True)
    nowhere = faults("list", "--folder", str(sandbox.vault.folder / "nowhere"))
    assert (nowhere.exit_code, "no sandbox runs on" in nowhere.stderr) == (4, True)
