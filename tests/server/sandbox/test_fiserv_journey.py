"""Whole lives of payments over HTTP, with the project's own client; what a retry gets, and what several at once cannot do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import requests

from payseal import Signer, scheme
from payseal.clients.requests import SignatureAuth

from .conftest import Sandbox
from .samples import PREAUTH, SALE, changed, secondary


@dataclass(frozen=True)
class Merchant:
    """Somebody's integration: a `requests.Session` that signs."""

    session: requests.Session
    base: str

    def post(self, path: str, document: Any, id: str | None = None) -> requests.Response:
        return self.session.post(self.base + path, json=document, headers={} if id is None else {"Client-Request-Id": id}, timeout=30)

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.base + path, timeout=30)

    def begin(self, document: Any) -> dict[str, Any]:
        answer = self.post("/payments", document)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def order(self, order_id: str) -> list[tuple[str, Decimal, str]]:
        """What is on record: (type, amount, state) of each transaction."""
        answer = self.get(f"/orders/{order_id}")
        assert answer.status_code == 200
        return [
            (each["transactionType"], Decimal(str(each["approvedAmount"]["total"])), each["transactionState"])
            for each in answer.json()["transactions"]
        ]


@pytest.fixture
def merchant(sandbox: Sandbox) -> Iterator[Merchant]:
    with requests.Session() as session:
        session.auth = SignatureAuth(Signer(scheme("fiserv-payments"), sandbox.vault.demo_keys().fiserv))
        yield Merchant(session, f"http://127.0.0.1:{sandbox.port}/gateway/v2")


def declined(answer: requests.Response) -> str:
    """The code of a refusal by the gateway's rules."""
    assert (answer.status_code, answer.json()["responseType"]) == (409, "GatewayDeclined")
    assert set(answer.json()) == {"clientRequestId", "apiTraceId", "responseType", "error"}
    assert answer.json()["error"]["message"]
    code: str = answer.json()["error"]["code"]
    return code


def amounts(*found: tuple[str, str, str]) -> list[tuple[str, Decimal, str]]:
    return [(kind, Decimal(total), state) for kind, total, state in found]


def test_a_sale_is_returned_in_parts_and_never_twice(merchant: Merchant) -> None:
    paid = merchant.begin(SALE)
    path, order = f"/payments/{paid['ipgTransactionId']}", paid["orderId"]
    inquiry = merchant.get(path).json()
    assert (inquiry["transactionType"], inquiry["transactionState"]) == ("SALE", "CAPTURED")

    first = merchant.post(path, secondary("Return", 5.04))
    assert first.status_code == 200
    assert (first.json()["transactionType"], first.json()["approvedAmount"]) == ("RETURN", {"total": 5.04, "currency": "EUR"})
    assert first.json()["orderId"] == order
    assert first.json()["ipgTransactionId"] != paid["ipgTransactionId"]
    assert declined(merchant.post(path, secondary("Return", 7.01))) == "10601"
    assert declined(merchant.post(path, secondary("Return", 7, "USD"))) == "22813"
    assert declined(merchant.post(path, secondary("Void"))) == "5017"
    assert merchant.post(f"/orders/{order}", secondary("Return", 7)).status_code == 200
    assert declined(merchant.post(path, secondary("Return", 0.01))) == "10601"
    assert declined(merchant.post(f"/orders/{order}", secondary("Return", 12.04))) == "10601"
    assert declined(merchant.post(f"/payments/{first.json()['ipgTransactionId']}", secondary("Return", 1))) == "5009"
    assert merchant.order(order) == amounts(("SALE", "12.04", "CAPTURED"), ("RETURN", "5.04", "CAPTURED"), ("RETURN", "7", "CAPTURED"))


def test_a_pre_authorisation_is_captured_in_parts_up_to_what_it_holds(merchant: Merchant) -> None:
    held = merchant.begin(PREAUTH)
    path, order = f"/payments/{held['ipgTransactionId']}", held["orderId"]
    assert declined(merchant.post(path, secondary("Return", 1))) == "5009"
    assert declined(merchant.post(path, secondary("PostAuth", 12.05))) == "10503"
    assert declined(merchant.post(path, secondary("PostAuth", 12, "USD"))) == "22813"
    first = merchant.post(path, secondary("PostAuth", 5.04)).json()
    assert first["transactionType"] == "POSTAUTH"
    assert declined(merchant.post(path, secondary("PostAuth", 7.01))) == "10503"
    assert declined(merchant.post(path, secondary("Void"))) == "5022"
    second = merchant.post(f"/orders/{order}", secondary("PostAuth", 7)).json()
    assert declined(merchant.post(path, secondary("PostAuth", 0.01))) == "10424"

    # What was captured can be returned: of each post-authorisation no more than it took, of the order no more than both.
    assert declined(merchant.post(f"/payments/{first['ipgTransactionId']}", secondary("Return", 5.05))) == "10601"
    assert merchant.post(f"/payments/{first['ipgTransactionId']}", secondary("Return", 5.04)).status_code == 200
    assert declined(merchant.post(f"/orders/{order}", secondary("Return", 7.01))) == "10601"
    assert merchant.post(f"/orders/{order}", secondary("Return", 6)).status_code == 200
    assert declined(merchant.post(f"/payments/{second['ipgTransactionId']}", secondary("Return", 1.01))) == "10601"
    assert merchant.post(f"/payments/{second['ipgTransactionId']}", secondary("Return", 1)).status_code == 200
    assert declined(merchant.post(f"/payments/{second['ipgTransactionId']}", secondary("Void"))) == "5017"
    assert [kind for kind, *_ in merchant.order(order)] == ["PREAUTH", "POSTAUTH", "POSTAUTH", "RETURN", "RETURN", "RETURN"]


def test_a_void_undoes_a_transaction_once_and_whole(merchant: Merchant) -> None:
    paid = merchant.begin(SALE)
    path = f"/payments/{paid['ipgTransactionId']}"
    assert declined(merchant.post(path, secondary("PostAuth", 1))) == "10501"
    assert declined(merchant.post(path, secondary("Void", 12))) == "5007"
    void = merchant.post(path, secondary("Void"))
    assert (void.status_code, void.json()["transactionType"], void.json()["approvedAmount"]["total"]) == (200, "VOID", 12.04)
    assert merchant.get(path).json()["transactionState"] == "VOIDED"
    assert declined(merchant.post(path, secondary("Void"))) == "5019"
    assert declined(merchant.post(path, secondary("Return", 1))) == "5009"
    assert declined(merchant.post(f"/payments/{void.json()['ipgTransactionId']}", secondary("Void"))) == "5019"
    assert merchant.order(paid["orderId"]) == amounts(("SALE", "12.04", "VOIDED"), ("VOID", "12.04", "VOIDED"))


def test_voids_of_what_was_captured_and_held(merchant: Merchant) -> None:
    held = merchant.begin(PREAUTH)
    path, order = f"/payments/{held['ipgTransactionId']}", held["orderId"]
    captured = merchant.post(path, secondary("PostAuth", 12.04)).json()
    assert declined(merchant.post(f"/orders/{order}", secondary("Void"))) == "5022"
    assert merchant.post(f"/payments/{captured['ipgTransactionId']}", secondary("Void", 12.04)).status_code == 200
    # The hold stands again, whole; once it is released nothing more can be taken of it.
    assert merchant.get(path).json()["transactionState"] == "AUTHORIZED"
    again = merchant.post(path, secondary("PostAuth", 12.04)).json()
    assert merchant.post(f"/payments/{again['ipgTransactionId']}", secondary("Void")).status_code == 200
    assert merchant.post(f"/orders/{order}", secondary("Void")).status_code == 200
    assert declined(merchant.post(path, secondary("PostAuth", 1))) == "10501"
    assert declined(merchant.post(path, secondary("Void"))) == "5019"


def test_a_return_that_was_voided_leaves_the_amount_to_be_returned(merchant: Merchant) -> None:
    paid = merchant.begin(SALE)
    path = f"/payments/{paid['ipgTransactionId']}"
    returned = merchant.post(path, secondary("Return", 12.04)).json()
    assert declined(merchant.post(path, secondary("Return", 1))) == "10601"
    assert merchant.post(f"/payments/{returned['ipgTransactionId']}", secondary("Void")).status_code == 200
    assert merchant.post(path, secondary("Return", 12.04)).status_code == 200


def of(document: dict[str, Any], total: float) -> dict[str, Any]:
    return changed(document, "transactionAmount.total", total)


def test_a_retry_after_the_work_was_done_gets_the_first_answer_and_one_transaction(merchant: Merchant) -> None:
    document = {**of(SALE, 4000.06), "order": {"orderId": "retried-sale"}}
    lost = merchant.post("/payments", document, id="retried-sale")
    assert (lost.status_code, lost.json()["responseType"]) == (500, "ServerError")
    assert merchant.order("retried-sale") == amounts(("SALE", "4000.06", "CAPTURED"))
    answer = merchant.post("/payments", document, id="retried-sale")
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (200, "true")
    assert answer.json()["orderId"] == "retried-sale"
    assert merchant.order("retried-sale") == amounts(("SALE", "4000.06", "CAPTURED"))


@pytest.mark.parametrize(("primary", "kind"), [(SALE, "Return"), (PREAUTH, "PostAuth")], ids=["return", "post-authorisation"])
@pytest.mark.parametrize("by", ["payments", "orders"])
def test_so_does_the_retry_of_a_secondary_transaction(merchant: Merchant, primary: dict[str, Any], kind: str, by: str) -> None:
    begun = merchant.begin(of(primary, 9000))
    path = f"/{by}/{begun['ipgTransactionId' if by == 'payments' else 'orderId']}"
    lost = merchant.post(path, secondary(kind, 4000.06), id=f"retried-{kind}-{by}")
    assert lost.status_code == 500
    done = merchant.order(begun["orderId"])
    assert [total for _, total, _ in done] == [Decimal(9000), Decimal("4000.06")]
    answer = merchant.post(path, secondary(kind, 4000.06), id=f"retried-{kind}-{by}")
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (200, "true")
    assert answer.json()["approvedAmount"]["total"] == 4000.06
    assert merchant.order(begun["orderId"]) == done


def test_a_retry_after_nothing_was_done_does_it(merchant: Merchant) -> None:
    begun = merchant.begin(of(SALE, 9000))
    path = f"/payments/{begun['ipgTransactionId']}"
    assert merchant.post(path, secondary("Return", 4000.05), id="undone-return").status_code == 500
    assert len(merchant.order(begun["orderId"])) == 1
    answer = merchant.post(path, secondary("Return", 4000.05), id="undone-return")
    assert (answer.status_code, answer.headers.get("Idempotent-Replayed")) == (200, None)
    assert len(merchant.order(begun["orderId"])) == 2


def test_a_declined_secondary_transaction_changes_nothing(merchant: Merchant) -> None:
    begun = merchant.begin(of(PREAUTH, 9000))
    path = f"/payments/{begun['ipgTransactionId']}"
    answer = merchant.post(path, secondary("PostAuth", 4000.01))
    assert (answer.status_code, answer.json()["responseType"]) == (422, "EndpointDeclined")
    assert (answer.json()["transactionType"], answer.json()["transactionStatus"]) == ("POSTAUTH", "DECLINED")
    assert len(merchant.order(begun["orderId"])) == 1
    # What the rules refuse is refused by them, whatever its amount does elsewhere.
    assert declined(merchant.post(path, secondary("Return", 4000.01))) == "5009"
    assert merchant.post("/payments/unknown", secondary("Return", 4000.01)).status_code == 404


def at_once(sandbox: Sandbox, count: int, act: Callable[[Merchant, int], requests.Response]) -> list[requests.Response]:
    """The answers to that many requests, sent together, each from a client of its own."""
    ready, keys = threading.Barrier(count), sandbox.vault.demo_keys().fiserv

    def one(number: int) -> requests.Response:
        with requests.Session() as session:
            session.auth = SignatureAuth(Signer(scheme("fiserv-payments"), keys))
            ready.wait(timeout=30)
            return act(Merchant(session, f"http://127.0.0.1:{sandbox.port}/gateway/v2"), number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_eight_returns_at_once_give_back_what_was_captured_and_no_more(sandbox: Sandbox, merchant: Merchant) -> None:
    paid = merchant.begin(of(SALE, 10))
    paths = (f"/payments/{paid['ipgTransactionId']}", f"/orders/{paid['orderId']}")
    answers = at_once(sandbox, 8, lambda each, number: each.post(paths[number % 2], secondary("Return", 2.5)))
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [409] * 4
    assert {declined(answer) for answer in answers if answer.status_code == 409} == {"10601"}
    returned = [total for kind, total, _ in merchant.order(paid["orderId"]) if kind == "RETURN"]
    assert (len(returned), sum(returned)) == (4, Decimal(10))


def test_eight_whole_captures_at_once_are_one(sandbox: Sandbox, merchant: Merchant) -> None:
    held = merchant.begin(of(PREAUTH, 10))
    path = f"/payments/{held['ipgTransactionId']}"
    answers = at_once(sandbox, 8, lambda each, number: each.post(path, secondary("PostAuth", 10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert [kind for kind, *_ in merchant.order(held["orderId"])] == ["PREAUTH", "POSTAUTH"]


def test_a_void_and_returns_at_once_are_either(sandbox: Sandbox, merchant: Merchant) -> None:
    paid = merchant.begin(of(SALE, 10))
    path = f"/payments/{paid['ipgTransactionId']}"
    asked = [secondary("Void"), secondary("Return", 10)] * 4
    answers = at_once(sandbox, 8, lambda each, number: each.post(path, asked[number]))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert len(merchant.order(paid["orderId"])) == 2


def test_one_order_begun_eight_times_at_once_is_one(sandbox: Sandbox, merchant: Merchant) -> None:
    document = {**SALE, "order": {"orderId": "begun-at-once"}}
    answers = at_once(sandbox, 8, lambda each, number: each.post("/payments", document))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert {declined(answer) for answer in answers if answer.status_code == 409} == {"5003"}
    assert len(merchant.order("begun-at-once")) == 1
