"""Of whatever is refused, nothing that can be shown or logged holds the secret, or a part of the MAC that would have been right."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Iterator

from hypothesis import given

import payseal
from tests.hypothesis_profiles import TIMEOUT, settings

from .strategies import Signed, hostile

pytestmark = TIMEOUT

_PART = 8


def shown(check: payseal.Verifier, request: payseal.Request, now: float) -> str:
    """Everything that a refusal says, its traceback with the values of all names included; nothing for a request that is accepted."""
    try:
        check.verify(request, now=now)
    except payseal.Rejected as rejected:
        told = traceback.TracebackException.from_exception(rejected, capture_locals=True, compact=False)
        said = [
            str(rejected),
            repr(rejected),
            repr(rejected.args),
            repr(vars(rejected)),
            repr(rejected.__cause__),
            repr(rejected.__context__),
        ]
        return "".join([*said, *told.format()])
    return ""


def parts(text: str) -> Iterator[str]:
    for start in range(len(text) - _PART + 1):
        yield text[start : start + _PART]


def right_macs(case: Signed, request: payseal.Request) -> Iterator[bytes]:
    """The MACs of what was signed, and of what arrives under the same id and time."""
    rule = case.scheme.signature
    signer = payseal.Signer(case.scheme, case.credential)
    for each in (case.request, request):
        try:
            base = signer.signature_base(each, created=case.created, nonce=case.nonce)
        except payseal.SigningError:
            continue
        for mac in case.credential.macs(rule.algorithm, rule.key):
            yield mac.digest([base])


@settings(50)
@given(hostile())
def test_a_refusal_shows_no_secret_and_no_mac(tried: tuple[Signed, payseal.Request, float]) -> None:
    case, request, now = tried
    said = shown(case.verifier(), request, now)
    if not said:
        return
    hidden = {
        form
        for secret in case.credential.reveal_secrets()
        for form in (repr(secret)[2:-1], secret.hex(), base64.b64encode(secret).decode())
    }
    hidden |= {secret.decode("utf-8", "replace") for secret in case.credential.reveal_secrets()}
    hidden.add(case.credential.reveal_token())
    assert not any(form in said for form in hidden if len(set(form)) >= _PART)  # a row of zeros stands in many places
    if case.scheme.keyed:
        for mac in right_macs(case, request):
            for form in (
                mac.hex(),
                mac.hex().upper(),
                base64.b64encode(mac).decode(),
                base64.urlsafe_b64encode(mac).decode(),
                repr(mac)[2:-1],
            ):
                assert not any(part in said for part in parts(form))
