"""Webhooks: delivered in order, signed, again when they were not taken, and nowhere but where they may go."""

from __future__ import annotations

import contextlib
import http.client
import logging
import re
import socket
import ssl
import threading
import time
import wsgiref.simple_server
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select

from payseal import Credential, PaysealError, Request, Signer, Verifier, scheme
from payseal.server.accounts import CredentialStore, Database, Directory
from payseal.server.sandbox.provider import Backing, Settings
from payseal.server.sandbox.startbutton import running, transfers
from payseal.server.sandbox.startbutton.models import Transfer
from payseal.server.sandbox.startbutton.tables import outbox
from payseal.server.sandbox.startbutton.webhooks import outbox as letters
from payseal.server.sandbox.startbutton.webhooks.delivery import SCHEDULE, Schedule
from payseal.server.sandbox.startbutton.webhooks.targets import Forbidden, Rules, is_target, parsed
from payseal.server.sandbox.store import Store
from payseal.server.vault import DEMO_ACCOUNT, Vault
from payseal.verification import Authenticated

from .calls import eventually, receiving, transfer
from .conftest import Sandbox
from .samples import TRANSFER

DOCS = Path(__file__).parents[3] / "docs"
#: As the sandbox's own, in a hurry.
QUICK = Schedule(0.5, (0.05, 0.1, 0.2, 0.4))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "sandbox")


@pytest.fixture
def database(vault: Vault) -> Iterator[Database]:
    opened = Database.open(vault.accounts_url)
    yield opened
    opened.close()


@contextlib.contextmanager
def opened(vault: Vault, database: Database, hosts: tuple[str, ...] = ()) -> Iterator[Backing]:
    """What the provider stands on, without the server in front; transfers are settled at once."""
    store = Store.open(vault.database_file)
    try:
        with Directory(database, vault.ring) as directory:
            yield Backing(store, vault, directory, Settings(hosts, 0.0), time.time)
    finally:
        store.close()


@pytest.fixture
def backing(vault: Vault, database: Database) -> Iterator[Backing]:
    with opened(vault, database) as made:
        yield made


def send(backing: Backing, url: str, reference: str = "webhookreference1", amount: int = 100) -> None:
    """A transfer of the demo account, as a route makes it."""
    keyid = backing.vault.demo_keys().startbutton.keyid
    who = Authenticated("startbutton-transfer", keyid, DEMO_ACCOUNT, None, None, "id", None, 0)
    transfers.send(backing, who, Transfer.model_validate({**TRANSFER, "amount": amount, "reference": reference, "webhookUrl": url}))


def waiting(backing: Backing) -> int:
    with backing.store.read() as connection:
        return connection.execute(select(func.count()).select_from(outbox)).scalar_one()


def genuine(received: Any, key: str | None) -> bool:
    verifier = Verifier(scheme("startbutton-webhook"), Credential(secret=key))
    return verifier.verify(Request("POST", received.path, headers=received.headers, body=received.body)) is not None


def test_a_receiver_that_fails_twice_gets_it_three_times_and_waits_longer_each_time(sandbox: Sandbox) -> None:
    with receiving(500, 503) as receiver:
        answer = transfer(sandbox, {**TRANSFER, "reference": "hookreference0001", "webhookUrl": receiver.url})
        assert answer.status == 200
        eventually(lambda: receiver.events() == ["pending"] * 3 + ["successful"])
    first, second, third, _ = receiver.received
    assert first.body == second.body == third.body
    assert first.headers == second.headers == third.headers
    assert first.headers["Content-Type"] == "application/json"
    assert second.at - first.at >= 1.0
    assert third.at - second.at >= 2.0
    assert all(genuine(each, sandbox.vault.demo_keys().startbutton.reveal_token()) for each in receiver.received)


def test_those_of_one_transfer_come_in_order_and_others_do_not_wait_for_them(backing: Backing) -> None:
    with receiving(500, 500, 500) as slow, receiving() as other:
        send(backing, slow.url, "inorderreference1", 400012)
        send(backing, other.url, "inorderreference2")
        with running(backing, QUICK):
            eventually(lambda: waiting(backing) == 0)
    assert slow.events() == ["pending"] * 4 + ["successful", "reversed"]
    assert other.events() == ["pending", "successful"]
    assert other.received[-1].at < slow.received[3].at


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 500])
def test_what_is_never_taken_is_given_up_after_the_last_attempt(backing: Backing, caplog: pytest.LogCaptureFixture, status: int) -> None:
    with receiving() as elsewhere, receiving(*[status] * 5, location=elsewhere.url) as receiver:
        send(backing, f"{receiver.url}?token=hush")
        with running(backing, QUICK), caplog.at_level(logging.WARNING):
            eventually(lambda: waiting(backing) == 0)
    assert receiver.events() == ["pending"] * 5 + ["successful"]
    assert elsewhere.received == []  # a redirect is no way round the list of hosts
    (line,) = [record.getMessage() for record in caplog.records]
    assert f"answered {status}" in line
    assert "webhookreference1" in line
    assert "hush" not in line


def test_the_sandbox_tries_for_a_while() -> None:
    assert (SCHEDULE.timeout, SCHEDULE.delays) == (5.0, (1.0, 2.0, 4.0, 8.0))


@contextlib.contextmanager
def listening(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that does with a connection what it likes."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.recv(65_536)
                answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)


def drip(connection: socket.socket) -> None:
    """A byte now and then: no single wait is long."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
        connection.send(bytes([byte]))
        time.sleep(0.05)


def silence(connection: socket.socket) -> None:
    """Listens until the other side has had enough."""
    while connection.recv(65_536):
        pass


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (drip, "TimeoutError"),
        (silence, "TimeoutError"),
        (lambda connection: connection.sendall(b"SSH-2.0-nothing\r\n"), "BadStatusLine"),
        (lambda connection: None, "no answer"),
        (lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"), "HTTPException"),
        (lambda connection: connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "answered 101"),
    ],
    ids=["drip", "silence", "no-http", "closed", "many-headers", "101"],
)
def test_an_answer_that_is_none_is_over_in_time(
    backing: Backing, caplog: pytest.LogCaptureFixture, answer: Callable[[socket.socket], object], reason: str
) -> None:
    with listening(answer) as url, receiving() as other:
        send(backing, url, "nothingreference1", 400013)
        send(backing, other.url, "nothingreference2")
        began = time.monotonic()
        with running(backing, Schedule(0.3, (0.05,))), caplog.at_level(logging.WARNING):
            eventually(lambda: waiting(backing) == 0)
        assert time.monotonic() - began < 15
    assert reason in caplog.text
    assert other.events() == ["pending", "successful"]


def test_of_an_answer_without_end_a_little_is_read(backing: Backing, caplog: pytest.LogCaptureFixture) -> None:
    sent = 0

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            sent += connection.send(b"x" * 65_536)

    with listening(flood) as url:
        send(backing, url, amount=400013)
        with running(backing, Schedule(5.0, ())), caplog.at_level(logging.WARNING):
            eventually(lambda: waiting(backing) == 0)
    assert caplog.text == ""  # it was taken: the status says so
    assert sent < 2**25  # what lies in the buffers of both sides, and no more


def test_a_receiver_that_is_not_there_is_tried_again_until_it_is(backing: Backing) -> None:
    with receiving() as gone:
        url = gone.url
    send(backing, url, amount=400013)
    with running(backing, Schedule(0.5, (0.1,) * 200)):
        time.sleep(0.3)
        assert waiting(backing) == 1
        with receiving(port=parsed(url).port) as receiver:
            eventually(lambda: receiver.events() == ["pending"])


def test_a_revoked_key_is_followed_by_the_account_s_newest(backing: Backing, vault: Vault, database: Database) -> None:
    keys = CredentialStore(database, vault.ring)
    first = vault.demo_keys().startbutton
    older = keys.create(DEMO_ACCOUNT, "startbutton-transfer", actor="test:operator")
    keys.create(DEMO_ACCOUNT, "fiserv-payments", actor="test:operator")
    newest = keys.create(DEMO_ACCOUNT, "startbutton-transfer", actor="test:operator")
    with receiving() as receiver:
        send(backing, receiver.url, amount=400013)
        keys.revoke(first.keyid or "", actor="test:operator")
        backing.directory.refresh()
        with running(backing, QUICK):
            eventually(lambda: len(receiver.received) == 1)
            assert genuine(receiver.received[0], newest.token)
            keys.revoke(newest.keyid, actor="test:operator")
            backing.directory.refresh()
            send(backing, receiver.url, "secondreference01", 400013)
            eventually(lambda: len(receiver.received) == 2)
    assert genuine(receiver.received[1], older.token)


def test_without_any_valid_key_a_webhook_is_given_up_and_says_why(
    backing: Backing, vault: Vault, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving() as receiver:
        send(backing, receiver.url, amount=400013)
        CredentialStore(database, vault.ring).revoke(vault.demo_keys().startbutton.keyid or "", actor="test:operator")
        backing.directory.refresh()
        with running(backing, QUICK), caplog.at_level(logging.WARNING):
            eventually(lambda: waiting(backing) == 0)
    assert receiver.received == []
    assert "no valid credential" in caplog.text


def test_what_was_taken_up_and_not_finished_is_sent_after_a_restart(vault: Vault, database: Database) -> None:
    """As a process that was killed in the middle of an attempt leaves it."""
    with receiving() as receiver:
        with opened(vault, database) as backing:
            send(backing, receiver.url, amount=400013)
            until = time.monotonic() + 0.5
            now = transfers.now_of(backing)
            assert letters.take(backing.store, now, now + 500) is not None
            assert letters.take(backing.store, now, now + 500) is None
        with opened(vault, database) as backing, running(backing, QUICK):
            eventually(lambda: waiting(backing) == 0)
        assert receiver.events() == ["pending"]
        assert receiver.received[0].at > until - 0.01  # whoever had it might have been at it until then


def test_attempts_that_nobody_finished_are_counted_too(backing: Backing, caplog: pytest.LogCaptureFixture) -> None:
    with receiving() as receiver:
        send(backing, receiver.url, amount=400013)
        now = transfers.now_of(backing)
        for attempt in range(1, 6):
            letter = letters.take(backing.store, now, now)
            assert letter is not None
            assert letter.attempt == attempt
        with running(backing, QUICK), caplog.at_level(logging.WARNING):
            eventually(lambda: waiting(backing) == 0)
    assert receiver.received == []
    assert "used up" in caplog.text


# Where webhooks may go


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/hook",
        "localhost",
        "//localhost/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "gopher://localhost/",
        "javascript:alert(1)",
        "http:localhost",
        "http:///hook",
        "http://",
        "http://user@localhost/",
        "http://user:password@localhost/",
        "http://localhost@10.0.0.1/",
        "http://10.0.0.1\\@localhost/",
        "http://localhost\\.evil/",
        "http://localhost/#fragment",
        "http://localhost/a b",
        "http://localhost/\r\nX-Injected: 1",
        "http://localhost/\0",
        "\thttp://localhost/",
        "http://localhost/\n",
        "http://local\thost/",
        "http://localhost/ü",
        "http://ｌocalhost/",
        "http://localhost:0/",
        "http://localhost:65536/",
        "http://localhost:/",
        "http://localhost:8 0/",
        "http://localhost:+80/",
        "http://localhost:８０/",
        "http://[::1/",
        "http://::1/",
        "http://[fe80::1%25lo]/",
        "http://[v1.a]/",
        "http://local%68ost/",
        "http://./",
        "http://localhost/" + "a" * 2048,
    ],
)
def test_what_is_no_url_for_a_webhook_is_refused_at_the_door(sandbox: Sandbox, url: str) -> None:
    assert not is_target(url)
    answer = transfer(sandbox, {**TRANSFER, "webhookUrl": url or " "})
    assert (answer.status, answer.json["message"][:12]) == (400, "webhookUrl: ")
    assert len(answer.raw) < 300


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "0",
        "255.255.255.255",
        "224.0.0.1",
        "167772161",  # 10.0.0.1
        "0xa.1",
        "012.0.0.1",
        "10.1",
        "[::]",
        "[::ffff:10.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[fd00::1]",
        "[2001:db8::1]",
        "localhost.invalid",
        "127.0.0.1.invalid",
        "a..b",
        "a" * 64 + ".invalid",
    ],
)
def test_a_host_that_is_not_this_machine_is_refused_at_the_door(sandbox: Sandbox, host: str) -> None:
    assert is_target(f"http://{host}/")
    answer = transfer(sandbox, {**TRANSFER, "webhookUrl": f"http://{host}:8080/"})
    assert (answer.status, answer.json["message"][:12]) == (400, "webhookUrl: ")
    assert "the operator lists" in answer.json["message"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.9.8.7", "LocalHost", "localhost."])
def test_this_machine_is_this_machine_however_it_is_written(host: str) -> None:
    addresses = Rules.of(()).addresses(parsed(f"http://{host}:8080/hook"))
    assert addresses
    assert all(ip_address(address[0]).is_loopback and address[1] == 8080 for _, address in addresses)


@pytest.mark.parametrize("host", ["[::1]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]"])
def test_this_machine_has_addresses_of_both_kinds(host: str) -> None:
    assert Rules.of(()).addresses(parsed(f"https://{host}/"))


def test_a_url_in_its_parts() -> None:
    plain, secure, address = parsed("HTTP://Example.COM./a?b=c"), parsed("https://example.com:8443?x"), parsed("http://[2001:DB8::1]:81/")
    assert (plain.secure, plain.host, plain.port, plain.path, plain.authority) == (False, "example.com", 80, "/a?b=c", "example.com")
    assert (secure.secure, secure.port, secure.path, secure.authority) == (True, 8443, "/?x", "example.com:8443")
    assert (address.host, address.port, address.authority) == ("2001:db8::1", 81, "[2001:db8::1]:81")
    assert parsed("https://example.com/").authority == "example.com"


def test_the_operator_lists_hosts_with_a_port_or_with_any() -> None:
    rules = Rules.of(["192.0.2.1", "192.0.2.2:8443", "[2001:db8::1]:80", "Hooks.Example."])
    for url in ("http://192.0.2.1/", "https://192.0.2.1:9/", "https://192.0.2.2:8443/", "http://[2001:DB8::1]/"):
        assert rules.may_allow(parsed(url)), url
        assert rules.addresses(parsed(url)), url
    assert rules.may_allow(parsed("https://hooks.example:444/x"))
    for url in (
        "http://192.0.2.2/",
        "http://192.0.2.2:84/",
        "http://[2001:db8::1]:81/",
        "http://3221225985/",  # 192.0.2.1, and yet not what the operator wrote
        "http://192.0.2.3/",
    ):
        assert not rules.may_allow(parsed(url)), url
        with pytest.raises(Forbidden):
            rules.addresses(parsed(url))
    assert not rules.may_allow(parsed("http://x.hooks.example.invalid/"))


@pytest.mark.parametrize(
    "entry", ["", "http://example", "example:0", "example:x", "user@example", "example/", "*", "exa mple", "::1", "[::1"]
)
def test_what_is_no_host_cannot_be_listed(entry: str) -> None:
    with pytest.raises(PaysealError, match="no host for webhooks"):
        Rules.of([entry])


def resolver(monkeypatch: pytest.MonkeyPatch, answers: list[list[str]]) -> list[str]:
    """A name server for ``rebinding.example``, which answers otherwise each time it is asked; returns what was asked."""
    real, asked = socket.getaddrinfo, []

    def lookup(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        if host != "rebinding.example":
            return real(host, port, *rest, **options)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


def test_a_name_that_stands_for_another_address_at_delivery_is_not_followed(
    backing: Backing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    resolver(monkeypatch, [["127.0.0.1"], ["10.0.0.1"]])
    with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "rebinding.example")
        assert Rules.of(()).may_allow(parsed(url))
        send(backing, url, amount=400013)
        with running(backing, QUICK), caplog.at_level(logging.WARNING):
            eventually(lambda: waiting(backing) == 0)
    assert "webhooks do not go to" in caplog.text
    assert receiver.received == []


def test_one_address_that_is_not_allowed_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch, [["127.0.0.1", "10.0.0.1"]])
    with pytest.raises(Forbidden):
        Rules.of(()).addresses(parsed("http://rebinding.example/"))


def test_the_connection_goes_to_the_address_that_was_judged_and_keeps_the_name(backing: Backing, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolver(monkeypatch, [["127.0.0.1"], ["10.0.0.1"]])  # a second question would be answered otherwise
    with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "rebinding.example")
        send(backing, url, amount=400013)
        with running(backing, QUICK):
            eventually(lambda: receiver.events() == ["pending"])
    assert asked == ["rebinding.example"]
    assert receiver.received[0].headers["Host"] == parsed(url).authority


def test_the_next_address_is_tried_when_the_first_does_not_answer(backing: Backing, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch, [["127.0.0.2", "127.0.0.1"]])  # the receiver listens on the second alone
    with receiving() as receiver:
        send(backing, receiver.url.replace("127.0.0.1", "rebinding.example"), amount=400013)
        with running(backing, QUICK):
            eventually(lambda: receiver.events() == ["pending"])


# TLS


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of its own for localhost, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    path = tmp_path / "certificate.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.mark.parametrize(("trusted", "host"), [(True, "localhost"), (True, "127.0.0.1"), (False, "localhost")])
def test_over_tls_the_certificate_must_be_the_host_s(
    backing: Backing, certificate: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, trusted: bool, host: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    names: list[str | None] = []
    context.sni_callback = lambda connection, name, _: names.append(name)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with receiving(tls=context) as receiver:
        send(backing, receiver.url.replace("http://127.0.0.1", f"https://{host}"), amount=400013)
        with running(backing, Schedule(2.0, (0.05,))), caplog.at_level(logging.WARNING):
            eventually(lambda: waiting(backing) == 0)
    if trusted and host == "localhost":
        assert receiver.events() == ["pending"]
        assert names == ["localhost"]
    else:
        assert receiver.received == []
        assert "SSLCertVerificationError" in caplog.text


# The page for those who receive them


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """What each example of the page defines: the ASGI one, the WSGI one, and the one without a middleware."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STARTBUTTON_SECRET_KEY", "the-secret-key")
    found = []
    for block in re.findall(r"^```python\n(.*?)^```", (DOCS / "webhooks.md").read_text("utf-8"), re.DOTALL | re.MULTILINE):
        names: dict[str, Any] = {}
        exec(block, names)
        found.append(names)
    assert len(found) == 3
    return found


EVENT = b'{"event":"transfer.successful","data":{"transaction":{"transactionReference":"order0000000000001"}}}'


def signed(key: str = "the-secret-key") -> dict[str, str]:
    return Signer(scheme("startbutton-webhook"), Credential(secret=key)).sign(Request("POST", "/hook", body=EVENT))


def post(port: int, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/hook", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@contextlib.contextmanager
def asgi_server(app: Any) -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


class _Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def wsgi_server(app: Any) -> Iterator[int]:
    with wsgiref.simple_server.make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(timeout=10)


@pytest.mark.parametrize(("number", "serve"), [(0, asgi_server), (1, wsgi_server)], ids=["asgi", "wsgi"])
def test_the_page_s_receivers_take_the_genuine_once_and_nothing_else(
    examples: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], number: int, serve: Any
) -> None:
    with serve(examples[number]["app"]) as port:
        assert post(port, EVENT, signed("another-key")) == 401
        assert post(port, EVENT + b" ", signed()) == 401
        assert post(port, EVENT, {}) == 401
        assert capsys.readouterr().out == ""
        assert post(port, EVENT, signed()) == 200
        assert post(port, EVENT, signed()) == 200  # sent again, and not done again
    assert capsys.readouterr().out == "transfer.successful order0000000000001\n"


def test_the_page_s_function_says_what_to_answer(examples: list[dict[str, Any]]) -> None:
    status_for = examples[2]["status_for"]
    assert status_for("/hook", signed(), EVENT) == 200
    assert status_for("/hook", signed("another-key"), EVENT) == 401
    assert status_for("/hook", signed(), EVENT + b"\n") == 401
    assert status_for("/hook", {}, EVENT) == 401


def test_the_sandbox_and_the_page_s_receiver_understand_each_other(
    backing: Backing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STARTBUTTON_SECRET_KEY", backing.vault.demo_keys().startbutton.reveal_token() or "")
    names: dict[str, Any] = {}
    block = re.search(r"^```python\n(.*?)^```", (DOCS / "webhooks.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert block is not None
    exec(block[1], names)
    with asgi_server(names["app"]) as port:
        send(backing, f"http://127.0.0.1:{port}/hook", "understood0000001", 400012)
        with running(backing, QUICK):
            eventually(lambda: waiting(backing) == 0)
    said = capsys.readouterr().out.split("\n")
    assert said == [f"transfer.{each} understood0000001" for each in ("pending", "successful", "reversed")] + [""]
