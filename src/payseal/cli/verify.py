"""``payseal verify``: whether a captured request is genuine, and if not, why."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import click

from payseal.cli.bodies import read_bytes
from payseal.cli.commands import Command
from payseal.cli.failures import REFUSED, wrong_use
from payseal.cli.raw_http import Capture, parse_request
from payseal.cli.scheme_option import scheme_options
from payseal.cli.secrets_input import CredentialSource, credential_options
from payseal.cli.terminal import moment
from payseal.cli.values import seconds
from payseal.errors import Rejected
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.verification import Authenticated, Verifier

__all__ = ["verify"]

#: What a diagnosis means for whoever owns the key.
_DIAGNOSES: Final = {
    "signature-mismatch": "another secret, or other bytes, than those that were signed",
    "credential-unknown": "the request names a credential that was not given",
    "credential-of-another-keyid": "the request names another keyid than the one given",
    "credential-not-valid-now": "the credential is not valid at this time",
    "credential-without-key": "the credential has no such key",
    "token-mismatch": "the request carries another access token than the one given",
    "body-digest-mismatch": "the signature is right, and the body is not the one whose digest was signed",
}


@click.command(cls=Command)
@scheme_options
@credential_options
@click.option("--now", type=seconds, metavar="SECONDS", help="Verify as of this time (since the epoch) instead of now.")
@click.option("--at-created", is_flag=True, help="Verify as of the request's own time: for old captures.")
@click.option("--allow-unkeyed", is_flag=True, help="Take a scheme without a key too: it proves nothing about the sender.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@click.argument("file", default="-", metavar="[FILE|-]")
def verify(
    scheme: Scheme,
    source: CredentialSource,
    now: float | None,
    at_created: bool,
    allow_unkeyed: bool,
    as_json: bool,
    file: str,
) -> None:
    """Verify a captured HTTP request: accepted (exit code 0) or refused (1), and why.

    FILE holds one raw HTTP/1.1 request: request line, headers, a blank line, body. Content-Length decides where the body ends, or
    else the end of the file.

    \b
    payseal verify --scheme fiserv-payments captured.http
    payseal verify --scheme fiserv-payments --at-created yesterday.http
    payseal verify --scheme startbutton-transfer --now 1729620420 - < captured.http

    That a request is there for the first time only a server's ledger can say: it is not a part of this verdict. The diagnosis of a
    refusal is for the owner of the key, never for the client.
    """
    if now is not None and at_created:
        wrong_use("--now and --at-created are two times: give one of them")
    verifier = Verifier(scheme, source.credential(scheme, signing=False), allow_unkeyed=allow_unkeyed)
    capture = parse_request(read_bytes(file, "the captured request"))
    try:
        moment_of_check = _own_time(verifier, capture.request) if at_created else time.time() if now is None else now
        authenticated = verifier.verify(capture.request, now=moment_of_check)
    except Rejected as rejected:
        hint = _newline_hint(verifier, capture, rejected, now=now, at_created=at_created)
        _print(_refusal(rejected, hint), "refused", "red", as_json=as_json)
        click.get_current_context().exit(REFUSED)
    _print(_acceptance(authenticated, moment_of_check), "accepted", "green", as_json=as_json)


def _own_time(verifier: Verifier, request: Request) -> float:
    """The request's own time, seconds. Raises `Rejected` where it cannot be read."""
    if verifier.scheme.created is None:
        return time.time()
    if not verifier.scheme.created_sent:
        wrong_use(f"--at-created: requests of {verifier.scheme.name} do not carry their time; give it with --now SECONDS")
    created = verifier.read(request).created
    assert created is not None  # a scheme that sends the time has it in a header that must be there
    return created / 1000


def _acceptance(authenticated: Authenticated, now: float) -> dict[str, Any]:
    verdict: dict[str, Any] = {"scheme": authenticated.scheme, "keyid": authenticated.keyid}
    if authenticated.secret_index:
        verdict["secret"] = f"an older one ({authenticated.secret_index} before the newest)"
    if authenticated.created is not None:
        verdict["created"] = moment(authenticated.created)
        distance = now - authenticated.created
        verdict["age"] = f"{abs(distance):.0f} s {'old' if distance >= 0 else 'ahead of this time'}"
    verdict["id"] = authenticated.id
    if authenticated.expires is not None:
        verdict["window"] = f"{authenticated.expires - now:.0f} s left, until {moment(authenticated.expires)}"
    return verdict


def _refusal(rejected: Rejected, hint: str) -> dict[str, Any]:
    verdict: dict[str, Any] = {"code": rejected.code, "status": rejected.status, "title": rejected.title}
    if rejected.detail:
        verdict["detail"] = rejected.detail
    if rejected.diagnosis:
        meaning = _DIAGNOSES.get(rejected.diagnosis, "")
        verdict["diagnosis"] = f"{rejected.diagnosis}{f': {meaning}' if meaning else ''}"
    if hint:
        verdict["hint"] = hint
    return verdict


def _newline_hint(verifier: Verifier, capture: Capture, rejected: Rejected, *, now: float | None, at_created: bool) -> str:
    """Whether the newline at the end of the file is all that is wrong; proven, not guessed."""
    request = capture.request
    body = request.body
    if rejected.code != "invalid-signature" or capture.delimited or not isinstance(body, bytes) or not body.endswith(b"\n"):
        return ""
    for end in (b"\n", b"\r\n"):
        shorter = Request(request.method, request.target, request.headers, body.removesuffix(end))
        try:
            verifier.verify(shorter, now=_own_time(verifier, shorter) if at_created else time.time() if now is None else now)
        except Rejected as other:
            if other.code != "outside-window":  # which is said only of a signature that is right
                continue
        return "without the newline at the end of the file the signature is right: an editor added it"
    return ""


def _print(verdict: dict[str, Any], word: str, colour: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"verdict": word, **verdict}, indent=2))
        return
    click.secho(word, fg=colour, bold=True)
    width = max(map(len, verdict))
    for name, value in verdict.items():
        if value is not None:
            click.echo(f"  {name:<{width}}  {value}")
