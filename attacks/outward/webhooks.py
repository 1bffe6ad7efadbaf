"""Where can a webhook be made to go, and what can its receiver do to whoever sends it?"""

from __future__ import annotations

import contextlib
import gzip
import ipaddress
import itertools
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from unittest import mock

from attacks.outward.site import delivering
from attacks.rows import Tally
from attacks.words import words
from sqlalchemy import func, select
from tests.server.console.conftest import Console
from tests.server.sandbox.calls import receiving, transfer
from tests.server.sandbox.samples import TRANSFER

from payseal.server.sandbox.provider import Backing
from payseal.server.sandbox.startbutton import running, transfers
from payseal.server.sandbox.startbutton.models import Transfer
from payseal.server.sandbox.startbutton.tables import outbox
from payseal.server.sandbox.startbutton.webhooks.delivery import Schedule
from payseal.server.vault import DEMO_ACCOUNT
from payseal.verification import Authenticated

__all__ = ["ENDLESS", "REBOUND", "REDIRECTS", "URLS", "answered_by", "at_the_door", "rebound", "redirected"]

_HOSTS: Final = words("""
    10.0.0.1 192.168.1.1 172.16.0.1 169.254.169.254 100.64.0.1 0.0.0.0 0 0x0 255.255.255.255 224.0.0.1 2852039166 0xa9fea9fe
    0251.0376.0251.0376 169.254.43518 0xa9.0xfe.0xa9.0xfe 10.1 128.0.0.1 126.255.255.255 4294967295 127.0.0.1.invalid localhost.invalid
    [::] [::2] [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::169.254.169.254] [64:ff9b::a9fe:a9fe] [fe80::1] [fd00:ec2::254] [ff02::1]
    [2002:a9fe:a9fe::1] [::ffff:0.0.0.0] [::ffff:128.0.0.1] [::127.0.0.1] [0:0:0:0:0:ffff:a9fe:a9fe]
""")
_FORMS: Final = words("http://{}/ https://{}/ HTTP://{}/ http://{}:8080/hook http://{}:22/ http://{}./ http://{}?http://localhost/")
_ODD: Final = words(r"""
    file:///etc/passwd gopher://localhost:6379/_INFO ftp://localhost/ dict://localhost:11211/stat ldap://localhost/ unix:///tmp/s
    jar:http://localhost!/ javascript:alert(1) data:text/html,x //localhost/ http:localhost http:/localhost http:///hook localhost:80
    http:\\localhost http://localhost@10.0.0.1/ http://10.0.0.1@localhost/ http://localhost:80@10.0.0.1/ http://localhost%40@10.0.0.1/
    http://10.0.0.1\@localhost/ http://localhost\@10.0.0.1/ http://localhost#@10.0.0.1/ http://localhost/#x http://localhost%2f@10.0.0.1/
    http://localhost%00.10.0.0.1/ http://[::1]@10.0.0.1/ http://[::1%25eth0]/ http://[fe80::1%25lo]/ http://1270.0.1/ http://./ http://../
    http://localhost:99999/ http://localhost:0/ http://loc%61lhost/ http://①②⑦.⓪.⓪.①/ http://ⓛocalhost/
    http://127。0。0。1/ http://*/     http://localhost,10.0.0.1/ http://localhost;10.0.0.1/
""")
#: None of them leads to this machine alone.
URLS: Final = (
    *(form.format(host) for form, host in itertools.product(_FORMS, _HOSTS)),
    *(*_ODD, "http://localhost /", "http://localhost\n.invalid/", " http://localhost/", "http://localhost/\0"),
    "http://localhost/ HTTP/1.1\r\nX-Injected: 1",
)

#: What a name stands for when the webhook is sent, after it stood for this machine when the transfer was made.
REBOUND: Final[tuple[list[str], ...]] = (
    *(["10.0.0.1"], ["169.254.169.254"], ["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["0.0.0.0"], ["::ffff:10.0.0.1"]),
    *(["::"], ["fd00::1"], ["::1", "fe80::1"], []),
)
REDIRECTS: Final = (300, 301, 302, 303, 305, 307, 308)
#: Whose name it is.
_NAME: Final = "rebinding.invalid"


# --- connections that leave this machine ----------------------------------------------------------------------------------------------

_left: list[str] = []
_watching = threading.Event()


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _watching.is_set() and isinstance(arguments[1], tuple):
        address = ipaddress.ip_address(str(arguments[1][0]).partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if not mapped.is_loopback:
            _left.append(f"connected to {address}")


@contextlib.contextmanager
def _watched() -> Iterator[list[str]]:
    """Every address outside this machine that something in this process connects to meanwhile."""
    if not _left and not getattr(_heard, "added", False):
        sys.addaudithook(_heard)  # it cannot be taken away again: it asks whether anybody is watching
        setattr(_heard, "added", True)  # noqa: B010
    _left.clear()
    _watching.set()
    try:
        yield _left
    finally:
        _watching.clear()


# --- at the door ------------------------------------------------------------------------------------------------------------------------


def at_the_door(sandbox: Console, tally: Tally, urls: Sequence[str] = URLS) -> None:
    """Transfers that ask to be told of at such an address."""
    with _watched() as left:
        for number, url in enumerate(urls):
            answer = transfer(sandbox, {**TRANSFER, "reference": f"outward{number:09}", "webhookUrl": url})
            if answer.status == 400 and answer.json["message"].startswith("webhookUrl: ") and not left:
                tally.held("400: not a URL that webhooks go to")
            else:
                tally.through(f"{url}: {answer.status} {left}")
            left.clear()


# --- on the way -------------------------------------------------------------------------------------------------------------------------


def _send(backing: Backing, url: str) -> None:
    """A transfer of the demo account that is paid at once, as a route makes it."""
    keyid = backing.vault.demo_keys().startbutton.keyid
    who = Authenticated("startbutton-transfer", keyid, DEMO_ACCOUNT, None, None, "id", None, 0)
    document = {**TRANSFER, "amount": 400013, "reference": "outwardreference1", "webhookUrl": url}
    transfers.send(backing, who, Transfer.model_validate(document))


def _delivered(backing: Backing, url: str, schedule: Schedule) -> float:
    """Seconds until nobody tries any more."""
    began = time.monotonic()
    _send(backing, url)
    with running(backing, schedule):
        while time.monotonic() - began < 30:
            with backing.store.read() as connection:
                if connection.execute(select(func.count()).select_from(outbox)).scalar_one() == 0:
                    break
            time.sleep(0.01)
    return time.monotonic() - began


def rebound(tally: Tally, answers: Sequence[list[str]] = REBOUND) -> None:
    """Names that stand for this machine at the door and for another one later."""
    real = socket.getaddrinfo
    for later in answers:
        found = iter([["127.0.0.1"], later, later])

        def lookup(host: Any, port: Any, *rest: Any, found: Iterator[list[str]] = found, **options: Any) -> Any:
            if host != _NAME:
                return real(host, port, *rest, **options)
            addresses = next(found)
            if not addresses:
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            family = {False: socket.AF_INET, True: socket.AF_INET6}
            return [(family[":" in each], socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

        with delivering() as backing, receiving() as receiver, _watched() as left, mock.patch("socket.getaddrinfo", lookup):
            url = receiver.url.replace("127.0.0.1", _NAME)
            assert [each[4][0] for each in socket.getaddrinfo(_NAME, 80)] == ["127.0.0.1"]  # what the door is told
            _delivered(backing, url, Schedule(0.5, ()))
            if left or receiver.received:
                tally.through(f"{later}: {left or 'delivered'}")
            else:
                tally.held("given up: an address that webhooks do not go to" if later else "given up: no such name")


def redirected(tally: Tally, statuses: Sequence[int] = REDIRECTS) -> None:
    """Receivers that send the webhook on."""
    for status in statuses:
        with delivering() as backing, receiving() as other, receiving(*[status] * 3, location=other.url) as receiver:
            _delivered(backing, receiver.url, Schedule(0.5, (0.01,)))
            if other.received:
                tally.through(f"{status} was followed")
            else:
                tally.held(f"not followed, given up after {len(receiver.received)} attempts")


# --- answers that never end ---------------------------------------------------------------------------------------------------------------


def _for_ever(first: bytes, again: bytes, pause: float = 0.0) -> Callable[[socket.socket], None]:
    block = again * max(1, 65_536 // len(again)) if not pause else again

    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(block)
            time.sleep(pause)

    return answer


_OK: Final = b"HTTP/1.1 200 OK\r\n"
_BOMB: Final = gzip.compress(bytes(50_000_000))
ENDLESS: Final[dict[str, Callable[[socket.socket], None]]] = {
    "a byte now and then": _for_ever(_OK + b"X: ", b"x", 0.05),
    "a body without end": _for_ever(_OK + b"\r\n", b"x"),
    "one chunk without end": _for_ever(_OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n", b"x"),
    "chunks without end": _for_ever(_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a chunk's size without end": _for_ever(_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "headers without end": _for_ever(_OK, b"X: x\r\n"),
    "one header without end": _for_ever(_OK + b"X: ", b"x"),
    "a status line without end": _for_ever(b"HTTP/1.1 200 ", b"x"),
    "100 Continue without end": _for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "headers of 100 Continue without end": _for_ever(b"HTTP/1.1 100 Continue\r\n", b"X: x\r\n"),
    "spaces without end": _for_ever(b"", b" "),
    "line ends without end": _for_ever(b"", b"\r\n"),
    "a length of 10**30": lambda connection: connection.sendall(_OK + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\nx"),
    "a length below nothing": lambda connection: connection.sendall(_OK + b"Content-Length: -1\r\n\r\nx"),
    "what unpacks to 50 MB": lambda connection: connection.sendall(_OK + b"Content-Encoding: gzip\r\n\r\n" + _BOMB),
    "nothing": lambda connection: time.sleep(2.0),
}
#: Seconds that an attempt may take, and that it may take longer: a machine may be busy. Bytes that it may hold.
_TIMEOUT, _LATER, _MEMORY = 0.5, 5.0, 8_000_000


def answered_by(tally: Tally, names: Sequence[str] = tuple(ENDLESS)) -> None:
    """Receivers that answer too slowly, too much, and for ever."""
    for name in names:
        with delivering() as backing, _answering(ENDLESS[name]) as url:
            tracemalloc.start()
            took = _delivered(backing, url, Schedule(_TIMEOUT, ()))
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        if took > _TIMEOUT + _LATER or peak > _MEMORY:
            tally.through(f"{name}: {took:.1f} s, {peak:,} bytes")
        else:
            tally.held("over in time, in little memory")


@contextlib.contextmanager
def _answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does with a connection what it likes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(5)
                    connection.recv(65_536)
                    answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
