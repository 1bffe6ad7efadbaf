"""The life of a transfer over HTTP, with the project's own client: what the wallet, the status and the webhooks say at each step."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from payseal import Credential, Rejected, Request, Signer, Verifier, scheme
from payseal.clients.requests import SignatureAuth
from payseal.server.sandbox.provider import Settings
from payseal.server.sandbox.serve import bind, serving
from payseal.server.sandbox.startbutton.wallets import OPENING_BALANCES
from payseal.server.vault import Vault

from .calls import Receiver, eventually, receiving, status_of, wallet_of
from .conftest import Sandbox
from .samples import TRANSFER

SETTLE_AFTER = 0.4


class Merchant:
    """A merchant's program: it signs what it sends and verifies what it is sent."""

    def __init__(self, sandbox: Sandbox) -> None:
        keys = sandbox.vault.demo_keys().startbutton
        self.url = f"http://127.0.0.1:{sandbox.port}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = SignatureAuth(Signer(scheme("startbutton-transfer"), keys))
        self.verifier = Verifier(scheme("startbutton-webhook"), Credential(secret=keys.reveal_token()))

    def transfer(self, reference: str, amount: int = 1000, receiver: Receiver | None = None) -> requests.Response:
        document: dict[str, Any] = {**TRANSFER, "amount": amount, "reference": reference}
        if receiver is not None:
            document["webhookUrl"] = receiver.url
        return self.session.post(f"{self.url}/transaction/transfer", json=document, timeout=30)

    def get(self, path: str) -> Any:
        answer = self.session.get(self.url + path, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def verify(self, receiver: Receiver) -> None:
        """Every webhook is genuine, byte for byte."""
        for each in receiver.received:
            self.verifier.verify(Request("POST", each.path, headers=each.headers, body=each.body))


@contextmanager
def running(folder: Path, settle_after: float = SETTLE_AFTER) -> Iterator[Sandbox]:
    vault, listener = Vault.open(folder), bind(0)
    port = listener.getsockname()[1]
    with serving(vault, listener, Settings(settle_after=settle_after)):
        yield Sandbox(port, vault)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose transfers are settled soon."""
    with running(tmp_path_factory.mktemp("journey") / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def merchant(quick: Sandbox) -> Iterator[Merchant]:
    made = Merchant(quick)
    yield made
    made.session.close()


def test_the_journey_of_a_transfer(quick: Sandbox, merchant: Merchant) -> None:
    wallets = {each["currency"]: each for each in merchant.get("/wallet")["data"]}
    before = wallets["GHS"]["availableBalance"]
    with receiving() as receiver:
        answer = merchant.transfer("journeyreference1", 1234, receiver)
        assert (answer.status_code, answer.json()) == (200, {"success": True, "message": "transfer", "data": "processing"})
        wallet = next(each for each in merchant.get("/wallet")["data"] if each["currency"] == "GHS")
        assert wallet["availableBalance"] == before - 1234
        eventually(lambda: receiver.events() == ["pending", "successful"])
        merchant.verify(receiver)
    told = [each.body for each in receiver.received]
    assert b": " not in told[0]
    assert told[0].startswith(b'{"event":"transfer.pending","data":{"transaction":{"_id":"')
    status = merchant.get("/transaction/status/journeyreference1")["data"]["transaction"]
    assert (status["status"], status["amount"], status["feeAmount"]) == ("successful", 1234, 0)
    wallet = next(each for each in merchant.get("/wallet")["data"] if each["currency"] == "GHS")
    assert wallet["availableBalance"] == before - 1234


def test_a_webhook_that_was_changed_on_its_way_is_noticed(merchant: Merchant) -> None:
    with receiving() as receiver:
        assert merchant.transfer("journeyreference2", 500, receiver).status_code == 200
        eventually(lambda: len(receiver.received) == 2)
    first = receiver.received[0]
    changed = Request("POST", first.path, headers=first.headers, body=first.body.replace(b'"amount":500', b'"amount":501'))
    with pytest.raises(Rejected, match="signature"):
        merchant.verifier.verify(changed)


@pytest.mark.parametrize(
    ("amount", "told", "given_back"),
    [(400011, ["pending", "failed"], True), (400012, ["pending", "successful", "reversed"], True), (400013, ["pending"], False)],
)
def test_amounts_that_end_otherwise(quick: Sandbox, merchant: Merchant, amount: int, told: list[str], given_back: bool) -> None:
    reference, before = f"otherwise{amount}00", wallet_of(quick, "GHS")
    with receiving() as receiver:
        assert merchant.transfer(reference, amount, receiver).status_code == 200
        eventually(lambda: receiver.events() == told)
        time.sleep(3 * SETTLE_AFTER)  # nothing comes after it
        assert receiver.events() == told
        merchant.verify(receiver)
    assert status_of(quick, reference) == told[-1]
    assert wallet_of(quick, "GHS") == before - (0 if given_back else amount)
    ledger = next(each["ledgerBalance"] for each in merchant.get("/wallet")["data"] if each["currency"] == "GHS")
    assert ledger - wallet_of(quick, "GHS") == (0 if given_back else amount)


def test_who_does_not_hear_the_answer_asks_for_the_status_and_pays_once(quick: Sandbox, merchant: Merchant) -> None:
    """400006: 500 after the work was done. The provider has no idempotency: the retry is a duplicate, which says that it was done."""
    before = wallet_of(quick, "GHS")
    lost = merchant.transfer("lostanswer0000001", 400006)
    assert (lost.status_code, lost.json()["success"]) == (500, False)
    retried = merchant.transfer("lostanswer0000001", 400006)
    assert (retried.status_code, retried.json()["message"]) == (409, "Duplicate transaction")
    assert status_of(quick, "lostanswer0000001") in ("pending", "successful")
    assert wallet_of(quick, "GHS") == before - 400006


def test_an_error_before_the_work_leaves_the_reference_to_the_retry(quick: Sandbox, merchant: Merchant) -> None:
    before = wallet_of(quick, "GHS")
    assert merchant.transfer("errorbefore000001", 400005).status_code == 500
    assert wallet_of(quick, "GHS") == before
    assert merchant.transfer("errorbefore000001", 400005).status_code == 200
    assert wallet_of(quick, "GHS") == before - 400005


def test_eight_at_once_never_overdraw_the_wallet_and_the_money_adds_up(tmp_path: Path) -> None:
    with running(tmp_path / "sandbox") as sandbox:
        part = OPENING_BALANCES["GHS"] // 20
        answers: list[tuple[int, str]] = []

        def spend(name: int) -> None:
            mine = Merchant(sandbox)
            for number in range(5):  # 40 parts of which there are 20
                answer = mine.transfer(f"together{name:04}x{number:04}", part)
                answers.append((answer.status_code, answer.json()["message"]))
            mine.session.close()

        threads = [threading.Thread(target=spend, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [(200, "transfer")] * 20 + [(400, "Insufficient funds in GHS wallet")] * 20
        assert wallet_of(sandbox, "GHS") == OPENING_BALANCES["GHS"] - 20 * part == 0


def test_one_reference_at_once_is_one_transfer(quick: Sandbox) -> None:
    before, statuses = wallet_of(quick, "GHS"), []

    def send(amount: int) -> None:
        mine = Merchant(quick)
        statuses.append(mine.transfer("onereference00001", amount).status_code)
        mine.session.close()

    threads = [threading.Thread(target=send, args=(100,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 7
    assert wallet_of(quick, "GHS") == before - 100


def test_a_restart_loses_neither_an_outcome_nor_a_webhook(tmp_path: Path) -> None:
    """Stopped while a webhook is refused and two transfers are pending; started again when their time is over."""
    folder = tmp_path / "sandbox"
    with receiving(500) as receiver:
        with running(folder, settle_after=3.0) as sandbox:
            merchant = Merchant(sandbox)
            assert merchant.transfer("restartreference1", 1000, receiver).status_code == 200
            assert merchant.transfer("restartreference2", 400011, receiver).status_code == 200
            eventually(lambda: len(receiver.received) >= 2)  # one of the two was answered 500
            merchant.session.close()
        before = receiver.events()
        assert set(before) == {"pending"}
        time.sleep(3.2)
        assert receiver.events() == before
        with running(folder, settle_after=3.0) as sandbox:
            eventually(lambda: receiver.events("restartreference1")[-1] == "successful")
            eventually(lambda: receiver.events("restartreference2")[-1] == "failed")
            assert status_of(sandbox, "restartreference1") == "successful"
            assert wallet_of(sandbox, "GHS") == OPENING_BALANCES["GHS"] - 1000
            Merchant(sandbox).verify(receiver)
        refused = receiver.received[0].body
        assert [each.body for each in receiver.received].count(refused) == 2  # the one that was refused came again
        assert len(receiver.received) == 5
