"""Nothing that a client sends raises anything but `Rejected`, with a stable code; and an unknown key looks like a wrong signature."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import payseal
from payseal.errors import REJECTIONS
from payseal.ledger.protocol import fingerprint

from .support import (
    BODY,
    CATALOGUE,
    KEYID,
    NONCE,
    NOW,
    SECRET,
    TOKEN,
    counted_macs,
    credential,
    hmac_base64,
    known,
    rejection,
    signer,
    verifier,
)

CODES = {
    "missing-header",
    "repeated-header",
    "malformed-header",
    "malformed-target",
    "invalid-signature",
    "outside-window",
    "ambiguous-base",
}
#: Every scheme of the catalogue, and one that covers all that a request has.
COVERING = payseal.Scheme.loads(
    """
    name = "covering"
    [signature]
    base = "{method} {host} {target}\\n{keyid}\\n{token}\\n{header:Content-Type}\\n{header:Digest}\\n{nonce}{created}{body}"
    algorithm = "hmac-sha256"
    encoding = "base64url"
    [headers]
    X-Who = "{keyid}:{token}"
    X-Id = { template = "id={nonce};t={created};s={signature}", separator = ";" }
    Digest = "{body:sha256:hex}"
    X-Constant = "one"
    [created]
    format = "unix"
    tolerance = 300
    [nonce]
    pattern = "[A-Za-z0-9-]{1,64}"
    """,
    headers={"X-Who": "{token}", "X-Key": "{keyid}"},
)
SCHEMES = {name: known(name) for name in CATALOGUE} | {"covering": COVERING}
URL = {"Host": "api.example", "Content-Type": "application/json"}
each_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))


def good(scheme: payseal.Scheme) -> dict[str, str]:
    """The headers of a request that is accepted."""
    return URL | signer(scheme).sign(payseal.Request("POST", "/v1", URL, BODY), created=NOW, nonce=NONCE)


def arrives(scheme: payseal.Scheme, headers: Any, *, method: Any = "POST", target: Any = "/v1", body: Any = BODY) -> payseal.Authenticated:
    return verifier(scheme).verify(payseal.Request(method, target, headers, body), now=NOW)


def names(scheme: payseal.Scheme) -> list[str]:
    """The headers that matter to a scheme."""
    return [rule.name for rule in scheme.headers] + (list(URL) if scheme is COVERING else [])


each_header = pytest.mark.parametrize(
    ("scheme", "name"),
    [(scheme, name) for scheme in SCHEMES.values() for name in names(scheme)],
    ids=[f"{scheme.name}: {name}" for scheme in SCHEMES.values() for name in names(scheme)],
)


@each_scheme
def test_the_good_request_is_good(scheme: payseal.Scheme) -> None:
    assert arrives(scheme, good(scheme)).scheme == scheme.name


@each_header
def test_a_missing_header(scheme: payseal.Scheme, name: str) -> None:
    headers = good(scheme)
    del headers[name]
    if scheme.name == "startbutton-transfer" and name == "Authorization":
        assert arrives(scheme, headers).keyid == KEYID  # the signature alone names the one credential there is
    else:
        refused = rejection(lambda: arrives(scheme, headers))
        assert (refused.code, refused.detail.lower()) == ("missing-header", f"{name.lower()} is missing")


@each_header
@pytest.mark.parametrize("spelled", [str, str.upper, str.lower, str.title, str.encode], ids=["same", "upper", "lower", "title", "bytes"])
@pytest.mark.parametrize("other", [None, "1", ""], ids=["same value", "other value", "empty"])
def test_a_repeated_header(scheme: payseal.Scheme, name: str, spelled: Callable[[str], Any], other: str | None) -> None:
    headers = good(scheme)
    again = (spelled(name), headers[name] if other is None else other)
    for pairs in ([*headers.items(), again], [again, *headers.items()]):
        assert rejection(lambda: arrives(scheme, pairs)).code == "repeated-header"  # noqa: B023


BAD_VALUES = {
    "empty": "",
    "a space": " ",
    "a tab": "\t",
    "a newline": "\n",
    "a folded line": "a\r\n b",
    "a header of its own": "x\r\nX-Evil: 1",
    "a nul": "\0",
    "delete": "\x7f",
    "latin-1": "é",
    "utf-8": "ключ",
    "a wide character": "１",
    "an emoji": "💳",
    "a surrogate": "\ud800",
    "a byte-order mark": "\ufeff",
    "right to left": "\u202e1",
    "long": "a" * 8_193,
    "very long": "a" * 1_000_000,
    "braces": "{keyid}",
    "a percent sign": "%s%n%x",
    "bytes": b"\xff\xfe\x00",
    "bytes of utf-8": "é".encode(),
    "many commas": "," * 8_000,
    "many semicolons": ";" * 8_000,
    "a list": "t=1,v1=2",
}


@each_header
@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=list(BAD_VALUES))
def test_a_bad_value(scheme: payseal.Scheme, name: str, value: str | bytes) -> None:
    headers: dict[Any, Any] = {**good(scheme), name: value}
    refused = rejection(lambda: arrives(scheme, headers))
    assert refused.code in ("malformed-header", "invalid-signature")
    if isinstance(value, bytes) or not value or not value.isascii() or not value.isprintable() or len(value) > 8_192:
        assert refused.code == "malformed-header"
    assert len(refused.detail) < 200
    if value:
        shown = value if isinstance(value, str) else value.decode("latin-1")
        assert shown not in refused.detail or shown in (" ", ",", "{keyid}", "one")


@each_header
@pytest.mark.parametrize("change", ["{} ", " {}", "{}\n", "{}\0", "{}\xa0", "\ufeff{}", "{},{}", "{}\t"])
def test_a_good_value_with_something_around_it(scheme: payseal.Scheme, name: str, change: str) -> None:
    headers = good(scheme)
    headers[name] = change.replace("{}", headers[name])
    if scheme is COVERING and name == "X-Id" and not change.replace("{}", "").strip(" "):
        assert arrives(scheme, headers).id == NONCE  # around the items of a list there may be spaces
        return
    assert rejection(lambda: arrives(scheme, headers)).code in ("malformed-header", "invalid-signature")


TIMES = ["0", "-1", "1e9", "NaN", "Infinity", "9" * 10, "9" * 13, "9" * 5_000, "0" * 13, "0" * 10, "１７８２００００００", "²" * 10, "1782000123.0",
         "0x6a372b7b", "1_782_000_1", " 782000123", "+782000123", "1782000123\n", "", "٠" * 13, "2026-06-21T00:02:03Z", "253402300800"]  # fmt: skip


@pytest.mark.parametrize("text", TIMES)
@each_scheme
def test_any_text_for_a_time(scheme: payseal.Scheme, text: str) -> None:
    for value in (text, text.encode("utf-8", "surrogatepass")):
        for name in [name for name in good(scheme) if name in ("Timestamp", "X-Id")]:
            headers: dict[str, Any] = {**good(scheme), name: value if name == "Timestamp" else f"id=a;t={text};s="}
            assert rejection(lambda: arrives(scheme, headers)).code in CODES  # noqa: B023


@each_scheme
@pytest.mark.parametrize("method", ["", "post", "POST ", "PO ST", "P" * 33, "\0", "\ud800", "ПОСТ", "GET\r\n", b"\xff", b"POST\n"])
def test_any_method(scheme: payseal.Scheme, method: Any) -> None:
    if scheme is COVERING:
        assert rejection(lambda: arrives(scheme, good(scheme), method=method)).code == "malformed-target"
    else:
        assert arrives(scheme, good(scheme), method=method).scheme == scheme.name


@each_scheme
@pytest.mark.parametrize(
    "target",
    [
        "",
        "*",
        "v1",
        "http://api.example/v1",
        "//evil",
        "/v1#x",
        "/v 1",
        "/é",
        "/\ud800",
        "/\0",
        "/v1\r\nX: y",
        b"/\xff",
        "/" * 20_000,
        "/%zz",
        "?",
    ],
)
def test_any_target(scheme: payseal.Scheme, target: Any) -> None:
    if scheme is COVERING:
        assert rejection(lambda: arrives(scheme, good(scheme), target=target)).code in ("malformed-target", "invalid-signature")
    else:
        assert arrives(scheme, good(scheme), target=target).scheme == scheme.name
    assert len(fingerprint(payseal.Request("POST", target))) == 32


@each_scheme
@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"\0" * 100_000, [], [b""], [b"a", bytearray(b"b"), memoryview(b"c")], b"[" * 10_000], ids=range(7)
)
def test_any_body(scheme: payseal.Scheme, body: Any) -> None:
    assert rejection(lambda: arrives(scheme, good(scheme), body=body)).code == "invalid-signature"


@each_scheme
def test_more_headers_than_anyone_sends(scheme: payseal.Scheme) -> None:
    pairs = [(f"X-{number}", "1") for number in range(100_000)]
    assert arrives(scheme, pairs + list(good(scheme).items())).scheme == scheme.name
    first = next(iter(rule.name for rule in scheme.headers))
    refused = rejection(lambda: arrives(scheme, [(first, "1")] * 100_000))
    assert refused.code == "repeated-header"
    assert "100000 times" in refused.detail


def test_another_alphabet_spells_no_header_name() -> None:
    """The Kelvin sign is a k in lower case, and a header that holds it is none of ours: nothing in front of a verifier takes it for one."""
    scheme = known("fiserv-payments")
    headers = good(scheme)
    headers["Api-\u212aey"] = headers.pop("Api-Key")
    assert rejection(lambda: arrives(scheme, headers)).code == "missing-header"


@each_scheme
def test_headers_as_they_come_from_servers(scheme: payseal.Scheme) -> None:
    headers = good(scheme)
    for given_headers in (
        headers,
        list(headers.items()),
        tuple(headers.items()),
        iter(headers.items()),
        {name.encode(): value.encode() for name, value in headers.items()},
        [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        [(name, value.encode()) for name, value in headers.items()],
        [(bytearray(name.encode()), memoryview(value.encode())) for name, value in headers.items()],
    ):
        assert arrives(scheme, given_headers).scheme == scheme.name


def test_only_a_value_of_another_type_is_the_callers_mistake() -> None:
    wrong: Iterable[Callable[[], object]] = (
        lambda: payseal.Request("POST", "/", {"A": 1}),  # type: ignore[arg-type]
        lambda: payseal.Request("POST", "/", {"A": ["1"]}),  # type: ignore[arg-type]
        lambda: payseal.Request("POST", "/", {"A": None}),  # type: ignore[arg-type]
        lambda: payseal.Request(None, "/"),  # type: ignore[arg-type]
        lambda: payseal.Request("POST", 5),  # type: ignore[arg-type]
        lambda: payseal.Request("POST", "/", body="text"),  # type: ignore[arg-type]
        lambda: payseal.Request("POST", "/", body=None),  # type: ignore[arg-type]
        lambda: payseal.Request("POST", "/", body=iter([b"once"])),
    )
    for call in wrong:
        with pytest.raises(TypeError):
            call()


# --- any request at all ------------------------------------------------------------------------------------------------------

texts = st.one_of(
    st.text(max_size=30),
    st.text("0123456789abcdefXYZ-+/=,;:. \t\n\0", max_size=100),
    st.binary(max_size=30),
    st.sampled_from(
        [NONCE, KEYID, TOKEN, f"Bearer {TOKEN}", "HMAC", "AccessToken", "1782000123", "1782000123456", hmac_base64(b""), "a" * 64]
    ),
)
header_names = st.one_of(
    st.sampled_from(sorted({name for scheme in SCHEMES.values() for name in names(scheme)})),
    st.sampled_from([b"api-key", b"TIMESTAMP", "x-request-ID", "message-digest"]),
    st.text(max_size=10),
    st.binary(max_size=10),
)


@each_scheme
@settings(max_examples=120)
@given(
    headers=st.lists(st.tuples(header_names, texts), max_size=12),
    kept=st.lists(st.integers(0, 9), max_size=10),
    method=texts,
    target=texts,
    body=st.one_of(st.binary(max_size=60), st.lists(st.binary(max_size=20), max_size=4)),
    now=st.floats(0, 9e9),
)
@example(headers=[], kept=[], method="", target="", body=b"", now=0.0)
def test_any_request_is_accepted_or_rejected_and_nothing_else(
    scheme: payseal.Scheme, headers: list[Any], kept: list[int], method: Any, target: Any, body: Any, now: float
) -> None:
    real = list(good(scheme).items())
    pairs = [real[which] for which in kept if which < len(real)] + headers
    request = payseal.Request(method, target, pairs, body)
    repr(request)
    fingerprint(request)
    try:
        accepted = verifier(scheme).verify(request, now=now)
    except payseal.Rejected as rejected:
        assert rejected.code in CODES  # noqa: PT017
        assert (rejected.status, rejected.title) == REJECTIONS[rejected.code]  # noqa: PT017
    else:
        assert not scheme.keyed or b"".join(bytes(piece) for piece in request.pieces()) == BODY
        assert accepted.scheme == scheme.name


@each_scheme
@given(data=st.data())
def test_a_good_request_with_one_header_exchanged_is_rejected(scheme: payseal.Scheme, data: st.DataObject) -> None:
    headers: dict[str, Any] = dict(good(scheme))
    name = data.draw(st.sampled_from(names(scheme)))
    value = data.draw(texts)
    if value in (headers[name], headers[name].encode()):
        return
    if not scheme.keyed and name == "Authorization":
        return
    headers[name] = value
    assert rejection(lambda: arrives(scheme, headers)).code in CODES


# --- the clock ---------------------------------------------------------------------------------------------------------------


@each_scheme
@pytest.mark.parametrize(
    "now", [math.nan, math.inf, -math.inf, -1, -0.001, 10**10, 1e300, 10**400, True, "1782000123", Decimal(5), b""], ids=repr
)
def test_a_clock_that_cannot_be_trusted_refuses(scheme: payseal.Scheme, now: Any) -> None:
    request = payseal.Request("POST", "/v1", good(scheme), BODY)
    for check in (
        lambda: verifier(scheme).verify(request, now=now),
        lambda: payseal.Verifier(scheme, credential(), allow_unkeyed=True, clock=lambda: now).verify(request),
    ):
        refused = rejection(check)
        assert (refused.code, refused.status) == ("unavailable", 503)


@pytest.mark.parametrize("now", [0, 0.0, 1, 59.999, 86_400, 9_999_999_999, 9_999_999_999.9])
@pytest.mark.parametrize("zone", ["UTC", "+14:00", "-14:00"])
def test_the_edges_of_time(now: float, zone: str) -> None:
    request = payseal.Request("POST", "/v1", good(known("startbutton-transfer")), BODY)
    scheme = payseal.scheme("startbutton-transfer", created={"timezone": zone})
    assert rejection(lambda: verifier(scheme).verify(request, now=now)).code == "invalid-signature"
    fiserv = payseal.Request("POST", "/v1", good(known("fiserv-payments")), BODY)
    assert rejection(lambda: verifier("fiserv-payments").verify(fiserv, now=now)).code == "outside-window"


# --- unknown and wrong are the same ------------------------------------------------------------------------------------------

FISERV = known("fiserv-payments")
WRONG: dict[str, dict[str, payseal.Credential]] = {
    "wrong secret": {KEYID: credential(secret="another")},
    "unknown key": {"other": credential(keyid="other")},
    "no keys at all": {},
    "rotating, both wrong": {KEYID: credential(secret=["another", "a third"])},
    "expired": {KEYID: credential(not_after=NOW)},
    "not yet valid": {KEYID: credential(not_before=NOW + 1)},
    "validity that is no number": {KEYID: credential(not_after=math.nan)},
    "revoked while rotating": {KEYID: credential(secret=["another", SECRET], not_after=NOW - 1)},
    "no secret": {KEYID: credential(secret=None)},
    "an empty secret": {KEYID: credential(secret="")},
    "entered under another name": {KEYID: credential(keyid="other")},
}


def seen(refused: payseal.Rejected) -> tuple[object, ...]:
    """Everything that a client could be shown."""
    return (refused.code, refused.status, refused.title, refused.detail, str(refused), repr(refused), refused.args, f"{refused}")


def outcome(monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> tuple[tuple[object, ...], int]:
    """What a refused call shows, and how many MACs it computed."""
    with counted_macs(monkeypatch) as made:
        refused = rejection(call)
    return seen(refused), len(made)


@pytest.mark.parametrize("credentials", WRONG.values(), ids=list(WRONG))
@pytest.mark.parametrize("name", ["fiserv-payments", "commercehub-hmac"])
def test_an_unknown_key_is_a_wrong_signature_to_whoever_looks(
    credentials: dict[str, payseal.Credential], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = payseal.Request("POST", "/v1", good(known(name)), BODY)
    reference = payseal.Verifier(known(name), {KEYID: credential(secret="wrong")})
    expected = outcome(monkeypatch, lambda: reference.verify(request, now=NOW))
    assert expected[1] == 2
    assert expected[0][:4] == ("invalid-signature", 401, REJECTIONS["invalid-signature"][1], "")
    verifying = payseal.Verifier(known(name), credentials)
    assert outcome(monkeypatch, lambda: verifying.verify(request, now=NOW)) == expected


@pytest.mark.parametrize("token", [TOKEN + "x", TOKEN[:-1], "x", TOKEN.swapcase()])
def test_a_wrong_token_is_a_wrong_signature(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scheme = known("commercehub-digest")
    headers = good(scheme)
    wrong_signature = payseal.Request("POST", "/v1", headers, BODY + b" ")
    wrong_token = payseal.Request("POST", "/v1", headers | {"Authorization": f"Bearer {token}"}, BODY)
    check = verifier(scheme)
    expected = outcome(monkeypatch, lambda: check.verify(wrong_signature, now=NOW))
    assert outcome(monkeypatch, lambda: check.verify(wrong_token, now=NOW)) == expected


@pytest.mark.parametrize("count", [1, 2])
def test_a_merchant_who_is_named_by_a_token(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scheme = known("startbutton-transfer")
    others = {f"m-{number}": credential(keyid=f"m-{number}", token=f"token-{number}", secret="another") for number in range(count)}
    request = payseal.Request("POST", "/v1", good(scheme), BODY)
    check = payseal.Verifier(scheme, others | {KEYID: credential(secret="wrong")})
    unknown = payseal.Verifier(scheme, others)
    expected = outcome(monkeypatch, lambda: check.verify(request, now=NOW))
    assert outcome(monkeypatch, lambda: unknown.verify(request, now=NOW)) == expected
    assert payseal.Verifier(scheme, others | {KEYID: credential()}).verify(request, now=NOW).keyid == KEYID


def test_a_stale_request_with_a_wrong_signature_tells_nothing_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The MAC comes before the window: only the owner of the key learns that it is stale."""
    request = payseal.Request("POST", "/v1", good(FISERV), BODY)
    right, wrong = verifier(FISERV), verifier(FISERV, secret="wrong")
    late = NOW + 10_000
    assert outcome(monkeypatch, lambda: wrong.verify(request, now=late)) == outcome(monkeypatch, lambda: wrong.verify(request, now=NOW))
    assert rejection(lambda: right.verify(request, now=late)).code == "outside-window"


def test_what_the_operator_is_told_is_not_what_the_client_is_told() -> None:
    request = payseal.Request("POST", "/v1", good(FISERV), BODY)
    expected = {
        "wrong secret": "signature-mismatch",
        "unknown key": "credential-unknown",
        "expired": "credential-not-valid-now",
        "no secret": "credential-without-key",
        "entered under another name": "credential-unknown",
    }
    for case, diagnosis in expected.items():
        refused = rejection(lambda: payseal.Verifier(FISERV, WRONG[case]).verify(request, now=NOW))  # noqa: B023
        assert refused.diagnosis == diagnosis
        assert diagnosis not in f"{refused}{refused!r}{refused.args}"


def test_a_scheme_without_a_key_wants_to_be_told() -> None:
    scheme = known("commercehub-digest-sha256")
    for allow in (False, None, 1, "yes"):
        with pytest.raises(payseal.SchemeError, match="has no key, so that anyone can sign") as caught:
            payseal.Verifier(scheme, credential(), allow_unkeyed=allow)  # type: ignore[arg-type]
        assert caught.value.key == "signature.algorithm"
    assert payseal.Verifier(scheme, credential(), allow_unkeyed=True).verify(
        payseal.Request("POST", "/v1", good(scheme), BODY), now=NOW
    ).keyid == (KEYID)
    # To be told does not make a keyed scheme any weaker.
    lax = payseal.Verifier(FISERV, credential(secret="wrong"), allow_unkeyed=True)
    assert rejection(lambda: lax.verify(payseal.Request("POST", "/v1", good(FISERV), BODY), now=NOW)).code == "invalid-signature"


def test_even_without_a_key_the_credential_must_be_known() -> None:
    scheme = known("commercehub-digest-sha256")
    request = payseal.Request("POST", "/v1", good(scheme), BODY)
    for credentials in ({}, {KEYID: credential(not_after=NOW)}, {KEYID: credential(token="another")}):
        check = payseal.Verifier(scheme, credentials, allow_unkeyed=True)
        assert rejection(lambda: check.verify(request, now=NOW)).code == "invalid-signature"  # noqa: B023


@pytest.mark.parametrize("code", REJECTIONS)
def test_a_rejection_survives_a_copy_and_a_pickle(code: str) -> None:
    refused = payseal.Rejected(code, "seen", diagnosis="why")
    for other in (copy.copy(refused), copy.deepcopy(refused), pickle.loads(pickle.dumps(refused))):
        assert seen(other) == seen(refused)
        assert other.diagnosis == "why"
    assert 400 <= refused.status < 600
