"""What is signed is accepted, for every scheme, body, id and time within the window; and the result says what was signed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import payseal
from tests.hypothesis_profiles import TIMEOUT, settings

from .strategies import Signed, bodies, credentials, generated_schemes, may_be_ambiguous, schemes, signed, unsigned, verifier

pytestmark = TIMEOUT


def accepted(case: Signed, now: float) -> payseal.Authenticated | None:
    """The proof; ``None`` where the request is refused for the one reason that an honest one can be."""
    try:
        return case.verify(now=now)
    except payseal.Rejected as rejected:
        assert rejected.code == "ambiguous-base"  # noqa: PT017
        assert may_be_ambiguous(case)
        return None


@settings(80)
@given(signed())
def test_what_is_signed_is_accepted_and_told_as_it_was_signed(case: Signed) -> None:
    found = accepted(case, case.created)
    if found is None:
        return
    sent = {component.name for rule in case.scheme.headers for component in rule.components}
    assert found.scheme == case.scheme.name
    assert found.keyid == found.account == case.credential.keyid
    assert found.nonce == case.nonce
    assert found.secret_index == 0
    assert found.id == case.nonce if case.nonce is not None else len(found.id) == 64
    if case.scheme.created is None:
        assert found.created is found.expires is None
    else:
        assert found.created is not None
        assert -0.0011 < case.created - found.created < case.scheme.created.format.granularity / 1000
        assert found.expires is not None
        assert found.expires > case.created
    assert case.verifier().read(case.request).keyid == (case.credential.keyid if "keyid" in sent else None)


@settings(30)
@given(st.data(), signed(honest=True), st.integers(1, 40))
def test_in_pieces_with_other_header_names_or_in_another_order_it_is_the_same_request(data: st.DataObject, case: Signed, size: int) -> None:
    body = case.request.body
    assert isinstance(body, bytes)
    whole = case.verify()
    respelled = [(data.draw(st.sampled_from([name, name.lower(), name.upper()])), value) for name, value in case.request.headers]
    others = [("X-Unread", "1"), ("Forwarded", "for=::1")]
    shuffled = data.draw(st.permutations([*respelled, *others]))
    pieces = [body[start : start + size] for start in range(0, min(len(body), 4_000), size)] + [body[4_000:]]
    as_bytes = [(name.encode(), value.encode()) for name, value in shuffled]
    for shape in (bytearray(body), memoryview(body), [body], pieces if len(body) <= 4_000 else [body[:size], body[size:]]):
        assert case.verify(case.changed(headers=shuffled, body=shape)) == whole
    assert case.verify(case.changed(headers=as_bytes)) == whole


@settings(30)
@given(st.data(), generated_schemes())
def test_every_secret_that_a_credential_has_verifies_and_the_newest_signs(data: st.DataObject, scheme: payseal.Scheme) -> None:
    if scheme.signature.key != "secret":
        return
    secrets = data.draw(st.lists(st.binary(min_size=8, max_size=40), min_size=2, max_size=4, unique=True))
    check = verifier(scheme, payseal.Credential("k", secrets, "a-token"))
    request = data.draw(unsigned(scheme, st.just(b"{}")))
    for age, secret in enumerate(reversed(secrets)):
        signer = payseal.Signer(scheme, payseal.Credential("k", secret, "a-token"))
        headers = [*request.headers, *signer.sign(request, created=1_782_000_123.0).items()]
        arriving = payseal.Request(request.method, request.target, headers, request.body)
        assert check.verify(arriving, now=1_782_000_123.0).secret_index == age
    newest = payseal.Signer(scheme, payseal.Credential("k", secrets, "a-token"))
    headers = [*request.headers, *newest.sign(request, created=1_782_000_123.0).items()]
    arriving = payseal.Request(request.method, request.target, headers, request.body)
    assert check.verify(arriving, now=1_782_000_123.0).secret_index == 0


@settings(30)
@given(st.data(), schemes, credentials(), bodies)
def test_signed_piece_by_piece_it_is_signed_alike(
    data: st.DataObject, scheme: payseal.Scheme, credential: payseal.Credential, body: bytes
) -> None:
    request = data.draw(unsigned(scheme, st.just(body)))
    signer, nonce = payseal.Signer(scheme, credential), payseal.Signer(scheme, credential)._id(None)
    whole = signer.sign(request, created=1_782_000_123.25, nonce=nonce)
    pieces = payseal.Request(request.method, request.target, request.headers, [body[:3], b"", body[3:]])
    assert signer.sign(pieces, created=1_782_000_123.25, nonce=nonce) == whole
    assert signer.signature_base(pieces, created=1_782_000_123.25, nonce=nonce) == signer.signature_base(
        request, created=1_782_000_123.25, nonce=nonce
    )


#: What applications and proxies put into a request.
SOME = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            " ",
            "a",
            " a",
            "a ",
            "a\tb",
            "a b",
            "é",
            "a\x7f",
            "a\r\nb",
            "x" * 8_192,
            "x" * 8_193,
            "/",
            "//a",
            "/a b",
            "/a#b",
            "/a?b?c",
            "*",
            "post",
            "P" * 33,
        ]
    ),
)


@settings(80)
@given(SOME, SOME, SOME, SOME)
def test_what_a_verifier_would_not_take_is_not_signed(method: str, target: str, host: str, note: str) -> None:
    """Whoever signs learns at once, and not from a 401."""
    request = payseal.Request(method, target, [("Host", host), ("X-Note", note)], b"{}")
    for part in ("{method}", "{target}", "{path}", "{query}", "{host}", "{header:X-Note}"):
        scheme = payseal.scheme("fiserv-payments", signature={"base": f"{part}\n{{nonce}}\n{{created}}\n{{body}}"})
        credential = payseal.Credential("merchant-1", "a secret")
        try:
            headers = payseal.Signer(scheme, credential).sign(request, created=1_782_000_123.0)
        except payseal.SigningError:
            continue
        arriving = payseal.Request(method, target, [*request.headers, *headers.items()], b"{}")
        assert verifier(scheme, credential).verify(arriving, now=1_782_000_123.0).keyid == "merchant-1"
