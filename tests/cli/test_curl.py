"""``payseal sign --format curl``: the command is run, and what arrives is verified."""

from __future__ import annotations

import http.client
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest

import payseal

from .conftest import KEYID, SECRET, Recorder, Run, request_of

Execute: TypeAlias = Callable[[bytes, Path, bytes], None]


def _shell(command: bytes, folder: Path, stdin: bytes) -> None:
    """Exactly what a person does: the text, given to a shell."""
    done = subprocess.run(["sh", "-c", os.fsdecode(command)], cwd=folder, input=stdin, capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def _replay(command: bytes, folder: Path, stdin: bytes) -> None:
    """The same for a machine without curl: the words as a shell splits them, sent as curl's manual says."""
    program, *words = shlex.split(os.fsdecode(command))
    assert program == "curl"
    url = words.pop()
    method, headers, body = "GET", [], None
    rest = iter(words)
    for word in rest:
        if word == "--request":
            method = next(rest)
        elif word == "--head":
            method = "HEAD"
        elif word == "--header":
            headers.append(next(rest))
        elif word == "--data-raw":
            body = os.fsencode(next(rest))
        elif word == "--data-binary":
            name = next(rest)
            assert name.startswith("@")
            body = stdin if name == "@-" else (folder / name[1:]).read_bytes()
        else:
            assert word in ("--globoff", "--path-as-is")
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.putrequest(method, url[len(f"http://{parts.netloc}") :])
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            connection.putheader(name.removesuffix(";"), "")
        elif value:
            connection.putheader(name, value.strip())
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    connection.getresponse().read()
    connection.close()


WAYS: list[Any] = [pytest.param(_replay, id="replayed")]
if shutil.which("curl") and shutil.which("sh"):
    WAYS.append(pytest.param(_shell, id="curl"))
each_way = pytest.mark.parametrize("execute", WAYS)

BODIES = {
    "json": b'{"amount": "1.10", "name": "O\'Brien \\"x\\" $HOME `id` \\\\ !"}',
    "newline at the end": b'{"a": 1}\n',
    "at sign": b"@/etc/passwd",
    "empty": b"",
    "text": "Kwame Nkrúmah, ¢ 5\nsecond line".encode(),
    "binary": bytes(range(256)),
    "long": b'{"a": "' + b"x" * 20_000 + b'"}',
    "carriage return": b"a\r\nb\r\n",
}


def verified(recorder: Recorder) -> payseal.Request:
    """The one request that arrived, proven to be signed over the bytes that arrived."""
    (data,) = recorder.requests
    request = request_of(data)
    payseal.Verifier(payseal.scheme("fiserv-payments"), payseal.Credential(KEYID, SECRET)).verify(request)
    return request


@each_way
@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES)
def test_a_body_from_a_file_arrives_byte_for_byte(run: Run, recorder: Recorder, tmp_path: Path, execute: Execute, content: bytes) -> None:
    name = 'it\'s a $(body) "file";.json'
    (tmp_path / name).write_bytes(content)
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        result = run("sign", "--scheme", "fiserv-payments", "--body", name, "--format", "curl", recorder.url("/payments?a=1&b=2"))
    finally:
        os.chdir(here)
    assert (result.exit_code, result.stderr) == (0, "")
    execute(result.stdout_bytes, tmp_path, b"")
    request = verified(recorder)
    assert (request.method, request.target, request.body) == ("POST", "/payments?a=1&b=2", content)
    is_json = content.startswith(b"{")
    assert request.values("content-type") == (["application/json"] if is_json else [])


@each_way
@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES)
def test_a_body_from_standard_input_stands_in_the_command_or_is_asked_for_again(
    run: Run, recorder: Recorder, tmp_path: Path, execute: Execute, content: bytes
) -> None:
    result = run("sign", "--scheme", "fiserv-payments", "--body", "-", "--format", "curl", recorder.url("/payments"), stdin=content)
    assert result.exit_code == 0
    asked_for = b"--data-binary @-" in result.stdout_bytes
    assert (
        asked_for
        == ("standard input of curl" in result.stderr)
        == (content in [BODIES[each] for each in ("binary", "long", "carriage return")])
    )
    execute(result.stdout_bytes, tmp_path, content if asked_for else b"not this")
    assert verified(recorder).body == content


@each_way
@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PUT", "PATCH", "HEAD", "OPTIONS"])
def test_every_method_without_a_body(run: Run, recorder: Recorder, tmp_path: Path, execute: Execute, method: str) -> None:
    recorder.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    result = run("sign", "--scheme", "fiserv-payments", "-X", method, "--format", "curl", recorder.url("/x"))
    execute(result.stdout_bytes, tmp_path, b"")
    request = verified(recorder)
    assert (request.method, request.body, request.values("content-type")) == (method, b"", [])
    assert request.values("content-length") == (["0"] if method in ("POST", "PUT", "PATCH") else [])


@each_way
@pytest.mark.parametrize("target", ["/a/../b/./c", "/x?ids[]=1&ids[]={2,3}", "/[1-3]", "/?", "/a//b", "/x?q='%27\"$(id)&;|"])
def test_the_target_arrives_as_it_was_signed(run: Run, recorder: Recorder, tmp_path: Path, execute: Execute, target: str) -> None:
    result = run("sign", "--scheme", "fiserv-payments", "--format", "curl", recorder.url(target))
    execute(result.stdout_bytes, tmp_path, b"")
    assert verified(recorder).target == target


@each_way
def test_headers_of_the_request_arrive_too(run: Run, recorder: Recorder, tmp_path: Path, execute: Execute) -> None:
    headers = ["X-A: it's $HOME", "X-Empty:", "X-B: 1", "X-B: 2", "Content-Type: text/plain", "Host: other.example", "Content-Length: 2"]
    options = [word for header in headers for word in ("--header", header)]
    body = ("--body", "-")
    result = run("sign", "--scheme", "fiserv-payments", *options, *body, "--format", "curl", recorder.url("/x"), stdin=b"{}")
    # The replay adds a Host and a length of its own where curl would let these two replace them.
    if execute is _shell:
        execute(result.stdout_bytes, tmp_path, b"")
        request = verified(recorder)
        for name, values in {"x-a": ["it's $HOME"], "x-empty": [""], "x-b": ["1", "2"], "host": ["other.example"]}.items():
            assert request.values(name) == values
        assert request.values("content-length") == ["2"]
        assert request.values("content-type") == ["text/plain"]
    words = shlex.split(result.stdout)
    assert [word for word in words if word.startswith(("X-", "Host", "Content"))] == [
        "X-A: it's $HOME",
        "X-Empty;",
        *(each for each in headers[2:]),
    ]


def test_a_pipe_cannot_be_read_twice_so_that_its_body_stands_in_the_command(run: Run, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b'{"a": 1}')
    os.close(write)
    try:
        result = run("sign", "--scheme", "fiserv-payments", "--body", f"/dev/fd/{read}", "--format", "curl", "https://x.example/")
    finally:
        os.close(read)
    assert shlex.split(result.stdout)[-3:-1] == ["--data-raw", '{"a": 1}']


def test_head_with_a_body_is_refused(run: Run) -> None:
    result = run("sign", "--scheme", "fiserv-payments", "-X", "HEAD", "--body", "-", "--format", "curl", "https://x.example/", stdin=b"x")
    assert result.exit_code == 2
    assert "HEAD" in result.stderr
