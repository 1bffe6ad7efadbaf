"""A page for every scheme, made from its data; its example holds against a verifier that knows nothing of the page."""

from __future__ import annotations

import hashlib
import hmac
import html
import re

import pytest

from payseal import Credential, Request, Verifier, scheme
from payseal.errors import Rejected
from payseal.schemes import catalogue_names

from .conftest import Console, Got, Visitor

JANUARY = 1_767_225_600


@pytest.fixture(scope="module")
def merchant(console: Console) -> Visitor:
    return console.signed_in("merchant", console.account())


def block(page: Got, label: str) -> str:
    found = re.search(rf'aria-label="{label}"[^>]*><code>(.*?)</code></pre>', page.text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def base_of(page: Got) -> str:
    found = re.search(r'<pre class="base".*?</pre>', page.text, re.DOTALL)
    assert found is not None
    return html.unescape(re.sub(r"<[^>]*>", "", found[0]))


@pytest.mark.parametrize("name", catalogue_names())
def test_the_example_of_a_page_is_verified(merchant: Visitor, name: str) -> None:
    page = merchant.get(f"/console/catalogue/{name}")
    assert page.status == 200
    rules = scheme(name)
    body = block(page, "Body(?: of the example)?").encode()
    headers = dict(line.split(": ", 1) for line in block(page, "Headers of the example").splitlines() if line)
    assert list(headers) == [rule.name for rule in rules.headers]
    credential = Credential("example-key", "example-secret", "example-token")
    verifier = Verifier(rules, credential, allow_unkeyed=True)
    assert verifier.verify(Request("POST", "/an/example", headers, body), now=JANUARY + 1).scheme == name
    with pytest.raises(Rejected):
        verifier.verify(Request("POST", "/an/example", headers, body + b" "), now=JANUARY + 1)
    key = re.search(r"With the key <code>([^<]+)</code>", page.text)
    assert (key is not None) == rules.keyed
    mac = (
        hmac.new(key[1].encode(), base_of(page).encode(), rules.signature.algorithm.hash)
        if key
        else hashlib.new(rules.signature.algorithm.hash, base_of(page).encode())
    )
    assert rules.signature.encoding.encode(mac.digest()) in headers.values()


@pytest.mark.parametrize("name", catalogue_names())
def test_a_page_says_what_the_scheme_says(merchant: Visitor, name: str) -> None:
    page, rules = merchant.get(f"/console/catalogue/{name}"), scheme(name)
    assert rules.title in page.words
    assert rules.source["signature"]["base"] in page.words
    for rule in rules.headers:
        assert f"<code>{rule.name}</code>" in page.text
    order = re.findall(r'<li><span class="part k-(\w+)">', page.text)
    assert order == [getattr(part, "name", "text") for part in rules.signature.base.parts]
    assert f'href="/console/catalogue/{name}"' in merchant.get("/console/catalogue").text


@pytest.mark.parametrize(
    "name", ["nothing", "..%2f..%2fetc%2fpasswd", "fiserv-payments.toml", "%00", "x" * 1000, "%3Cscript%3E", "FISERV-PAYMENTS"]
)
def test_what_is_not_in_the_catalogue_is_not_found(merchant: Visitor, name: str) -> None:
    got = merchant.get(f"/console/catalogue/{name}")
    assert got.status == 404
    assert "<script>" not in got.text
