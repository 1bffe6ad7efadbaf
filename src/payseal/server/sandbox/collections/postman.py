"""The collection in Postman's format 2.1, and an environment for it.

Its scripts change the request before it is sent: the body, whose variables are replaced first so that the bytes that are signed are the
bytes that go out, and the headers.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final

from payseal.schemes import Scheme, scheme
from payseal.server.sandbox.collections.calls import CALLS, Call
from payseal.server.sandbox.collections.card_block import ENCRYPTED
from payseal.server.sandbox.collections.environment import KEY_VARIABLES, variables_of
from payseal.server.snippets.javascript import Host, credential_parts, sign_function, string

__all__ = ["HOST", "postman_collection", "postman_environment"]

#: What a collection's ``info.schema`` has to be; nothing is fetched from there.
_SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_NAME: Final = "payseal sandbox"

HOST: Final = Host(
    digest=lambda algorithm, text: f"CryptoJS.{algorithm.upper()}({text}).toString(CryptoJS.enc.Hex)",
    hmac=lambda algorithm, key, text: f"CryptoJS.Hmac{algorithm.upper()}({text}, {key}).toString(CryptoJS.enc.Hex)",
    setup="""\
var CryptoJS = require("crypto-js");
function random() {
    return CryptoJS.lib.WordArray.random(16).toString(CryptoJS.enc.Hex);
}
""",
)
_VARIABLE: Final = """\
function variable(name) {
    var value = pm.variables.get(name);
    if (!value) { throw new Error(name + " is empty: choose an environment that has it, or send the request that fills it"); }
    return value;
}
"""


def postman_collection(url: str) -> str:
    """The collection as JSON. ``url`` is where the sandbox serves; it can be changed as the variable ``baseUrl``."""
    names = ["baseUrl", *KEY_VARIABLES, *dict.fromkeys(name for call in CALLS for name in (*call.makes, *call.keeps))]
    document = {
        "info": {
            "_postman_id": _id("collection"),
            "name": _NAME,
            "description": "Three payment systems, served by payseal sandbox. Each request signs itself before it is sent. "
            "The requests of a folder go in their order: later ones use what earlier ones were answered.",
            "schema": _SCHEMA,
        },
        "item": [
            {"name": provider, "item": [_item(call) for call in calls]} for provider, calls in groupby(CALLS, lambda call: call.provider)
        ],
        # Keys are an environment's to hold: a collection is made to be passed on.
        "variable": [{"key": name, "value": url if name == "baseUrl" else "", "type": "string"} for name in names],
    }
    return json.dumps(document, indent=2) + "\n"


def postman_environment(values: Mapping[str, str]) -> str:
    """An environment as JSON, with the values of `KEY_VARIABLES`."""
    rows = [
        {"key": name, "value": value, "type": "default" if name.endswith("_keyid") else "secret", "enabled": True}
        for name, value in values.items()
    ]
    document = {"id": _id("environment"), "name": _NAME, "values": rows, "_postman_variable_scope": "environment"}
    return json.dumps(document, indent=2) + "\n"


def _item(call: Call) -> dict[str, Any]:
    path = call.path.strip("/")
    headers = {"Content-Type": "application/json"}
    if call.scheme is None:
        headers["Authorization"] = f"Bearer {{{{{variables_of(call)['token']}}}}}"
    request: dict[str, Any] = {
        "method": call.method,
        "header": [{"key": name, "value": value} for name, value in headers.items()],
        "url": {"raw": f"{{{{baseUrl}}}}/{path}", "host": ["{{baseUrl}}"], "path": path.split("/")},
    }
    if call.document is not None:
        request["body"] = {"mode": "raw", "raw": json.dumps(call.document, indent=2), "options": {"raw": {"language": "json"}}}
    events = [] if call.scheme is None else [_event("prerequest", _before(call, scheme(call.scheme)))]
    if call.keeps:
        events.append(_event("test", _after(call)))
    return {"name": call.name, "event": events, "request": request, "response": []}


def _event(listen: str, source: str) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": source.splitlines()}}


def _before(call: Call, rules: Scheme) -> str:
    optional = credential_parts(rules)
    parts = [
        f"    {part}: {f'pm.variables.get({string(name)})' if optional[part] else f'variable({string(name)})'}"
        for part, name in variables_of(call).items()
    ]
    lines = [f"pm.collectionVariables.set({string(name)}, random());" for name in call.makes]
    if call.document is not None:
        lines += [
            "// What is signed is what is sent: no variable is left in it for Postman to replace afterwards.",
            "var body = pm.variables.replaceIn(pm.request.body.raw);",
            'pm.request.body.update({mode: "raw", raw: body});',
        ]
    body = "body" if call.document is not None else '""'
    fresh = "newId(random())" if rules.nonce is not None else '""'
    lines += [
        "var credential = {",
        ",\n".join(parts),
        "};",
        f"var signed = sign(credential, {body}, Date.now(), {fresh});",
        "Object.keys(signed.headers).forEach(function (name) {",
        "    pm.request.headers.upsert({key: name, value: signed.headers[name]});",
        "});",
    ]
    return HOST.setup + sign_function(rules, HOST) + _VARIABLE + "\n".join(lines) + "\n"


def _after(call: Call) -> str:
    lines = [f"    pm.collectionVariables.set({string(name)}, {source});" for name, source in call.keeps.items()]
    kept = "\n".join(["if (pm.response.code < 300) {", "    var answer = pm.response.json();", *lines, "}"])
    return (ENCRYPTED if call.encrypts else "") + kept + "\n"


def _id(what: str) -> str:
    """The same each time, so that a new copy takes the old one's place."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:payseal:sandbox:postman:{what}"))
