"""``payseal explain``: why a signature did not match, for the owner of the key."""

from __future__ import annotations

import base64
import json
import textwrap
import time
from typing import Any, Final

import click

from payseal.cli.bodies import read_bytes
from payseal.cli.captured import captured_request
from payseal.cli.commands import Command
from payseal.cli.failures import REFUSED, wrong_use
from payseal.cli.others_option import others_option, read_others
from payseal.cli.own_time import own_time, time_text
from payseal.cli.scheme_option import scheme_options
from payseal.cli.secrets_input import CredentialSource, credential_options
from payseal.cli.terminal import shown
from payseal.cli.values import duration, seconds
from payseal.credentials import Credential
from payseal.explain import Explanation
from payseal.explain import explain as why
from payseal.explain.compared import compared
from payseal.explain.masking import Masking
from payseal.request import Request
from payseal.schemes import Scheme

__all__ = ["explain"]

_WIDTH: Final = 116
#: Characters that a secret has at least to be looked for in what is printed: a shorter text would be found where it is none.
_HIDEABLE: Final = 8


def _entry_number(text: str) -> int:
    """The type of ``--entry``. click's own would quote what it was given."""
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 7 and int(text)):
        wrong_use("--entry takes a number; 1 is the first")
    return int(text)


@click.command(cls=Command)
@scheme_options
@credential_options
@others_option
@click.option("--now", type=seconds, metavar="SECONDS", help="Judge as of this time (since the epoch) instead of now.")
@click.option("--at-created", is_flag=True, help="Judge as of the request's own time: for old captures.")
@click.option("--budget", type=duration, default="0.5", show_default=True, metavar="SECONDS", help="How long the search may take.")
@click.option("--entry", type=_entry_number, metavar="N", help="Which entry of a HAR file; 1 is the first.")
@click.option("--allow-files", is_flag=True, help="Read the body from the file that a curl command names. For commands of your own.")
@click.option("--show-bases", is_flag=True, help="Do not mask long numbers in the bases; with --json, give the bases as Base64.")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
@click.argument("file", default="-", metavar="[FILE|-]")
def explain(
    scheme: Scheme,
    source: CredentialSource,
    others_path: str | None,
    now: float | None,
    at_created: bool,
    budget: float,
    entry: int | None,
    allow_files: bool,
    show_bases: bool,
    as_json: bool,
    file: str,
) -> None:
    """Say why the signature of a request did not match: exit code 0 where it does match, 1 where it does not.

    FILE holds the request: raw HTTP/1.1, a HAR file or an entry of one, or a curl command. Which of them it is is seen from the file.

    \b
    payseal explain --scheme fiserv-payments captured.http
    payseal explain --scheme fiserv-payments --at-created --entry 3 session.har
    payseal explain --scheme startbutton-transfer --others sandbox-keys.toml - < curl.txt

    A proven cause is one with which the signature that was sent can be computed. No secret and no part of a signature is shown; the
    bases hold the request's body, in which long numbers are masked. The explanation is for the owner of the key, never for a stranger.
    """
    if now is not None and at_created:
        wrong_use("--now and --at-created are two times: give one of them")
    credential = source.credential(scheme, signing=False)
    others = read_others(others_path, credential.account)
    request = captured_request(read_bytes(file, "the captured request"), entry=entry, allow_files=allow_files)
    moment = own_time(request, scheme) if at_created else time.time() if now is None else now
    explanation = why(request, scheme, credential, now=moment, budget=budget, others=others)
    text = (
        json.dumps(_document(explanation, show_bases=show_bases), indent=2)
        if as_json
        else "\n".join(_lines(explanation, Masking(on=not show_bases, time=_time_in_base(request, scheme, moment))))
    )
    click.echo(_without_secrets(text, (credential, *others)))
    if not explanation.verified:
        click.get_current_context().exit(REFUSED)


def _time_in_base(request: Request, scheme: Scheme, now: float) -> str:
    """The time that the base holds: as it was sent, or of the window where it is not sent."""
    if scheme.created is None or scheme.created_sent:
        return time_text(request, scheme) or ""
    return next((text for _, text in scheme.created.candidates(int(now * 1000))), "")


def _lines(explanation: Explanation, masking: Masking) -> list[str]:
    """For people: the causes, the bases where they differ, the checks."""
    word, colour = ("verified", "green") if explanation.verified else ("refused", "red")
    lines = [click.style(word, fg=colour, bold=True)]
    for cause in explanation.causes:
        lines.append(f"{cause.rank:>2}  {click.style(cause.code, bold=True)} ({'proven' if cause.proven else 'seen'})")
        for text in (cause.summary, f"Fix: {cause.fix}"):
            lines += textwrap.wrap(shown(text), _WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
    if explanation.signed_base:
        lines += [f"    {line}" for line in compared(explanation.signature_base, explanation.signed_base, masking)]
    checks = [
        f"{check.name} {'passed' if check.passed else 'failed'}{f' ({check.detail})' if check.detail else ''}"
        for check in explanation.checks
        if check.passed is not None  # the others were not reached
    ]
    lines += textwrap.wrap(shown("Checks: " + ", ".join(checks)), _WIDTH)
    if explanation.examined:
        lines.append(f"{explanation.examined} signatures were computed in {explanation.elapsed * 1000:.1f} ms.")
    if explanation.shortened:
        lines.append(f"The search was cut short: {explanation.shortened}.")
    return lines


def _document(explanation: Explanation, *, show_bases: bool) -> dict[str, Any]:
    """For programs."""
    document: dict[str, Any] = {
        "verified": explanation.verified,
        "causes": [
            {
                "rank": cause.rank,
                "code": cause.code,
                "component": cause.component,
                "proven": cause.proven,
                "summary": cause.summary,
                "fix": cause.fix,
            }
            for cause in explanation.causes
        ],
        "checks": [{"name": check.name, "passed": check.passed, "detail": check.detail} for check in explanation.checks],
        "examined": explanation.examined,
        "elapsed_ms": round(explanation.elapsed * 1000, 3),
        "shortened": explanation.shortened,
    }
    if show_bases:
        document["signature_base"] = base64.b64encode(explanation.signature_base).decode("ascii")
        document["signed_base"] = base64.b64encode(explanation.signed_base).decode("ascii")
    return document


def _without_secrets(text: str, credentials: tuple[Credential, ...]) -> str:
    """The last look at what is printed: a request may carry a secret where a header's or a key's name belongs."""
    for credential in credentials:
        values = [secret.decode("utf-8", "replace") for secret in credential.reveal_secrets()]
        values += [credential.reveal_token()] if credential.has_token else []
        for value in values:
            if len(value) >= _HIDEABLE:
                for form in {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}:
                    text = text.replace(form, "<hidden>")
    return text
