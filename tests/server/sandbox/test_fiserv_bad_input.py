"""Whatever is sent to the Payments API is answered in its error shape, with the field; nothing of it is repeated, nothing is a 500."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payseal.server.sandbox.exact_json import parse
from payseal.server.sandbox.provider import Failure

from .calls import fiserv, sale
from .conftest import Reply, Sandbox
from .samples import CARD, CODE, SALE, changed, secondary

TEXT = json.dumps(SALE)
PATHS = ("/payments", "/payments/unknown", "/orders/unknown", "/card-verification")


def refused(answer: Reply) -> list[str]:
    """The fields of a 400, after a look at its shape and at what it must not say."""
    assert (answer.status, answer.json["responseType"]) == (400, "BadRequest")
    assert set(answer.json) == {"clientRequestId", "apiTraceId", "responseType", "error"}
    assert answer.json["error"]["code"] == "400"
    assert answer.json["error"]["message"]
    for secret in (CARD, CODE):
        assert secret not in json.dumps(answer.json["error"])  # the ids are random
    return [each["field"] for each in answer.json["error"].get("details", [])]


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("requestType", "Nonsense", "requestType"),
        ("requestType", ..., "requestType"),
        ("requestType", None, "requestType"),
        ("requestType", [CARD], "requestType"),
        ("requestType", CARD, "requestType"),
        ("requestType", "VoidTransaction", "requestType"),
        ("transactionAmount", ..., "transactionAmount"),
        ("transactionAmount", 12.04, "transactionAmount"),
        ("transactionAmount.total", -1, "transactionAmount.total"),
        ("transactionAmount.total", 0, "transactionAmount.total"),
        ("transactionAmount.total", "many", "transactionAmount.total"),
        ("transactionAmount.total", "12.04", "transactionAmount.total"),
        ("transactionAmount.total", True, "transactionAmount.total"),
        ("transactionAmount.total", None, "transactionAmount.total"),
        ("transactionAmount.total", [], "transactionAmount.total"),
        ("transactionAmount.total", 1.005, "transactionAmount.total"),
        ("transactionAmount.total", 0.1 + 0.2, "transactionAmount.total"),
        ("transactionAmount.total", 10**9, "transactionAmount.total"),
        ("transactionAmount", {"total": 1.5, "currency": "JPY"}, "transactionAmount.total"),
        ("transactionAmount", {"total": 1.0005, "currency": "KWD"}, "transactionAmount.total"),
        ("transactionAmount.currency", "XXX", "transactionAmount.currency"),
        ("transactionAmount.currency", "eur", "transactionAmount.currency"),
        ("transactionAmount.currency", 978, "transactionAmount.currency"),
        ("paymentMethod", [], "paymentMethod"),
        ("paymentMethod.paymentCard", "card", "paymentMethod.paymentCard"),
        ("paymentMethod.paymentCard.number", "4242424242424241", "paymentMethod.paymentCard.number"),
        ("paymentMethod.paymentCard.number", int(CARD), "paymentMethod.paymentCard.number"),
        ("paymentMethod.paymentCard.number", "٤" * 16, "paymentMethod.paymentCard.number"),
        ("paymentMethod.paymentCard.number", CARD + "\x00", "paymentMethod.paymentCard.number"),
        ("paymentMethod.paymentCard.number", CARD + "\n", "paymentMethod.paymentCard.number"),
        ("paymentMethod.paymentCard.number", "\ud800", "paymentMethod.paymentCard.number"),
        ("paymentMethod.paymentCard.number", "4" * 1_000_000, "paymentMethod.paymentCard.number"),
        ("paymentMethod.paymentCard.securityCode", "12", "paymentMethod.paymentCard.securityCode"),
        ("paymentMethod.paymentCard.securityCode", 123, "paymentMethod.paymentCard.securityCode"),
        ("paymentMethod.paymentCard.securityCode", "\ud800\ud800\ud800", "paymentMethod.paymentCard.securityCode"),
        ("paymentMethod.paymentCard.expiryDate.month", "13", "paymentMethod.paymentCard.expiryDate.month"),
        ("paymentMethod.paymentCard.expiryDate.month", "01\n", "paymentMethod.paymentCard.expiryDate.month"),
        ("paymentMethod.paymentCard.expiryDate.year", "2031", "paymentMethod.paymentCard.expiryDate.year"),
        ("paymentMethod.paymentCard.expiryDate.year", "٣١", "paymentMethod.paymentCard.expiryDate.year"),
        ("order", "order-1", "order"),
        ("order", {"orderId": ""}, "order.orderId"),
        ("order", {"orderId": "a\x00b"}, "order.orderId"),
        ("order", {"orderId": "\ud800"}, "order.orderId"),
        ("order", {"orderId": "a" * 101}, "order.orderId"),
        ("order", {"orderId": "a" * 1_000_000}, "order.orderId"),
        ("order", {"orderId": 1}, "order.orderId"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_wrong_field_is_named(sandbox: Sandbox, path: str, value: Any, field: str) -> None:
    assert refused(sale(sandbox, changed(SALE, path, value))) == [field]


def amount(number: str) -> bytes:
    """A sale whose amount is written so."""
    return TEXT.replace("12.04", number).encode()


@pytest.mark.parametrize(
    "number",
    ["12.040000000000001", "12.0400000000000000000000000000000001", "1e400", "1e-400", "-1e400", "1e99999999999999999999",
     "-0.0", "9" * 5000, "1" * 1000 + ".5", "0." + "0" * 5000 + "1", "1" * 900_000],
    ids=lambda number: number[:24],
)  # fmt: skip
def test_a_number_is_read_to_its_last_digit(sandbox: Sandbox, number: str) -> None:
    assert refused(sale(sandbox, raw=amount(number))) == ["transactionAmount.total"]


@pytest.mark.parametrize("number", ["12.04", "12.040", "12.0400000000000000000000000000000000000000", "1204e-2", "0.1204E2"])
def test_an_amount_may_be_written_in_any_way_that_is_exact(sandbox: Sandbox, number: str) -> None:
    answer = sale(sandbox, raw=amount(number))
    assert (answer.status, answer.json["approvedAmount"]["total"]) == (200, 12.04)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"null", b"-12", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b'{"a":1,}', b"{'a':1}",
        TEXT.encode("utf-16"), b"\xef\xbb\xbf" + TEXT.encode(), TEXT.encode() + b"x", b"\x00" + TEXT.encode(),
        amount("NaN"), amount("Infinity"), amount("-Infinity"), amount("012.04"), amount("+12.04"), amount(".5"), amount("0x1"),
    ],
    ids=lambda raw: repr(raw[:24]),
)  # fmt: skip
@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_is_no_request_is_400(sandbox: Sandbox, path: str, raw: bytes) -> None:
    assert refused(fiserv(sandbox, "POST", path, raw=raw)) == []


@pytest.mark.parametrize("path", PATHS)
def test_an_object_of_nothing_lacks_its_fields(sandbox: Sandbox, path: str) -> None:
    assert refused(fiserv(sandbox, "POST", path, {})) == ["paymentCard" if path == "/card-verification" else "requestType"]


def test_a_name_that_stands_twice_is_refused_and_named_where_it_is_a_name(sandbox: Sandbox) -> None:
    assert refused(sale(sandbox, raw=(TEXT[:-1] + ', "requestType": "PaymentCardSaleTransaction"}').encode())) == ["requestType"]
    assert refused(sale(sandbox, raw=TEXT.replace('"total"', '"total": 1, "total"').encode())) == ["total"]
    for name in (CARD, "\\ud800", "", "a b", "x" * 1000):
        assert refused(sale(sandbox, raw=(TEXT[:-1] + f', "{name}": 1, "{name}": 2}}').encode())) == []


def test_what_it_does_not_know_is_let_through(sandbox: Sandbox) -> None:
    for value in ('"\\ud800"', '"\\u0000"', "[" * 500 + "]" * 500, "1e99999999999999999999", "9" * 5000, '"' + "x" * 900_000 + '"'):
        assert sale(sandbox, raw=(TEXT[:-1] + f', "storeId": {value}}}').encode()).status == 200


@pytest.mark.parametrize("total", [-1, 0, 1.005, "1", None, True, 10**12])
@pytest.mark.parametrize("kind", ["PostAuth", "Void", "Return"])
def test_a_wrong_amount_of_a_secondary_transaction_is_named(sandbox: Sandbox, kind: str, total: Any) -> None:
    document = {**secondary(kind), "transactionAmount": {"total": total, "currency": "EUR"}}
    for path in ("/payments/unknown", "/orders/unknown"):
        assert refused(fiserv(sandbox, "POST", path, document)) == ["transactionAmount.total"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_a_document_is_read_as_json_reads_it_and_numbers_exactly(value: Any) -> None:
    text = json.dumps({"value": value})
    assert parse(text.encode()) == json.loads(text, parse_float=Decimal, parse_int=Decimal)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:0123456789eE+-. NaIfity\\ud8nul', max_size=60).map(str.encode))
def test_bytes_are_a_document_or_a_refusal(raw: bytes) -> None:
    found: Any = {}
    with contextlib.suppress(Failure):
        found = parse(raw)
    assert isinstance(found, dict)


# A body that begins with digits can be refused before: it and the time touch in what is signed.
@given(document=JSON.filter(lambda value: isinstance(value, bool) or not isinstance(value, int | float)))
def test_a_document_of_any_form_is_refused_in_shape(sandbox: Sandbox, document: Any) -> None:
    refused(fiserv(sandbox, "POST", "/payments", raw=json.dumps(document).encode()))
