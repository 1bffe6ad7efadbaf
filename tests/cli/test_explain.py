"""``payseal explain``: the same answer from every form of a request, proofs that can be seen, and nothing that must not be shown."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shlex
import time
from pathlib import Path
from typing import Any

import pytest

import payseal
from payseal.cli.captured import captured_request
from payseal.cli.shell_words import shell_words
from payseal.errors import PaysealError
from payseal.explain.compared import compared
from payseal.explain.masking import Masking
from tests.explain.corpus import load

from .conftest import KEYID, SECRET, Run, capture

SCHEME = ("--scheme", "fiserv-payments")
CREATED = 1729620420.123
CARD = "5424180279791732"
SENT = f'{{"name":"Zoë’s","slash":"a/b","card":"{CARD}"}}'.encode()
SIGNED = f'{{"name": "Zoë’s", "slash": "a/b", "card": "{CARD}"}}'.encode()
URL = "https://api.example/gateway/v2/payments"


def signed(body: bytes = SIGNED, *, secret: str = SECRET, scheme: str = "fiserv-payments", token: str | None = None) -> dict[str, str]:
    signer = payseal.Signer(payseal.scheme(scheme), payseal.Credential(KEYID, secret, token))
    return signer.sign(payseal.Request("POST", "/gateway/v2/payments", body=body), created=CREATED)


def as_raw(headers: dict[str, str], body: bytes) -> bytes:
    return capture("POST", "/gateway/v2/payments", {"Host": "api.example", **headers}, body)


def as_curl(headers: dict[str, str], body: bytes) -> bytes:
    words = ["curl", URL, *(word for name, value in headers.items() for word in ("-H", f"{name}: {value}")), "--data-raw", body.decode()]
    return (" \\\n  ".join(map(shlex.quote, words)) + " --compressed\n").encode()


def as_browser_curl(headers: dict[str, str], body: bytes) -> bytes:
    text = "".join(each if each.isascii() and each != "'" else f"\\u{ord(each):04x}" for each in body.decode())
    given = "".join(f" -H '{name}: {value}'" for name, value in headers.items())
    return f"curl '{URL}' -X 'POST'{given} -b 'a=b' --data-raw $'{text}' --insecure".encode()


def har_entry(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    pairs = [{"name": ":authority", "value": "api.example"}, *({"name": name, "value": value} for name, value in headers.items())]
    data = {"mimeType": "application/json", "text": body.decode()}
    return {"startedDateTime": "x", "request": {"method": "POST", "url": URL, "headers": pairs, "postData": data, "bodySize": len(body)}}


def as_har(headers: dict[str, str], body: bytes) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": [har_entry(headers, body)]}}).encode()


FORMS = {"raw": as_raw, "curl": as_curl, "browser": as_browser_curl, "har": as_har}


def explained(run: Run, data: bytes, *options: str, code: int = 1, env: dict[str, str] | None = None) -> dict[str, Any]:
    result = run("explain", *SCHEME, "--at-created", "--json", *options, stdin=data, env=env)
    assert result.exit_code == code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def codes(document: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(cause["code"], cause["proven"]) for cause in document["causes"]]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_causes(run: Run, form: str) -> None:
    document = explained(run, FORMS[form](signed(), SENT))
    assert codes(document) == [("body-respaced", True)]
    assert (document["verified"], document["examined"] > 0, document["elapsed_ms"] > 0) == (False, True, True)
    assert {check["name"] for check in document["checks"]} >= {"headers", "credential", "signature"}
    assert "signature_base" not in document
    right = explained(run, FORMS[form](signed(SENT), SENT), code=0)
    assert (right["verified"], right["causes"]) == (True, [])
    headers = signed()
    double = explained(run, FORMS[form]({**headers, "Message-Signature": f"HMAC {headers['Message-Signature']}"}, SENT))
    assert codes(double) == [("header-prefix", True), ("body-respaced", True)]


def test_one_entry_or_its_request_alone_will_do(run: Run) -> None:
    entry = har_entry(signed(), SENT)
    for document in (entry, entry["request"]):
        assert codes(explained(run, json.dumps(document).encode())) == [("body-respaced", True)]
    encoded = {**entry["request"], "postData": {"text": base64.b64encode(SENT).decode(), "encoding": "base64"}}
    assert codes(explained(run, json.dumps(encoded).encode())) == [("body-respaced", True)]


def test_an_entry_is_chosen_by_number(run: Run) -> None:
    other = {"request": {"method": "GET", "url": URL, "headers": []}}
    data = json.dumps({"log": {"entries": [other, har_entry(signed(), SENT)]}}).encode()
    assert codes(explained(run, data, "--entry", "2")) == [("body-respaced", True)]
    for options, said in (((), "choose with --entry, from 1 to 2"), (("--entry", "3"), "holds 2")):
        result = run("explain", *SCHEME, *options, stdin=data)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
    assert run("explain", *SCHEME, "--entry", "1", stdin=as_raw(signed(), SENT)).exit_code == 2


def test_a_body_that_is_not_what_the_har_file_says_is_told(run: Run) -> None:
    entry = har_entry(signed(), SENT)
    entry["request"]["bodySize"] = 7
    assert "may not be what was sent" in run("explain", *SCHEME, "--at-created", stdin=json.dumps(entry)).stderr


def test_the_text_has_the_causes_first_then_the_bases_then_the_checks(run: Run) -> None:
    result = run("explain", *SCHEME, "--at-created", stdin=as_raw(signed(), SENT))
    assert (result.exit_code, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "refused"
    assert lines[1] == " 1  body-respaced (proven)"
    assert any(line.startswith("    Fix: Serialise the body once") for line in lines)
    expected = next(line for line in lines if line.startswith("    expected  "))
    was_signed = next(line for line in lines if line.startswith("    signed    "))
    mark = lines[lines.index(was_signed) + 1].index("^")
    assert (expected[14:mark], expected[mark], was_signed[mark]) == (was_signed[14:mark], '"', " ")
    assert "1729620420123{" in expected
    assert lines[lines.index(was_signed) + 2].startswith("Checks: headers passed, credential passed, signature failed")


def test_verified_is_exit_code_0(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "captured"
    path.write_bytes(as_curl(signed(SENT), SENT))
    result = run("explain", *SCHEME, "--now", str(CREATED + 3), str(path))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "verified"
    old = run("explain", *SCHEME, str(path))
    assert old.exit_code == 1
    assert "created-outside-window (proven)" in old.stdout


def test_nothing_proven_shows_no_bases(run: Run) -> None:
    result = run("explain", *SCHEME, "--at-created", "--budget", "0.05", stdin=as_raw(signed(secret="quite-another-one"), SENT))
    assert result.exit_code == 1
    assert "unproven (seen)" in result.stdout
    assert "expected  " not in result.stdout


def test_the_base_that_is_shown_as_signed_is_the_one_that_was() -> None:
    shapes = ("body-", "created-", "nonce-", "keyid-", "order", "separator", "component-", "encoding-")
    cases = [case for case in load() if len(case.expected) == 1 and next(iter(case.expected)).startswith(shapes)][::4]
    bases = [
        (payseal.explain(case.request, case.scheme, case.credential, now=case.now, others=case.others).signed_base, case) for case in cases
    ]
    shown = [(base, case) for base, case in bases if base]
    assert len(shown) > 20
    for base, case in shown:
        assert base == case.signed.base or "body-charset" in case.expected, case.name


def test_another_credential_of_the_caller(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "others.toml"
    path.write_text(
        '[live]\nkeyid = "live-1"\nsecret = "live-secret-0123456789"\n[other]\nkeyid = "o"\nsecret = ["a", "b"]\ntoken = "t"\n', "utf-8"
    )
    data = as_raw(signed(SENT, secret="live-secret-0123456789"), SENT)
    document = explained(run, data, "--others", str(path))
    assert codes(document) == [("key-other-environment", True)]
    assert "live-1" in document["causes"][0]["summary"]
    for content, said in (
        ("[a]\nsecret = 1\n", "none is empty"),
        ('[a]\nsecret = ""\n', "none is empty"),
        ("[a]\npassword = 'x'\n", "one table"),
        ("secret = 'x'\n", "one table"),
        ("", "one table"),
        ("[a\n", "not TOML"),
    ):
        path.write_text(content, "utf-8")
        result = run("explain", *SCHEME, "--others", str(path), stdin=data)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert said in result.stderr
    for place in ("-", str(tmp_path / "none")):
        assert run("explain", *SCHEME, "--others", place, stdin=data).exit_code == 2


def test_the_time(run: Run) -> None:
    data = as_raw(signed(SENT), SENT)
    assert run("explain", *SCHEME, "--now", "1", "--at-created", stdin=data).exit_code == 2
    assert run("explain", "--scheme", "startbutton-transfer", "--at-created", stdin=data).exit_code == 2
    assert run("explain", *SCHEME, "--at-created", stdin=data.replace(b"1729620420123", b"noon")).exit_code == 2
    seconds = data.replace(b"Timestamp: 1729620420123", b"Timestamp: 1729620420")
    assert ("created-unit", True) in codes(explained(run, seconds))


# --- curl commands -----------------------------------------------------------------------------------------------------------


def request_of(command: str | bytes, *, allow_files: bool = False) -> payseal.Request:
    return captured_request(command if isinstance(command, bytes) else command.encode(), entry=None, allow_files=allow_files)


@pytest.mark.parametrize(
    ("command", "method", "target", "body"),
    [
        ("curl http://h/x", "GET", "/x", b""),
        ("curl h/x?a=1", "GET", "/x?a=1", b""),
        ("$ curl -sSXPUT http://h/x -d a=1 -d 'b=2'", "PUT", "/x", b"a=1&b=2"),
        ("curl --url http://h -dfoo", "POST", "/", b"foo"),
        ('curl "http://h/x" --json \'{"a":1}\' -u me:word', "POST", "/x", b'{"a":1}'),
        ("curl http://h/x --data-raw @notafile -o /dev/null", "POST", "/x", b"@notafile"),
        (
            "curl http://h/x --data-binary $'a\\'\\n\\x00\\xff\\u00e9\\ud83d\\ude00\\101'",
            "POST",
            "/x",
            b"a'\n\0\xff\xc3\xa9\xf0\x9f\x98\x80A",
        ),
        ('curl http://h/x -d "a\\"b\\\\c\\$d\\n"', "POST", "/x", b'a"b\\c$d\\n'),
        ("curl \\\n  http://h/x \\\r\n  -d a\\ b", "POST", "/x", b"a b"),
        ("curl http://\\\nh/x -d a\\\nb", "POST", "/x", b"ab"),
        ("curl -I -- http://h/x", "HEAD", "/x", b""),
        ("curl --path-as-is http://h/a/../b", "GET", "/a/../b", b""),
        (b"curl http://h/x --data-binary 'caf\xe9\xff'", "POST", "/x", b"caf\xe9\xff"),
    ],
)
def test_what_curl_would_send(command: str | bytes, method: str, target: str, body: bytes) -> None:
    request = request_of(command)
    assert (request.method, request.target, request.body) == (method, target, body)
    assert request.values("host") == ["h"]


def test_headers_of_a_command() -> None:
    request = request_of(
        "curl http://h:81/x -H 'A: 1' -H 'Empty;' -HHost:me -H 'Content-Type:' -A agent -b 'c=d' -b file -d x --compressed"
    )
    assert request.headers == (("User-Agent", "agent"), ("Cookie", "c=d"), ("A", "1"), ("Empty", ""), ("Host", "me"))
    assert request_of("curl http://h:81/x -d x").headers == (("Host", "h:81"), ("Content-Type", "application/x-www-form-urlencoded"))
    assert request_of("curl http://h/x --json x").values("content-type") == ["application/json"]
    assert request_of("curl http://h/x -A ' agent ' -e 'r;auto' -b a=1 -b 'c=2; d=3'").headers[1:] == (
        ("User-Agent", "agent"),
        ("Referer", "r"),
        ("Cookie", "a=1;c=2; d=3"),
    )
    assert request_of("curl http://h/x -A old -A '' -e ';auto'").headers == (("Host", "h"),)


@pytest.mark.parametrize(
    "command",
    [
        "curl ",
        "curl http://h http://i",
        "curl http://h/x -G -d a=1",
        "curl http://h/x --get",
        "curl http://h/x -F a=b",
        "curl http://h/x -T file",
        "curl -K file http://h/x",
        "curl http://h/x --data-urlencode a=b",
        "curl http://h/x --next http://i",
        "curl http://h/x -d",
        "curl http://h/x --no-such-option",
        "curl http://h/x -@",
        "curl http://h/x -H @file",
        "curl http://h/x -H nothing",
        "curl http://h/x -H $'A: b\\r\\nC: d'",
        "curl http://h/x -A $'b\\r\\nC: d'",
        "curl http://h/x -e $'\\x00'",
        "curl http://h/x -b $'a=b\\nC: d'",
        "curl http://h/x?a=1&b=2",
        "curl http://h/x | jq .",
        "curl http://h/x; rm -r x",
        "curl http://h/x > out",
        "curl http://h/x # -d x",
        "curl -d #x http://h/x",
        "curl -d ~ http://h/x",
        'curl -d {"a":1,"b":2} http://h/x',
        "curl -d {1..3} http://h/x",
        "curl -d $'\\cA' http://h/x",
        "curl -d $'\\x{41}' http://h/x",
        "curl 'http://h/{a,b}'",
        "curl 'http://h/x?a=[1]'",
        "curl http://h/x -d $BODY",
        'curl http://h/x -d "$(cat body)"',
        'curl http://h/x -d "`cat body`"',
        "curl http://h/x -d `cat body`",
        "curl http://h/x\ncurl http://h/y",
        "curl 'http://h/x",
        'curl "http://h/x',
        "curl $'http://h/x",
        "curl http://h/x \\",
        'curl ^"http://h/x^"',
        "curl ftp://h/x",
        "curl http://h/ä",
        "curl http://me:word@h/x",
        "curl http://h/a/../b",
        "curl -X 'A B' http://h/x",
        "curl http://h/x -d $'\\UFFFFFFFF'",
    ],
)
def test_a_command_that_cannot_be_taken_is_one_line(run: Run, command: str) -> None:
    result = run("explain", *SCHEME, stdin=command)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert re.fullmatch(r"payseal: .+\n", result.stderr)


def test_no_file_that_a_command_names_is_read_unless_it_is_allowed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "body.json"
    path.write_bytes(SENT + b"\n")
    opened: list[str] = []

    def read(path: str, what: str) -> bytes:
        opened.append(path)
        return b""

    given = "".join(f" -H '{name}: {value}'" for name, value in signed(SENT).items())
    commands = [f"curl {URL}{given} {option} @{path}" for option in ("-d", "--data", "--data-binary", "--data-ascii", "--json")]
    with monkeypatch.context() as patched:
        patched.setattr("payseal.cli.curl_reader.read_bytes", read)
        for command in [*commands, f"curl {URL} -d@{path}", f"curl {URL} -H @{path}", f"curl {URL} -b {path}", f"curl {URL} -K {path}"]:
            result = run("explain", *SCHEME, "--at-created", stdin=command)
            assert result.exit_code in (1, 2)
            assert str(path) not in result.output
        assert run("explain", *SCHEME, stdin=f"curl {URL} -d @{path}").exit_code == 2
    assert opened == []
    assert explained(run, commands[0].encode(), "--allow-files", code=0)["verified"]  # -d takes line ends out
    assert codes(explained(run, commands[2].encode(), "--allow-files")) == [("body-missing-newline", True)]
    for name in ("-", str(tmp_path / "none")):
        assert run("explain", *SCHEME, "--allow-files", stdin=f"curl {URL} -d @{name}").exit_code == 2


def test_a_long_command_is_read_quickly() -> None:
    started = time.perf_counter()
    body = b"a\\'b" * 200_000
    assert shell_words(b"curl $'" + body + b"'") == [b"curl", b"a'b" * 200_000]
    assert len(shell_words(b"a " * 100_000)) == 100_000
    assert shell_words(b"''a" * 50_000) == [b"a" * 50_000]
    assert time.perf_counter() - started < 5


# --- input that cannot be taken, and input that is large or binary -------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\xff\xfe\x00",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"log": {}}',
        b'{"log": {"entries": []}}',
        b'{"log": {"entries": [7]}}',
        b'{"request": 7}',
        b'{"method": 7}',
        b'{"method": "A B", "url": "http://h/"}',
        b'{"method": "GET"}',
        b'{"method": "GET", "url": "/x"}',
        b'{"method": "GET", "url": "http://h/x", "headers": 7}',
        b'{"method": "GET", "url": "http://h/x", "headers": [7]}',
        b'{"method": "GET", "url": "http://h/x", "headers": [{"name": "a", "value": 1}]}',
        b'{"method": "GET", "url": "http://h/x", "headers": [{"name": "a\\n", "value": "1"}]}',
        b'{"method": "GET", "url": "http://h/x", "headers": [{"name": "a", "value": "1\\r\\nb: 2"}]}',
        b'{"method": "GET", "url": "http://h/x", "postData": 7}',
        b'{"method": "GET", "url": "http://h/x", "postData": {"text": 7}}',
        b'{"method": "GET", "url": "http://h/x", "postData": {"params": [{"name": "a"}]}}',
        b'{"method": "GET", "url": "http://h/x", "postData": {"text": "*", "encoding": "base64"}}',
        b'{"method": "GET", "url": "http://h/x", "postData": {"text": "\\ud800"}}',
        b'{"method": "GET", "url": "http://h/x", "n": \xff}',
    ],
)
def test_broken_input_is_one_line_and_exit_code_2(run: Run, data: bytes) -> None:
    result = run("explain", *SCHEME, stdin=data)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert re.fullmatch(r"payseal: .+\n", result.stderr)


def test_every_beginning_of_every_form_is_taken_or_refused() -> None:
    for write in FORMS.values():
        data = write(signed(), SENT)
        for end in range(0, len(data), 7):
            with contextlib.suppress(PaysealError):
                request_of(data[:end])


def test_a_binary_body(run: Run) -> None:
    body = bytes(range(256))
    data = as_raw(signed(body + b"\n"), body)
    assert codes(explained(run, data)) == [("body-trailing-newline", True)]
    text = run("explain", *SCHEME, "--at-created", stdin=data).stdout
    assert "\\xfe\\xff␊" in text
    assert all(each.isprintable() or each == "\n" for each in text)


def test_a_huge_body_is_answered_and_says_what_was_left_out(run: Run) -> None:
    started = time.perf_counter()
    for size in (300_000, 5_000_000):
        document = explained(run, as_raw(signed(b""), b"x" * size))
        assert document["shortened"] or codes(document) == [("body-empty-signed", True)]
    assert "nothing was searched for" in document["shortened"]
    assert time.perf_counter() - started < 5


# --- what must not be shown ------------------------------------------------------------------------------------------------------

DISTINCT = "Dist1nctive-s3cret/+="
TOKEN = "Dist1nctive-t0ken-of-an-account"
OTHER = "An0ther-distinctive-secret"


def assert_hidden(output: str, *macs: str) -> None:
    for value in (DISTINCT, TOKEN, OTHER):
        raw = value.encode()
        for form in (value, raw.hex(), base64.b64encode(raw).decode().rstrip("="), json.dumps(value)[1:-1], value[:12]):
            assert form not in output
    for mac in macs:
        for form in (mac, mac[:12], mac[-12:]):
            assert form not in output
    for encoded in re.findall(r'_base": "([^"]*)"', output):
        plain = base64.b64decode(encoded)
        for value in (DISTINCT, TOKEN, OTHER):
            assert value.encode() not in plain


def test_no_secret_and_no_signature_is_shown_in_any_mode(run: Run, tmp_path: Path) -> None:
    others = tmp_path / "others.toml"
    others.write_text(f'[o]\nkeyid = "o"\nsecret = "{OTHER}"\ntoken = "{TOKEN}2"\n', "utf-8")
    env = {"PAYSEAL_KEYID": KEYID, "PAYSEAL_SECRET": DISTINCT, "PAYSEAL_TOKEN": TOKEN}
    for name in ("fiserv-payments", "commercehub-hmac", "commercehub-digest", "startbutton-transfer"):
        right = signed(SENT, secret=DISTINCT, scheme=name, token=TOKEN)
        wrong = signed(SIGNED, secret=DISTINCT, scheme=name, token=TOKEN)
        signature = payseal.scheme(name).headers[-1].name
        mistaken = [
            (right, SENT),
            (wrong, SENT),
            (signed(SENT, secret=OTHER, scheme=name, token=TOKEN), SENT),
            ({key: DISTINCT if value == KEYID else value for key, value in wrong.items()}, SENT),  # the secret in the key id's place
            ({**wrong, "Authorization": f"Bearer {TOKEN}"}, f'{{"token":"{TOKEN}","secret":"{DISTINCT}"}}'.encode()),
            ({**wrong, signature: f"HMAC-SHA256({DISTINCT})= {wrong[signature]}", DISTINCT[:11]: "1"}, SENT),
            ({**wrong, signature: DISTINCT}, SENT),
        ]
        for headers, body in mistaken:
            expected = {value for value in right.values() if len(value) > 40 and TOKEN not in value}
            for form in ("raw", "curl", "har"):
                for options in ((), ("--json",), ("--show-bases",), ("--json", "--show-bases")):
                    result = run(
                        "explain",
                        *("--scheme", name, "--now", str(CREATED), "--budget", "0.01", "--others", str(others), *options),
                        stdin=FORMS[form](headers, body),
                        env=env,
                    )
                    assert result.exit_code in (0, 1), result.output
                    assert_hidden(result.output, *expected)


@pytest.mark.parametrize("option", ["--entry", "--now", "--budget", "--others", "--set", "more"])
def test_a_secret_in_the_wrong_place_is_not_quoted(run: Run, option: str) -> None:
    result = run("explain", *SCHEME, "-", option, DISTINCT, stdin=as_raw(signed(), SENT))
    assert (result.exit_code, result.stdout) == (2, "")
    assert_hidden(result.output)


def test_card_numbers_are_masked_unless_they_are_asked_for(run: Run) -> None:
    sent = f'{{"card":"{CARD}"}}'.encode()
    data = as_raw(signed(f'{{"card": "{CARD}"}}'.encode()), sent)
    text = run("explain", *SCHEME, "--at-created", stdin=data).stdout
    assert '"card":"****************"' in text
    assert CARD not in text
    assert CARD in run("explain", *SCHEME, "--at-created", "--show-bases", stdin=data).stdout
    document = explained(run, data, "--show-bases")
    assert base64.b64decode(document["signature_base"]).endswith(sent)
    assert base64.b64decode(document["signed_base"]).endswith(b'"card": "' + CARD.encode() + b'"}')


@pytest.mark.parametrize("number", ["123456789012", "4111 1111 1111 1111", "4111-1111-1111-1111", CARD, "1" * 19, "1729620420123" + CARD])
def test_what_looks_like_a_card_number_is_masked(number: str) -> None:
    for one, two in ((f"a{number}", f"b{number}"), (f"{number}a", f"{number}b"), (number[:11], number), (number, number[:11])):
        text = "".join(compared(one.encode(), two.encode(), Masking()))
        assert not re.search(r"\d{12}", text.replace(" ", "").replace("-", ""))
        if len(two) > 11:
            assert number[:8] not in text.split("signed  ")[1]


def test_the_time_in_a_base_is_shown() -> None:
    masking = Masking(time="1729620420123")
    assert masking(b"9a661729620420123{") == b"9a661729620420123{"
    assert masking(b"9a661729620420121{") == b"9a661729620420121{"
    assert masking(b"9a661729620420{") == b"9a661729620420{"
    assert masking(b'9a661729620420123{"1729620420123"}') == b'9a661729620420123{"*************"}'


def test_a_large_base_is_cut_around_the_difference() -> None:
    one = b"a" * 1_000_000
    two = one[:500_000] + "ë".encode() + one[500_000:]
    lines = compared(one, two, Masking())
    assert "byte 500001 on: 1000000 bytes were expected, 1000002 were signed" in lines[0]
    assert all(len(line) < 110 for line in lines)
    assert lines[2][lines[3].index("^")] == "ë"
    assert compared(one, one, Masking()) == []


def test_the_mark_stands_below_a_character_and_control_characters_are_seen() -> None:
    lines = compared("日本\x1b[31mé".encode(), "日本\x1b[31mè".encode(), Masking())
    assert lines[1] == "expected  日本␛[31mé"
    assert lines[3].index("^") == len("expected  ") + 4 + 5
    assert compared(b"a", b"a\n\r\t\x7f\xff\xe2\x80\xae", Masking())[2] == "signed    a␊␍␉␡\\xff\\u202e"
