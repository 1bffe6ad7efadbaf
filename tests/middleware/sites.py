"""The same shop in every framework, behind the middleware, on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from wsgiref import simple_server
from wsgiref.types import WSGIApplication

import django  # type: ignore[import-untyped]
import fastapi
import flask
import starlette.applications
import starlette.requests
import starlette.responses
import starlette.routing
import uvicorn
import werkzeug.serving
from django.conf import settings  # type: ignore[import-untyped]
from django.core.asgi import get_asgi_application  # type: ignore[import-untyped]
from django.core.wsgi import get_wsgi_application  # type: ignore[import-untyped]
from django.http import HttpRequest, HttpResponse  # type: ignore[import-untyped]
from django.urls import re_path  # type: ignore[import-untyped]

from payseal.middleware import ASGIMiddleware, WSGIMiddleware
from payseal.middleware.guard import Options
from tests.middleware.support import VERIFIER, Headers, Reply, Shop

JSON = "application/json"


@dataclass(frozen=True)
class Site:
    """A server on a loopback port."""

    port: int
    shop: Shop

    def send(self, method: str, target: str, headers: Headers, body: bytes | Iterator[bytes] = b"") -> Reply:
        """One request on a connection of its own; an iterator goes out in chunks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if isinstance(body, bytes):
                if body and not any(name.lower() == "content-length" for name, _ in headers):
                    connection.putheader("Content-Length", str(len(body)))
                connection.endheaders(body or None)
            else:
                connection.putheader("Transfer-Encoding", "chunked")
                connection.endheaders(body, encode_chunked=True)
            response = connection.getresponse()
            return Reply(response.status, response.getheaders(), response.read())
        finally:
            connection.close()


# --- the applications ----------------------------------------------------------------------------------------------------------


def bare_asgi(shop: Shop) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                event = (await receive())["type"]
                await send({"type": f"{event}.complete"})
                if event == "lifespan.shutdown":
                    return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        status, answer = await asyncio.to_thread(shop.serve, scope["path"], body, scope.get("payseal"))
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", JSON.encode())]})
        await send({"type": "http.response.body", "body": answer[:5], "more_body": True})
        await send({"type": "http.response.body", "body": answer[5:]})

    return app


def starlette_app(shop: Shop) -> Any:
    async def view(request: starlette.requests.Request) -> starlette.responses.Response:
        body = await request.body()
        status, answer = await asyncio.to_thread(shop.serve, request.url.path, body, request.scope.get("payseal"))
        return starlette.responses.Response(answer, status, media_type=JSON)

    return starlette.applications.Starlette(routes=[starlette.routing.Route("/{path:path}", view, methods=["GET", "POST"])])


def fastapi_app(shop: Shop) -> Any:
    app = fastapi.FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def view(request: fastapi.Request) -> fastapi.Response:
        body = await request.body()
        status, answer = await asyncio.to_thread(shop.serve, request.url.path, body, request.scope.get("payseal"))
        return fastapi.Response(answer, status, media_type=JSON)

    return app


def flask_app(shop: Shop) -> WSGIApplication:
    app = flask.Flask("shop")

    @app.route("/<path:path>", methods=["GET", "POST"])
    def view(path: str) -> flask.Response:
        status, answer = shop.serve(f"/{path}", flask.request.get_data(), flask.request.environ.get("payseal.authenticated"))
        return flask.Response(answer, status, mimetype=JSON)

    return app.wsgi_app


def bare_wsgi(shop: Shop) -> WSGIApplication:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, answer = shop.serve(environ["PATH_INFO"], body, environ.get("payseal.authenticated"))
        start_response(f"{status} Made", [("Content-Type", JSON)])
        yield answer[:5]
        yield answer[5:]

    return app


def _django_view(request: HttpRequest) -> HttpResponse:
    context = getattr(request, "scope", None) or request.environ
    identity = context.get("payseal") or context.get("payseal.authenticated")
    status, answer = context["shop"].serve(request.path, request.body, identity)
    return HttpResponse(answer, status=status, content_type=JSON)


urlpatterns = [re_path("", _django_view)]


def _django(kind: Callable[[], Any]) -> Any:
    if not settings.configured:
        settings.configure(SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, USE_TZ=True, DATABASES={}, LOGGING_CONFIG=None)
        django.setup()
    return kind()


def django_asgi(shop: Shop) -> Any:
    app = _django(get_asgi_application)

    async def with_shop(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "shop": shop}, receive, send)

    return with_shop


def django_wsgi(shop: Shop) -> WSGIApplication:
    app = _django(get_wsgi_application)
    return lambda environ, start_response: app({**environ, "shop": shop}, start_response)


# --- the servers -----------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def uvicorn_server(app: Any, *, lifespan: Any = "auto") -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan=lifespan, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while not server.started and thread.is_alive() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert server.started
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


class _ThreadingServer(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


class _QuietHandler(simple_server.WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def wsgiref_server(app: WSGIApplication) -> Iterator[int]:
    server = simple_server.make_server("127.0.0.1", 0, app, _ThreadingServer, _QuietHandler)
    with _serving(server):
        yield server.server_port


@contextlib.contextmanager
def werkzeug_server(app: WSGIApplication) -> Iterator[int]:
    server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
    with _serving(server):
        yield server.server_port


@contextlib.contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


#: name → (application, ASGI or not, server)
SITES: dict[str, tuple[Callable[[Shop], Any], bool, Callable[[Any], contextlib.AbstractContextManager[int]]]] = {
    "asgi": (bare_asgi, True, uvicorn_server),
    "starlette": (starlette_app, True, uvicorn_server),
    "fastapi": (fastapi_app, True, uvicorn_server),
    "django-asgi": (django_asgi, True, uvicorn_server),
    "wsgi": (bare_wsgi, False, wsgiref_server),
    "flask": (flask_app, False, werkzeug_server),
    "django-wsgi": (django_wsgi, False, wsgiref_server),
}


@contextlib.contextmanager
def site(name: str, ledger: str) -> Iterator[Site]:
    """The shop in that framework: ``/free`` is open, ``/once…`` idempotent, everything else signed."""
    make, is_asgi, server = SITES[name]
    shop = Shop()
    options: Options = {"max_body": 2000, "idempotent": lambda request: request.path.startswith("/once")}
    app: Any
    if is_asgi:
        app = ASGIMiddleware(make(shop), VERIFIER, ledger, only=lambda scope: scope["path"] != "/free", **options)
    else:
        app = WSGIMiddleware(make(shop), VERIFIER, ledger, only=lambda environ: environ["PATH_INFO"] != "/free", **options)
    with server(app) as port:
        yield Site(port, shop)
    app.guard.ledger.close()
