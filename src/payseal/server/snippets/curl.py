"""As a ``curl`` command: its signature was made for this one request, and ends with the scheme's window."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from payseal.schemes.headers import HeaderRule
from payseal.server.snippets.call import Call

__all__ = ["curl"]


def curl(call: Call, headers: Mapping[str, str]) -> str:
    """``headers`` are the signed ones. One that carries the access token names the shell's variable instead."""
    carriers = {rule.name: rule for rule in call.scheme.headers if any(part.name == "token" for part in rule.components)}
    # --globoff: brackets and braces in the URL mean themselves.
    words = ["curl", "--globoff", "--request", shlex.quote(call.method), "--header", shlex.quote("Content-Type: application/json")]
    for name, value in headers.items():
        if name in carriers:
            words += ["--header", f'"{name}: {_with_variable(carriers[name], value)}"']
        else:
            words += ["--header", shlex.quote(f"{name}: {value}")]
    if call.body:
        words += ["--data-raw", shlex.quote(call.body)]
    words.append(shlex.quote(call.url))
    return " ".join(word if not word.startswith("--") else f"\\\n  {word}" for word in words)


def _with_variable(rule: HeaderRule, value: str) -> str:
    """The header's value with the shell's variable for the token; all else escaped as double quotes want it."""
    texts = {component: "$PAYSEAL_TOKEN" if component.name == "token" else _escaped(text) for component, text in rule.read(value)}
    return "".join(_escaped(part) if isinstance(part, str) else texts[part] for part in rule.parts)


def _escaped(text: str) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", text)
