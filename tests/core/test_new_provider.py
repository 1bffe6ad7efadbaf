"""A new provider is one file. What is expected is computed here with `hmac`, never with payseal."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest

import payseal

from .support import BODY, NOW, rejection

MOLE = """
name = "mole-payments"
title = "Mole: signed payments"

[signature]
base = "{method}\\n{host}{path}?{query}\\n{created}\\n{nonce}\\n{body:sha256:hex}"
algorithm = "hmac-sha512"
encoding = "base64url-unpadded"

[headers]
X-Mole-Merchant = "{keyid}"
X-Mole-Request = "{nonce}"
X-Mole-Date = "{created}"
Authorization = "MOLE {signature}"

[created]
format = "%Y%m%dT%H%M%SZ"
tolerance = 120

[nonce]
format = "hex"
pattern = "[0-9a-f]{32}"
"""


def test_a_made_up_provider_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "mole.toml").write_text(MOLE, "utf-8")
    scheme = payseal.Scheme.load(tmp_path / "mole.toml")
    credential = payseal.Credential(keyid="mole-7", secret="tunnel")
    request = payseal.Request("POST", "/v3/payouts?dry=1", {"Host": "api.mole.example"}, BODY)
    nonce = "00112233445566778899aabbccddeeff"
    made = payseal.Signer(scheme, credential).sign(request, created=NOW, nonce=nonce)

    digest = hashlib.sha256(BODY).hexdigest()
    base = f"POST\napi.mole.example/v3/payouts?dry=1\n20260621T000203Z\n{nonce}\n{digest}".encode()
    mac = base64.urlsafe_b64encode(hmac.digest(b"tunnel", base, "sha512")).decode().rstrip("=")
    assert made == {
        "X-Mole-Merchant": "mole-7",
        "X-Mole-Request": nonce,
        "X-Mole-Date": "20260621T000203Z",
        "Authorization": f"MOLE {mac}",
    }
    verifier = payseal.Verifier(scheme, {"mole-7": credential})
    arrived = payseal.Request("POST", "/v3/payouts?dry=1", {"host": "api.mole.example", **made}, BODY)
    accepted = verifier.verify(arrived, now=NOW + 60)
    assert (accepted.scope, accepted.id, accepted.created, accepted.expires) == ("mole-payments:mole-7", nonce, NOW, NOW + 121)

    for changed in (
        payseal.Request("PUT", "/v3/payouts?dry=1", arrived.headers, BODY),
        payseal.Request("POST", "/v3/payouts?dry=0", arrived.headers, BODY),
        payseal.Request("POST", "/v3/payouts", arrived.headers, BODY),
        payseal.Request("POST", "/v3/payouts?dry=1", arrived.headers, BODY + b"\n"),
        payseal.Request("POST", "/v3/payouts?dry=1", {"Host": "evil.example", **made}, BODY),
    ):
        assert rejection(lambda: verifier.verify(changed, now=NOW)).code == "invalid-signature"  # noqa: B023
    assert rejection(lambda: verifier.verify(arrived, now=NOW + 121)).code == "outside-window"


# --- Stripe ------------------------------------------------------------------------------------------------------------------

STRIPE = """
name = "stripe-webhook"

[signature]
base = "{created}.{body}"
algorithm = "hmac-sha256"
encoding = "hex"

[headers]
Stripe-Signature = { template = "t={created},v1={signature}", separator = "," }

[created]
format = "unix"
tolerance = 300
"""


def v1(secret: str, *, created: int = int(NOW), body: bytes = BODY) -> str:
    return hmac.new(secret.encode(), f"{created}.".encode() + body, hashlib.sha256).hexdigest()


def stripe(header: str, *secrets: str, body: bytes = BODY, now: float = NOW) -> payseal.Authenticated:
    verifier = payseal.Verifier(payseal.Scheme.loads(STRIPE), payseal.Credential(secret=list(secrets)))
    return verifier.verify(payseal.Request("POST", "/hook", {"Stripe-Signature": header}, body), now=now)


def test_stripe_style_is_signed() -> None:
    signer = payseal.Signer(payseal.Scheme.loads(STRIPE), payseal.Credential(secret="whsec_1"))
    made = signer.sign(payseal.Request("POST", "/hook", body=BODY), created=NOW)
    assert made == {"Stripe-Signature": f"t=1782000123,v1={v1('whsec_1')}"}


STRIPE_HEADERS = {
    "plain": "t=1782000123,v1={new}",
    "signature first": "v1={new},t=1782000123",
    "an older version beside it": "t=1782000123,v1={new},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39",
    "two secrets while rotating": "t=1782000123,v1={wrong},v1={new}",
    "two secrets, right one first": "t=1782000123,v1={new},v1={wrong}",
    "spaces after the commas": "t=1782000123, v1={new}, v0=00",
    "items of other kinds": "scheme,t=1782000123,v2=,=,,v1={new},T=1",
    "the same twice": "t=1782000123,v1={new},v1={new}",
    "as many as are taken": "t=1782000123,v1={wrong},v1={wrong},v1={wrong},v1={new}",
}


@pytest.mark.parametrize("header", STRIPE_HEADERS.values(), ids=list(STRIPE_HEADERS))
def test_stripe_style_is_verified(header: str) -> None:
    accepted = stripe(header.format(new=v1("new"), wrong=v1("another")), "old", "new")
    assert (accepted.secret_index, accepted.created) == (0, NOW)
    # However many signatures it carries, and whichever of them was right, it is one event.
    assert accepted.id == stripe(f"t=1782000123,v1={v1('old')}", "old", "new").id == hashlib.sha256(b"1782000123." + BODY).hexdigest()


STRIPE_REFUSED = {
    "no time": "v1={new}",
    "two times": "t=1782000123,t=1782000124,v1={new}",
    "the same time twice": "t=1782000123,t=1782000123,v1={new}",
    "a time with a space": "t= 1782000123,v1={new}",
    "a time in milliseconds": "t=1782000123000,v1={new}",
    "infinity": "t=Infinity,v1={new}",
    "a negative time": "t=-1782000123,v1={new}",
    "no signature": "t=1782000123",
    "an older version alone": "t=1782000123,v0={new}",
    "an empty signature": "t=1782000123,v1=",
    "a short signature": "t=1782000123,v1=ab",
    "upper case": "t=1782000123,v1={upper}",
    "a right one and a malformed one": "t=1782000123,v1={new},v1=zz",
    "five signatures": "t=1782000123,v1={wrong},v1={wrong},v1={wrong},v1={wrong},v1={new}",
    "another separator": "t=1782000123;v1={new}",
    "many items": "t=1782000123,v1={new}" + ",x=1" * 15,
    "a hundred thousand items": "t=1782000123,v1={new}" + "," * 100_000,
    "another secret": "t=1782000123,v1={wrong}",
    "another time": "t=1782000124,v1={new}",
    "empty": "",
}


@pytest.mark.parametrize("header", STRIPE_REFUSED.values(), ids=list(STRIPE_REFUSED))
def test_stripe_style_is_refused(header: str) -> None:
    text = header.format(new=v1("new"), wrong=v1("another"), upper=v1("new").upper())
    assert rejection(lambda: stripe(text, "old", "new")).code in ("malformed-header", "invalid-signature")


def test_stripe_style_stale_or_changed() -> None:
    header = f"t=1782000123,v1={v1('new')}"
    assert rejection(lambda: stripe(header, "new", now=NOW + 302)).code == "outside-window"
    assert rejection(lambda: stripe(header, "new", body=BODY + b" ")).code == "invalid-signature"
    # `1782000123` ‖ `.` ‖ body: the separator is in the base, and no time holds it.
    moved = f"t=1782000123,v1={v1('new', body=b'1.{}')}"
    assert rejection(lambda: stripe(moved, "new", body=b"{}")).code == "invalid-signature"


# --- Slack -------------------------------------------------------------------------------------------------------------------

SLACK = """
name = "slack-request"

[signature]
base = "v0:{created}:{body}"
algorithm = "hmac-sha256"
encoding = "hex"

[headers]
X-Slack-Request-Timestamp = "{created}"
X-Slack-Signature = "v0={signature}"

[created]
format = "unix"
tolerance = 300
"""


def test_slack_style() -> None:
    """The worked example of Slack's own documentation (docs.slack.dev, "Verifying requests from Slack")."""
    secret = "8f742231b10e8888abcd99yyyzzz85a5"
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121"
        b".803a0bc887a14d10d2c447fce8b6703c"
    )
    published = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert "v0=" + hmac.digest(secret.encode(), b"v0:1531420618:" + body, "sha256").hex() == published
    scheme, credential = payseal.Scheme.loads(SLACK), payseal.Credential(secret=secret)
    made = payseal.Signer(scheme, credential).sign(payseal.Request("POST", "/", body=body), created=1_531_420_618)
    assert made == {"X-Slack-Request-Timestamp": "1531420618", "X-Slack-Signature": published}
    verifier = payseal.Verifier(scheme, credential)
    assert verifier.verify(payseal.Request("POST", "/", made, body), now=1_531_420_620).created == 1_531_420_618
    for headers in (made | {"X-Slack-Request-Timestamp": "1531420619"}, made | {"X-Slack-Signature": published.replace("v0=", "v1=")}):
        refused = rejection(lambda: verifier.verify(payseal.Request("POST", "/", headers, body), now=1_531_420_620))  # noqa: B023
        assert refused.code in ("malformed-header", "invalid-signature")


# --- Standard Webhooks -------------------------------------------------------------------------------------------------------

STANDARD_WEBHOOKS = """
name = "standard-webhooks"

[signature]
base = "{nonce}.{created}.{body}"
algorithm = "hmac-sha256"
encoding = "base64"

[headers]
webhook-id = "{nonce}"
webhook-timestamp = "{created}"
webhook-signature = { template = "v1,{signature}", separator = " " }

[created]
format = "unix"
tolerance = 300

[nonce]
format = "hex"
pattern = "[A-Za-z0-9_]{1,64}"
"""


def test_standard_webhooks_style() -> None:
    """The secret's Base64 is decoded by whoever holds it: a credential takes bytes as they are."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    identifier, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
    mac = base64.b64encode(hmac.digest(secret, f"{identifier}.1614265330.".encode() + body, "sha256")).decode()
    assert mac == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="  # the specification's own example
    scheme, credential = payseal.Scheme.loads(STANDARD_WEBHOOKS), payseal.Credential(secret=secret)
    made = payseal.Signer(scheme, credential).sign(payseal.Request("POST", "/", body=body), created=1_614_265_330, nonce=identifier)
    assert made == {"webhook-id": identifier, "webhook-timestamp": "1614265330", "webhook-signature": f"v1,{mac}"}
    wrong = base64.b64encode(bytes(32)).decode()
    verifier = payseal.Verifier(scheme, payseal.Credential(secret=[b"the old one", secret]))
    for signatures in (f"v1,{mac}", f"v1,{wrong} v1,{mac}", f"v1a,abc v1,{mac} v1,{wrong}"):
        arrived = payseal.Request("POST", "/", made | {"webhook-signature": signatures}, body)
        assert verifier.verify(arrived, now=1_614_265_330).id == identifier
    for signatures in (f"v1,{wrong}", f"v2,{mac}", f"v1, {mac}", f"v1,{mac},", mac, "v1,", f"v1,{mac}\tv1,{mac}", f"v1,{mac} " * 5):
        arrived = payseal.Request("POST", "/", made | {"webhook-signature": signatures}, body)
        assert rejection(lambda: verifier.verify(arrived, now=1_614_265_330)).code in ("malformed-header", "invalid-signature")  # noqa: B023
