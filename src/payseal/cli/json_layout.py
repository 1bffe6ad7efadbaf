"""JSON laid out for reading, token by token: an amount of ``1.10`` stays ``1.10``, which parsing and writing again would not keep."""

from __future__ import annotations

import json
import re
from typing import Final

__all__ = ["laid_out"]

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


def laid_out(text: str) -> str | None:
    """The same JSON, a member a line; ``None`` when the text is not JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    tokens: list[str] = _TOKEN.findall(text)
    result: list[str] = []
    depth = 0
    for index, lexeme in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else ""
        if lexeme in ("{", "["):
            depth += 1
            result.append(lexeme)
            if following not in ("}", "]"):
                result.append("\n" + "  " * depth)
        elif lexeme in ("}", "]"):
            depth -= 1
            if result[-1] not in ("{", "["):
                result.append("\n" + "  " * depth)
            result.append(lexeme)
        elif lexeme == ",":
            result.append(",\n" + "  " * depth)
        else:
            result.append(": " if lexeme == ":" else lexeme)
    return "".join(result)
