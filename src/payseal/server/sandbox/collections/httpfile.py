"""The same requests as an ``.http`` file in the dialect of JetBrains' HTTP client, whose scripts can sign, and an environment for it.

A script there cannot change a request; it sets variables, which the request's lines use. A body is one line: nothing about the ends of
lines can differ between what is signed and what is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from payseal.schemes import Scheme, scheme
from payseal.schemes.headers import HeaderRule
from payseal.server.sandbox.collections.calls import CALLS, Call
from payseal.server.sandbox.collections.card_block import ENCRYPTED
from payseal.server.sandbox.collections.environment import variables_of
from payseal.server.snippets.javascript import Host, credential_parts, sign_function, string

__all__ = ["HOST", "http_environment", "http_file"]

#: The name of the environment in ``http-client.private.env.json``.
_ENVIRONMENT: Final = "sandbox"

HOST: Final = Host(
    digest=lambda algorithm, text: f"crypto.{algorithm}().updateWithText({text}).digest().toHex().toLowerCase()",
    hmac=lambda algorithm, key, text: (
        f"crypto.hmac.{algorithm}().withTextSecret({key}).updateWithText({text}).digest().toHex().toLowerCase()"
    ),
    setup="""\
function random() { // an id has to be another one each time; nobody has to be kept from guessing it
    var seed = [Date.now(), Math.random(), Math.random()].join();
    return crypto.sha256().updateWithText(seed).digest().toHex().toLowerCase().slice(0, 32);
}
""",
)
_FOUND: Final = """\
function found(name) {
    return client.global.get(name) || request.environment.get(name);
}
function variable(name) {
    var value = found(name);
    if (!value) { throw new Error(name + " is empty: choose an environment that has it, or send the request that fills it"); }
    return value;
}
"""
_HEADING: Final = """\
# Three payment systems, served by payseal sandbox. Made by: payseal sandbox collections --format http
# The keys come from an environment: payseal sandbox collections --format http --environment http-client.private.env.json
# The requests of a provider go in their order: later ones use what earlier ones were answered.
"""


def http_file(url: str) -> str:
    """The file's text. ``url`` is where the sandbox serves; it can be changed as the variable ``baseUrl``."""
    return f"{_HEADING}\n@baseUrl = {url}\n" + "".join(map(_request, CALLS))


def http_environment(values: Mapping[str, str]) -> str:
    """The text of a ``http-client.private.env.json`` with one environment."""
    return json.dumps({_ENVIRONMENT: dict(values)}, indent=2) + "\n"


def _request(call: Call) -> str:
    lines = [f"\n### {call.provider}: {call.name}"]
    headers = ["Content-Type: application/json"]
    if call.scheme is None:
        headers.append(f"Authorization: Bearer {{{{{variables_of(call)['token']}}}}}")
    else:
        rules = scheme(call.scheme)
        lines.append(f"< {{%\n{_before(call, rules)}%}}")
        headers += [f"{rule.name}: {_value(rule)}" for rule in rules.headers]
    lines += [f"{call.method} {{{{baseUrl}}}}{call.path}", *headers]
    if call.document is not None:
        lines += ["", json.dumps(call.document)]
    if call.keeps:
        lines += ["", f"> {{%\n{_after(call)}%}}"]
    return "\n".join(lines) + "\n"


def _value(rule: HeaderRule) -> str:
    """A header's value: what it always is, or the variable that the script sets."""
    return f"{{{{{_variable(rule)}}}}}" if rule.components else "".join(map(str, rule.parts))


def _variable(rule: HeaderRule) -> str:
    return f"signed_{rule.key.replace('-', '_')}"


def _before(call: Call, rules: Scheme) -> str:
    optional = credential_parts(rules)
    parts = [f"    {part}: {'found' if optional[part] else 'variable'}({string(name)})" for part, name in variables_of(call).items()]
    body = "request.body.tryGetSubstituted()" if call.document is not None else '""'
    fresh = "newId(random())" if rules.nonce is not None else '""'
    lines = [f"client.global.set({string(name)}, random());" for name in call.makes]
    lines += ["var credential = {", ",\n".join(parts), "};", f"var signed = sign(credential, {body}, Date.now(), {fresh});"]
    lines += [
        f'request.variables.set({string(_variable(rule))}, signed.headers[{string(rule.name)}] || "");'
        for rule in rules.headers
        if rule.components
    ]
    return HOST.setup + sign_function(rules, HOST) + _FOUND + "\n".join(lines) + "\n"


def _after(call: Call) -> str:
    lines = [f"    client.global.set({string(name)}, {source});" for name, source in call.keeps.items()]
    kept = "\n".join(["if (response.status < 300) {", "    var answer = response.body;", *lines, "}"])
    return (ENCRYPTED if call.encrypts else "") + kept + "\n"
