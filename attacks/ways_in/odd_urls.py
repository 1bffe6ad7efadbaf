"""Is what a client signed what it sends, for URLs that libraries rewrite? Each is asked for, and the raw request verified as it came."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import httpx
import httpx2
import requests
from attacks.rows import Tally
from attacks.words import words
from tests.clients.recording_server import CREDENTIAL, RecordingServer, scheme, signer

import payseal
from payseal.clients.httpx import SignatureAuth as HttpxAuth
from payseal.clients.httpx2 import SignatureAuth as Httpx2Auth
from payseal.clients.requests import SignatureAuth as RequestsAuth

__all__ = ["CLIENTS", "HOSTS", "TARGETS", "asking", "tried"]

_WRITTEN: Final = words(r"""
    / ? /? ?a=b /a /a? /a?# /a# /a#b?c /a?b#c /a%20b /a+b?c+d /a%2Fb /a%2fb /a%252Fb /café /caf%C3%A9 /caf%c3%a9 /caf%e9 /日本?q=語 /a?q=é
    /a?q=%E9 /a?q=a%20b /.. /../a /a/../b /a/./b /a/. /a/.. /%2e%2e/a /%2E%2E/a /a/%2e /a/..%2fb //a //a//b /a// /// /~a /%7Ea /%7ea /%41
    /%61 /a% /a%zz /a%2 /% /a|b /a\b /a{b} /a<b> /a"b" /a^b`c /a[b] /a?b[c]=d /a;b=c;d /a:b@c /:80/ /@a /a!$&'()*+,;= /a?a=1&a=2&&b&=c
    /a??b /a?b?c /a?/../b /a?b=http://c/d?e /a?b=%0d%0aX:%20y /a%0d%0ab /a%00b /a?%00 /ａ /😀?😀=😀
""")
#: What follows the host; these have spaces, control characters and what cannot be seen in them, or are long.
TARGETS: Final = (
    *("", *_WRITTEN, "/a b", "/a?q=a b", "/a\tb", "/a\nb", "/a\r\nX-Injected: 1", "/cafe\u0301", "/\u202ea", "/\ufeff", "/a\u2028b"),
    *("/" + "a" * 5000, "/a?" + "b" * 7000),
)
_NAMES: Final = words(r"""
    shop.example SHOP.Example shop.example. shop.example:80 shop.example:8080 shop.example: bücher.example BÜCHER.example faß.example
    xn--bcher-kva.example ｓｈｏｐ.example 日本.example shop。example i❤.example user@shop.example user:password@shop.example [::1] [::1]:80
    [::FFFF:127.0.0.1] 127.1 0x7f.1 shop_1.example -shop.example shop..example sh%6fp.example shop.example\@evil.example
    shop.example%2f.evil.example
""")
#: Asked for through a proxy, which sees what name is sent.
HOSTS: Final = (*_NAMES, "a" * 64 + ".example", "shop.exam\tple", " shop.example", "shop.example\0")

_ABSOLUTE: Final = re.compile(r"http://[^/?#]*")


def _requests(stack: ExitStack, proxy: str | None) -> Callable[[str], object]:
    session = stack.enter_context(requests.Session())
    session.trust_env = False
    if proxy:
        session.proxies = {"http": proxy}
    return lambda url: session.post(url, json={"amount": 1}, auth=RequestsAuth(signer("covering")), timeout=5)


def _httpx(library: Any, auth: Any) -> Callable[[ExitStack, str | None], Callable[[str], object]]:
    def made(stack: ExitStack, proxy: str | None) -> Callable[[str], object]:
        client = stack.enter_context(library.Client(proxy=proxy, trust_env=False, timeout=5))
        return lambda url: client.post(url, json={"amount": 1}, auth=auth(signer("covering")))

    return made


CLIENTS: Final[dict[str, Callable[[ExitStack, str | None], Callable[[str], object]]]] = {
    "requests": _requests,
    "httpx": _httpx(httpx, HttpxAuth),
    "httpx2": _httpx(httpx2, Httpx2Auth),
}


@contextmanager
def asking(client: str) -> Iterator[Callable[[str, str], tuple[str, bool]]]:
    """What asks for a host (or none: the server's own) and a target, and says what came of it, and whether that must not be."""
    with ExitStack() as stack:
        server = stack.enter_context(RecordingServer())
        direct, proxied = CLIENTS[client](stack, None), CLIENTS[client](stack, server.origin)

        def ask(host: str, target: str) -> tuple[str, bool]:
            before = len(server.requests)
            try:
                proxied(f"http://{host}{target}") if host else direct(f"{server.origin}{target}")
            except Exception as error:
                # A client has its own word for a URL that it does not take; what counts is what it has sent by then.
                if len(server.requests) == before:
                    return f"not sent ({type(error).__name__})", False
            return _judged(server)

        yield ask


def _judged(server: RecordingServer) -> tuple[str, bool]:
    recorded = server.last
    target = _ABSOLUTE.sub("", recorded.target, count=1) if recorded.target.startswith("http://") else recorded.target
    request = payseal.Request(recorded.method, target or "/", recorded.headers, recorded.body)
    try:
        payseal.Verifier(scheme("covering"), CREDENTIAL).verify(request)
    except payseal.Rejected as rejected:
        return f"{recorded.target!r} is not what was signed: {rejected.code}", True
    return "signed as it was sent", False


def tried(tally: Tally, *, every: int = 1) -> None:
    """Every URL with every client."""
    for client in CLIENTS:
        with asking(client) as ask:
            for host, target in (*(("", target) for target in TARGETS[::every]), *((host, "/a?b=c") for host in HOSTS[::every])):
                seen, wrong = ask(host, target)
                (tally.through if wrong else tally.held)(f"{client}: {seen}" if wrong else seen)
