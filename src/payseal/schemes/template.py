"""Templates: literal text with ``{components}`` in it, parsed once into parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from payseal.grammar import ANYTHING, VISIBLE, Grammar
from payseal.mac import ALGORITHMS, ENCODINGS

__all__ = ["REQUEST_COMPONENTS", "Component", "Part", "TemplateError", "parse"]

#: Components that are read from the request itself, and what each can be (RFC 9110, RFC 9112, RFC 3986).
REQUEST_COMPONENTS: Final[dict[str, Grammar]] = {
    "method": Grammar.of(frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 1, 32),
    "target": Grammar.of(VISIBLE - {"#"}, 1, 16384, initial="/"),
    "path": Grammar.of(VISIBLE - {"#", "?"}, 1, 8192, initial="/"),
    "query": Grammar.of(VISIBLE - {"#"}, 0, 8192),
    "host": Grammar.of(frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]"), 1, 255),
    "header": Grammar.of(VISIBLE | {" "}, 1, 8192),
    "body": Grammar.of(ANYTHING, 0, None),
}
#: Components whose values are the signer's, carried by headers.
SENT_COMPONENTS: Final = ("keyid", "nonce", "created", "token", "signature")


class TemplateError(ValueError):
    """A template that cannot be read; the text says why and what to write instead."""


@dataclass(frozen=True, slots=True)
class Component:
    """One ``{name}`` of a template. ``header`` is the (lower-case) name in ``{header:Name}``; ``digest`` and ``encoding`` are those of
    ``{body:sha256:hex}``."""

    name: str
    header: str = ""
    digest: str = ""
    encoding: str = ""

    def __str__(self) -> str:
        arguments = [part for part in (self.header, self.digest, self.encoding) if part]
        return "{" + ":".join([self.name, *arguments]) + "}"


Part: TypeAlias = str | Component

# Texts, compiled when the first scheme is loaded and not when payseal is imported.
_PLACE: Final = r"\{\{|\}\}|\{([^{}]*)\}|[{}]"
_HEADER_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # token of RFC 9110


def parse(text: str) -> tuple[Part, ...]:
    """The parts of a template: literals as ``str``, components as `Component`. ``{{`` and ``}}`` stand for the braces themselves.

    Raises `TemplateError`.
    """
    parts: list[Part] = []
    literal = ""
    end = 0
    for token in re.finditer(_PLACE, text):
        literal += text[end : token.start()]
        end = token.end()
        if token[0] in ("{{", "}}"):
            literal += token[0][0]
        elif token[1] is None:
            raise TemplateError(f"a brace at position {token.start()} has no partner; a literal brace is written twice")
        else:
            if literal:
                parts.append(literal)
                literal = ""
            parts.append(_component(token[1]))
    literal += text[end:]
    if literal:
        parts.append(literal)
    if not all(_printable_lines(part) for part in parts if isinstance(part, str)):
        raise TemplateError("literal text must be printable ASCII (and newlines)")
    return tuple(parts)


def _printable_lines(text: str) -> bool:
    return text.isascii() and text.replace("\n", "").isprintable()


def _component(text: str) -> Component:
    name, *arguments = text.split(":")
    known = (*SENT_COMPONENTS, *REQUEST_COMPONENTS)
    if name not in known:
        raise TemplateError(f"{{{text}}} is not a component; these are: {', '.join(known)}")
    if name == "header":
        if len(arguments) != 1 or not re.fullmatch(_HEADER_NAME, arguments[0]):
            raise TemplateError(f"{{{text}}} must name one header, as in {{header:Content-Type}}")
        return Component(name, header=arguments[0].lower())
    if name == "body" and arguments:
        hashes = sorted(algorithm.hash for algorithm in ALGORITHMS.values() if not algorithm.keyed)
        if len(arguments) != 2 or arguments[0] not in hashes or arguments[1] not in ENCODINGS:
            raise TemplateError(
                f"{{{text}}} must be {{body:<hash>:<encoding>}}, hash one of {', '.join(hashes)}; encoding one of {', '.join(ENCODINGS)}"
            )
        return Component(name, digest=arguments[0], encoding=arguments[1])
    if arguments:
        raise TemplateError(f"{{{text}}} takes no argument: write {{{name}}}")
    return Component(name)
