"""Each provider's OpenAPI document: whole, sound, and true of the sandbox that serves it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from payseal.server.accounts import Database, Directory
from payseal.server.sandbox import commercehub, fiserv, startbutton
from payseal.server.sandbox.openapi import METHODS, document, mount_of
from payseal.server.sandbox.provider import Backing, Mount, Settings
from payseal.server.sandbox.store import Store
from payseal.server.vault import Vault

from .calls import capture, capture_document, charge, transfer
from .conftest import Reply, Sandbox
from .samples import MERCHANT, SALE, TRANSFER

PROVIDERS = ("fiserv", "commercehub", "startbutton")


@pytest.fixture(scope="module")
def mounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Mount]]]:
    """Where each provider answers, as in the sandbox that runs."""
    folder: Path = tmp_path_factory.mktemp("mounts")
    vault = Vault.open(folder)
    database, store = Database.open(vault.accounts_url), Store.open(vault.database_file)
    with Directory(database, vault.ring) as directory:
        backing = Backing(store, vault, directory, Settings(), time.time)
        yield {module.__name__.rpartition(".")[2]: module.mounts(backing) for module in (fiserv, commercehub, startbutton)}
    store.close()
    database.close()


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def served(sandbox: Sandbox, provider: str) -> Any:
    answer = sandbox.send("GET", f"/openapi/{provider}.json", {})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    return answer.json


def operations(found: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in found["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def contents(operation: Any) -> Iterator[Any]:
    """What an operation says of bodies: its request's, its answers'."""
    for said in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from said.get("content", {}).values()


def complaints(found: Any, schema: Any, value: Any) -> list[str]:
    validator = jsonschema_rs.Draft202012Validator({"components": found["components"], **schema})
    return [error.message for error in validator.iter_errors(value)]


def filled(path: str) -> str:
    return path.replace("{", "").replace("}", "")


def test_it_is_an_openapi_3_1_document(served: Any) -> None:
    loaded = schemathesis.openapi.from_dict(json.loads(json.dumps(served)))
    loaded.validate()
    assert served["openapi"] == "3.1.0"
    assert served["servers"] == [{"url": "/", "description": "This sandbox."}]
    broken = json.loads(json.dumps(served))
    broken["info"] = {}
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_route_is_in_it(served: Any, provider: str, mounts: dict[str, list[Mount]]) -> None:
    own = mounts[provider]
    described = {(path, method) for path, item in own[0].app.openapi()["paths"].items() for method in item}
    assert {(path, method) for path, method, _ in operations(served)} == described
    # Nothing is under a mount of which the document knows nothing.
    told = {path for path, _, operation in operations(served) for path in (path, *operation["x-payseal-also-at"])}
    assert {mount.path for mount in own} == {mount.path for path in told if (mount := mount_of(path, own)) is not None}


def test_other_paths_of_an_operation_lead_to_it(sandbox: Sandbox, served: Any) -> None:
    keys = sandbox.vault.demo_keys().fiserv
    for path, method, operation in operations(served):
        for other in operation["x-payseal-also-at"]:
            answers = [
                sandbox.signed("fiserv-payments", keys, method.upper(), filled(each), None if method == "get" else {})
                for each in (path, other)
            ]
            first, second = ({**answer.json, "clientRequestId": "", "apiTraceId": ""} for answer in answers)
            assert first == second
            assert answers[0].status == answers[1].status != 405


def test_every_header_of_the_scheme_is_on_every_operation(served: Any, provider: str, mounts: dict[str, list[Mount]]) -> None:
    for path, _, operation in operations(served):
        mount = mount_of(path, mounts[provider])
        assert mount is not None
        scheme = mount.verifier.scheme
        assert operation["x-payseal-scheme"] == scheme.name
        parameters = {each["name"]: each for each in operation["parameters"] if each["in"] == "header"}
        named = {name for requirement in operation["security"] for name in requirement}
        secured = [served["components"]["securitySchemes"][name] for name in named]
        for rule in scheme.headers:
            if rule.name == "Authorization":
                assert [each["type"] for each in secured] in (["http"], ["apiKey"])
            else:
                signs = any(component.name == "signature" for component in rule.components)
                assert parameters.pop(rule.name)["required"] is not (signs and mount.unsigned is not None)
        assert not parameters


def test_what_is_signed_is_said_as_the_scheme_has_it(served: Any, provider: str, mounts: dict[str, list[Mount]]) -> None:
    for mount in mounts[provider]:
        assert f"`{mount.verifier.scheme.source['signature']['base']}`" in served["info"]["description"]
        assert f"`{mount.path}`" in served["info"]["description"]


def test_every_reference_resolves(served: Any) -> None:
    def references(value: Any) -> Iterator[str]:
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from references(each)
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            yield value["$ref"]

    found = set(references(served))
    assert found
    for reference in found:
        at = served
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]
    assert "HTTPValidationError" not in json.dumps(served)


def test_every_example_fits_its_schema(served: Any) -> None:
    seen = 0
    for path, method, operation in operations(served):
        for content in contents(operation):
            for name, example in content.get("examples", {}).items():
                assert complaints(served, content["schema"], example["value"]) == [], (method, path, name)
                seen += 1
    assert seen > 20


def test_a_refusal_is_as_the_document_says(sandbox: Sandbox, served: Any) -> None:
    for path, method, operation in operations(served):
        answer = sandbox.send(method.upper(), filled(path), {"Content-Type": "application/json"}, b"{}")
        said = operation["responses"]["401"]
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == said["headers"]["WWW-Authenticate"]["example"]
        assert complaints(served, said["content"]["application/json"]["schema"], answer.json) == []


def test_guard_and_application_refuse_in_one_shape(served: Any) -> None:
    """Where the application says how it refuses, what the guard in front of it answers is that too, and needs no schema of its own."""
    for path, method, operation in operations(served):
        for status, said in operation["responses"].items():
            assert "anyOf" not in said["content"]["application/json"]["schema"], (method, path, status)


def as_documented(found: Any, path: str, method: str, answer: Reply) -> Any:
    """The answer's document, once it is found to be what the operation promises of a success."""
    assert answer.status < 300, answer.raw
    said = found["paths"][path][method]["responses"][str(answer.status)]
    assert complaints(found, said["content"]["application/json"]["schema"], answer.json) == []
    return answer.json


@pytest.mark.parametrize("provider", ["fiserv"], indirect=True)
def test_a_payment_is_answered_as_documented(sandbox: Sandbox, served: Any) -> None:
    def ask(method: str, path: str, document: Any = None, **names: str) -> Any:
        keys = sandbox.vault.demo_keys().fiserv
        answer = sandbox.signed("fiserv-payments", keys, method.upper(), path.format(**names), document)
        return as_documented(served, path, method, answer)

    method_of_payment: Any = SALE["paymentMethod"]
    amount, payments, orders = SALE["transactionAmount"], "/gateway/v2/payments", "/gateway/v2/orders/{order_id}"
    held = ask("post", payments, {**SALE, "requestType": "PaymentCardPreAuthTransaction"})
    names = {"transaction_id": held["ipgTransactionId"], "order_id": held["orderId"]}
    ask("get", f"{payments}/{{transaction_id}}", **names)
    ask("post", orders, {"requestType": "PostAuthTransaction", "transactionAmount": amount}, **names)
    ask("post", orders, {"requestType": "ReturnTransaction", "transactionAmount": amount}, **names)
    assert len(ask("get", orders, **names)["transactions"]) == 3
    sold = ask("post", payments, SALE)
    ask("post", f"{payments}/{{transaction_id}}", {"requestType": "VoidTransaction"}, transaction_id=sold["ipgTransactionId"])
    ask("post", "/gateway/v2/card-verification", method_of_payment)


@pytest.mark.parametrize("provider", ["commercehub"], indirect=True)
def test_a_charge_is_answered_as_documented(sandbox: Sandbox, served: Any) -> None:
    def ask(path: str, document: Any) -> Any:
        keys = sandbox.vault.demo_keys().commercehub
        return as_documented(served, path, "post", sandbox.signed("commercehub-hmac", keys, "POST", path, document))

    ids = []
    for _ in range(2):
        issued = ask("/payments-vas/v1/security/credentials", {"merchantDetails": MERCHANT})
        as_documented(served, "/payments-vas/v1/card-capture", "post", capture(sandbox, issued, capture_document(issued)))
        charged = as_documented(served, "/payments/v1/charges", "post", charge(sandbox, issued["sessionId"]))
        ids.append(charged["gatewayResponse"]["transactionProcessingDetails"]["transactionId"])
    first, second = ({"referenceTransactionDetails": {"referenceTransactionId": each}} for each in ids)
    ask("/payments/v1/transaction-inquiry", first)
    ask("/payments/v1/refunds", first)
    ask("/payments/v1/cancels", second)


@pytest.mark.parametrize("provider", ["startbutton"], indirect=True)
def test_a_transfer_is_answered_as_documented(sandbox: Sandbox, served: Any) -> None:
    bearer = {"Authorization": f"Bearer {sandbox.vault.demo_keys().startbutton.reveal_token()}"}
    reference = "openapi0reference0one"
    as_documented(served, "/transaction/transfer", "post", transfer(sandbox, {**TRANSFER, "reference": reference}))
    status = sandbox.send("GET", f"/transaction/status/{reference}", bearer)
    as_documented(served, "/transaction/status/{reference}", "get", status)
    as_documented(served, "/wallet", "get", sandbox.send("GET", "/wallet", bearer))
    as_documented(served, "/bank/list/{currency}", "get", sandbox.send("GET", "/bank/list/NGN", bearer))


@pytest.mark.parametrize(
    ("provider", "path", "status"),
    [
        ("fiserv", "/gateway/v2/payments", 200),
        ("fiserv", "/gateway/v2/card-verification", 200),
        ("commercehub", "/payments-vas/v1/security/credentials", 201),
        ("startbutton", "/transaction/transfer", 200),
    ],
    indirect=["provider"],
)
def test_the_examples_are_accepted(sandbox: Sandbox, served: Any, provider: str, path: str, status: int) -> None:
    keys, operation = sandbox.vault.demo_keys(), served["paths"][path]["post"]
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        # Spelled as nobody else does, so that no signature of this minute is used twice.
        body = json.dumps(example["value"], indent=7).encode()
        answer = sandbox.signed(operation["x-payseal-scheme"], getattr(keys, provider), "POST", path, raw=body)
        assert answer.status == status, answer.raw


def test_the_example_headers_sign_the_example_body(sandbox: Sandbox) -> None:
    """Computed again without payseal."""
    found = sandbox.send("GET", "/openapi/fiserv.json", {}).json["paths"]["/gateway/v2/payments"]["post"]
    headers = {each["name"]: each["example"] for each in found["parameters"] if each["in"] == "header"}
    body = json.dumps(next(iter(found["requestBody"]["content"]["application/json"]["examples"].values()))["value"], separators=(",", ":"))
    base = headers["Api-Key"] + headers["Client-Request-Id"] + headers["Timestamp"] + body
    mac = hmac.new(b"example-secret", base.encode(), hashlib.sha256).digest()
    assert headers["Message-Signature"] == base64.b64encode(mac).decode()


def test_a_document_is_made_from_its_mounts(mounts: dict[str, list[Mount]], provider: str) -> None:
    """What the application itself describes is not changed by it, and twice is the same but for the ids of answers."""
    own = mounts[provider]
    before = json.dumps(own[0].app.openapi())
    first, second = document(own), document(own)
    assert json.dumps(own[0].app.openapi()) == before
    assert first["paths"].keys() == second["paths"].keys()
    assert first["info"] == second["info"]


def test_a_provider_that_is_not_there_has_no_document(sandbox: Sandbox) -> None:
    assert sandbox.send("GET", "/openapi/nobody.json", {}).status == 404
    assert sandbox.send("GET", "/reference/nobody", {}).status == 404
