"""What a header template writes it reads back as the same, and what it reads and writes again is what was there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payseal
from payseal.credentials import KEYID, TOKEN
from payseal.schemes.headers import HeaderRule
from payseal.schemes.template import Component
from tests.hypothesis_profiles import TIMEOUT, settings

from .strategies import generated_schemes, ids, schemes, visible

pytestmark = TIMEOUT


@st.composite
def texts(draw: st.DrawFn, scheme: payseal.Scheme, rule: HeaderRule) -> dict[Component, str]:
    """Any texts that the components of a header can have."""
    found: dict[Component, str] = {}
    for component in rule.components:
        if component.name == "nonce":
            found[component] = draw(ids(scheme)) or ""
        elif component.name == "created" and scheme.created is not None:
            found[component] = scheme.created.write(draw(st.integers(1_000_000_000, 9_000_000_000)))
        elif component.name == "signature":
            length = draw(st.sampled_from(scheme.signature.lengths))
            alphabet = sorted(scheme.signature.grammar.alphabet)
            found[component] = draw(st.text(st.sampled_from(alphabet), min_size=length, max_size=length))
        elif component.digest:
            found[component] = payseal.schemes.base.request_text(
                component, payseal.Request("POST", "/", body=draw(st.binary(max_size=9))), str
            )
        else:
            grammar = KEYID if component.name == "keyid" else TOKEN
            found[component] = draw(visible.filter(grammar.accepts))
    return found


@settings(40)
@given(st.data(), schemes)
def test_what_is_written_is_read(data: st.DataObject, scheme: payseal.Scheme) -> None:
    for rule in scheme.headers:
        written = data.draw(texts(scheme, rule))
        read = rule.read(rule.write(written.__getitem__))
        assert dict(read) == written
        assert len(read) == len(written)


@settings(40)
@given(st.data(), generated_schemes())
def test_what_is_read_is_written(data: st.DataObject, scheme: payseal.Scheme) -> None:
    """For any value near one that is accepted: if it is, then it is the only spelling of what it says; but for lists, whose order is free."""
    for rule in scheme.headers:
        value = rule.write(data.draw(texts(scheme, rule)).__getitem__)
        at = data.draw(st.integers(0, len(value)))
        near = value[:at] + data.draw(st.sampled_from(["", " ", ":", "/", "a", "0", "=", "A"])) + value[at + data.draw(st.integers(0, 2)) :]
        for text in (value, near):
            try:
                read = rule.read(text)
            except payseal.Rejected as rejected:
                assert rejected.code == "malformed-header"  # noqa: PT017
                assert text != value
                continue
            if not rule.listed:
                assert rule.write(dict(read).__getitem__) == text


@pytest.mark.parametrize(
    "template",
    ["id={nonce},t={created},s={signature}", "id={nonce}, t={created}, s={signature}", "id={nonce} ,t={created},   s={signature}"],
)
def test_a_list_is_read_as_it_is_written_wherever_its_spaces_are(template: str) -> None:
    scheme = payseal.scheme("fiserv-payments", headers={
        "X-All": {"template": template, "separator": ","}, "Client-Request-Id": False, "Timestamp": False, "Message-Signature": False})  # fmt: skip
    credential = payseal.Credential("merchant-1", "a secret")
    headers = payseal.Signer(scheme, credential).sign(payseal.Request("POST", "/"), created=1_782_000_123.0, nonce="order-1")
    assert headers["X-All"].startswith("id=order-1")
    assert payseal.Verifier(scheme, credential).verify(payseal.Request("POST", "/", headers), now=1_782_000_123.0).id == "order-1"
