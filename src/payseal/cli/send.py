"""``payseal request``: sign a request, send exactly what was signed, show the answer."""

from __future__ import annotations

import re
from typing import Final

import click

import payseal
from payseal.cli.bodies import NO_BODY, body_option, json_body, read_body, with_content_type
from payseal.cli.commands import Command
from payseal.cli.failures import REFUSED, note, wrong_use
from payseal.cli.json_layout import laid_out
from payseal.cli.scheme_option import scheme_options
from payseal.cli.secrets_input import CredentialSource, credential_options
from payseal.cli.terminal import draw, is_terminal, shown
from payseal.cli.transport import Answer, exchange
from payseal.cli.values import Url, check_content_length, duration, header_pairs, method_of, url_of
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.signing import Signer

__all__ = ["request"]

#: Headers whose values are somebody's secret more often than not.
_PRIVATE: Final = re.compile(r"auth|cookie|token|secret|passw|api-?key|session", re.IGNORECASE)
_MASK: Final = "********"
_METHODS_WITH_BODY: Final = ("POST", "PUT", "PATCH")
_LOOPBACK: Final = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1|.*\.localhost")


@click.command(cls=Command)
@scheme_options
@credential_options
@body_option
@click.option("--json", "json_text", metavar="TEXT", help="The body as JSON text, sent as it is written here.")
@click.option("--header", "-H", "headers", metavar="'NAME: VALUE'", multiple=True, help="A header of the request. Repeatable.")
@click.option(
    "--timeout",
    type=duration,
    default="30",
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the connection, and for each part of the answer.",
)
@click.option("--raw", is_flag=True, help="Write the answer's body, and nothing else, to standard output, byte for byte.")
@click.option("--verbose", "-v", is_flag=True, help="Show on standard error what is sent; tokens and the like are masked.")
@click.argument("method")
@click.argument("url")
def request(
    scheme: Scheme,
    source: CredentialSource,
    body_path: str | None,
    json_text: str | None,
    headers: tuple[str, ...],
    timeout: float,
    raw: bool,
    verbose: bool,
    method: str,
    url: str,
) -> None:
    """Sign a request, send it, and show the answer.

    \b
    payseal request --scheme fiserv-payments --body payment.json POST https://api.example.com/payments
    payseal request --scheme fiserv-payments --json '{"requestType": "…"}' POST https://api.example.com/payments
    payseal request --scheme commercehub-hmac --verbose GET https://api.example.com/payments/v1/charges

    The bytes that are signed are the bytes that are sent. A JSON body goes as Content-Type: application/json unless a --header says
    otherwise. Redirects are not followed, since a signature is for one request; proxies of the environment are not used.

    The exit code is 0 for an answer of 2xx, 1 for any other, 4 for none.
    """
    if body_path is not None and json_text is not None:
        wrong_use("--body and --json are two bodies: give one of them")
    where = url_of(url)
    if where is None:
        wrong_use("the URL must be absolute: https://…")
    verb = method_of(method)
    pairs = header_pairs(headers, written_by_scheme=tuple(rule.name for rule in scheme.headers))
    signer = Signer(scheme, source.credential(scheme, signing=True))
    body = json_body(json_text) if json_text is not None else read_body(body_path) if body_path is not None else NO_BODY
    check_content_length(pairs, len(body.content))
    pairs = _completed(verb, where, with_content_type(pairs, body.content), len(body.content))
    signed = Request(verb, where.target, pairs, body.content)
    complete = Request(verb, where.target, [*pairs, *signer.sign(signed).items()], body.content)
    if not where.secure and not _LOOPBACK.fullmatch(where.host):
        note("warning: http:// sends the request, and any token in it, unencrypted")
    if verbose:
        _show_request(complete, scheme, len(body.content))
    answer = exchange(where, complete, body.content, timeout=timeout)
    _show_answer(answer, raw=raw)
    if not 200 <= answer.status <= 299:
        click.get_current_context().exit(REFUSED)


def _completed(method: str, url: Url, pairs: list[tuple[str, str]], size: int) -> list[tuple[str, str]]:
    """The headers with those that every client adds, where they are not given."""
    names = {name.lower() for name, _ in pairs}
    usual = [("Host", url.authority), ("User-Agent", f"payseal/{payseal.__version__}"), ("Accept", "*/*"), ("Accept-Encoding", "identity")]
    if size or method in _METHODS_WITH_BODY:
        usual.append(("Content-Length", str(size)))
    usual.append(("Connection", "close"))
    return [*(pair for pair in usual if pair[0].lower() not in names), *pairs]


def _show_request(sent: Request, scheme: Scheme, size: int) -> None:
    click.echo(f"> {sent.method} {sent.target} HTTP/1.1", err=True)
    rules = {rule.key: rule for rule in scheme.headers}
    for name, value in sent.headers:
        rule = rules.get(name.lower())
        if rule is not None and any(part.name == "token" for part in rule.components):
            value = rule.write(lambda part: _MASK)
        elif rule is None and _PRIVATE.search(name):
            value = _MASK
        click.echo(f"> {name}: {value}", err=True)
    # Not the body: it may hold a card's number.
    click.echo(f"> ({size} bytes of body)", err=True)


def _show_answer(answer: Answer, *, raw: bool) -> None:
    click.echo(shown(f"HTTP {answer.status} {answer.reason}".rstrip()), err=raw)
    for name, value in answer.headers:
        click.echo(shown(f"{name}: {value}").replace("\n", " "), err=raw)
    if 300 <= answer.status <= 399:
        target = next((value for name, value in answer.headers if name.lower() == "location"), "")
        note(f"the answer points {'to ' + shown(target) if target else 'elsewhere'}, and was not followed: sign a request for that place")
    if raw:
        click.echo(answer.body, nl=False)
        return
    click.echo()
    if not answer.body:
        return
    if is_terminal():
        _show_body(answer.body)
    else:
        click.echo(answer.body, nl=False)


def _show_body(body: bytes) -> None:
    """A body on a terminal: JSON laid out, text made harmless, anything else counted."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        click.echo(f"({len(body)} bytes that are not text; --raw writes them as they are)")
        return
    pretty = laid_out(text)
    if pretty is None:
        click.echo(shown(text))
        return
    from rich.highlighter import JSONHighlighter
    from rich.text import Text

    draw(JSONHighlighter()(Text(shown(pretty))), wrap=False)
