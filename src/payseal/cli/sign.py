"""``payseal sign``: the headers that prove who sends a request, or the whole request as a ``curl`` command."""

from __future__ import annotations

import json

import click

from payseal.cli.bodies import body_option, read_body, with_content_type
from payseal.cli.commands import Command
from payseal.cli.curl import curl_command
from payseal.cli.failures import wrong_use
from payseal.cli.scheme_option import scheme_options
from payseal.cli.secrets_input import CredentialSource, credential_options
from payseal.cli.values import check_content_length, header_pairs, method_of, one_of, seconds, url_of
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.signing import Signer

__all__ = ["sign"]


@click.command(cls=Command)
@scheme_options
@credential_options
@click.option("--method", "-X", metavar="METHOD", help="The method. By default POST with a body, GET without one.")
@body_option
@click.option("--header", "-H", "headers", metavar="'NAME: VALUE'", multiple=True, help="A header of the request. Repeatable.")
@click.option("--created", type=seconds, metavar="SECONDS", help="Sign as of this time (since the epoch) instead of now.")
@click.option("--nonce", metavar="ID", help="The request id, instead of a new one.")
@click.option(
    "--format",
    "form",
    type=one_of("text", "json", "curl"),
    metavar="text|json|curl",
    default="text",
    show_default=True,
    help="How to print the result.",
)
@click.argument("url_or_target")
def sign(
    scheme: Scheme,
    source: CredentialSource,
    method: str | None,
    body_path: str | None,
    headers: tuple[str, ...],
    created: float | None,
    nonce: str | None,
    form: str,
    url_or_target: str,
) -> None:
    """Sign a request and print the headers to add to it.

    URL_OR_TARGET is where the request goes: an absolute URL, or a path such as /payments. The body is signed byte for byte: send
    exactly the same bytes.

    \b
    payseal sign --scheme fiserv-payments --body payment.json https://api.example.com/payments
    payseal sign --scheme startbutton-transfer --body - --format json /transaction/transfer < transfer.json
    payseal sign --scheme fiserv-payments --body payment.json --format curl https://api.example.com/payments | sh

    What is printed is a proof that can be used once. Where a scheme sends the access token (Authorization: Bearer …), the token is a
    part of what is printed: it must be. The secret never is.

    With --format curl the command is quoted for a POSIX shell and says Content-Type: application/json when the body is JSON and no
    --header says otherwise.
    """
    url = url_of(url_or_target)
    if url is None and not url_or_target.startswith("/"):
        wrong_use("the last argument must be an absolute URL (https://…) or a path that begins with /")
    if url is None and form == "curl":
        wrong_use("--format curl needs an absolute URL: https://…")
    pairs = header_pairs(headers, written_by_scheme=tuple(rule.name for rule in scheme.headers))
    verb = method_of(method or ("GET" if body_path is None else "POST"))
    signer = Signer(scheme, source.credential(scheme, signing=True))
    body = read_body(body_path)
    if form == "curl":
        check_content_length(pairs, len(body.content))
        pairs = with_content_type(pairs, body.content)
    host = [("Host", url.authority)] if url is not None and not any(name.lower() == "host" for name, _ in pairs) else []
    request = Request(verb, url_or_target if url is None else url.target, [*pairs, *host], body.content)
    added = signer.sign(request, created=created, nonce=nonce)
    if form == "json":
        click.echo(json.dumps(added, indent=2))
    elif url is not None and form == "curl":
        click.echo(curl_command(verb, url, [*pairs, *added.items()], body))
    else:
        click.echo("\n".join(f"{name}: {value}" for name, value in added.items()))
