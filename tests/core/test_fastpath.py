"""The fast path says yes to what the general path says yes to, with the same words, and costs an attacker nothing to tell apart."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import string
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import payseal
from payseal import fastpath, verification
from payseal.grammar import pattern
from payseal.presented import Presented, quick_reader, read_strictly
from payseal.request import _listed
from payseal.schemes.base import BaseTemplate
from payseal.schemes.boundaries import LEADING, UUID_LENGTH, displacing, other_reading
from payseal.schemes.template import parse

from .support import BODY, CATALOGUE, KEYID, NONCE, NOW, SECRET, counted_macs, credential, hmac_base64, known, rejection, signer

ENCLOSED = payseal.Scheme.loads(
    """
    name = "enclosed"
    [signature]
    base = "v1.{created}.{nonce}.{body}"
    algorithm = "hmac-sha384"
    encoding = "hex"
    [headers]
    X-Key = "key {keyid}"
    X-Id = "<{nonce}>"
    X-Time = "{created}"
    X-Version = "1"
    X-Signature = "sha384={signature}"
    [created]
    format = "%Y-%m-%d %H:%M:%S"
    tolerance = 300
    [nonce]
    format = "hex"
    pattern = "[0-9a-f]{32}|[a-z]{1,4}_[0-9]{1,8}"
    """
)
SCHEMES = {
    **{name: known(name) for name in CATALOGUE},
    "seconds": payseal.scheme("fiserv-payments", created={"format": "unix"}),
    "one-sided": payseal.scheme("fiserv-payments", created={"tolerance": 60, "future": 0}),
    "enclosed": ENCLOSED,
}
each_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
FISERV = known("fiserv-payments")


def verifier(scheme: payseal.Scheme, credentials: Any = None, **changes: Any) -> payseal.Verifier:
    return payseal.Verifier(scheme, credentials or {KEYID: credential(**changes)}, allow_unkeyed=not scheme.keyed, clock=lambda: NOW)


def general(made: payseal.Verifier) -> payseal.Verifier:
    """The same verifier without its fast paths."""
    made._verify_whole = made._prove = made._read_quickly = None
    return made


def good(scheme: payseal.Scheme, body: bytes = BODY, *, created: float = NOW, nonce: str | None = None) -> dict[str, str]:
    nonce = nonce or ("ab_1" if scheme is ENCLOSED else NONCE)
    return signer(scheme).sign(payseal.Request("POST", "/v1", body=body), created=created, nonce=nonce)


def outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except payseal.Rejected as rejected:
        return rejected.code, rejected.detail, rejected.diagnosis


def macs_of(monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> int:
    """How many MACs a call computes."""
    with counted_macs(monkeypatch) as made:
        outcome(call)
    return len(made)


# --- the same answers --------------------------------------------------------------------------------------------------------

WORDS = st.one_of(
    st.text(string.ascii_letters + string.digits + "-_+/= .<>", max_size=70),
    st.text(max_size=6),
    st.sampled_from(["", "1", "merchant-2", "m", NONCE, NONCE[:33], "1782000123000", "1782000123", "9" * 13, "٠" * 13, "A" * 43 + "=", "A" * 44,
                     "f" * 64, "é" * 44, "\ud800" * 44, "x" * 8_193]),
)  # fmt: skip
BODIES = st.one_of(st.just(BODY), st.binary(max_size=40), st.sampled_from([b"", b"1782000123000", b"a", b"-", b"[", b"0" * 400]))


@st.composite
def arriving(draw: st.DrawFn, scheme: payseal.Scheme) -> tuple[payseal.Request, float]:
    """Requests near a good one: some are good, some were changed in one place or several."""
    body = draw(BODIES)
    nonce = draw(st.one_of(st.none(), st.from_regex("[A-Za-z0-9-]{1,64}", fullmatch=True))) if scheme is not ENCLOSED else None
    pairs: list[tuple[Any, Any]] = list(good(scheme, body, nonce=nonce).items())
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        at = draw(st.integers(0, len(pairs) - 1))
        name, value = pairs[at]
        kind = draw(st.integers(0, 6)) if isinstance(value, str) else 1
        if kind == 0:
            pairs[at] = name, draw(WORDS)
        elif kind == 1:
            del pairs[at]
        elif kind == 2:
            pairs.append((name.upper(), draw(st.sampled_from([value, ""]))))
        elif kind == 3:
            pairs[at] = name.lower().encode(), value.encode("utf-8", "replace")
        elif kind == 4:
            pairs[at] = name, draw(st.sampled_from([" {}", "{} ", "{}\n", "{}x", "x{}", "{}\x7f", "{}{}"])).replace("{}", value)
        elif kind == 5:
            pairs[at] = name, value[:-1]
        else:
            body = draw(BODIES)
        if not pairs:
            break
    shapes: list[Callable[[bytes], Any]] = [bytes, bytes, bytearray, lambda body: [body[:3], body[3:]]]
    shape = draw(st.sampled_from(shapes))
    now = draw(
        st.sampled_from([NOW, NOW, NOW, NOW + 299.999, NOW + 300, NOW + 300.001, NOW - 299.999, NOW - 300, NOW - 300.001, int(NOW), 10**10])
    )
    return payseal.Request("POST", "/v1", pairs, shape(body)), now


CREDENTIALS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"secret": ["older", SECRET]},
        {"secret": [SECRET, "newer"]},
        {"secret": [SECRET, "newer", "newest"]},
        {"secret": "wrong"},
        {"secret": None},
        {"not_after": NOW},
        {"not_before": NOW, "not_after": NOW + 300},
        {"not_after": float("nan")},
        {"keyid": "other"},
        {"token": None},
    ]
)


@each_scheme
@settings(max_examples=400)
@given(data=st.data())
def test_it_answers_as_the_general_path_does(scheme: payseal.Scheme, data: st.DataObject) -> None:
    request, now = data.draw(arriving(scheme))
    parts = {"keyid": KEYID, "secret": SECRET, **data.draw(CREDENTIALS)}
    it = credential(**parts)
    others = {"other": credential(keyid="other", secret="x", token="y")} if scheme.names != "nobody" else {}
    credentials = data.draw(st.sampled_from([{KEYID: it}, {KEYID: it} | others, it, lambda presented: it]))
    quick, slow = verifier(scheme, credentials), general(verifier(scheme, credentials))
    expected = outcome(lambda: slow.verify(request, now=now))
    assert outcome(lambda: quick.verify(request, now=now)) == expected
    assert outcome(lambda: quick.check(request, (read := quick.read(request)), quick.find(read), now=now)) == expected
    assert outcome(lambda: quick.read(request)) == outcome(lambda: slow.read(request))


@each_scheme
@settings(max_examples=200)
@given(data=st.data())
def test_what_is_read_quickly_is_what_is_read_strictly(scheme: payseal.Scheme, data: st.DataObject) -> None:
    request, _ = data.draw(arriving(scheme))
    read = quick_reader(scheme)
    assert read is not None
    found = read(request)
    if found is not None:
        assert found == read_strictly(scheme, request)
        assert type(found) is Presented


@each_scheme
def test_a_good_request_is_read_quickly(scheme: payseal.Scheme) -> None:
    read = quick_reader(scheme)
    assert read is not None
    request = payseal.Request("POST", "/v1", good(scheme), BODY)
    assert read(request) == read_strictly(scheme, request)


@pytest.mark.parametrize("name", ["fiserv-payments", "commercehub-hmac"])
@pytest.mark.parametrize("nonce", [NONCE, "1", "f" * 32, "a" * 64])
def test_a_good_request_takes_the_fast_path(name: str, nonce: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def general_path(*arguments: object) -> None:
        raise AssertionError("the general path was taken")

    for module, function in ((verification, "read_strictly"), (verification.Verifier, "_check")):
        monkeypatch.setattr(module, function, general_path)
    scheme = known(name)
    request = payseal.Request("POST", "/v1", good(scheme, nonce=nonce), BODY)
    made = verifier(scheme, not_before=NOW - 1, not_after=NOW + 1)
    whole = made.verify(request)
    presented = made.read(request)
    assert whole == made.check(request, presented, made.find(presented))
    assert whole.id == nonce


#: What is malformed though its owner signed exactly that.
MALFORMED: dict[str, tuple[str, str, str]] = {
    "an id with a space": (KEYID, f"{NONCE[:-1]} ", "1782000123000"),
    "an id with a dot": (KEYID, "a.b", "1782000123000"),
    "an id with a newline": (KEYID, "ab\n", "1782000123000"),
    "an id that is not ASCII": (KEYID, "é", "1782000123000"),
    "an id of wide digits": (KEYID, "１２", "1782000123000"),
    "an empty id": (KEYID, "", "1782000123000"),
    "an id that is too long": (KEYID, "a" * 65, "1782000123000"),
    "seconds": (KEYID, NONCE, "1782000123"),
    "a time with a sign": (KEYID, NONCE, "+178200012300"),
    "a time with an underscore": (KEYID, NONCE, "178200012_000"),
    "a time with a fraction": (KEYID, NONCE, "1782000123.00"),
    "a time with an exponent": (KEYID, NONCE, "1782000123e03"),
    "a time with a space": (KEYID, NONCE, " 178200012300"),
    "a time of other digits": (KEYID, NONCE, "١٧٨٢٠٠٠١٢٣٠٠٠"),
    "a time with a superscript": (KEYID, NONCE, "178200012300²"),
    "fourteen digits": (KEYID, NONCE, "01782000123000"),
}


@pytest.mark.parametrize("parts", MALFORMED.values(), ids=list(MALFORMED))
@pytest.mark.parametrize("name", ["fiserv-payments", "commercehub-hmac"])
def test_a_right_signature_mends_nothing(name: str, parts: tuple[str, str, str]) -> None:
    keyid, nonce, created = parts
    signature = hmac_base64("".join(parts).encode() + BODY)
    names = {rule.around[1].name: rule.name for rule in known(name).headers if rule.around and rule.around[1]}
    headers = {**good(known(name)), names["keyid"]: keyid, names["nonce"]: nonce, names["created"]: created, names["signature"]: signature}
    request = payseal.Request("POST", "/v1", headers, BODY)
    assert rejection(lambda: verifier(known(name)).verify(request, now=NOW)).code == "malformed-header"
    assert outcome(lambda: verifier(known(name)).verify(request, now=NOW)) == outcome(
        lambda: general(verifier(known(name))).verify(request, now=NOW)
    )


@pytest.mark.parametrize("value", [None, "", "hmac", "HMAC ", "HMACHMAC"])
def test_a_right_signature_needs_the_headers_that_never_change(value: str | None) -> None:
    scheme = known("commercehub-hmac")
    headers = {**good(scheme), "Auth-Token-Type": value}
    request = payseal.Request("POST", "/v1", {name: text for name, text in headers.items() if text is not None}, BODY)
    assert rejection(lambda: verifier(scheme).verify(request)).code in ("missing-header", "malformed-header")


@pytest.mark.parametrize("change", [{"X-Id": "<ab_1"}, {"X-Id": "ab_1>"}, {"X-Id": "<ab_1]"}, {"X-Id": "[ab_1>"}, {"X-Id": "<>"}, {"X-Id": "<"}, {"X-Key": KEYID},
    {"X-Key": f"key  {KEYID}"}, {"X-Key": "key "}, {"X-Time": "2026-06-21T00:02:03"}, {"X-Time": "2026-02-30 00:02:03"}, {"X-Version": "2"}, {"X-Id": "<AB_1>"},
    {"X-Id": "<1_ab>"}, {"X-Signature": f"sha384={'g' * 96}"}])  # fmt: skip
def test_what_stands_around_a_component_must_stand_there(change: dict[str, str]) -> None:
    request = payseal.Request("POST", "/v1", good(ENCLOSED) | change, BODY)
    assert rejection(lambda: verifier(ENCLOSED).verify(request)).code == "malformed-header"


@pytest.mark.parametrize("signature", ["!" * 44, "A" * 43 + " ", "é" * 44, "A" * 43 + "-"])
def test_a_signature_is_read_only_in_its_alphabet(signature: str) -> None:
    request = payseal.Request("POST", "/v1", good(FISERV) | {"Message-Signature": signature}, BODY)
    assert rejection(lambda: verifier(FISERV).read(request)).code == "malformed-header"


@pytest.mark.parametrize(("late", "fresh"), [(300.0, True), (300.001, False), (300.002, False), (-300.0, True), (-300.001, False)])
def test_the_window_ends_to_the_millisecond(late: float, fresh: bool) -> None:
    request = payseal.Request("POST", "/v1", good(FISERV), BODY)
    for made in (verifier(FISERV), general(verifier(FISERV))):
        found = outcome(lambda: made.verify(request, now=NOW + late))  # noqa: B023
        assert isinstance(found, payseal.Authenticated) if fresh else found[0] == "outside-window"  # type: ignore[index]


def test_another_token_beside_a_right_signature_is_refused() -> None:
    scheme = known("commercehub-digest")
    request = payseal.Request("POST", "/v1", good(scheme) | {"Authorization": "Bearer another"}, BODY)
    assert rejection(lambda: verifier(scheme).verify(request)).diagnosis == "token-mismatch"


# --- and the same cost -------------------------------------------------------------------------------------------------------

WRONG = {
    "a wrong signature": {"Message-Signature": "A" * 43 + "="},
    "a signature of other characters": {"Message-Signature": "!" * 44},
    "a signature that is not ASCII": {"Message-Signature": "é" * 44},
    "a signature of the other length": {"Message-Signature": "A" * 88},
    "a signature of no length": {"Message-Signature": "A" * 45},
    "a time that is none": {"Timestamp": "17820001230OO"},
    "a time that is past": {"Timestamp": "1682000123000"},
    "an id that is none": {"Client-Request-Id": "a b"},
    "another id": {"Client-Request-Id": "ab"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=list(WRONG))
@pytest.mark.parametrize("body", [BODY, [BODY]], ids=["bytes", "pieces"])
def test_a_known_key_costs_what_an_unknown_one_does(change: dict[str, str], body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    request = payseal.Request("POST", "/v1", good(FISERV) | change, body)
    keys: dict[str, dict[str, payseal.Credential]] = {
        "known": {KEYID: credential()},
        "rotating": {KEYID: credential(secret=["one", "two"])},
        "unknown": {"other": credential(keyid="other")},
        "expired": {KEYID: credential(not_after=NOW)},
        "without a secret": {KEYID: credential(secret=None)},
    }
    costs = {name: macs_of(monkeypatch, lambda: verifier(FISERV, credentials).verify(request)) for name, credentials in keys.items()}  # noqa: B023
    answers = {name: outcome(lambda: verifier(FISERV, credentials).verify(request)) for name, credentials in keys.items()}  # noqa: B023
    assert len(set(costs.values())) == 1, costs
    assert len({answer[:2] for answer in answers.values() if isinstance(answer, tuple)}) == 1
    if next(iter(answers.values()))[0] == "invalid-signature":  # type: ignore[index]
        assert set(costs.values()) == {2}
    assert max(costs.values()) <= 2


def test_a_good_request_costs_one_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    request = payseal.Request("POST", "/v1", good(FISERV), BODY)
    made = verifier(FISERV)
    assert macs_of(monkeypatch, lambda: made.verify(request)) == 1
    assert macs_of(monkeypatch, lambda: made.check(request, made.read(request), credential())) == 1
    assert macs_of(monkeypatch, lambda: verifier(FISERV, secret=[SECRET, "newer", "newest"]).verify(request)) == 3


# --- what it must not pass by ------------------------------------------------------------------------------------------------


def test_another_class_reads_and_checks_in_its_own_way() -> None:
    class Reading(payseal.Verifier):
        def read(self, request: payseal.Request) -> Presented:
            raise payseal.Rejected("unavailable")

    class Checking(payseal.Verifier):
        def check(self, *arguments: Any, **named: Any) -> payseal.Authenticated:
            raise payseal.Rejected("unavailable")

    class Finding(payseal.Verifier):
        def find(self, presented: Any) -> Any:
            raise payseal.Rejected("unavailable")

    request = payseal.Request("POST", "/v1", good(FISERV), BODY)
    for kind in (Reading, Checking, Finding):
        assert rejection(lambda: kind(FISERV, {KEYID: credential()}).verify(request, now=NOW)).code == "unavailable"  # noqa: B023


def test_a_clock_before_the_epoch_is_no_clock_even_where_the_time_is_in_its_window() -> None:
    created = "0" * 13
    signature = hmac_base64(KEYID.encode() + NONCE.encode() + created.encode() + BODY)
    headers = {"Api-Key": KEYID, "Client-Request-Id": NONCE, "Timestamp": created, "Message-Signature": signature}
    request = payseal.Request("POST", "/v1", headers, BODY)
    assert verifier(FISERV).verify(request, now=1.0).created == 0.0
    assert rejection(lambda: verifier(FISERV).verify(request, now=-1.0)).code == "unavailable"


def test_another_way_to_find_a_credential_is_asked() -> None:
    request = payseal.Request("POST", "/v1", good(FISERV), BODY)

    class Mapping(dict[str, payseal.Credential]):
        def get(self, keyid: object, default: object = None) -> Any:
            asked.append(keyid)

    asked: list[object] = []
    assert rejection(lambda: verifier(FISERV, Mapping({KEYID: credential()})).verify(request)).diagnosis == "credential-unknown"
    assert asked == [KEYID]
    made = verifier(FISERV)
    made.find = lambda presented: None
    assert rejection(lambda: made.verify(request)).diagnosis == "credential-unknown"


@pytest.mark.parametrize("change", [{}, *WRONG.values()], ids=["good", *WRONG])
def test_the_clock_is_read_once(change: dict[str, str]) -> None:
    read: list[float] = []

    def clock() -> float:
        read.append(NOW)
        return NOW

    request = payseal.Request("POST", "/v1", good(FISERV) | change, BODY)
    outcome(lambda: payseal.Verifier(FISERV, {KEYID: credential()}, clock=clock).verify(request))
    assert len(read) <= 1


def test_digests_in_headers_are_compared() -> None:
    scheme = payseal.scheme("fiserv-payments", headers={"Digest": "{body:sha256:hex}"})
    request = payseal.Request("POST", "/v1", good(scheme) | {"Digest": "0" * 64}, BODY)
    assert quick_reader(scheme) is None
    assert rejection(lambda: verifier(scheme).verify(request)).diagnosis == "body-digest-mismatch"


@given(
    nonce=st.text(string.ascii_letters + string.digits + "-", min_size=UUID_LENGTH, max_size=64),
    created=st.sampled_from(["1782000123000", "1262304000000", "1999999999999"]),
    body=st.one_of(st.binary(max_size=80), st.from_regex("[0-9a-z-]{0,20}17[0-9]{11}", fullmatch=True).map(str.encode)),
    ids=st.sampled_from(["[A-Za-z0-9-]{1,64}", "[a-f]{1,64}", "[_.]{1,64}", "[0-9a-z-]{36,64}"]),
)
def test_other_readings_are_looked_for_where_there_can_be_one(nonce: str, created: str, body: bytes, ids: str) -> None:
    assert FISERV.created is not None
    grammar = pattern(ids)
    if body[:1] not in displacing(grammar):
        assert not other_reading(nonce, created, body[:LEADING], FISERV.created, grammar, 1_799_999_999_999)


def test_what_is_displaced_is_still_refused() -> None:
    """A body that begins as a time does, under a right signature: the fast path leaves it to the general one."""
    body = b"1782000123000"
    request = payseal.Request("POST", "/v1", good(FISERV, body), body)
    assert rejection(lambda: verifier(FISERV).verify(request)).code == "ambiguous-base"


@pytest.mark.parametrize(
    "base",
    ["{keyid}{nonce}{created}{body}", "{created}{keyid}{nonce}{body}", "{nonce}.{created}.{body}", "v1\n{created}\n{created}\n{nonce}\n{body}", "{created}{body}", "{body}"],
)  # fmt: skip
@given(keyid=st.text("abc-", min_size=1), nonce=st.text("01a", min_size=1), created=st.text("0123", min_size=1), body=st.binary())
def test_what_comes_before_the_body_is_what_the_template_says(base: str, keyid: str, nonce: str, created: str, body: bytes) -> None:
    template = BaseTemplate(parse(base))
    request = payseal.Request("POST", "/", body=body)
    values = {"keyid": keyid, "nonce": nonce, "created": created}
    assert template.leading is not None
    assert template.leading(keyid, nonce, created) + body == bytes(template.of(values, request, lambda name: ""))
    literal = base.encode().replace(b"{keyid}", keyid.encode()).replace(b"{nonce}", nonce.encode()).replace(b"{created}", created.encode())
    assert template.leading(keyid, nonce, created) + b"{body}" == literal


@pytest.mark.parametrize(
    "base",
    [
        "{body}{created}",
        "{created}{body}\n",
        "{token}{body}",
        "{method} {body}",
        "{header:Date}{body}",
        "{body}{body}",
        "{body:sha256:hex}",
    ],
)
def test_any_other_base_is_written_by_the_template(base: str) -> None:
    assert BaseTemplate(parse(base)).leading is None


# --- records -----------------------------------------------------------------------------------------------------------------


def test_a_record_that_is_made_quickly_is_like_any_other() -> None:
    made = verifier(FISERV)
    request = payseal.Request("POST", "/v1", good(FISERV), BODY)
    for quick, slow in (
        (made.verify(request), general(verifier(FISERV)).verify(request)),
        (made.read(request), general(verifier(FISERV)).read(request)),
    ):
        assert type(quick) is type(slow)
        assert (quick, repr(quick), hash(quick)) == (slow, repr(slow), hash(slow))
        assert {field.name for field in dataclasses.fields(quick)} == set(type(quick).__slots__)
        with pytest.raises(dataclasses.FrozenInstanceError):
            quick.nonce = "other"  # type: ignore[misc]
        with pytest.raises((AttributeError, TypeError)):
            quick.other = "other"  # type: ignore[union-attr]
        assert dataclasses.replace(quick) == quick
    accepted = made.verify(request)
    assert pickle.loads(pickle.dumps(accepted)) == copy.copy(accepted) == accepted
    assert [type(value) for value in dataclasses.astuple(accepted)] == [str, str, str, str, float, str, float, int]
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(made.read(request))


@given(
    pairs=st.lists(
        st.tuples(
            st.one_of(st.sampled_from(["Api-Key", "api-key", "API-KEY", "Api-\u212aey", "É", "é"]), st.text(max_size=4)),
            st.text(max_size=3),
        )
    )
)
def test_headers_are_found_by_name(pairs: list[tuple[str, str]]) -> None:
    request = payseal.Request("POST", "/", pairs)
    assert request.by_name == _listed(pairs)
    for name in [name for name, _ in pairs]:
        key = name.lower() if name.isascii() else name
        assert request.values(key) == [value for other, value in pairs if (other.lower() if other.isascii() else other) == key]


# --- memory ------------------------------------------------------------------------------------------------------------------


def test_a_large_body_is_not_copied() -> None:
    body = b"{" + bytes(64 * 1_048_576)
    request = payseal.Request("POST", "/v1", good(FISERV, body), body)
    made, own = verifier(FISERV), signer(FISERV)
    for call in (
        lambda: own.sign(request),
        lambda: made.verify(request),
        lambda: made.check(request, made.read(request), credential()),
        lambda: general(verifier(FISERV)).verify(request),
    ):
        tracemalloc.start()
        try:
            call()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 1_048_576


def test_the_fast_path_is_made_for_what_it_is_for() -> None:
    """Where it is not made, the general path serves: schemes without keyid, id or time in headers of their own."""
    padding = verifier(FISERV)._padding[0]
    made = {name for name, scheme in SCHEMES.items() if fastpath.prover(scheme, padding) is not None}
    assert made == set(SCHEMES) - {"startbutton-transfer", "startbutton-webhook"}
    whole = {name for name, scheme in SCHEMES.items() if scheme.keyed and verifier(scheme)._verify_whole is not None}
    assert whole == {"fiserv-payments", "commercehub-hmac", "seconds", "one-sided"}
