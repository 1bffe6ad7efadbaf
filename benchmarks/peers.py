"""The peers: libraries that sign and verify messages with a shared key, each doing its own job through its own public calls.

No two of them do the same. What each covers that payseal does not, and the other way round, stands beside it. None remembers the ids it
has seen, and payseal's rows do not either: that is the ledger, measured by itself.
"""

# They are installed for scripts/bench alone, so that nobody else has their types.
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from benchmarks.contestant import HOST, KEY, KEYID, METHOD, SECRET, URL, Contestant

CONTENT_TYPE = "application/json"


def stripe() -> Contestant:
    """Webhooks: ``Stripe-Signature`` over time and body.

    Covers no id and no key id. Works on text: a body of bytes is decoded, put into a string and encoded again. `construct_event` would
    parse the body as well; `verify_header` is the part that verifies."""
    from stripe import SignatureVerificationError, WebhookSignature

    return Contestant(
        "stripe",
        "webhooks: time and body",
        lambda body: WebhookSignature.generate_signature_header(body.decode(), SECRET),
        lambda received: WebhookSignature.verify_header(*received, SECRET, tolerance=300),
        (SignatureVerificationError,),
        package="stripe",
    )


def webhook_rows(name: str, does: str, webhook: Any, refusal: type[Exception], verify: Callable[..., Any]) -> Contestant:
    """The two libraries of Standard Webhooks: id, time and body. The id is the caller's to make; a key id is not sent."""

    def sign(body: bytes) -> dict[str, str]:
        now, message = datetime.now(UTC), f"msg_{uuid.uuid4()}"
        signature = webhook.sign(message, now, body.decode())
        return {"webhook-id": message, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}

    return Contestant(name, does, sign, lambda received: verify(*received), (refusal,), package=name)


def standardwebhooks() -> Contestant:
    """Parsing the body as JSON is turned off: it is not verifying."""
    from standardwebhooks import Webhook
    from standardwebhooks.webhooks import WebhookVerificationError

    webhook = Webhook(base64.b64encode(KEY).decode())
    return webhook_rows(
        "standardwebhooks",
        "webhooks: id, time and body",
        webhook,
        WebhookVerificationError,
        lambda body, headers: webhook.verify(body, headers, json_parse=False),
    )


def svix() -> Contestant:
    """The same rule under two names of each header."""
    from svix.webhooks import Webhook, WebhookVerificationError

    webhook = Webhook(base64.b64encode(KEY).decode())
    return webhook_rows("svix", "webhooks: id, time and body", webhook, WebhookVerificationError, webhook.verify)


def slack_sdk() -> Contestant:
    """Slack's requests: time and body. No id, no key id. Works on text, like stripe."""
    import time

    from slack_sdk.signature import SignatureVerifier

    verifier = SignatureVerifier(SECRET)

    def sign(body: bytes) -> dict[str, str | None]:
        created = str(int(time.time()))
        return {"X-Slack-Request-Timestamp": created, "X-Slack-Signature": verifier.generate_signature(timestamp=created, body=body)}

    return Contestant(
        "slack_sdk",
        "webhooks: time and body",
        sign,
        lambda received: verifier.is_valid_request(*received),
        package="slack_sdk",
    )


def itsdangerous() -> Contestant:
    """Signed values: time and body in one string, which is what is sent. No id, no key id; several secrets at once, like payseal.

    Its default hash is SHA-1; here it is SHA-256, like everybody else's."""
    import hashlib

    from itsdangerous import BadSignature, TimestampSigner

    signer = TimestampSigner(KEY, digest_method=hashlib.sha256)
    return Contestant(
        "itsdangerous",
        "signed values: time and body",
        signer.sign,
        lambda signed: signer.unsign(signed, max_age=300),
        (BadSignature,),
        incoming=lambda body, signed: body + signed[len(body) :],
        package="itsdangerous",
    )


def botocore() -> Contestant:
    """AWS Signature Version 4: method, URL, query, chosen headers and body, with a key derived for the day. It covers more of the request,
    and only signs: what verifies is at the other end, and not published. No id; making the request is part of the job."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    auth = SigV4Auth(Credentials(KEYID, SECRET), "execute-api", "eu-central-1")

    def sign(body: bytes) -> Any:
        request = AWSRequest(METHOD, URL, headers={"Content-Type": CONTENT_TYPE}, data=body)
        auth.add_auth(request)
        return request.headers

    return Contestant("botocore", "SigV4: method, URL, headers, time and body; signs only", sign, None, package="botocore")


def mohawk() -> Contestant:
    """Hawk: method, URL, time, nonce and a hash of the body. It covers method and URL as well; its receiver looks the credential up and
    asks whether the nonce was seen, which it was not. The body is given as a file, which both take: of bytes they make a pretty text for a
    line of the log that nobody sees, and 1 MiB then takes a quarter of a second."""
    from mohawk import Receiver, Sender
    from mohawk.exc import HawkFail

    credentials = {"id": KEYID, "key": SECRET, "algorithm": "sha256"}
    known = {KEYID: credentials}

    def sign(body: bytes) -> str:
        header: str = Sender(credentials, URL, METHOD, content=BytesIO(body), content_type=CONTENT_TYPE).request_header
        return header

    def verify(received: tuple[bytes, str]) -> None:
        body, header = received
        Receiver(known.__getitem__, header, URL, METHOD, content=BytesIO(body), content_type=CONTENT_TYPE, seen_nonce=lambda *seen: False)

    return Contestant("mohawk", "Hawk: method, URL, id, time and body", sign, verify, (HawkFail,), package="mohawk")


def http_message_signatures() -> Contestant:
    """RFC 9421: method, authority, path and a digest of the body, named in the signature with time, nonce and key id. It covers more, and
    the signature says what it covers; what it costs is mostly reading and writing structured fields (RFC 9651)."""
    from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, InvalidSignature, algorithms
    from http_message_signatures.resolvers import MappingKeyResolver

    keys = MappingKeyResolver(public_keys={KEYID: KEY}, private_keys={KEYID: KEY})
    signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=keys)
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=keys)
    covered = ("@method", "@authority", "@path")

    def message(headers: dict[str, str]) -> SimpleNamespace:
        return SimpleNamespace(method=METHOD, url=URL, headers=headers)

    def sign(body: bytes) -> dict[str, str]:
        headers = {"Host": HOST, "Content-Type": CONTENT_TYPE}
        signer.sign(message(headers), key_id=KEYID, nonce=str(uuid.uuid4()), covered_component_ids=covered, body=body)
        return headers

    def verify(received: tuple[bytes, dict[str, str]]) -> None:
        body, headers = received
        request = message(headers)
        verifier.verify_body(request, verifier.verify(request, require_components=covered), body)

    return Contestant(
        "http-message-signatures",
        "RFC 9421: method, authority, path, id, time and body",
        sign,
        verify,
        (InvalidSignature,),
        package="http-message-signatures",
    )


PEERS: dict[str, Callable[[], Contestant]] = {
    "stripe": stripe,
    "standardwebhooks": standardwebhooks,
    "svix": svix,
    "slack_sdk": slack_sdk,
    "itsdangerous": itsdangerous,
    "botocore": botocore,
    "mohawk": mohawk,
    "http-message-signatures": http_message_signatures,
}


def installed() -> tuple[list[Contestant], dict[str, str]]:
    """The peers that are there; and of those that are not, why."""
    found, missing = [], {}
    for name, make in PEERS.items():
        try:
            found.append(make())
        except Exception as error:  # noqa: BLE001 - it is not there, or of a version that is something else
            missing[name] = f"{type(error).__name__}: {error}"
    return found, missing
