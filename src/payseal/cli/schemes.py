"""``payseal schemes``: what there is, and what each signs."""

from __future__ import annotations

import json
from typing import Final

import click

import payseal
from payseal.cli.commands import Command, Group
from payseal.cli.scheme_option import load, set_option
from payseal.cli.terminal import draw, shown
from payseal.schemes import Scheme, catalogue_names
from payseal.schemes.template import Component, Part

__all__ = ["schemes"]

_MEANING: Final = {
    "keyid": "the credential's public name",
    "nonce": "the request id",
    "created": "the signer's time, as it is sent",
    "token": "the access token",
    "method": "the method, in upper case",
    "target": "path and query, as on the request line",
    "path": "the path, as on the request line",
    "query": "the query, without its question mark",
    "host": "the value of Host",
    "header": "the value of that header",
    "body": "the body's bytes, exactly as they are sent",
}
_KEYS: Final = {"secret": "keyed with the secret", "token": "keyed with the access token", "none": "no key: anyone can make it"}
_FORMATS: Final = {"unix": "seconds since the epoch, 10 digits", "unix-ms": "milliseconds since the epoch, 13 digits"}


@click.group(cls=Group)
def schemes() -> None:
    """Show the schemes: what is signed, in which order, and how."""


@schemes.command("list", cls=Command)
def list_schemes() -> None:
    """List the schemes that come with payseal."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("name", "what it signs for", "algorithm", "time", "request id"):
        table.add_column(heading, no_wrap=heading != "what it signs for")
    for name in catalogue_names():
        scheme = payseal.scheme(name)
        time = "none" if scheme.created is None else scheme.created.format.text
        table.add_row(
            name, scheme.title, scheme.signature.algorithm.name, time, "none" if scheme.nonce is None else scheme.nonce.format, style=None
        )
    draw(table)


@schemes.command("show", cls=Command, short_help="Show one scheme: what is signed, and how.")
@click.argument("name_or_path")
@set_option
@click.option("--json", "as_json", is_flag=True, help="The scheme's merged tables as JSON.")
def show_scheme(name_or_path: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Show one scheme: what is signed in which order, and where it stands in a request.

    \b
    payseal schemes show fiserv-payments
    payseal schemes show ./acme.toml --json
    payseal schemes show fiserv-payments --set created.format=unix
    """
    scheme = load(name_or_path, settings)
    if as_json:
        click.echo(json.dumps(scheme.source, indent=2, default=str))
        return
    click.echo(shown("\n".join([f"{scheme.name}: {scheme.title}", "", *_signed(scheme), "", *_facts(scheme), "", *_headers(scheme)])))


def _signed(scheme: Scheme) -> list[str]:
    base = scheme.signature.base.parts
    names = [_name(part) for part in base]
    width = max(map(len, names))
    lines = [f"  {number}  {name:<{width}}  {_meaning(part)}" for number, (part, name) in enumerate(zip(base, names, strict=True), start=1)]
    between = "one directly after the other" if all(isinstance(part, Component) for part in base) else "with the text between them"
    covered = {part.name for part in base if isinstance(part, Component)}
    if "target" in covered:
        covered |= {"path", "query"}
    left = [name for name in ("method", "path", "query", "host") if name not in covered]
    return [f"Signed, in this order, {between}:", *lines, *([f"  not signed: {', '.join(left)}"] if left else [])]


def _name(part: Part) -> str:
    return json.dumps(part) if isinstance(part, str) else str(part)


def _meaning(part: Part) -> str:
    if isinstance(part, str):
        return "this text"
    if part.digest:
        return f"{part.digest} of the body's bytes, as {part.encoding}"
    return _MEANING[part.name]


def _facts(scheme: Scheme) -> list[str]:
    rule = scheme.signature
    others = [each.name for each in rule.accept if each is not rule.encoding]
    facts = [
        ("algorithm", f"{rule.algorithm.name}, {_KEYS[rule.key]}"),
        ("encoding", rule.encoding.name + (f"; a verifier also takes {', '.join(others)}" if others else "")),
        ("time", _time(scheme)),
    ]
    if scheme.nonce is None:
        facts.append(("request id", "none: what was signed may be used once"))
    else:
        facts.append(("request id", f"{scheme.nonce.format}; a verifier takes {scheme.source['nonce']['pattern']}"))
    return [f"{name:<12}{text}" for name, text in facts]


def _time(scheme: Scheme) -> str:
    rule = scheme.created
    if rule is None:
        return "none: a captured request stays valid, only its id tells that it is not the first"
    text = rule.format.text
    if text in _FORMATS:
        text += f" ({_FORMATS[text]})"
    else:
        text += f" ({scheme.source['created'].get('timezone', 'UTC')})"
    sent = "" if scheme.created_sent else "; not sent: a verifier tries every one in the window"
    return f"{text}; fresh from {rule.tolerance / 1000:g} s before to {rule.future / 1000:g} s after the verifier's time{sent}"


def _headers(scheme: Scheme) -> list[str]:
    width = max(len(rule.name) for rule in scheme.headers)
    templates = {name: value if isinstance(value, str) else value["template"] for name, value in scheme.source["headers"].items()}
    lines = [
        f"  {rule.name:<{width}}  {templates[rule.name]}{'  (where the credential has it)' if rule.optional else ''}"
        for rule in scheme.headers
    ]
    return ["Headers:", *lines]
