"""Real servers with an application behind payseal's middleware that writes down what it got, and what the verifier saw before that."""

from __future__ import annotations

import contextlib
import contextvars
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from wsgiref import simple_server

import starlette.applications
import starlette.routing
import uvicorn
import werkzeug.middleware.dispatcher
import werkzeug.serving
from attacks.ways_in.signed_requests import VERIFIER

from payseal import Request
from payseal.middleware import ASGIMiddleware, WSGIMiddleware
from payseal.middleware.decision import ACCEPTED, Witnessed

__all__ = ["MAX_BODY", "ROOT_PATHS", "SERVERS", "Echo", "Got", "echoing", "uvicorn_server", "werkzeug_server", "wsgiref_server"]

#: Bytes of a body that the middleware takes.
MAX_BODY: Final = 4096


@dataclass(frozen=True)
class Got:
    """One request as the application was given it. ``path`` is decoded as far as the server decodes; ``saw`` is what the verifier accepted
    just before, ``None`` where it accepted nothing."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    saw: Request | None

    def values(self, name: str) -> list[str]:
        """Every value of that (lower-case) header."""
        return [value for each, value in self.headers if each == name]


@dataclass
class Echo:
    """What the application of one server got, by the address and port of the client."""

    port: int = 0
    got: dict[tuple[str, int], list[Got]] = field(default_factory=dict)
    _accepted: contextvars.ContextVar[Request | None] = field(default_factory=lambda: contextvars.ContextVar("accepted", default=None))

    def witness(self, witnessed: Witnessed) -> None:
        """The middleware's: it is called in the task, or thread, that calls the application next."""
        self._accepted.set(witnessed.request if witnessed.decision.code == ACCEPTED else None)

    def note(self, client: tuple[str, int], method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
        self.got.setdefault(client, []).append(Got(method, path, query, headers, body, self._accepted.get()))
        self._accepted.set(None)
        return b"got it"


# --- the two interfaces ------------------------------------------------------------------------------------------------------------


def _asgi(echo: Echo) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        query = scope["query_string"].decode("latin-1")
        answer = echo.note(tuple(scope["client"]), scope["method"], scope["path"], query, headers, body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
        await send({"type": "http.response.body", "body": answer})

    return ASGIMiddleware(app, VERIFIER, "memory://", max_body=MAX_BODY, witness=echo.witness)


def _wsgi(echo: Echo) -> Any:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        named = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
        # These two have no prefix (RFC 3875): with one, no application takes them for what they say.
        named.pop("HTTP_CONTENT_TYPE", None)
        named.pop("HTTP_CONTENT_LENGTH", None)
        named |= {f"HTTP_{name}": environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)}
        headers = [(name[5:].replace("_", "-").lower(), value) for name, value in named.items()]
        path = (environ["SCRIPT_NAME"] + environ["PATH_INFO"]).encode("latin-1").decode("utf-8", "replace")
        answer = echo.note(
            (environ["REMOTE_ADDR"], int(environ["REMOTE_PORT"])), environ["REQUEST_METHOD"], path, environ["QUERY_STRING"], headers, body
        )
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]

    return WSGIMiddleware(app, VERIFIER, "memory://", max_body=MAX_BODY, witness=echo.witness)


# --- the servers -------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def uvicorn_server(app: Any, *, http: Any = "auto", root_path: str = "") -> Iterator[int]:
    """The port of a server that runs meanwhile."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, http=http, root_path=root_path, log_config=None, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while not server.started and thread.is_alive() and time.monotonic() < deadline:
                time.sleep(0.01)
            if not server.started:
                raise RuntimeError("uvicorn did not start")
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def _unheard(request: Any, client_address: Any) -> None:
    """Of a client that left in the middle, or a target that the server itself cannot read."""


class _Threading(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        _unheard(request, client_address)


class _Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), "REMOTE_PORT": str(self.client_address[1])}


class _QuietWerkzeug(werkzeug.serving.WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: what makes the line readable fails at some of these targets, before the answer has left."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def _serving(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wsgiref_server(app: Any) -> contextlib.AbstractContextManager[int]:
    """The port of a server that runs meanwhile."""
    return _serving(simple_server.make_server("127.0.0.1", 0, app, _Threading, _Quiet))


def werkzeug_server(app: Any) -> contextlib.AbstractContextManager[int]:
    """The port of a server that runs meanwhile."""
    server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True, request_handler=_QuietWerkzeug)
    server.handle_error = _unheard  # type: ignore[method-assign]
    return _serving(server)


def _dispatched(app: Any) -> Any:
    return werkzeug.middleware.dispatcher.DispatcherMiddleware(app, {"/v1": app})


_Opened = Callable[[Echo], contextlib.AbstractContextManager[int]]

#: Each server alone, and with the application mounted under ``/v1`` in the ways that there are.
SERVERS: Final[dict[str, _Opened]] = {
    "uvicorn with httptools": lambda echo: uvicorn_server(_asgi(echo), http="httptools"),
    "uvicorn with h11": lambda echo: uvicorn_server(_asgi(echo), http="h11"),
    "wsgiref": lambda echo: wsgiref_server(_wsgi(echo)),
    "werkzeug": lambda echo: werkzeug_server(_wsgi(echo)),
    "uvicorn, mounted by starlette": lambda echo: uvicorn_server(
        starlette.applications.Starlette(routes=[starlette.routing.Mount("/v1", _asgi(echo))])
    ),
    "uvicorn with a root path": lambda echo: uvicorn_server(_asgi(echo), root_path="/v1"),
    "werkzeug, mounted by its dispatcher": lambda echo: werkzeug_server(_dispatched(_wsgi(echo))),
}
#: What the server puts before each path, as behind a proxy that takes it away.
ROOT_PATHS: Final = {"uvicorn with a root path": "/v1"}


@contextlib.contextmanager
def echoing(server: str) -> Iterator[Echo]:
    """One of `SERVERS`, running, and what its application gets."""
    echo = Echo()
    with SERVERS[server](echo) as port:
        echo.port = port
        yield echo
