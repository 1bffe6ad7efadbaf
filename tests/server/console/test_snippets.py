"""The code to take away, run for real: it is signed as the sandbox wants it, and sends exactly the bytes that were typed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from payseal import Credential, Request, Signer, Verifier, scheme
from payseal.errors import PaysealError
from payseal.schemes import Scheme
from payseal.server.sandbox.endpoints import endpoints
from payseal.server.snippets import Call, curl, node, php, python

from .conftest import Console

LANGUAGES = ("python", "node", "php", "curl")
#: One for each scheme that the console can try.
CALLS = {each.scheme: each for each in reversed(endpoints()) if each.method == "POST" and "{{" not in each.path + each.body}
PROVIDED = {"fiserv-payments": "fiserv", "startbutton-transfer": "startbutton", "commercehub-hmac": "commercehub"}
BODIES = {
    "json": '{"a": 1}',
    "quotes": """{"a": "it's \\"quoted\\" `so`"} ''' \"\"\" '; echo $(id) #""",
    "backslashes": "\\ \\\\ \\n \\' \\\\' \\$ \\u0041 \\",
    "lines": "a\nb\n\n\tc\n",
    "unicode": "ü € 日本 😀 \u2028 \u2029 \u00a0 \ufeff",
    "templates": "{{name}} {% if x %} %} {%d} ${HOME} $HOME `id` #{x} <?php ?> {0} %s %(a)s %%",
    "shell": "!! & | ; < > * ? [a-z] ~ # = \\ $(touch x) `touch x` ${x} %PATH% ^",
    "at": "@/etc/passwd",
    "markup": "</script><!-- ]]> &amp;",
    "dashes": "--data-raw -o x",
    "nothing": "",
}
PATHS = ["/plain", "/a'b(c)!d*e;f$g&h,i=j:k@l~m_n-o.p+q", "/x?a=1&b=$c;d=(e)!f*g&h=%20%2F%25", "/%7B%7Bname%7D%7D/%22%5C"]


@dataclass
class Received:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Capture:
    """A server that keeps what it is sent."""

    port: int
    received: list[Received] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def capture() -> Iterator[Capture]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            kept.received.append(Received(self.command, self.path, list(self.headers.items()), body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Capture(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


def program(language: str) -> str:
    if language == "python":
        return sys.executable
    found = shutil.which("bash" if language == "curl" else language)
    if found is None or shutil.which(language) is None:
        pytest.skip(f"{language} is not installed")
    return found


def written(language: str, call: Call, credential: Credential) -> str:
    if language == "curl":
        headers = Signer(call.scheme, credential).sign(Request(call.method, "/", body=call.body.encode()))
        return curl(call, headers)
    makers: Mapping[str, Callable[[Call], str]] = {"python": python, "node": node, "php": php}
    return makers[language](call)


def run(folder: Path, language: str, call: Call, credential: Credential) -> str:
    """What the snippet prints."""
    path = folder / {"python": "call.py", "node": "call.mjs", "php": "call.php", "curl": "call.sh"}[language]
    text = written(language, call, credential)
    for secret in (
        *(each.decode() for each in credential.reveal_secrets()),
        *([credential.reveal_token()] if credential.has_token else []),
    ):
        assert secret not in text
    path.write_text(text, encoding="utf-8", newline="")
    given = {
        "PAYSEAL_KEYID": credential.keyid or "",
        "PAYSEAL_SECRET": credential.reveal_secrets()[0].decode(),
        "PAYSEAL_TOKEN": credential.reveal_token() if credential.has_token else "",
        "PATH": os.environ["PATH"],
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
        "no_proxy": "*",
    }
    done = subprocess.run([program(language), str(path)], capture_output=True, cwd=folder, env=given, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert list(folder.iterdir()) == [path]
    return done.stdout.decode()


def keys_of(console: Console, name: str) -> Credential:
    found: Credential = getattr(console.vault.demo_keys(), PROVIDED[name])
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PROVIDED)
def test_a_snippet_is_accepted_by_the_sandbox(console: Console, tmp_path: Path, name: str, language: str) -> None:
    endpoint = CALLS[name]
    # Two equal transfers in a minute are one: each has a reference of its own.
    body = json.dumps({**json.loads(endpoint.body), **({"reference": f"snippetin{language}0000"} if "transfer" in name else {})})
    call = Call(scheme(name), endpoint.method, f"http://127.0.0.1:{console.port}{endpoint.path}", body)
    printed = run(tmp_path, language, call, keys_of(console, name))
    answer = json.loads(printed[printed.index("{") :])
    assert answer.get("success", True) is True, printed
    assert "error" not in answer, printed
    if language in ("python", "node"):
        assert printed.startswith("20")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_snippet_has_the_key_s_own_unit(console: Console, tmp_path: Path, capture: Capture, language: str) -> None:
    overrides = {"created": {"format": "unix"}}
    rules = scheme("fiserv-payments", **overrides)
    key = keys_of(console, "fiserv-payments")
    run(tmp_path, language, Call(rules, "POST", f"{capture.address}/x", "{}", overrides), key)
    received = capture.received[-1]
    request = Request(received.method, received.target, received.headers, received.body)
    assert Verifier(rules, {str(key.keyid): key}).verify(request).account == "demo"


def verified(rules: Scheme, key: Credential, received: Received) -> bool:
    request = Request(received.method, received.target, received.headers, received.body)
    return Verifier(rules, key, allow_unkeyed=True).verify(request) is not None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("body", BODIES)
def test_the_bytes_of_a_body_are_sent_as_they_were_typed(tmp_path: Path, capture: Capture, body: str, language: str) -> None:
    key = Credential("the-key", "a secret for the tests", "a-token-for-the-tests")
    call = Call(scheme("startbutton-transfer"), "POST", f"{capture.address}/x", BODIES[body])
    run(tmp_path, language, call, key)
    received = capture.received[-1]
    assert received.body == BODIES[body].encode()
    assert dict(received.headers)["Authorization"] == "Bearer a-token-for-the-tests"
    assert [value for name, value in received.headers if name.lower() == "content-type"] == ["application/json"]
    assert verified(call.scheme, key, received)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PATHS)
def test_the_path_is_sent_as_it_was_typed(tmp_path: Path, capture: Capture, path: str, language: str) -> None:
    key = Credential("the-key", "a secret for the tests")
    for method in ("POST", "GET"):
        body = "" if method == "GET" else "{}"
        run(tmp_path, language, Call(scheme("fiserv-payments"), method, f"{capture.address}{path}", body), key)
        received = capture.received[-1]
        assert (received.method, received.target, received.body) == (method, path, body.encode())
        assert verified(scheme("fiserv-payments"), key, received)


ANOTHER = """
name = "another"
title = "Another provider: it's \\"quoted\\" \\\\ $HOME `id` %} */ ?>"
[signature]
base = "v1:{keyid}.{created}.{nonce}\\n{body}'$x"
algorithm = "hmac-sha512"
encoding = "base64url-unpadded"
[headers]
X-Key = "{keyid}"
X-Token = "Token '$HOME' {token}"
X-When = "{created}"
X-Once = "{nonce}"
X-Signature = "t={signature}"
[created]
format = "%Y-%m-%dT%H:%M:%S"
timezone = "+05:30"
tolerance = 300
[nonce]
format = "hex"
pattern = "[0-9a-f]{32}"
"""


@pytest.mark.parametrize("language", ["node", "php", "curl"])  # Python's takes its scheme from the catalogue
def test_a_scheme_with_other_parts_is_written_too(tmp_path: Path, capture: Capture, language: str) -> None:
    key = Credential("the-key", "a secret for the tests", "a-token-for-the-tests")
    call = Call(Scheme.loads(ANOTHER), "POST", f"{capture.address}/x", '{"a": "ü"}')
    run(tmp_path, language, call, key)
    assert verified(call.scheme, key, capture.received[-1])


COVERS_TARGET = ANOTHER.replace("v1:{keyid}.", "{method}\\n{target}\\n")


def test_what_a_script_cannot_know_is_said() -> None:
    call = Call(Scheme.loads(COVERS_TARGET), "POST", "http://127.0.0.1/x", "{}")
    for maker in (node, php):
        with pytest.raises(PaysealError, match="another signs"):
            maker(call)
