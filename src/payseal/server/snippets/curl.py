"""As a ``curl`` command: its signature was made for this one request, and ends with the scheme's window."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from payseal.server.snippets.call import Call

__all__ = ["curl"]


def curl(call: Call, headers: Mapping[str, str]) -> str:
    """``headers`` are the signed ones. One that carries the access token names the shell's variable instead."""
    carriers = {rule.name: rule for rule in call.scheme.headers if any(part.name == "token" for part in rule.components)}
    # --globoff: brackets and braces in the URL mean themselves.
    words = ["curl", "--globoff", "--request", shlex.quote(call.method), "--header", shlex.quote("Content-Type: application/json")]
    for name, value in headers.items():
        if name in carriers:
            shown = "".join(part if isinstance(part, str) else "$PAYSEAL_TOKEN" for part in carriers[name].parts)
            words += ["--header", f'"{name}: {shown}"']
        else:
            words += ["--header", shlex.quote(f"{name}: {value}")]
    if call.body:
        words += ["--data-raw", shlex.quote(call.body)]
    words.append(shlex.quote(call.url))
    return " ".join(word if not word.startswith("--") else f"\\\n  {word}" for word in words)
