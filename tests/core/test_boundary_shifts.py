"""Boundary shifts: moving bytes from one covered component into the next makes another request with the same signature base.

Each test shows first that the captured signature would match (the MAC over the shifted concatenation is the one captured) and then that
the verifier, or the loader, refuses.
"""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payseal

from .support import BODY, KEYID, NONCE, NOW, SECRET, TOKEN, credential, hmac_base64, rejection, verifier

MILLISECONDS = payseal.scheme("fiserv-payments")
SECONDS = payseal.scheme("fiserv-payments", created={"format": "unix"})
UUID = {"pattern": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"}


def captured(nonce: str, created: str, body: bytes, *, keyid: str = KEYID) -> str:
    """The signature of a request that its owner signed."""
    return hmac_base64((keyid + nonce + created).encode() + body)


def presented(nonce: str, created: str, body: bytes, signature: str, *, keyid: str = KEYID) -> payseal.Request:
    headers = {"Api-Key": keyid, "Client-Request-Id": nonce, "Timestamp": created, "Message-Signature": signature}
    return payseal.Request("POST", "/gateway/v2/payments", headers, body)


def shifted(original: tuple[str, str, bytes], moved: tuple[str, str, bytes]) -> payseal.Request:
    """The captured request with its bytes cut in other places, which its signature does not show."""
    signature = captured(*original)
    assert original != moved
    assert captured(*moved) == signature, "this is no shift: the concatenations differ"
    return presented(*moved, signature)


# --- seconds and milliseconds ------------------------------------------------------------------------------------------------

JUNE, OCTOBER = "1782000123", "1791782000123"
IN_OCTOBER = 1_791_782_000.123


def test_the_dates_of_the_june_request() -> None:
    utc = datetime.UTC
    assert datetime.datetime.fromtimestamp(int(JUNE), utc).date() == datetime.date(2026, 6, 21)
    assert datetime.datetime.fromtimestamp(int(OCTOBER) / 1000, utc).date() == datetime.date(2026, 10, 12)


def test_a_verifier_in_seconds_refuses_the_june_request_in_october() -> None:
    """The credential's one unit is seconds: thirteen digits are no time, whatever they would say in milliseconds."""
    identifier = "30dd879c-ee2f-41db-8314-0800200c9179"
    replay = shifted((identifier, JUNE, BODY), (identifier.removesuffix("179"), OCTOBER, BODY))
    assert rejection(lambda: verifier(SECONDS).verify(replay, now=IN_OCTOBER)).code == "malformed-header"
    # Nor is it fresh as it was sent.
    honest = presented(identifier, JUNE, BODY, captured(identifier, JUNE, BODY))
    assert verifier(SECONDS).verify(honest, now=int(JUNE)).id == identifier
    assert rejection(lambda: verifier(SECONDS).verify(honest, now=IN_OCTOBER)).code == "outside-window"


def test_a_verifier_in_milliseconds_refuses_the_june_request_in_june() -> None:
    """Signed in the wrong unit, it is refused as it stands: ten digits are no time in milliseconds."""
    identifier = "30dd879c-ee2f-41db-8314-0800200c9179"
    honest = presented(identifier, JUNE, BODY, captured(identifier, JUNE, BODY))
    assert rejection(lambda: verifier(MILLISECONDS).verify(honest, now=int(JUNE))).code == "malformed-header"


def test_a_verifier_in_milliseconds_refuses_the_june_request_in_october() -> None:
    """Its body shows nothing, but its id does: a UUID that lacks just the digits with which the time begins."""
    identifier = "30dd879c-ee2f-41db-8314-0800200c9179"
    replay = shifted((identifier, JUNE, BODY), (identifier.removesuffix("179"), OCTOBER, BODY))
    assert rejection(lambda: verifier(MILLISECONDS).verify(replay, now=IN_OCTOBER)).code == "ambiguous-base"


@pytest.mark.parametrize("body", [BODY, b""], ids=["a body", "no body"])
def test_with_an_id_of_fixed_length_nothing_can_leave_it(body: bytes) -> None:
    """The remedy for every id, and the reason why the loader asks for one where a scheme is not of the guarded shape."""
    exact = payseal.scheme("fiserv-payments", nonce=UUID)
    assert not exact.guarded
    identifier = "30dd879c-ee2f-41db-8314-0800200c9179"
    replay = shifted((identifier, JUNE, body), (identifier.removesuffix("179"), OCTOBER, body))
    assert rejection(lambda: verifier(exact).verify(replay, now=IN_OCTOBER)).code == "malformed-header"


def test_seconds_are_not_milliseconds_with_three_digits_in_the_body() -> None:
    """`…id ‖ 1700000000123 ‖ {}` and `…id ‖ 1700000000 ‖ 123{}` are the same bytes: a verifier in milliseconds takes only one."""
    replay = shifted((NONCE, "1700000000123", b"{}"), (NONCE, "1700000000", b"123{}"))
    assert rejection(lambda: verifier(MILLISECONDS).verify(replay, now=1_700_000_000)).code == "malformed-header"
    back = shifted((NONCE, "1700000000", b"123{}"), (NONCE, "1700000000123", b"{}"))
    assert rejection(lambda: verifier(SECONDS).verify(back, now=1_700_000_000)).code == "malformed-header"


@pytest.mark.parametrize("whole", [NONCE, "30dd879c-ee2f-41db-8314-08002001791a"])
def test_a_whole_uuid_is_never_taken_for_a_cut_one(whole: str) -> None:
    for moment in range(1_760_000_000, 1_860_000_000, 999_983):
        created = f"{moment}123"
        honest = presented(whole, created, BODY, captured(whole, created, BODY))
        assert verifier(MILLISECONDS).verify(honest, now=moment).id == whole


# --- the same unit -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [BODY, b"", b"[1]", b"\x00\xff", b"7"], ids=["json", "empty GET", "list", "binary", "a digit"])
@pytest.mark.parametrize("cut", [2, 3, 4], ids=lambda cut: f"{cut} characters")
def test_characters_of_the_id_moved_into_the_time_are_seen_in_the_body(body: bytes, cut: int) -> None:
    """Signed in milliseconds in June 2026 under an id that ends in 18…: fresh again in 2027, and the body gains what was displaced."""
    identifier = f"30dd879c-ee2f-41db-8314-0800200c{'1812'[:cut]}"
    created = "1782000123456"
    text = identifier[-cut:] + created
    moved = (identifier[:-cut], text[:13], text[13:].encode() + body)
    replay = shifted((identifier, created, body), moved)
    in_2027 = int(moved[1]) / 1000
    assert datetime.datetime.fromtimestamp(in_2027, datetime.UTC).year == 2027
    assert rejection(lambda: verifier(MILLISECONDS).verify(replay, now=in_2027)).code == "ambiguous-base"


def test_the_same_shift_in_seconds() -> None:
    identifier = "order-7718"
    replay = shifted((identifier, JUNE, BODY), ("order-77", "1817820001", b"23" + BODY))
    assert rejection(lambda: verifier(SECONDS).verify(replay, now=1_817_820_001)).code == "ambiguous-base"


@pytest.mark.parametrize(
    ("identifier", "kept"),
    [("order-1782000123456-ab", "order-"), ("1782000123456", ""), ("a1782000123456", "a"), ("x-1782000123456-2026-b7", "x-")],
)
def test_a_time_inside_the_id_cannot_become_the_time(identifier: str, kept: str) -> None:
    """The whole time moves out of the id: what lay behind it, and the time that was signed, lead the body. No digit need come first."""
    created = "1782000123999"
    inside, rest = identifier.removeprefix(kept)[:13], identifier.removeprefix(kept)[13:]
    replay = shifted((identifier, created, BODY), (kept, inside, (rest + created).encode() + BODY))
    refused = rejection(lambda: verifier(MILLISECONDS).verify(replay, now=NOW))
    assert refused.code == ("ambiguous-base" if kept else "malformed-header")


def test_a_time_that_is_not_sent_is_guarded_as_well() -> None:
    """The verifier tries the minutes of its window: one of them may stand in the id."""
    unsent = payseal.Scheme.loads(
        """
        name = "unsent"
        signature = { base = "{nonce}{created}{body}", algorithm = "hmac-sha256", encoding = "base64" }
        headers = { X-Id = "{nonce}", X-Signature = "{signature}" }
        created = { format = "%Y%m%d%H%M", tolerance = 120 }
        nonce = { pattern = "[A-Za-z0-9-]{1,64}" }
        """
    )
    check = payseal.Verifier(unsent, payseal.Credential(secret=SECRET))
    minute = datetime.datetime.fromtimestamp(NOW, datetime.UTC).strftime("%Y%m%d%H%M")
    signature = hmac_base64(f"INV{minute}{minute}{{}}")
    honest = payseal.Request("POST", "/", {"X-Id": f"INV{minute}", "X-Signature": signature}, b"{}")
    assert check.verify(honest, now=NOW).id == f"INV{minute}"
    replay = payseal.Request("POST", "/", {"X-Id": "INV", "X-Signature": signature}, f"{minute}{{}}".encode())
    assert rejection(lambda: check.verify(replay, now=NOW)).code == "ambiguous-base"


@given(
    identifier=st.from_regex("[A-Za-z0-9-]{2,40}", fullmatch=True),
    signed=st.integers(1_500_000_000_000, 1_782_000_000_000),
    start=st.integers(1, 39),
    body=st.sampled_from([b"", b"{}", BODY, b"\xff"]),
)
def test_no_cut_of_a_captured_request_is_ever_fresh(identifier: str, signed: int, start: int, body: bytes) -> None:
    """Every other way to cut the bytes with a time at a later place: refused at the very moment at which it would be fresh."""
    text = identifier + str(signed)
    start = min(start, len(identifier) - 1)
    moment = text[start : start + 13]
    moved = (text[:start], moment, text[start + 13 :].encode() + body)
    replay = presented(*moved, captured(identifier, str(signed), body))
    assert captured(*moved) == captured(identifier, str(signed), body)
    at = int(moment) / 1000 if moment.isdigit() and int(moment) >= signed and int(moment) < 10**13 else NOW
    refused = rejection(lambda: verifier(MILLISECONDS).verify(replay, now=at))
    assert refused.code in ("malformed-header", "outside-window", "ambiguous-base")


@pytest.mark.parametrize("body", [b"0", b"12345", b"17", b"1", b"9" * 9, b"a", b"a1", b"-", b"2026-06-21 paid", b"ok"])
@pytest.mark.parametrize("identifier", [NONCE, "1015", "ab-1", "30dd879c-ee2f-41db-8314-0800200c9118"])
@pytest.mark.parametrize("unit", ["seconds", "milliseconds"])
def test_an_honest_body_may_begin_with_digits(body: bytes, identifier: str, unit: str) -> None:
    scheme, created = (SECONDS, "1782000123") if unit == "seconds" else (MILLISECONDS, "1782000123456")
    honest = presented(identifier, created, body, captured(identifier, created, body))
    assert verifier(scheme).verify(honest, now=NOW).id == identifier


def test_what_payseal_signs_leaves_no_digit_to_move() -> None:
    """Whatever the provider's own verifier is like: an id that payseal makes ends in a letter."""
    for scheme in (MILLISECONDS, payseal.scheme("fiserv-payments", nonce={"format": "hex"})):
        for byte in range(256):
            signer = payseal.Signer(scheme, credential(), random=lambda size, byte=byte: bytes([byte]) * size)  # type: ignore[misc]
            made = signer.sign(payseal.Request("POST", "/", body=BODY), created=NOW)["Client-Request-Id"]
            assert made[-1] in "abcdef"


# --- how a time may be written -----------------------------------------------------------------------------------------------

LAX_TIMES = {
    "a digit less": "178200012345",
    "a digit more": "17820001234560",
    "a leading zero": "01782000123456",
    "a plus sign": "+1782000123456",
    "a minus sign": "-1782000123456",
    "a sign in thirteen characters": "+178200012345",
    "a fraction": "1782000123.456",
    "a fraction in seconds": "1700000000.9",
    "an exponent": "1.782000123e12",
    "hexadecimal": "0x19ee75f3040",
    "hexadecimal in thirteen characters": "0x19ee75f3040",
    "underscores": "1_782_000_123",
    "an underscore more": "1782_000123456",
    "a leading space": " 1782000123456",
    "a trailing space": "1782000123456 ",
    "a tab": "1782000123456\t",
    "a newline": "1782000123456\n",
    "a nul": "1782000123456\0",
    "full-width digits": "１７８２０００１２３４５６",
    "arabic-indic digits": "١٧٨٢٠٠٠١٢٣٤٥٦",
    "one digit of another script": "178200012345６",
    "superscripts": "178200012345²",
    "infinity": "Infinity",
    "not a number": "nan",
    "a date": "2026-06-21T00:02:03Z",
    "nothing": "",
}


@pytest.mark.parametrize("text", LAX_TIMES.values(), ids=list(LAX_TIMES))
@pytest.mark.parametrize("scheme", [SECONDS, MILLISECONDS], ids=["seconds", "milliseconds"])
def test_a_time_has_one_spelling(text: str, scheme: payseal.Scheme) -> None:
    """Even where the signature is over exactly that spelling."""
    signature = hmac_base64((KEYID + NONCE + text).encode() + BODY)
    request = presented(NONCE, text, BODY, signature)
    assert rejection(lambda: verifier(scheme).verify(request, now=NOW)).code == "malformed-header"


@pytest.mark.parametrize("text", LAX_TIMES.values(), ids=list(LAX_TIMES))
def test_a_date_has_one_spelling_too(text: str) -> None:
    compact = payseal.scheme("fiserv-payments", created={"format": "%Y%m%d%H%M%S"})
    signature = hmac_base64((KEYID + NONCE + text).encode() + BODY)
    assert rejection(lambda: verifier(compact).verify(presented(NONCE, text, BODY, signature), now=NOW)).code == "malformed-header"


@pytest.mark.parametrize("unit", ["seconds", "milliseconds"])
def test_exactly_as_many_digits_as_the_unit_has(unit: str) -> None:
    scheme, digits = (SECONDS, 10) if unit == "seconds" else (MILLISECONDS, 13)
    for count in range(1, 20):
        text = "1782000123456000000"[:count]
        request = presented(NONCE, text, BODY, captured(NONCE, text, BODY))
        if count == digits:
            assert verifier(scheme).verify(request, now=NOW).id == NONCE
        else:
            assert rejection(lambda: verifier(scheme).verify(request, now=NOW)).code == "malformed-header"  # noqa: B023


# --- how an id may be written ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nonce",
    ["", " ", f" {NONCE}", f"{NONCE} ", "a b", "a\tb", "a\nb", "a.b", "a_b", "a,b", "ä", "１", "a" * 65, "a\0", "{nonce}", "a/b", "-" * 65],
)
def test_an_id_has_a_fixed_grammar_and_length(nonce: str) -> None:
    signature = hmac_base64((KEYID + nonce + "1782000123456").encode() + BODY)
    assert (
        rejection(lambda: verifier(MILLISECONDS).verify(presented(nonce, "1782000123456", BODY, signature), now=NOW)).code
        == "malformed-header"
    )


@pytest.mark.parametrize("nonce", ["1", "42", NONCE, NONCE.upper(), "a" * 64, "-"])
def test_the_ids_that_clients_send_are_taken(nonce: str) -> None:
    request = presented(nonce, "1782000123456", BODY, captured(nonce, "1782000123456", BODY))
    assert verifier(MILLISECONDS).verify(request, now=NOW).id == nonce


# --- a covered header twice --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Api-Key", "Client-Request-Id", "Timestamp", "Message-Signature"])
@pytest.mark.parametrize("spelling", [str, str.lower, str.upper], ids=["as is", "lower case", "upper case"])
@pytest.mark.parametrize("value", ["the same", "another"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_a_header_that_appears_twice_is_refused(name: str, spelling: type[str], value: str, first: bool) -> None:
    request = presented(NONCE, "1782000123456", BODY, captured(NONCE, "1782000123456", BODY))
    assert verifier(MILLISECONDS).verify(request, now=NOW).id == NONCE
    again = (spelling(name), dict(request.headers)[name] if value == "the same" else "1")
    pairs = [again, *request.headers] if first else [*request.headers, again]
    twice = payseal.Request("POST", "/gateway/v2/payments", pairs, BODY)
    assert rejection(lambda: verifier(MILLISECONDS).verify(twice, now=NOW)).code == "repeated-header"


def test_a_covered_header_of_the_request_itself_may_not_appear_twice() -> None:
    covering = payseal.Scheme.loads(
        """
        name = "covering"
        signature = { base = "{header:X-Merchant}\\n{body}", algorithm = "hmac-sha256", encoding = "base64" }
        headers = { X-Signature = "{signature}" }
        """
    )
    check = payseal.Verifier(covering, payseal.Credential(secret=SECRET))
    sent = [("X-Signature", hmac_base64(b"m-1\n" + BODY)), ("X-Merchant", "m-1")]
    assert check.verify(payseal.Request("POST", "/", sent, BODY)).keyid is None
    for again in ("m-1", "m-2"):
        twice = payseal.Request("POST", "/", [*sent, ("x-merchant", again)], BODY)
        assert rejection(lambda: check.verify(twice)).code == "repeated-header"  # noqa: B023


# --- from one credential to another ------------------------------------------------------------------------------------------


def test_a_keyid_cannot_be_lengthened_by_the_id() -> None:
    """`merchant-1` ‖ `23abc` and `merchant-12` ‖ `3abc` are the same bytes, and another credential has another secret."""
    signature = captured("23abc", "1782000123456", BODY)
    assert hmac_base64(b"merchant-12" + b"3abc" + b"1782000123456" + BODY) == signature
    known = {KEYID: credential(), "merchant-12": payseal.Credential("merchant-12", "its own secret")}
    check = payseal.Verifier(MILLISECONDS, known)
    assert check.verify(presented("23abc", "1782000123456", BODY, signature), now=NOW).id == "23abc"
    replay = presented("3abc", "1782000123456", BODY, signature, keyid="merchant-12")
    assert rejection(lambda: check.verify(replay, now=NOW)).code == "invalid-signature"


@pytest.mark.parametrize("secrets", [SECRET, ["old", SECRET], [SECRET, "new"]], ids=["alone", "newest", "oldest"])
def test_two_credentials_of_which_one_begins_the_other_share_no_secret(secrets: str | list[str]) -> None:
    """With one secret for both, the signature of the first would match: such a pair is not taken."""
    with pytest.raises(payseal.CredentialError, match="secret in common") as caught:
        payseal.Verifier(MILLISECONDS, {KEYID: credential(), "merchant-12": payseal.Credential("merchant-12", secrets)})
    assert SECRET not in str(caught.value)


def test_a_credential_found_under_another_name_verifies_nothing() -> None:
    signature = captured("23abc", "1782000123456", BODY)
    replay = presented("3abc", "1782000123456", BODY, signature, keyid="merchant-12")
    lookups: list[payseal.credentials.Credentials] = [{"merchant-12": credential()}, credential(), lambda presented: credential()]
    for found in lookups:
        assert rejection(lambda: payseal.Verifier(MILLISECONDS, found).verify(replay, now=NOW)).code == "invalid-signature"  # noqa: B023


COVERS_TOKEN = """
name = "covers-token"
signature = { base = "{token}{nonce}.{created}.{body}", algorithm = "hmac-sha256", encoding = "base64" }
headers = { Authorization = "Bearer {token}", X-Id = "{nonce}", X-Time = "{created}", X-Signature = "{signature}" }
created = { format = "unix", tolerance = 300 }
nonce = { pattern = "[A-Za-z0-9-]{1,64}" }
"""


def test_a_covered_token_is_the_credentials_own() -> None:
    """Otherwise characters of the token could be moved into the id, and each such id would be new to the ledger."""
    scheme = payseal.Scheme.loads(COVERS_TOKEN)
    signature = hmac_base64(TOKEN.encode() + b"abc.1782000123." + BODY)

    def sent(token: str, nonce: str) -> payseal.Request:
        headers = {"Authorization": f"Bearer {token}", "X-Id": nonce, "X-Time": "1782000123", "X-Signature": signature}
        return payseal.Request("POST", "/", headers, BODY)

    with_token = payseal.Verifier(scheme, credential())
    assert with_token.verify(sent(TOKEN, "abc"), now=NOW).id == "abc"
    assert rejection(lambda: with_token.verify(sent(TOKEN + "a", "bc"), now=NOW)).code == "invalid-signature"
    without_token = payseal.Verifier(scheme, credential(token=None))
    for token, nonce in ((TOKEN, "abc"), (TOKEN + "a", "bc"), (TOKEN[:-1], TOKEN[-1] + "abc")):
        assert hmac_base64((token + nonce + ".1782000123.").encode() + BODY) == signature
        assert rejection(lambda: without_token.verify(sent(token, nonce), now=NOW)).code == "invalid-signature"  # noqa: B023


# --- what the loader takes ---------------------------------------------------------------------------------------------------

FREE, FIXED, LETTERS = "[A-Za-z0-9.-]{1,64}", "[0-9a-f]{32}", "[a-z]{1,32}"


def loaded(base: str, nonce: str | None, created: str | None) -> payseal.Scheme:
    tables = {
        "signature": {"base": base, "algorithm": "hmac-sha256", "encoding": "hex"},
        "headers": {"X-Signature": "{signature}"},
    }
    if "{keyid}" in base:
        tables["headers"]["X-Key"] = "{keyid}"
    if "{token}" in base:
        tables["headers"]["X-Token"] = "{token}"
    if nonce is not None:
        tables["headers"]["X-Id"] = "{nonce}"
        tables["nonce"] = {"pattern": nonce, "format": "hex"}
    if created is not None:
        tables["headers"]["X-Time"] = "{created}"
        tables["created"] = {"format": created, "tolerance": 60}  # type: ignore[dict-item]
    return payseal.Scheme.loads('name = "table"', **tables)


AMBIGUOUS = [
    ("{path}{query}{body:sha256:hex}", None, None),
    ("{path}{query}\n{body}", None, None),
    ("{query}{body}", None, None),
    ("{target}{body}", None, None),
    ("{method}{host}{body:sha256:hex}", None, None),
    ("{host}{path}?{query}{body}", None, None),
    ("{path}{method}\n{body}", None, None),
    ("{header:Content-Type}{body}", None, None),
    ("{header:A}{header:B}\n{body}", None, None),
    ("{header:A},{header:B}\n{body}", None, None),
    ("{header:A} {header:B}\n{body}", None, None),
    ("{nonce}{body}", FREE, None),
    ("{body}{nonce}", FREE, None),
    ("{nonce}.{body}", FREE, None),
    ("{body}.{nonce}", FREE, None),
    ("{nonce}{path}\n{body}", "[a-z0-9/]{1,32}", None),
    ("{nonce}.{created}.{body}", FREE, "unix"),
    ("{created}{nonce}{body}", FREE, "unix"),
    ("{body}{created}{nonce}", FREE, "unix"),
    ("{nonce}{body}{created}", FREE, "unix"),
    ("{keyid}{nonce}{body}{created}", FREE, "unix-ms"),
    ("{nonce}{created}{path}\n{body}", FREE, "unix"),
    ("{nonce}{created}{body}", FREE, "%Y-%m-%d"),
    ("{nonce}{created}.{body}", FREE, "unix"),
    ("{nonce}{keyid}{created}{path}{body}", FREE, "unix"),
    ("{path}{nonce}{created}{body}", FREE, "unix"),
    ("{nonce}{token}{body}", FREE, None),
    ("{body}{body:sha256:hex}{target}", None, None),
    ("{target}{created}{body}", None, "unix"),
    ("{header:A}{created}{body}", None, "unix-ms"),
    ("{host}{created}{body}", None, "%Y%m%d"),
    ("{body}{body}", None, None),
    ("{body}{method}", None, None),
]

UNAMBIGUOUS = [
    ("{body}", None, None),
    ("{body:sha256:hex}", None, None),
    ("{method}{path}\n{body}", None, None),
    ("{method}{target}\n{body}", None, None),
    ("{method}\n{host}\n{path}\n{query}\n{body}", None, None),
    ("{path}?{query}\n{body}", None, None),
    ("{method} {target} {body:sha256:base64}", None, None),
    ("{header:A}\n{header:B}\n{body}", None, None),
    ("{header:A}{body:sha512:hex}", None, None),
    ("{body:sha256:hex}{header:A}", None, None),
    ("{created}{body}", None, "unix"),
    ("{body}{created}", None, "unix-ms"),
    ("{created}{path}\n{body}", None, "%Y%m%d"),
    ("{nonce}{body}", FIXED, None),
    ("{body}{nonce}", FIXED, None),
    ("{nonce}{created}{body}", FIXED, "unix"),
    ("{created}{nonce}{body}", FIXED, "unix"),
    ("{nonce}{body}{created}", FIXED, "unix-ms"),
    ("{nonce}:{body}", FREE, None),
    ("{nonce}:{created}:{body}", FREE, "unix"),
    ("{nonce}.{created}.{body}", "[A-Za-z0-9]{1,64}", "unix"),
    ("{created}.{nonce}:{body}", FREE, "unix"),
    ("{body}\n{nonce}", FREE, None),
    ("{nonce}{created}{body}", LETTERS.replace("a-z", "a-z0-9").replace("{1,32}", "{32}"), "%Y-%m-%d"),
    ("{nonce}{created}{body:sha256:hex}", FREE, "unix"),
    ("{keyid}{token}{created}{body}", None, "unix-ms"),
    ("{keyid}{body}", None, None),
    ("v0:{created}:{body}", None, "unix"),
]


@pytest.mark.parametrize(("base", "nonce", "created"), AMBIGUOUS)
def test_the_loader_refuses_a_base_that_can_be_split_in_two_ways(base: str, nonce: str | None, created: str | None) -> None:
    with pytest.raises(payseal.SchemeError) as caught:
        loaded(base, nonce, created)
    assert caught.value.key == "signature.base"
    assert "can be split in more than one way" in caught.value.problem
    assert "separator" in caught.value.remedy


@pytest.mark.parametrize(("base", "nonce", "created"), UNAMBIGUOUS)
def test_the_loader_takes_a_base_that_can_be_split_in_one_way(base: str, nonce: str | None, created: str | None) -> None:
    assert not loaded(base, nonce, created).guarded


@pytest.mark.parametrize("created", ["unix", "unix-ms", "%Y%m%d", "%Y%m%d%H%M%S"])
@pytest.mark.parametrize(
    "base", ["{nonce}{created}{body}", "{keyid}{nonce}{created}{body}", "{keyid}{nonce}{token}{created}{body}", "v1{nonce}{created}{body}"]
)
def test_the_one_shape_that_is_guarded_when_a_request_is_checked(base: str, created: str) -> None:
    assert loaded(base, FREE, created).guarded


def test_only_schemes_of_the_payment_providers_need_the_guard() -> None:
    guarded = {name for name in payseal.schemes.catalogue_names() if payseal.scheme(name).guarded}
    assert guarded == {"fiserv-payments", "commercehub-hmac", "commercehub-digest", "commercehub-digest-sha256"}


def one_header(template: str) -> payseal.Scheme:
    """A scheme that sends what it can in one header."""
    usual = {"Api-Key": "{keyid}", "Client-Request-Id": "{nonce}", "Message-Signature": "{signature}"}
    headers = {name: False if word in template else word for name, word in usual.items()} | {"X-All": template}
    return payseal.scheme("fiserv-payments", headers=headers)


@pytest.mark.parametrize(
    "template",
    [
        "{keyid}{nonce}",
        "{nonce}{keyid}",
        "{signature}{nonce}",
        "{token}{signature}",
        "{nonce}-{keyid}",
        "{keyid}-{nonce}",
        "{keyid}/{signature}",
    ],
)
def test_a_header_that_can_be_read_back_in_two_ways_is_refused(template: str) -> None:
    with pytest.raises(payseal.SchemeError, match="cannot be read back in one way") as caught:
        one_header(template)
    assert caught.value.key == "headers.X-All"


@pytest.mark.parametrize(
    "template",
    ["{keyid}:{nonce}", "{nonce}:{keyid}", "{keyid} {token}", "{keyid}:{nonce}:{signature}", "Key {keyid} id={nonce} sig={signature}"],
)
def test_a_header_that_can_be_read_back_in_one_way_is_taken(template: str) -> None:
    scheme = one_header(template)
    keyid = "a:b,c=d"
    known = credential(keyid=keyid)
    made = payseal.Signer(scheme, known).sign(payseal.Request("POST", "/", body=BODY), created=NOW, nonce=NONCE)
    accepted = payseal.Verifier(scheme, known).verify(payseal.Request("POST", "/", made, BODY), now=NOW)
    assert (accepted.keyid, accepted.nonce) == (keyid, NONCE)
