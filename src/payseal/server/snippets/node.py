"""As JavaScript, for Node, without a package."""

from __future__ import annotations

from typing import Final

from payseal.server.snippets.call import Call, parts_used
from payseal.server.snippets.javascript import Host, sign_function, string

__all__ = ["node"]

_HOST: Final = Host(
    digest=lambda name, text: f'createHash("{name}").update({text}, "utf8").digest("hex")',
    hmac=lambda name, key, text: f'createHmac("{name}", {key}).update({text}, "utf8").digest("hex")',
    setup="",
)


def node(call: Call) -> str:
    """A module (``.mjs``). Raises `PaysealError` for a scheme that a script cannot sign."""
    credential = ", ".join(f"{part}: process.env.PAYSEAL_{part.upper()}" for part in parts_used(call.scheme))
    made = 'newId(randomBytes(16).toString("hex"))' if call.scheme.nonce is not None else "undefined"
    return f"""\
import {{ createHash, createHmac, randomBytes }} from "node:crypto";

{sign_function(call.scheme, _HOST)}
const credential = {{ {credential} }};
const body = {string(call.body)};
const signed = sign(credential, body, Date.now(), {made});

const answer = await fetch({string(call.url)}, {{
    method: {string(call.method)},
    headers: {{ "Content-Type": "application/json", ...signed.headers }},
    body: body || undefined,
}});
console.log(answer.status, await answer.text());
"""
