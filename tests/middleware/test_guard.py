"""The decisions that both interfaces share."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

import payseal
from payseal import Credential, LedgerError, Rejected, Verifier
from payseal.errors import REJECTIONS
from payseal.ledger import Answer, Claim, Ledger, MemoryLedger, Outcome
from payseal.middleware import Guard, Refused, problem, provider_refusal
from payseal.middleware.guard import Seen, content_length, succeeded
from payseal.middleware.paths import begins, prefixes_of
from tests.middleware.support import CREDENTIAL, SCHEME, VERIFIER


def guard(**options: Any) -> Guard:
    return Guard(VERIFIER, MemoryLedger(), **options)


# --- how long an id is remembered ------------------------------------------------------------------------------------------------


def test_an_id_is_remembered_for_as_long_as_the_window_can_accept_it() -> None:
    assert 600 < guard().ttls[False] <= 700
    long = Verifier(payseal.scheme("fiserv-payments", created={"tolerance": 3600, "future": 60}), CREDENTIAL)
    assert 3660 < Guard(long, MemoryLedger()).ttls[False] <= 3800


def test_the_ttl_covers_every_request_that_is_accepted() -> None:
    now = 1_790_000_000.0
    for name in ("fiserv-payments", "startbutton-transfer"):
        verifier = Verifier(payseal.scheme(name), CREDENTIAL)
        signer = payseal.Signer(verifier.scheme, CREDENTIAL)
        for created in (now - 299, now, now + 299):
            request = payseal.Request("POST", "/", body=b"x")
            signed = payseal.Request("POST", "/", signer.sign(request, created=created), b"x")
            authenticated = verifier.verify(signed, now=now)
            assert authenticated.expires is not None
            assert now + Guard(verifier, MemoryLedger()).ttls[False] > authenticated.expires


def test_a_scheme_without_a_time_is_remembered_as_long_as_it_is_told() -> None:
    webhook = Verifier(payseal.scheme("startbutton-webhook"), CREDENTIAL)
    assert Guard(webhook, MemoryLedger()).ttls[False] == 86_400
    assert Guard(webhook, MemoryLedger(), replay_ttl=60 * 60).ttls[False] == 3600


def test_a_kept_answer_and_a_long_lease_lengthen_it() -> None:
    assert guard().ttls[True] == 86_400
    assert guard(answer_ttl=10).ttls[True] > 600
    assert guard(lease=7200).ttls[False] == 7200


# --- what a claim means ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "code", "status"),
    [
        (Outcome.DONE, "replayed", 409),
        (Outcome.IN_FLIGHT, "in-flight", 409),
        (Outcome.UNKNOWN, "outcome-unknown", 409),
        (Outcome.MISMATCH, "id-reused", 422),
    ],
)
@pytest.mark.parametrize("keep", [False, True])
def test_every_outcome_but_fresh_is_refused(outcome: Outcome, code: str, status: int, keep: bool) -> None:
    with pytest.raises(Rejected) as refused:
        guard().answer_again(Claim(MemoryLedger(), "s", "id", outcome), keep=keep)
    assert (refused.value.code, refused.value.status) == (code, status)


def test_fresh_goes_on() -> None:
    assert guard().answer_again(Claim(MemoryLedger(), "s", "id", Outcome.FRESH), keep=True) is None


def test_a_kept_answer_is_given_again_only_where_the_route_is_idempotent() -> None:
    claim = Claim(MemoryLedger(), "s", "id", Outcome.DONE, Answer(201, ((b"a", b"b"),), b"body"))
    assert guard().answer_again(claim, keep=True) == Answer(201, ((b"a", b"b"), (b"idempotent-replayed", b"true")), b"body")
    with pytest.raises(Rejected, match="replayed"):
        guard().answer_again(claim, keep=False)


def test_what_counts_as_done() -> None:
    assert [status for status in (None, 200, 302, 404, 422, 499, 500, 503, 599) if succeeded(status)] == [200, 302, 404, 422, 499]


class Broken(MemoryLedger):
    def complete(self, claim: Claim, answer: Answer | None = None, *, ttl: float | None = None) -> bool:
        raise LedgerError("the disk is full")

    def release(self, claim: Claim) -> bool:
        raise ConnectionError("postgresql://user:hunter2@host")


def test_a_ledger_that_fails_after_the_work_is_an_error_in_the_log_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    ledger: Ledger = Broken()
    caplog.set_level(logging.INFO, "payseal")
    claim = ledger.claim("s", "id", b"f", 60)
    guard().settle(claim, 200, keep=False)
    guard().settle(claim, 500, keep=False)
    first, second = caplog.records
    assert (first.levelname, second.levelname) == ("ERROR", "ERROR")
    assert "the disk is full" in first.getMessage()
    assert "ConnectionError: at " in second.getMessage()
    assert "hunter2" not in caplog.text


def test_a_claim_that_was_lost_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    claim = MemoryLedger().claim("s", "id", b"f", 60)
    claim.release()
    guard().settle(claim, 200, keep=False)
    assert "make the lease longer" in caplog.text


# --- settings -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"max_body": -1},
        {"max_body": 1.5},
        {"max_answer": True},
        {"lease": 0},
        {"lease": float("nan")},
        {"answer_ttl": float("inf")},
        {"replay_ttl": -1},
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        guard(**options)


def test_whether_answers_are_kept_may_depend_on_the_request() -> None:
    post, get = payseal.Request("POST", "/"), payseal.Request("GET", "/")
    chosen = guard(idempotent=lambda request: request.method == "POST")
    assert [chosen.keeps(post), chosen.keeps(get)] == [True, False]
    assert [guard().keeps(post), guard(idempotent=True).keeps(get)] == [False, True]


# --- Content-Length -----------------------------------------------------------------------------------------------------------------


def test_a_declared_length_is_read_strictly() -> None:
    assert content_length([], 10) is None
    assert [content_length([text], 10) for text in ("0", "10", "0000000000000000000000000000010")] == [0, 10, 10]
    for text in ("11", "9" * 5000):
        with pytest.raises(Rejected) as refused:
            content_length([text], 10)
        assert (refused.value.code, refused.value.status) == ("body-too-large", 413)
    for values in (["-1"], ["+1"], ["1_0"], ["1.0"], ["0x1"], [" 1"], [""], ["1,1"], ["٣"], ["²"], ["1", "1"]):
        with pytest.raises(Rejected) as refused:
            content_length(values, 10)
        assert refused.value.code == "malformed-header"


# --- which paths are protected -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/pay", "/pay/", "/pay/1", "/payments", "//pay", "/./pay", "/x/../pay", "/x/..//pay/", "///pay"])
def test_a_prefix_protects_every_spelling_of_a_path(path: str) -> None:
    assert begins(path, "", ("/pay",))


def test_a_prefix_with_a_slash_protects_what_lies_below_and_the_path_itself() -> None:
    assert [begins(path, "", ("/pay/",)) for path in ("/pay", "/pay/", "/pay/1", "/payments", "/")] == [True, True, True, False, False]


def test_a_mount_point_does_not_hide_a_path() -> None:
    assert begins("/v1/pay", "/v1", ("/pay",))
    assert begins("/v1/pay", "/v1", ("/v1/pay",))
    assert begins("/pay", "/v1", ("/v1/pay",))
    assert not begins("/v1/free", "/v1", ("/pay",))


def test_protecting_nothing_is_a_mistake() -> None:
    for only in ((), [""], ["pay"], "", "pay"):
        with pytest.raises(ValueError, match="path prefixes"):
            prefixes_of(only)
    assert prefixes_of("/pay") == ("/pay",)
    assert prefixes_of(["/a", "/b"]) == ("/a", "/b")


# --- how a refusal is worded -----------------------------------------------------------------------------------------------------------


def refused(code: str, scheme: payseal.Scheme = SCHEME) -> Refused:
    return Refused(Rejected(code, "What was seen"), scheme, "0b0e…", "id-1")


@pytest.mark.parametrize("code", REJECTIONS)
def test_problem_details(code: str) -> None:
    answer = problem(refused(code))
    status, title = REJECTIONS[code]
    assert answer.status == status
    assert json.loads(answer.body) == {
        "type": f"urn:payseal:problem:{code}",
        "title": title,
        "status": status,
        "detail": "What was seen",
        "code": code,
        "instance": "urn:uuid:0b0e…",
    }
    headers = dict(answer.headers)
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"content-length"] == str(len(answer.body)).encode()
    assert headers[b"cache-control"] == b"no-store"
    assert headers.get(b"www-authenticate") == (b'HMAC realm="fiserv-payments"' if status == 401 else None)


@pytest.mark.parametrize("code", REJECTIONS)
def test_the_providers_own_words(code: str) -> None:
    answer = provider_refusal(refused(code))
    assert answer.status == REJECTIONS[code][0]
    assert dict(answer.headers)[b"content-type"] == b"application/json"
    said = json.loads(answer.body)
    assert (said["clientRequestId"], said["apiTraceId"], said["error"]["message"]) == ("id-1", "0b0e…", "What was seen")
    assert (b"www-authenticate" in dict(answer.headers)) == (answer.status == 401)


def test_a_scheme_without_words_of_its_own_uses_problem_details() -> None:
    scheme = payseal.scheme("fiserv-payments", refusal=False)
    assert provider_refusal(refused("replayed", scheme)) == problem(refused("replayed", scheme))


def test_neither_an_answer_nor_a_renderer_sees_the_diagnosis(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "payseal")
    seen: list[Refused] = []

    def render(shown: Refused) -> Answer:
        seen.append(shown)
        return problem(shown)

    answer = guard(render=render).refuse(Rejected("invalid-signature", diagnosis="credential-unknown"), Seen(None))
    assert b"credential-unknown" not in answer.body
    assert seen[0].rejected.diagnosis == ""
    assert caplog.messages == [
        f"refused code=invalid-signature status=401 scheme=fiserv-payments diagnosis=credential-unknown trace={seen[0].trace}"
    ]


def test_a_renderer_that_fails_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    def render(shown: Refused) -> Answer:
        raise KeyError(shown.request_id)

    assert json.loads(guard(render=render).refuse(Rejected("replayed"), Seen(None)).body)["code"] == "replayed"
    assert "wording a refusal failed" in caplog.text


def test_an_async_renderer_words_for_asgi_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def render(shown: Refused) -> Answer:
        if shown.rejected.code == "replayed":
            raise KeyError(shown.request_id)
        return Answer(shown.rejected.status, (), b"in its own time")

    rejected = Rejected("invalid-signature")
    assert asyncio.run(guard(render=render).refuse_async(rejected, Seen(None))).body == b"in its own time"
    failed = asyncio.run(guard(render=render).refuse_async(Rejected("replayed"), Seen(None)))
    assert json.loads(failed.body)["code"] == "replayed"
    assert json.loads(guard(render=render).refuse(rejected, Seen(None)).body)["code"] == "invalid-signature"
    assert caplog.text.count("wording a refusal failed") == 2


def test_an_unknown_key_and_a_wrong_signature_are_answered_alike() -> None:
    unknown, wrong = (
        Rejected("invalid-signature", diagnosis="credential-unknown"),
        Rejected("invalid-signature", diagnosis="signature-mismatch"),
    )
    answers = [guard().refuse(rejected, Seen(None)) for rejected in (unknown, wrong)]
    bodies = [{key: value for key, value in json.loads(answer.body).items() if key != "instance"} for answer in answers]
    assert bodies[0] == bodies[1]
    assert answers[0].headers == answers[1].headers


def test_the_tests_have_a_credential_of_another_name() -> None:
    assert isinstance(CREDENTIAL, Credential)
    assert CREDENTIAL.account != CREDENTIAL.keyid
