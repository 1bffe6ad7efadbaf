"""The life of a Commerce Hub payment: charged, looked up, captured, cancelled, refunded; tried again, and tried by many at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

import payseal
from payseal.clients.cardblock import encrypt_card
from payseal.clients.requests import SignatureAuth

from .calls import captured_session, hub, of_charge, of_session, query, transaction_id
from .conftest import Reply, Sandbox
from .samples import CARD, CODE, MERCHANT

PAGE = Path(__file__).parents[3] / "docs" / "sandbox-commercehub.md"
CHARGES, CANCELS, REFUNDS, INQUIRY = (f"/payments/v1/{name}" for name in ("charges", "cancels", "refunds", "transaction-inquiry"))


class Merchant:
    """A merchant with payseal's own clients."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.url = f"http://127.0.0.1:{sandbox.port}"
        self.key = sandbox.vault.demo_keys().commercehub
        self.http = requests.Session()
        self.http.auth = SignatureAuth(payseal.Signer(payseal.scheme("commercehub-hmac"), self.key))

    def post(self, path: str, document: Any, status: int = 201) -> Any:
        answer = self.http.post(f"{self.url}{path}", json=document, timeout=30)
        assert answer.status_code == status, answer.text
        return answer.json()

    def session(self) -> str:
        """A session with a card in it."""
        issued = self.post("/payments-vas/v1/security/credentials", {"merchantDetails": MERCHANT})
        token = payseal.Credential(self.key.keyid, token=issued["accessToken"])
        data = encrypt_card(issued, number=CARD, expiration_month="12", expiration_year="2035", security_code=CODE, name="Jane Doe")
        answer = requests.post(
            f"{self.url}/payments-vas/v1/card-capture",
            json={"source": {"sourceType": "PaymentCard", "encryptionData": data}, "merchantDetails": MERCHANT},
            auth=SignatureAuth(payseal.Signer(payseal.scheme("commercehub-digest"), token)),
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        session: str = issued["sessionId"]
        return session


@pytest.fixture
def merchant(sandbox: Sandbox) -> Iterator[Merchant]:
    made = Merchant(sandbox)
    yield made
    made.http.close()


def id_of(answer: Any) -> str:
    found: str = answer["gatewayResponse"]["transactionProcessingDetails"]["transactionId"]
    return found


def kind_of(answer: Any) -> tuple[str, str]:
    return answer["gatewayResponse"]["transactionType"], answer["gatewayResponse"]["transactionState"]


def total_of(answer: Any) -> Any:
    return answer["paymentReceipt"]["approvedAmount"]["total"]


def test_a_sale_is_found_refunded_in_parts_and_never_beyond(merchant: Merchant) -> None:
    sale = merchant.post(CHARGES, of_session(merchant.session(), 12.04))
    assert (kind_of(sale), total_of(sale)) == (("CHARGE", "CAPTURED"), 12.04)
    charge, details = id_of(sale), sale["gatewayResponse"]["transactionProcessingDetails"]
    for reference in (
        {"referenceTransactionId": charge},
        {"referenceClientRequestId": details["clientRequestId"]},
        {"referenceOrderId": details["orderId"]},
    ):
        (found,) = merchant.post(INQUIRY, {"referenceTransactionDetails": reference})
        assert {**found["gatewayResponse"]["transactionProcessingDetails"], "apiTraceId": ""} == {**details, "apiTraceId": ""}
        assert (found["paymentReceipt"], found["source"]) == (sale["paymentReceipt"], sale["source"])
    part = merchant.post(REFUNDS, of_charge(charge, 5.03))
    assert (kind_of(part), total_of(part)) == (("REFUND", "AUTHORIZED"), 5.03)
    for too_much in (of_charge(charge, 7.02), of_charge(charge)):
        refused = merchant.post(REFUNDS, too_much, 400)["error"]
        assert [(each["code"], each["field"]) for each in refused] == [("810", "amount.total")]
    assert merchant.post(REFUNDS, of_charge(charge, 1, "EUR"), 400)["error"][0]["field"] == "amount.currency"
    assert merchant.post(CANCELS, of_charge(charge), 400)["error"][0]["code"] == "827"
    assert total_of(merchant.post(REFUNDS, of_charge(charge, 7.01))) == 7.01
    assert merchant.post(REFUNDS, of_charge(charge, 0.01), 400)["error"][0]["code"] == "816"
    order = merchant.post(INQUIRY, {"referenceTransactionDetails": {"referenceOrderId": details["orderId"]}})
    assert [(kind_of(each)[0], total_of(each)) for each in order] == [("CHARGE", 12.04), ("REFUND", 5.03), ("REFUND", 7.01)]
    # What was done to a charge is no charge.
    assert merchant.post(REFUNDS, of_charge(id_of(part)), 404)["error"][0]["code"] == "764"


def test_an_authorisation_is_cancelled_and_cannot_be_refunded(merchant: Merchant) -> None:
    held = merchant.post(CHARGES, of_session(merchant.session(), 20, capture=False))
    assert kind_of(held) == ("CHARGE", "AUTHORIZED")
    charge = id_of(held)
    assert merchant.post(REFUNDS, of_charge(charge), 400)["error"][0]["code"] == "837"
    assert total_of(merchant.post(CANCELS, of_charge(charge, 5))) == 5
    assert merchant.post(CANCELS, of_charge(charge, 15.01), 400)["error"][0]["code"] == "810"
    last = merchant.post(CANCELS, of_charge(charge, 15, transactionDetails={"reversalReasonCode": "VOID"}))
    assert kind_of(last) == ("CANCEL", "AUTHORIZED")
    (found,) = merchant.post(INQUIRY, of_charge(charge))
    assert kind_of(found) == ("CHARGE", "VOIDED")
    for path, code in ((REFUNDS, "837"), (CANCELS, "833"), (CHARGES, "821")):
        assert merchant.post(path, of_charge(charge), 400)["error"][0]["code"] == code


def test_an_authorisation_is_captured_once_in_part_and_then_refunded(merchant: Merchant) -> None:
    charge = id_of(merchant.post(CHARGES, of_session(merchant.session(), 20, capture=False)))
    assert merchant.post(CHARGES, of_charge(charge, 20.01), 400)["error"][0]["code"] == "808"
    captured = merchant.post(CHARGES, of_charge(charge, 18))
    assert (kind_of(captured), total_of(captured)) == (("CHARGE", "CAPTURED"), 18)
    assert merchant.post(CHARGES, of_charge(charge, 2), 400)["error"][0]["code"] == "826"
    assert merchant.post(REFUNDS, of_charge(charge, 18.01), 400)["error"][0]["code"] == "810"
    assert total_of(merchant.post(REFUNDS, of_charge(id_of(captured)))) == 18  # the capture's id means the charge too
    (found,) = merchant.post(INQUIRY, of_charge(charge))
    assert kind_of(found) == ("CHARGE", "CAPTURED")


def test_a_sale_can_be_cancelled_whole(merchant: Merchant) -> None:
    charge = id_of(merchant.post(CHARGES, of_session(merchant.session(), 1500, "JPY")))
    assert total_of(merchant.post(CANCELS, of_charge(charge))) == 1500
    assert merchant.post(REFUNDS, of_charge(charge), 400)["error"][0]["code"] == "837"


def test_a_declined_charge_is_an_answer_and_ends_its_session(merchant: Merchant) -> None:
    session = merchant.session()
    declined = merchant.post(CHARGES, of_session(session, 4000.01))
    assert kind_of(declined) == ("CHARGE", "DECLINED")
    decision = declined["paymentReceipt"]
    assert (decision["processorResponseDetails"]["approvalStatus"], "approvedAmount" in decision) == ("DECLINED", False)
    assert merchant.post(CHARGES, of_session(session, 1), 400)["error"][0]["field"] == "source.sessionId"
    charge = id_of(declined)
    (found,) = merchant.post(INQUIRY, of_charge(charge))
    assert kind_of(found) == ("CHARGE", "DECLINED")
    for path, code in ((REFUNDS, "837"), (CANCELS, "833"), (CHARGES, "819")):
        assert merchant.post(path, of_charge(charge), 400)["error"][0]["code"] == code


def test_a_declined_refund_takes_nothing(merchant: Merchant) -> None:
    charge = id_of(merchant.post(CHARGES, of_session(merchant.session(), 5000)))
    assert kind_of(merchant.post(REFUNDS, of_charge(charge, 4000.01))) == ("REFUND", "DECLINED")
    assert total_of(merchant.post(REFUNDS, of_charge(charge))) == 5000


def test_another_account_sees_and_moves_nothing(sandbox: Sandbox) -> None:
    charge = transaction_id(hub(sandbox, CHARGES, of_session(captured_session(sandbox))))
    query(sandbox, "update commercehub_transactions set account = 'another' where id = ?", charge)
    for path in (INQUIRY, REFUNDS, CANCELS):
        assert hub(sandbox, path, of_charge(charge)).status == 404


def count(sandbox: Sandbox, session_total: int) -> int:
    ((found,),) = query(sandbox, "select count(*) from commercehub_transactions where amount = ?", session_total)
    return int(found)


def test_a_retry_after_an_error_that_came_after_the_work_is_one_charge_and_its_first_answer(sandbox: Sandbox) -> None:
    session, before = captured_session(sandbox), count(sandbox, 400006)
    lost = hub(sandbox, CHARGES, of_session(session, 4000.06), nonce="hub-after")
    assert (lost.status, lost.json["error"][0]["type"]) == (500, "GATEWAY")
    (found,) = hub(sandbox, INQUIRY, {"referenceTransactionDetails": {"referenceClientRequestId": "hub-after"}}).json
    retried = hub(sandbox, CHARGES, of_session(session, 4000.06), nonce="hub-after")
    assert (retried.status, retried.headers["Idempotent-Replayed"]) == (201, "true")
    assert transaction_id(retried) == id_of(found)
    assert count(sandbox, 400006) == before + 1


def test_a_request_without_an_answer_is_processed_again(sandbox: Sandbox) -> None:
    session, before = captured_session(sandbox), count(sandbox, 400005)
    assert hub(sandbox, CHARGES, of_session(session, 4000.05), nonce="hub-before").status == 500
    assert count(sandbox, 400005) == before
    retried = hub(sandbox, CHARGES, of_session(session, 4000.05), nonce="hub-before")
    assert (retried.status, retried.headers["Idempotent-Replayed"]) == (201, None)
    assert count(sandbox, 400005) == before + 1


def test_a_request_id_with_another_request_is_refused(sandbox: Sandbox) -> None:
    first = hub(sandbox, CHARGES, of_session(captured_session(sandbox)), nonce="hub-id")
    other = hub(sandbox, REFUNDS, of_charge(transaction_id(first)), nonce="hub-id")
    assert (first.status, other.status, other.json["error"][0]["type"]) == (201, 422, "GATEWAY")


def at_once(call: Callable[[int], Reply], times: int = 8) -> list[int]:
    with ThreadPoolExecutor(times) as pool:
        return sorted(answer.status for answer in pool.map(call, range(times)))


def test_of_eight_charges_on_one_session_one_is_made(sandbox: Sandbox) -> None:
    session = captured_session(sandbox)
    statuses = at_once(lambda number: hub(sandbox, CHARGES, of_session(session, 31.41)))
    assert statuses == [201, *[400] * 7]
    assert count(sandbox, 3141) == 1


def test_eight_refunds_at_once_never_exceed_the_charge(sandbox: Sandbox) -> None:
    charge = transaction_id(hub(sandbox, CHARGES, of_session(captured_session(sandbox), 10)))
    statuses = at_once(lambda number: hub(sandbox, REFUNDS, of_charge(charge, 3)))
    assert statuses == [*[201] * 3, *[400] * 5]
    (sums,) = query(sandbox, "select sum(amount) from commercehub_transactions where charge_id = ? and kind = 'REFUND'", charge)
    assert sums == (900,)


def test_the_page_s_example_works(sandbox: Sandbox) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    key = sandbox.vault.demo_keys().commercehub
    (secret,) = key.reveal_secrets()
    known = {
        "http://127.0.0.1:8700": f"http://127.0.0.1:{sandbox.port}",
        'keyid="…"': f"keyid={key.keyid!r}",
        'secret="…"': f"secret={secret!r}",
    }
    for shown, real in known.items():
        assert shown in example
        example = example.replace(shown, real)
    names: dict[str, Any] = {}
    exec(example, names)
    assert kind_of(names["charge"]) == ("CHARGE", "CAPTURED")
    assert total_of(names["refund"]) == 2.04
