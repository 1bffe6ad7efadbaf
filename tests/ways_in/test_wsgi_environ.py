"""What a WSGI server makes of a request line and of header names, where that could be read in two ways."""

from __future__ import annotations

import pytest

from payseal import Credential, Request, Scheme, Signer, Verifier
from payseal.middleware import WSGIMiddleware
from payseal.middleware.wsgi import target_of
from tests.middleware.sites import bare_wsgi
from tests.middleware.support import CREDENTIAL, STRICT, STRICT_VERIFIER, Shop, signed, wsgi_call, wsgi_environ


@pytest.mark.parametrize(
    ("signed_for", "sent"),
    [("/http:/pay", "http:/pay"), ("/foo:/pay", "foo:/pay"), ("/pay", "pay"), ("/pay", "http://shop.example#/pay"), ("/*", "*")],
)
@pytest.mark.parametrize("name", ["RAW_URI", "REQUEST_URI"])
def test_a_request_line_that_servers_read_otherwise_is_not_given_a_slash(name: str, signed_for: str, sent: str) -> None:
    """gunicorn and Werkzeug take ``http:/pay`` for the path ``/pay``, and what follows a ``#`` for nothing at all."""
    shop = Shop()
    app = WSGIMiddleware(bare_wsgi(shop), STRICT_VERIFIER, "memory://")
    headers = signed(b"{}", target=signed_for, signer=Signer(STRICT, CREDENTIAL))
    assert wsgi_call(app, b"{}", headers, **{name: sent}).code == "malformed-target"
    assert shop.calls == []
    assert wsgi_call(app, b"{}", headers, **{name: signed_for}).status == 201


def test_an_absolute_target_stands_for_its_path_and_query() -> None:
    for raw, target in (
        ("http://h", "/"),
        ("http://h?x", "/?x"),
        ("http://h/a?b", "/a?b"),
        ("HTTPS://u@h:1//a", "//a"),
        ("http:///a", "/a"),
    ):
        assert target_of(wsgi_environ(RAW_URI=raw)) == target


@pytest.mark.parametrize("name", ["Content-Type", "Content-Length"])
def test_a_name_with_an_underscore_does_not_stand_for_the_header_that_an_application_reads(name: str) -> None:
    """``Content_Type`` arrives as HTTP_CONTENT_TYPE, and an application that asks for CONTENT_TYPE finds nothing there."""
    scheme = Scheme.loads(
        f"""
        name = "one-header"
        [signature]
        base = "{{header:{name}}}\\n{{body}}"
        algorithm = "hmac-sha256"
        encoding = "hex"
        [headers]
        X-Signature = "{{signature}}"
        """
    )
    credential = Credential(secret="correct horse")
    headers = Signer(scheme, credential).sign(Request("POST", "/pay", {name: "2"}, b"{}"))
    app = WSGIMiddleware(bare_wsgi(Shop()), Verifier(scheme, credential), "memory://")
    environ = {"CONTENT_LENGTH": "2"} if name == "Content-Type" else {"CONTENT_LENGTH": None}
    key = name.upper().replace("-", "_")
    assert wsgi_call(app, b"{}", list(headers.items()), **environ, **{f"HTTP_{key}": "2"}).code == "missing-header"
    assert wsgi_call(app, b"{}", list(headers.items()), **{"CONTENT_LENGTH": "2", key: "2", f"HTTP_{key}": "3"}).status == 201
