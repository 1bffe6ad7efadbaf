"""Where only some paths are protected: does any other spelling of one reach its handler without a signature?"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any, Final

import flask
import starlette.applications
import starlette.requests
import starlette.responses
import starlette.routing
from attacks.rows import Tally
from attacks.ways_in.echo import uvicorn_server, werkzeug_server, wsgiref_server
from attacks.ways_in.signed_requests import HOST, VERIFIER
from attacks.ways_in.wire import Conversation, said, talk
from attacks.words import words

from payseal.middleware import ASGIMiddleware, WSGIMiddleware

__all__ = ["FRAMEWORKS", "PROTECTED", "TARGETS", "guess", "tried"]

#: What is protected, in both applications: a route of its own, and one in what is mounted.
PROTECTED: Final = ("/pay", "/v1/pay")

#: Where {0} is a protected path.
_SPELLED: Final = words(r"""
    {0} {0}/ /{0} //{0} /.{0} /x/..{0} /x/%2e%2e{0} /%2e{0} /%2E%2E{0} /..{0} {0}?a {0}? {0}#a {0};a {0};a=b {0}%3Ba {0}%3F {0}%23
    {0}%00 {0}%20 {0}%09 {0}%0a {0}+ {0}. {0}.. {0}/. {0}/..{0} {0}// {0}%2F {0}%2f {0}%5c \{0} /%5c{0} /%2f{0} %2f{0} /%c0%af{0}
    http:{0} http:/{0} http://{0} http://shop.example{0} http://shop.example/{0} http://shop.example#{0} http://user@shop.example{0}
    http://pay{0} foo:{0} foo://shop.example{0} //shop.example{0} *{0} {0}%ff {0}?/../x /free/..{0} /free/%2e%2e{0} /free/..%2f{0}
    /free;/..{0} /free/..;{0}
""")
_OTHERWISE: Final = words(r"""
    pay v1/pay /PAY /Pay /p%61y /%70%61%79 /%2570ay /v1/p%61y /v1%2Fpay /v1%2fpay /v1//pay /v1/./pay /v1/x/../pay /V1/pay /pa\xffy
    /v1/%2fpay /v1\pay /v1%5cpay
""")
#: All of them without a signature.
TARGETS: Final = (*(spelled.format(path) for spelled, path in itertools.product(_SPELLED, PROTECTED)), *_OTHERWISE)


def _starlette(reached: list[str]) -> Any:
    def pay(request: starlette.requests.Request) -> starlette.responses.Response:
        if "payseal" not in request.scope:
            reached.append(request.url.path)
        return starlette.responses.PlainTextResponse("paid")

    def free(request: starlette.requests.Request) -> starlette.responses.Response:
        return starlette.responses.PlainTextResponse("free")

    def routes() -> list[Any]:
        return [
            starlette.routing.Route("/pay", pay, methods=["GET", "POST"]),
            starlette.routing.Route("/free", free, methods=["GET", "POST"]),
        ]

    app = starlette.applications.Starlette(routes=[starlette.routing.Mount("/v1", routes=routes()), *routes()])
    return ASGIMiddleware(app, VERIFIER, "memory://", only=PROTECTED)


def _starlette_within(reached: list[str]) -> Any:
    """The middleware within what is mounted, where it is given only the rest of a path, or all of it."""
    within = starlette.routing.Mount("/v1", _starlette(reached))
    return starlette.applications.Starlette(routes=[within, starlette.routing.Mount("/", _starlette(reached))])


def _flask(reached: list[str]) -> Any:
    app = flask.Flask("shop")

    def pay() -> str:
        if "payseal.authenticated" not in flask.request.environ:
            reached.append(flask.request.path)
        return "paid"

    for path in PROTECTED:
        app.add_url_rule(path, path, pay, methods=["GET", "POST"])
    app.add_url_rule("/free", "free", lambda: "free", methods=["GET", "POST"])
    return WSGIMiddleware(app.wsgi_app, VERIFIER, "memory://", only=PROTECTED)


_Server = Callable[[Any], contextlib.AbstractContextManager[int]]

#: Application and server.
FRAMEWORKS: Final[dict[str, tuple[Callable[[list[str]], Any], _Server]]] = {
    "starlette on httptools": (_starlette, lambda app: uvicorn_server(app, http="httptools")),
    "starlette on h11": (_starlette, lambda app: uvicorn_server(app, http="h11")),
    "starlette, mounted": (_starlette_within, uvicorn_server),
    "flask on wsgiref": (_flask, wsgiref_server),
    "flask on werkzeug": (_flask, werkzeug_server),
}


@contextlib.contextmanager
def guess(framework: str) -> Iterator[Callable[[str], tuple[Conversation, list[str]]]]:
    """What sends an unsigned request for a target, and says what was answered and which protected handlers it reached."""
    reached: list[str] = []
    make, server = FRAMEWORKS[framework]
    with server(make(reached)) as port:

        def send(target: str) -> tuple[Conversation, list[str]]:
            reached.clear()
            line = f"POST {target} HTTP/1.1".encode("latin-1", "replace")
            headers = f"\r\nHost: {HOST}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode()
            return talk(port, line + headers, 1.0), list(reached)

        yield send


def tried(tally: Tally, *, every: int = 1) -> None:
    """Every target at every framework."""
    for framework in FRAMEWORKS:
        with guess(framework) as send:
            for target in TARGETS[::every]:
                conversation, reached = send(target)
                if reached:
                    tally.through(f"{framework}: {target!r} reached {reached}")
                else:
                    tally.held("the open page" if b"free" in conversation.answered else said(conversation))
