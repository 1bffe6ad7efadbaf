"""The Postman collection and the .http file: their scripts sign as the schemes say, and the sandbox takes what they send."""

from __future__ import annotations

import base64
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import payseal
from payseal.cli.sandbox_collections import collections
from payseal.errors import PaysealError
from payseal.mac import ENCODINGS
from payseal.schemes import catalogue_names
from payseal.server.sandbox.collections import httpfile, postman
from payseal.server.sandbox.collections.calls import CALLS
from payseal.server.sandbox.collections.environment import KEY_VARIABLES
from payseal.server.snippets.javascript import Host, sign_function

from .conftest import Sandbox
from .programs import needs_node, node

ROOT = Path(__file__).parents[3]
HOSTS = {"postman": postman.HOST, "http": httpfile.HOST}
UNITS = {"s": "unix", "ms": "unix-ms"}
VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/schemes.json").read_text("utf-8"))
KEYS = {"keyid": "a-key", "secret": "Sk3-example+secret/with=chars", "token": "a-token"}
BODY = '{"name":"Zoë €","path":"a/b"}'
MOMENT = 1_729_620_420.123
NONCE = "0123456789abcdef0123456789abcdef"

#: A scheme with everything that the catalogue's schemes do not have.
OTHER = """
name = "acme"
title = "Acme"
[signature]
base = "{created}|{nonce}|%}}{body:sha384:base64url-unpadded}|{keyid}"
algorithm = "hmac-sha512"
encoding = "base64url"
[headers]
X-Auth = "t={created},id={nonce},v1={signature}"
X-Digest = "{body:sha384:base64url-unpadded}"
X-Key = "{keyid}"
X-Kind = "signed"
[created]
format = "%Y-%m-%dT%H:%M:%S"
timezone = "-03:30"
tolerance = 300
[nonce]
format = "hex"
pattern = "[a-f0-9]{32}"
"""

each_program = pytest.mark.parametrize("program", HOSTS)


def run(program: str, jobs: list[tuple[payseal.Scheme, list[dict[str, Any]]]]) -> Any:
    """What each scheme's function gives for its cases."""
    host = HOSTS[program]
    sources = [{"source": host.setup + sign_function(scheme, host), "cases": cases} for scheme, cases in jobs]
    return node("sign.cjs", {"program": program, "jobs": sources})


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(collections, arguments)


@needs_node
@each_program
def test_the_scripts_sign_every_vector(program: str) -> None:
    jobs = []
    for vector in VECTORS:
        unit = vector.get("timestamp_unit")
        case = {
            "credential": {part: vector.get(part) for part in KEYS},
            "body": base64.b64decode(vector["body_base64"]).decode("utf-8"),
            "moment": round(vector["created"] * 1000),
            "id": vector.get("nonce"),
        }
        jobs.append((payseal.scheme(vector["scheme"], **({"created": {"format": UNITS[unit]}} if unit else {})), [case]))
    for vector, made in zip(VECTORS, run(program, jobs), strict=True):
        (signed,) = made["signed"]
        where = f"{vector['scheme']}, {vector['case']}"
        assert signed["base"].encode() == base64.b64decode(vector["signature_base_base64"]), f"stage: signature base, {where}"
        spelled = vector["signature"]
        assert signed["mac"] == (spelled if len(spelled) == 64 else base64.b64decode(spelled).hex()), f"stage: MAC, {where}"
        assert signed["headers"] == vector["headers"], f"stage: headers, {where}"


def every_scheme() -> Iterator[payseal.Scheme]:
    """The catalogue's schemes and one more, each with every encoding."""
    for encoding in ENCODINGS:
        change = {"signature": {"encoding": encoding, "accept": [encoding]}}
        yield payseal.Scheme.loads(OTHER, **change)
        yield from (payseal.scheme(name, **change) for name in catalogue_names())


@needs_node
@each_program
def test_the_scripts_sign_as_the_signer_does(program: str) -> None:
    schemes, request = list(every_scheme()), payseal.Request("POST", "/", body=BODY.encode())
    case = {"credential": KEYS, "body": BODY, "moment": round(MOMENT * 1000), "id": NONCE}
    for scheme, made in zip(schemes, run(program, [(scheme, [case]) for scheme in schemes]), strict=True):
        signer, (signed,) = payseal.Signer(scheme, payseal.Credential(KEYS["keyid"], KEYS["secret"], KEYS["token"])), made["signed"]
        assert signed["base"].encode() == signer.signature_base(request, created=MOMENT, nonce=NONCE), scheme
        assert signed["headers"] == signer.sign(request, created=MOMENT, nonce=NONCE), scheme
        if scheme.nonce is not None:
            form = {"uuid4": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", "hex": r"[0-9a-f]{32}"}
            assert len(set(made["ids"])) == 3
            assert all(re.fullmatch(form[scheme.nonce.format], each) and each[-1] in "abcdef" for each in made["ids"])


@needs_node
def test_a_header_that_may_be_left_out_is_left_out_without_its_token() -> None:
    case = {"credential": {"secret": "s"}, "body": "", "moment": 0, "id": ""}
    (made,) = run("postman", [(payseal.scheme("startbutton-transfer"), [case])])
    assert set(made["signed"][0]["headers"]) == {"x-request-id"}


@each_program
@pytest.mark.parametrize("component", ["{target}", "{path}", "{query}", "{host}", "{method}", "{header:Date}"])
def test_what_a_script_cannot_know_is_named(program: str, component: str) -> None:
    scheme = payseal.Scheme.loads(OTHER, signature={"base": f"{{created}} {{nonce}} {component} {{body:sha256:hex}}"})
    with pytest.raises(PaysealError, match=f"^acme signs {re.escape(component.lower())}, which"):
        sign_function(scheme, HOSTS[program])


def test_no_text_of_a_scheme_ends_a_script_early() -> None:
    host = Host(lambda algorithm, text: "0", lambda algorithm, key, text: "0", "")
    assert "%}" not in sign_function(payseal.Scheme.loads(OTHER), host)


# --- sent to the sandbox -----------------------------------------------------------------------------------------------------


def sent(sandbox: Sandbox, tmp_path: Path, format_: str) -> list[dict[str, Any]]:
    """The answers to every request of what the command writes, with the keys that it writes."""
    requests, keys = tmp_path / "requests", tmp_path / "keys"
    made = invoke(
        "--format",
        format_,
        "--url",
        f"http://127.0.0.1:{sandbox.port}",
        "--output",
        str(requests),
        "--environment",
        str(keys),
        "--folder",
        str(sandbox.vault.folder),
    )
    assert made.exit_code == 0, made.output
    environment = json.loads(keys.read_text("utf-8"))
    if format_ == "http":
        given = {"text": requests.read_text("utf-8"), "environment": environment["sandbox"]}
        return list(node("http_client.cjs", given))
    values = {row["key"]: row["value"] for row in environment["values"]}
    return list(node("postman.cjs", {"collection": json.loads(requests.read_text("utf-8")), "environment": values}))


@needs_node
@each_program
def test_every_request_of_a_collection_is_taken(sandbox: Sandbox, tmp_path: Path, program: str) -> None:
    answers = sent(sandbox, tmp_path, program)
    assert len(answers) == len(CALLS)
    refused = [answer for answer in answers if answer["status"] not in (200, 201)]
    assert refused == []
    by_name = {answer["name"].rpartition(": ")[2]: json.loads(answer["body"]) for answer in answers}
    assert by_name["Sale"]["transactionStatus"] == "APPROVED"
    assert by_name["Inquiry"]["ipgTransactionId"] == by_name["Sale"]["ipgTransactionId"]
    assert by_name["Card capture"]["source"]["card"]["last4"] == "1111"
    assert by_name["Transfer"]["data"] == "processing"


# --- the files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("program", "name"), [("postman", "payseal.postman_collection.json"), ("http", "payseal.http")])
def test_the_copies_in_the_documentation_are_what_the_command_makes(program: str, name: str) -> None:
    made = invoke("--format", program)
    assert made.exit_code == 0
    remedy = f"payseal sandbox collections --format {program} > docs/collections/{name}"
    assert (ROOT / "docs/collections" / name).read_text("utf-8") == made.stdout, remedy


def test_the_collection_has_the_form_that_postman_reads() -> None:
    document = json.loads(invoke("--format", "postman", "--url", "http://127.0.0.1:9999/").stdout)
    assert document["info"]["schema"] == "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    assert [folder["name"] for folder in document["item"]] == ["Fiserv Payments API", "Commerce Hub", "Startbutton"]
    items = [item for folder in document["item"] for item in folder["item"]]
    assert [item["name"] for item in items] == [call.name for call in CALLS]
    for item in items:
        assert {event["listen"] for event in item["event"]} <= {"prerequest", "test"}
        assert item["request"]["url"]["raw"] == "{{baseUrl}}/" + "/".join(item["request"]["url"]["path"])
    variables = {row["key"]: row["value"] for row in document["variable"]}
    assert variables.pop("baseUrl") == "http://127.0.0.1:9999"
    assert set(KEY_VARIABLES) < set(variables)
    assert set(variables.values()) == {""}
    used = set(re.findall(r"\{\{(\w+)\}\}", json.dumps(document)))
    assert used <= {"baseUrl", *variables}


@each_program
def test_keys_are_written_to_a_file_of_their_own_that_only_its_owner_reads(sandbox: Sandbox, tmp_path: Path, program: str) -> None:
    path = tmp_path / "keys.json"
    made = invoke("--format", program, "--environment", str(path), "--folder", str(sandbox.vault.folder))
    assert made.exit_code == 0
    assert "secrets" in made.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    keys = re.findall(r'(?:secret|token|keyid) = "(.+)"', sandbox.vault.keys_file.read_text("utf-8"))
    written = path.read_text("utf-8")
    assert sum(key in written for key in keys) == len(KEY_VARIABLES) == 6
    assert not any(key in made.output for key in keys)
    if program == "postman":
        rows = json.loads(written)["values"]
        assert {row["key"] for row in rows if row["type"] == "secret"} == {name for name in KEY_VARIABLES if not name.endswith("_keyid")}


def test_nothing_is_written_over(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("kept")
    for option, other in (("--output", "--environment"), ("--environment", "--output")):
        done = invoke("--format", "http", option, str(path), other, str(tmp_path / "other"), "--folder", str(sandbox.vault.folder))
        assert str(done.exception).startswith(f"{option}: {path} is there already")
        assert not (tmp_path / "other").exists()
    assert path.read_text() == "kept"


@pytest.mark.parametrize("content", [None, "", "fiserv = 1", '[fiserv]\nkeyid = "a"', "[", "[fiserv]\nkeyid = 1\nsecret = 2"])
def test_a_keys_file_that_will_not_do_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "keys.toml").write_text(content)
    done = invoke("--format", "http", "--environment", str(tmp_path / "new"), "--folder", str(tmp_path))
    assert isinstance(done.exception, PaysealError)
    assert "keys.toml" in str(done.exception)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("url", ["127.0.0.1:8700", "http://127.0.0.1:8700/pay", "ftp://x", "http://a b"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    assert isinstance(invoke("--format", "http", "--url", url).exception, PaysealError)
