"""The sandbox keeps to its own OpenAPI documents, whatever is sent that they allow or forbid: signed, and not signed.

Cases are schemathesis'; they are sent over HTTP to the running sandbox, each signed over exactly the bytes that go out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import hypothesis
import pytest
import requests
import schemathesis
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from urllib3.util import Retry

from payseal import Credential, Request, Signer, scheme

from .calls import issue, token_credential
from .conftest import Sandbox

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
#: And what the document forbids is not taken.
SIGNED_CHECKS = [*CHECKS, negative_data_rejection]
PROVIDERS = ("fiserv", "commercehub", "startbutton")
CAPTURE = "/payments-vas/v1/card-capture"

#: As the project's profile, and patient with schemas of which few texts are left.
BOUNDED = hypothesis.settings(max_examples=15, suppress_health_check=list(hypothesis.HealthCheck))

#: Who signs a case, and how.
Authenticate: TypeAlias = Callable[[Case[Any]], AuthBase | None]


class Signed(AuthBase):
    """Signs what is about to be sent: the body is bytes by the time that requests asks."""

    def __init__(self, name: str, credential: Credential) -> None:
        self.signer = Signer(scheme(name), credential)

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        body = prepared.body or b""
        assert prepared.method is not None
        assert isinstance(body, bytes | str)
        request = Request(prepared.method, prepared.path_url, body=body.encode() if isinstance(body, str) else body)
        prepared.headers.update(self.signer.sign(request))
        return prepared


class Bearer(AuthBase):
    """Says whose the request is, and signs nothing."""

    def __init__(self, credential: Credential) -> None:
        self.token = credential.reveal_token()

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["Authorization"] = f"Bearer {self.token}"
        return prepared


@pytest.fixture
def signers(sandbox: Sandbox) -> dict[str, Authenticate]:
    """How each provider's cases are signed. One session serves all captures: none of them charges it."""
    keys = sandbox.vault.demo_keys()
    payments, hub, transfers = (
        Signed("fiserv-payments", keys.fiserv),
        Signed("commercehub-hmac", keys.commercehub),
        Signed("startbutton-transfer", keys.startbutton),
    )
    captures = Signed("commercehub-digest", token_credential(sandbox, issue(sandbox)))
    reads = Bearer(keys.startbutton)
    return {
        "fiserv": lambda case: payments,
        "commercehub": lambda case: captures if case.operation.path == CAPTURE else hub,
        "startbutton": lambda case: transfers if case.operation.method == "post" else reads,
    }


def document(sandbox: Sandbox, provider: str) -> Any:
    return sandbox.send("GET", f"/openapi/{provider}.json", {}).json


def without_signing(document: Any) -> Any:
    """The document without the headers that sign: these are not made up but made, for each request."""
    for item in document["paths"].values():
        for operation in item.values():
            operation["parameters"] = [each for each in operation["parameters"] if each["in"] != "header"]
            operation["security"] = []
    return document


def operations(document: Any, sandbox: Sandbox) -> Iterator[Any]:
    loaded = schemathesis.openapi.from_dict(document, config=SchemathesisConfig(seed=1))
    loaded.config.update(base_url=f"http://127.0.0.1:{sandbox.port}")
    assert loaded
    for path in loaded:
        for method in loaded[path]:
            yield loaded[path][method]


def fuzz(operation: Any, mode: GenerationMode, send: Callable[[Case[Any]], None], settings: hypothesis.settings) -> None:
    """Send cases that are made up: ones that fit the document, or ones that do not."""

    @settings
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def tried(case: Case[Any]) -> None:
        send(case)

    tried()


@pytest.mark.timeout(300)  # some hundred requests, on machines that may have other things to do
@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_signed_requests_are_answered_as_documented(
    provider: str, mode: GenerationMode, sandbox: Sandbox, signers: dict[str, Authenticate]
) -> None:
    with requests.Session() as session:
        # As a client does: on a busy machine the accounts may not be known afresh for a second, and nothing is accepted in doubt.
        session.mount(
            "http://",
            HTTPAdapter(
                max_retries=Retry(total=3, status_forcelist=[503], allowed_methods=None, backoff_factor=0.5, raise_on_status=False)
            ),
        )

        def send(case: Case[Any]) -> None:
            response = case.call_and_validate(auth=signers[provider](case), session=session, checks=SIGNED_CHECKS)
            assert response.status_code != 401, f"not signed rightly: {case.as_curl_command()}"

        for operation in operations(without_signing(document(sandbox, provider)), sandbox):
            for case in operation.schema.iter_coverage_cases(operation, generation_modes=[mode], generation_config=GenerationConfig()):
                send(case)
            if mode is GenerationMode.POSITIVE or operation.body:  # there is nothing else to be wrong that is not tried above
                fuzz(operation, mode, send, BOUNDED)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_requests_that_nobody_signed_are_refused_as_documented(provider: str, sandbox: Sandbox) -> None:
    """Their headers have the form that the document gives them, or another; none of them is a signature."""
    few = hypothesis.settings(BOUNDED, max_examples=4)
    with requests.Session() as session:

        def send(case: Case[Any]) -> None:
            assert case.call_and_validate(session=session, checks=CHECKS).status_code in (400, 401)

        for operation in operations(document(sandbox, provider), sandbox):
            for mode in GenerationMode:
                fuzz(operation, mode, send, few)
