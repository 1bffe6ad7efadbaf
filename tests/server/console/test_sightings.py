"""Nothing secret is on any page about a request, wherever a client put it; and what is kept of requests is bounded."""

from __future__ import annotations

import html
import json
import logging
import re
import uuid
from dataclasses import dataclass

import pytest

from payseal import Credential, Request, Signer, explain, scheme
from payseal.middleware import Decision, Witnessed
from payseal.server.accounts.decided import Chosen, following, newest_id
from payseal.server.sightings import Sighting, Sightings, sighted
from tests.server.sandbox.calls import eventually, issue, token_credential
from tests.server.sandbox.samples import CARD, CODE, SALE, changed

from .conftest import Console, Visitor

PATH = "/gateway/v2/payments"
NOW = 1_790_000_000.0
SPELLED = [
    "5555 5555 5555 4444",
    "5555-5555-5555-4444",
    "5555  5555  5555  4444",
    "5555%205555%205555%204444",
    "5555+5555+5555+4444",
    "5555\u00a05555\u00a05555\u00a04444",
    "5555_5555_5555_4444",
    "x5555555555554444x",
    "99999" + CARD,
]


@pytest.fixture(scope="module")
def operator(console: Console) -> Visitor:
    return console.signed_in()


@dataclass(frozen=True)
class Sent:
    """A request that was sent, and its trace."""

    status: int
    trace: str
    answer: str


def send(console: Console, headers: dict[str, str], body: bytes = b"{}", path: str = PATH) -> Sent:
    before = newest_id(console.database)
    answer = console.send("POST", path, {"Content-Type": "application/json", **headers}, body)
    found = re.search(rb"/explanations/([0-9a-f-]{36})", answer.raw)
    return Sent(answer.status, found[1].decode() if found else traces_since(console, before, 1)[0], answer.raw.decode())


def traces_since(console: Console, id: int, count: int) -> list[str]:
    """The traces of the decisions after that one, as soon as there are so many."""
    eventually(lambda: len(following(console.database, Chosen(), after=id)) >= count, 5)
    return [row["trace"] for row in following(console.database, Chosen(), after=id)]


def pages(console: Console, operator: Visitor, sent: Sent) -> str:
    """All that is shown of a request, as it can be read."""
    texts = []
    for visitor, path in ((operator, "/console/requests/"), (console.visitor(), "/explanations/")):
        got = visitor.get(path + sent.trace)
        assert got.status == 200
        shown = re.sub(r'name="csrf" value="[^"]*"|X-CSRF-Token": "[^"]*"', "", got.text)
        texts += [html.unescape(re.sub(r"<[^>]*>", "", shown)), shown]
    return "\n".join(texts)


def signed(console: Console, body: bytes, key: Credential | None = None, **pinned: str) -> dict[str, str]:
    credential = key or console.vault.demo_keys().fiserv
    return Signer(scheme("fiserv-payments"), credential).sign(Request("POST", PATH, body=body), **pinned)  # type: ignore[arg-type]


def secrets_of(console: Console) -> list[str]:
    return re.findall(r'(?:secret|token) = "(.+)"', console.vault.keys_file.read_text())


def digits_left(text: str) -> bool:
    """Whether twelve digits of the card can still be read in a row, whatever stands between them."""
    digits, hexadecimal = re.sub(r"\D", "", text), re.sub(r"[^0-9a-f]", "", text)
    return any(each in digits or each.encode().hex() in hexadecimal for each in (CARD[:12], CARD[4:]))


def code_left(text: str) -> bool:
    return re.search(rf"(?<!\w){CODE}(?!\w)", text) is not None


@pytest.mark.parametrize("refused", [False, True], ids=["accepted", "refused"])
@pytest.mark.parametrize("number", [CARD, *SPELLED])
def test_no_card_number_or_code_is_shown(console: Console, operator: Visitor, number: str, refused: bool) -> None:
    document = changed(SALE, "paymentMethod.paymentCard.number", number)
    body = json.dumps(document, ensure_ascii=False).encode()
    sent = send(console, signed(console, b"another" if refused else body), body)
    assert (sent.status == 401) is refused
    text = pages(console, operator, sent)
    assert not digits_left(text)
    assert not code_left(text)
    assert "securityCode" in text  # the body is shown


def test_digits_in_the_wrong_place_are_not_shown(console: Console, operator: Visitor) -> None:
    body = json.dumps(SALE).encode()
    good = signed(console, body)
    wrong: list[dict[str, str]] = [
        {"Api-Key": CARD},
        {"Client-Request-Id": CARD},
        {"Timestamp": CARD},
        {"Timestamp": CARD[:13]},
        {"Timestamp": "4222222222222"},
        {"Message-Signature": CARD},
        {"X-Card": CARD},
        {"X-Card": "5555 5555 5555 4444"},
        {"X-Card-1": CARD[:8], "X-Card-2": CARD[8:]},
        {"Client-Request-Id": CARD[:8], "Timestamp": CARD[8:]},
        {"Client-Request-Id": "55555555-5555-4444-0000-000000000000"},
        {"User-Agent": f"card/{CARD}"},
    ]
    for headers in wrong:
        sent = send(console, {**good, **headers}, body)
        text = pages(console, operator, sent)
        assert not digits_left(text), headers
        assert "4222222222222" not in text
        assert CARD[:8] not in text or "X-Card-1" not in headers
    sent = send(console, good, body, f"{PATH}/{CARD}?card=5555-5555-5555-4444")
    assert not digits_left(pages(console, operator, sent))


def test_a_card_number_across_the_parts_of_a_base_is_not_shown(console: Console, operator: Visitor) -> None:
    body = (CARD[8:] + " is the rest").encode()
    headers = {**signed(console, b"x"), "Client-Request-Id": "order-" + CARD[:8], "Timestamp": CARD[:4]}
    text = pages(console, operator, send(console, headers, body))
    base = re.search(r'<pre class="base".*?</pre>', text, re.DOTALL)
    assert base is not None
    assert "is the rest" in base[0]
    assert not re.search(r"\d{5}", re.sub(r"<[^>]*>", "", base[0]))


@pytest.mark.parametrize(
    "text",
    [
        f'{{"securityCode": "{CODE}"}}',
        f'{{"securityCode":{CODE}}}',
        json.dumps(f'{{"securityCode": "{CODE}"}}'),
        json.dumps(json.dumps(f'{{"securityCode": "{CODE}"}}')),
        f"card.securityCode={CODE}&x=1",
        f"%7B%22securityCode%22%3A%20%22{CODE}%22%7D",
        f"{{'cvv': '{CODE}'}}",
        f'{{"CVC2" : {CODE}}}',
        f'{{"security_code":"{CODE}"}}',
        f'{{"csc":"{CODE}"}}',
    ],
)
def test_a_security_code_is_not_shown_however_it_is_written(console: Console, operator: Visitor, text: str) -> None:
    sent = send(console, signed(console, b"another"), text.encode())
    assert not code_left(pages(console, operator, sent))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_a_body_in_another_encoding_shows_no_digit(console: Console, operator: Visitor, encoding: str) -> None:
    sent = send(console, signed(console, b"another"), json.dumps(SALE).encode(encoding))
    text = re.sub(r"[␀\s]", "", pages(console, operator, sent))
    assert not digits_left(text)
    assert not code_left(text)


def test_no_secret_or_token_is_shown_wherever_it_stands(console: Console, operator: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps(SALE).encode()
    good = signed(console, body)
    bodies = ["{secret}", '{{"token": "{secret}"}}', "key={secret}&x=1", "[object {secret}]"]
    with caplog.at_level(logging.DEBUG):
        for secret in secrets_of(console)[:2]:  # of the key that is named, and of another
            wrong = [
                {**good, name: secret} for name in ("Api-Key", "Client-Request-Id", "Timestamp", "Message-Signature", "X-Other", "Cookie")
            ]
            wrong += [{**good, "Api-Key": "not-ours", name: secret} for name in ("Client-Request-Id", "Timestamp", "X-Other")]
            wrong += [{**good, "Authorization": f"{word}{secret}"} for word in ("", "Bearer ", "Basic ", f"{secret} ")]
            wrong += [{**good, secret: "a value"}, {**good, "X-Api-Key": f'"{secret}"', "User-Agent": f"me/{secret}"}]
            wrong += [{}, {"Api-Key": secret}, {"Client-Request-Id": secret}]
            sents = [send(console, headers, b"other") for headers in wrong]
            for text in bodies:
                named: tuple[dict[str, str], ...] = (good, {**good, "Api-Key": "not-ours"}, {})
                sents += [send(console, headers, text.format(secret=secret).encode()) for headers in named]
            for headers in (good, {**good, "Api-Key": "not-ours"}):
                sents.append(send(console, headers, body, f"{PATH}/{secret}?access_token={secret}&q={secret}"))
                sents.append(send(console, headers, body, f"{PATH}?password=correct-horse&x=1"))
            for sent in sents:
                text = pages(console, operator, sent)
                assert secret not in text
                assert secret not in json.dumps(json.loads(sent.answer).get("payseal"))
                assert "correct-horse" not in text
    for secret in secrets_of(console):
        assert secret not in caplog.text
        assert secret not in operator.get("/console/requests?size=1000").text


def test_an_accepted_request_shows_no_token(console: Console, operator: Visitor) -> None:
    before, keys = newest_id(console.database), console.vault.demo_keys()
    issued = issue(console)
    answers = [
        console.signed("startbutton-transfer", keys.startbutton, "POST", "/transaction/transfer", {"amount": 1}),
        console.signed("commercehub-digest", token_credential(console, issued), "POST", "/payments-vas/v1/card-capture", {}),
        console.send("GET", "/wallet", {"Authorization": f"Bearer {keys.startbutton.reveal_token()}"}),
        console.send(
            "POST", "/payments/v1/charges", {"Authorization": f"Bearer {issued['accessToken']}", "Api-Key": str(keys.commercehub.keyid)}
        ),
        console.send("POST", "/payments/v1/charges", {"Authorization": issued["accessToken"], "Api-Key": "not-ours"}),
    ]
    assert [answer.status for answer in answers] == [400, 400, 200, 401, 401]
    for trace in traces_since(console, before, 6):
        text = pages(console, operator, Sent(0, trace, ""))
        assert issued["accessToken"] not in text
        assert keys.startbutton.reveal_token() not in text


def test_what_was_sent_is_never_markup(console: Console, operator: Visitor) -> None:
    attack = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
    good = signed(console, b"x")
    wrong: list[tuple[dict[str, str], str, str]] = [
        ({**good, name: attack}, PATH, "body")
        for name in ("Api-Key", "Client-Request-Id", "Timestamp", "Message-Signature", "X-Other", "User-Agent")
    ]
    wrong += [(good, PATH, attack), (good, f"{PATH}/{attack.replace(' ', '')}?q={attack.replace(' ', '')}", "body")]
    wrong += [({**good, "Message-Signature": f"sha256={attack}"}, PATH, "body")]
    for headers, path, body in wrong:
        sent = send(console, headers, body.encode(), path)
        for got in (operator.get(f"/console/requests/{sent.trace}"), console.visitor().get(f"/explanations/{sent.trace}")):
            assert "<script>alert" not in got.text
            assert "<img src=x" not in got.text
            assert got.status == 200


def decision(code: str = "invalid-signature", account: str | None = None, trace: str = "") -> Decision:
    return Decision(code, 401, "fiserv-payments", account, None, None, "127.0.0.1", 0.001, trace or str(uuid.uuid4()))


def sighting(body: bytes = b"{}", trace: str = "", headers: dict[str, str] | None = None) -> Sighting:
    request = Request("POST", PATH, headers or {"Api-Key": "known", "Client-Request-Id": "order-1", "Timestamp": f"{NOW * 1000:.0f}"}, body)
    found = sighted(Witnessed(decision(trace=trace), request), scheme("fiserv-payments"), Credential("known", "s" * 20), NOW)
    assert found is not None
    return found


def test_the_last_ones_are_kept_by_number() -> None:
    kept = Sightings(kept=3)
    traces = [str(uuid.uuid4()) for _ in range(5)]
    for trace in traces:
        kept.add(sighting(trace=trace))
    assert [kept.find(trace) is not None for trace in traces] == [False, False, True, True, True]
    assert repr(kept) == "<Sightings 3 of 3>"


def test_the_last_ones_are_kept_by_size() -> None:
    kept = Sightings(room=100_000)
    traces = [str(uuid.uuid4()) for _ in range(50)]
    large = {f"X-{number}": "v" * 4000 for number in range(300)}
    for trace in traces:
        found = sighting(b"b" * 1_000_000, trace, large)
        assert found.size < 120_000
        kept.add(found if trace != traces[-1] else sighting(b"b" * 1_000_000, trace))
    assert [trace for trace in traces if kept.find(trace)] == traces[-1:]
    for number in range(2000):
        kept.add(sighting(b"b" * 1000, f"{number}"))
    left = [each for number in range(2000) if (each := kept.find(f"{number}")) is not None]
    assert 10 < len(left) < 100
    assert sum(each.size for each in left) <= 100_000


def test_an_explanation_keeps_no_body() -> None:
    trace, body = str(uuid.uuid4()), b'{"a": "' + b"x" * 500_000 + b'"}'
    credential = Credential("known", "s" * 20)
    headers = Signer(scheme("fiserv-payments"), credential).sign(Request("POST", PATH, body=body + b"\n"), created=NOW)
    request = Request("POST", PATH, headers, body)
    kept = Sightings()
    found = sighted(Witnessed(decision(trace=trace), request), scheme("fiserv-payments"), credential, NOW)
    assert found is not None
    kept.add(found)
    kept.explain(trace, explain(request, scheme("fiserv-payments"), credential, now=NOW, budget=5))
    told = kept.find(trace)
    assert told is not None
    assert told.explanation is not None
    assert [each.code for each in told.explanation.causes] == ["body-trailing-newline"]
    assert told.differences[0].startswith("The bases differ from byte")
    assert told.size < 20_000
    assert (told.explanation.signature_base, told.explanation.signed_base) == (b"", b"")
    kept.explain("of no request", told.explanation)


def test_a_request_that_was_not_read_is_not_kept() -> None:
    assert sighted(Witnessed(decision(), None), scheme("fiserv-payments"), None, NOW) is None


def test_a_card_number_at_the_end_of_what_is_kept_is_hidden() -> None:
    for before in range(8170, 8194):
        found = sighting(b"x" * before + b" " + CARD.encode() + b" " * 1000)
        assert not re.search(rb"\d", dict(found.base)["body"])
        assert found.missing == before + 17 + 1000 - 8192
