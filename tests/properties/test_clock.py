"""The window: its edges to the millisecond in every format, and nothing that is no time is taken for one."""

from __future__ import annotations

import datetime
import math
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payseal
from payseal.schemes.times import format_of
from tests.hypothesis_profiles import TIMEOUT, settings

from .strategies import bodies, moments, verifier

pytestmark = TIMEOUT

FORMATS: Final = ("unix", "unix-ms", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y", "%S%M%H%d%m%Y")
ZONES: Final = ("UTC", "+05:45", "-11:00", "+14:00")
CREDENTIAL: Final = payseal.Credential("merchant-1", "a secret")
BODY: Final = b'{"amount":1}'
#: Between these every format can write a time. In no zone, as Hypothesis wants them.
FROM, UNTIL = datetime.datetime(2001, 9, 10), datetime.datetime(2200, 1, 1)  # noqa: DTZ001


def scheme_of(text: str, zone: str, tolerance: float, future: float | None, *, sent: bool = True) -> payseal.Scheme:
    """A scheme whose time is written like that."""
    created: dict[str, Any] = {"format": text, "tolerance": tolerance}
    if not text.startswith("unix"):
        created["timezone"] = zone
    if future is not None:
        created["future"] = future
    headers = {"X-Time": "{created}", "X-Key": "{keyid}", "X-Signature": "{signature}"}
    signature = {"base": "{created}\n{body}", "algorithm": "hmac-sha256", "encoding": "hex"}
    if not sent:
        headers = {"X-Signature": "{signature}"}
    return payseal.Scheme.loads('name = "clock"', signature=signature, headers=headers, created=created)


def signed(scheme: payseal.Scheme, created: Any) -> payseal.Request:
    return payseal.Request(
        "POST", "/", payseal.Signer(scheme, CREDENTIAL).sign(payseal.Request("POST", "/", body=BODY), created=created), BODY
    )


def code(scheme: payseal.Scheme, request: payseal.Request, now: float) -> str:
    try:
        verifier(scheme, CREDENTIAL).verify(request, now=now)
    except payseal.Rejected as rejected:
        return rejected.code
    return "accepted"


@settings(60)
@given(
    text=st.sampled_from(FORMATS),
    zone=st.sampled_from(ZONES),
    tolerance=st.sampled_from([1, 1.001, 2.5, 60, 300, 86_400]),
    future=st.sampled_from([None, 0, 0.001, 10, 300]),
    at=st.integers(1_500_000_000_000, 4_000_000_000_000),
)
def test_the_window_ends_to_the_millisecond(text: str, zone: str, tolerance: float, future: float | None, at: int) -> None:
    scheme = scheme_of(text, zone, tolerance, future)
    rule = scheme.created
    assert rule is not None
    said = rule.format.read(rule.write(at / 1000))
    assert said is not None
    assert 0 <= at - said < rule.format.granularity
    request = signed(scheme, at / 1000)
    first, last = (
        said - round((tolerance if future is None else future) * 1000),
        said + rule.format.granularity + round(tolerance * 1000) - 1,
    )
    # Half a millisecond on, so that what a float cannot say exactly is on the same side.
    assert code(scheme, request, (first + 0.5) / 1000) == "accepted"
    assert code(scheme, request, (last + 0.5) / 1000) == "accepted"
    assert code(scheme, request, (first - 0.5) / 1000) == "outside-window"
    assert code(scheme, request, (last + 1.5) / 1000) == "outside-window"
    assert code(scheme, request, at / 1000 - 31_536_000) == "outside-window"  # signed a year ahead
    assert code(scheme, request, at / 1000 + 31_536_000) == "outside-window"
    proof = verifier(scheme, CREDENTIAL).verify(request, now=(last + 0.5) / 1000)
    assert (proof.created, proof.expires) == (said / 1000, (last + 1) / 1000)


@settings(40)
@given(
    text=st.sampled_from([text for text in FORMATS if "M" in text]),
    zone=st.sampled_from(ZONES),
    tolerance=st.sampled_from([1, 2.5, 20]),
    future=st.sampled_from([0, 0.5, 10]),
    at=st.integers(1_500_000_000_000, 4_000_000_000_000),
)
def test_the_window_of_a_time_that_is_not_sent(text: str, zone: str, tolerance: float, future: float, at: int) -> None:
    scheme = scheme_of(text, zone, tolerance, future, sent=False)
    rule = scheme.created
    assert rule is not None
    said = rule.format.read(rule.write(at / 1000))
    assert said is not None
    request = signed(scheme, at / 1000)
    first, last = said - round(future * 1000), said + rule.format.granularity + round(tolerance * 1000) - 1
    for now, expected in ((first, "accepted"), (last, "accepted"), (first - 1, "invalid-signature"), (last + 1, "invalid-signature")):
        assert code(scheme, request, (now + 0.5) / 1000) == expected


@settings(60)
@given(st.sampled_from(FORMATS), moments)
def test_a_signer_is_never_ahead_of_its_own_clock(text: str, created: float) -> None:
    """Half a millisecond rounded up would be the future, and refused where nothing may lie in it."""
    scheme = scheme_of(text, "UTC", 1, 0)
    assert code(scheme, signed(scheme, created), created + 0.000_002) == "accepted"
    clocked = payseal.Signer(payseal.scheme("fiserv-payments", created={"future": 0}), CREDENTIAL, clock=lambda: created)
    headers = clocked.sign(payseal.Request("POST", "/", body=BODY))
    check = verifier(clocked.scheme, CREDENTIAL)
    assert check.verify(payseal.Request("POST", "/", headers, BODY), now=created + 0.000_002).keyid == "merchant-1"


@settings(60)
@given(st.integers(1_000_000_000_000, 2_190_000_000_000))
def test_a_time_of_whole_milliseconds_is_signed_as_it_is(milliseconds: int) -> None:
    headers = payseal.Signer(payseal.scheme("fiserv-payments"), CREDENTIAL).sign(payseal.Request("POST", "/"), created=milliseconds / 1000)
    assert headers["Timestamp"] == str(milliseconds)


@settings(60)
@given(st.sampled_from(FORMATS), st.datetimes(FROM, UNTIL), st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_signed_alike_whatever_zone_it_is_told_in(text: str, moment: datetime.datetime, minutes: int) -> None:
    """A signer takes seconds since the epoch: of two datetimes of one instant they are the same."""
    here = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=datetime.UTC)
    there = here.astimezone(datetime.timezone(datetime.timedelta(minutes=minutes)))
    scheme = scheme_of(text, "+05:45", 300, None)
    assert signed(scheme, here.timestamp()).headers == signed(scheme, there.timestamp()).headers
    rule = scheme.created
    assert rule is not None
    if not text.startswith("unix"):
        zone = datetime.timezone(datetime.timedelta(hours=5, minutes=45))
        assert rule.write(here.timestamp()) == there.astimezone(zone).strftime(text)
    else:
        since = here - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        assert rule.write(here.timestamp()) == str(since // datetime.timedelta(seconds=1 if text == "unix" else 0.001))


@pytest.mark.parametrize(
    "created",
    [
        FROM, datetime.datetime(2026, 6, 21, tzinfo=datetime.UTC), "1782000123", b"1782000123", True, math.nan, math.inf, -math.inf, -1,
        -0.001, 10**10, 1e18, 10**400, [], datetime.timedelta(1),
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("text", FORMATS)
def test_what_is_no_time_is_not_signed(created: Any, text: str) -> None:
    """A datetime is none: a naive one would be taken for one zone or another."""
    if text.startswith("%") and created in (10**10,) and not isinstance(created, bool):
        return  # the year 2286, which a date can say
    with pytest.raises(payseal.SigningError):
        signed(scheme_of(text, "UTC", 300, None), created)


TIMES: Final = (
    "1700000000.9", "1700000000,9", "17000000009", "-1700000000", "+1700000000", " 1700000000", "1700000000 ", "1_700_000_000", "1.7e9", "0x6553f100", "١٧٠٠٠٠٠٠٠٠",
    "１７００００００００", "१७००००००००", "𝟏𝟕𝟎𝟎𝟎𝟎𝟎𝟎𝟎𝟎", "²²²²²²²²²²", "NaN", "nan", "Infinity", "inf", "-inf", "", "null", "true", "20260631235959", "20160230000000", "20161231235960",
    "2016-12-31T23:59:60Z", "2026-06-21T24:00:00Z", "2026-6-21T00:00:00Z", "2026-06-21t00:00:00z", "2026-06-21T00:00:00+00:00", "2026-06-21 00:00:00Z", "20260621000060",
    "00000000000000", "99999999999999", "20261301000000", "32/01/2026", "00/00/0000", "1/1/2026", "2026-02-29T00:00:00Z",
)  # fmt: skip


@pytest.mark.parametrize("text", TIMES)
@pytest.mark.parametrize("form", FORMATS)
def test_what_is_no_time_is_not_read(text: str, form: str) -> None:
    """Not even where it is rightly signed."""
    scheme = scheme_of(form, "UTC", 300, None)
    assert format_of(form).read(text) is None
    made = payseal.mac.PreparedMac(payseal.mac.ALGORITHMS["hmac-sha256"], b"a secret").digest([f"{text}\n".encode(), BODY]).hex()
    request = payseal.Request("POST", "/", {"X-Time": text, "X-Key": "merchant-1", "X-Signature": made}, BODY)
    for now in (1_700_000_000.0, 1_782_000_000.0, 1_483_228_800.0):
        assert code(scheme, request, now) == "malformed-header"


@settings(60)
@given(st.sampled_from(FORMATS), st.one_of(st.text(max_size=20), st.text("0123456789-:/TZ. +", min_size=8, max_size=20)))
def test_a_time_has_one_spelling(form: str, text: str) -> None:
    made = format_of(form)
    moment = made.read(text)
    if moment is not None and moment >= 0:
        try:
            assert made.write(moment) == text
        except ValueError:
            assert form.startswith("unix")  # leading zeros: before 2001
            assert text.startswith("0")


@pytest.mark.parametrize("tolerance", [0, -1, 0.999, 86_401, math.nan, math.inf, "300", True, None, [], {}], ids=repr)
def test_the_check_of_time_cannot_be_turned_off(tolerance: Any) -> None:
    with pytest.raises(payseal.SchemeError) as caught:
        payseal.scheme("fiserv-payments", created={"tolerance": tolerance})
    assert caught.value.key == "created.tolerance"


@settings(60)
@given(bodies, st.floats(allow_nan=True, allow_infinity=True))
def test_a_clock_that_says_anything_refuses_or_tells_the_time(body: bytes, now: float) -> None:
    scheme = scheme_of("unix-ms", "UTC", 300, None)
    request = payseal.Request("POST", "/", signed(scheme, 1_782_000_123.0).headers, body)
    found = code(scheme, request, now)
    if not 0 <= now < 10_000_000_000:
        assert found == "unavailable"
    else:
        assert found == ("invalid-signature" if body != BODY else "accepted" if abs(now - 1_782_000_123) <= 300 else "outside-window")
