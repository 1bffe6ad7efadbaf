"""Header templates: written by a signer and, reversed, read by a verifier.

Most are one component with something fixed around it. A *list* header (``t={created},v1={signature}``, separator ``,``) holds items in
any order, items of other kinds, and more than one signature while keys are being changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from payseal.errors import Rejected
from payseal.grammar import Grammar
from payseal.schemes.boundaries import ambiguous_run
from payseal.schemes.template import SENT_COMPONENTS, Component, Part, TemplateError, parse

__all__ = ["HeaderRule", "header_rule"]

_MAX_ITEMS: Final = 16
_MAX_SIGNATURES: Final = 4
#: Characters of a template: with what its components can be, still a header that is read.
_LONGEST: Final = 1_024


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """One header of a scheme. Made by `header_rule`."""

    name: str  # as written on the wire
    parts: tuple[Part, ...]
    optional: bool  # left out where the credential lacks a component, and not required of a request
    read: Callable[[str], list[tuple[Component, str]]]  # value → what it carries; raises Rejected
    listed: bool = False  # items in any order, between separators

    @property
    def around(self) -> tuple[str, Component | None, str] | None:
        """The one component and the texts before and after it; the whole text and no component where it is constant; else ``None``."""
        components = self.components
        if self.listed or len(components) > 1:
            return None
        at = self.parts.index(components[0]) if components else len(self.parts)
        return "".join(map(str, self.parts[:at])), components[0] if components else None, "".join(map(str, self.parts[at + 1 :]))

    @property
    def key(self) -> str:
        """The name as requests are searched for it."""
        return self.name.lower()

    @property
    def components(self) -> tuple[Component, ...]:
        """The components it carries, in order."""
        return tuple(part for part in self.parts if isinstance(part, Component))

    def write(self, text_of: Callable[[Component], str]) -> str:
        """The header's value."""
        return "".join(part if isinstance(part, str) else text_of(part) for part in self.parts)


def header_rule(
    name: str, template: str, grammar_of: Callable[[Component], Grammar], *, optional: bool = False, separator: str = ""
) -> HeaderRule:
    """A rule from a template. Raises `TemplateError` when what is written could not be read back in exactly one way."""
    if "{{" in template or "\n" in template:
        raise TemplateError("a header value holds neither braces nor newlines")
    if len(template) > _LONGEST:
        raise TemplateError(f"is longer than {_LONGEST} characters")
    parts = parse(template)
    if not parts or template != template.strip():
        raise TemplateError("a header value cannot be empty, nor begin or end with a space")
    components = [part for part in parts if isinstance(part, Component)]
    for component in components:
        if component.name not in SENT_COMPONENTS and not component.digest:
            raise TemplateError(
                f"{component} is not the signer's to send; a header carries {', '.join(SENT_COMPONENTS)} or a digest of the body"
            )
        if components.count(component) > 1:
            raise TemplateError(f"{component} stands twice in one header")
    if separator:
        return HeaderRule(name, parts, optional, _list_reader(name, template, separator, grammar_of), listed=True)
    if ambiguous_run(parts, grammar_of):
        raise TemplateError("cannot be read back in one way: put a character between the components that the first of them cannot hold")
    return HeaderRule(name, parts, optional, _plain_reader(name, parts, grammar_of))


def _malformed(name: str, why: str) -> Rejected:
    return Rejected("malformed-header", f"{name}: {why}")


def _checked(name: str, component: Component, text: str, grammar: Grammar) -> tuple[Component, str]:
    if not grammar.accepts(text):
        if not text:
            raise _malformed(name, f"{component.name} is empty")
        raise _malformed(name, f"{component.name} has {len(text)} characters and does not have the form that the scheme gives it")
    return component, text


def _plain_reader(
    name: str, parts: tuple[Part, ...], grammar_of: Callable[[Component], Grammar]
) -> Callable[[str], list[tuple[Component, str]]]:
    components = [part for part in parts if isinstance(part, Component)]
    if not components:
        constant = "".join(str(part) for part in parts)

        def read_constant(value: str) -> list[tuple[Component, str]]:
            if value != constant:
                raise _malformed(name, f"must be {constant!r}")
            return []

        return read_constant
    if len(components) == 1:
        component = components[0]
        grammar = grammar_of(component)
        at = parts.index(component)
        before, after = "".join(map(str, parts[:at])), "".join(map(str, parts[at + 1 :]))

        def read_one(value: str) -> list[tuple[Component, str]]:
            if not (value.startswith(before) and value.endswith(after)) or len(value) < len(before) + len(after):
                raise _malformed(name, f"must have the form {before}…{after}")
            return [_checked(name, component, value[len(before) : len(value) - len(after)], grammar)]

        return read_one

    expression = re.compile("".join(re.escape(part) if isinstance(part, str) else _group(grammar_of(part)) for part in parts))

    def read_several(value: str) -> list[tuple[Component, str]]:
        match = expression.fullmatch(value)
        if match is None:
            raise _malformed(name, "does not have the form that the scheme gives it")
        return [_checked(name, component, text, grammar_of(component)) for component, text in zip(components, match.groups(), strict=True)]

    return read_several


def _group(grammar: Grammar) -> str:
    members = "".join(re.escape(character) for character in sorted(grammar.alphabet))
    return f"([{members}]{{{grammar.shortest},{'' if grammar.longest is None else grammar.longest}}})"


def _list_reader(
    name: str, template: str, separator: str, grammar_of: Callable[[Component], Grammar]
) -> Callable[[str], list[tuple[Component, str]]]:
    kinds: dict[str, tuple[Component, Grammar]] = {}
    for item in (each.strip(" ") for each in template.split(separator)):  # as it is read
        label, component = (*parse(item), "", "")[:2]
        if not label or not isinstance(label, str) or not isinstance(component, Component) or len(parse(item)) != 2:
            raise TemplateError(
                f"each item between {separator!r} must be a label and one component, such as v1={{signature}}; {item!r} is not"
            )
        grammar = grammar_of(component)
        if separator in grammar.alphabet:
            raise TemplateError(f"{component} can hold {separator!r}, which separates the items")
        if any(label.startswith(other) or other.startswith(label) for other in kinds):
            raise TemplateError(f"the label {label!r} cannot be told from another")
        kinds[label] = component, grammar

    def read_items(value: str) -> list[tuple[Component, str]]:
        items = value.split(separator)
        if len(items) > _MAX_ITEMS:
            raise _malformed(name, f"has more than {_MAX_ITEMS} items")
        found: list[tuple[Component, str]] = []
        for item in items:
            for label, (component, grammar) in kinds.items():
                text = item.strip(" ")
                if text.startswith(label):
                    found.append(_checked(name, component, text[len(label) :], grammar))
        counts: Mapping[str, int] = {label: sum(1 for got, _ in found if got == kind[0]) for label, kind in kinds.items()}
        for label, count in counts.items():
            if count == 0:
                raise _malformed(name, f"has no item {label}…")
            if count > (_MAX_SIGNATURES if kinds[label][0].name == "signature" else 1):
                raise _malformed(name, f"has {count} items {label}…")
        return found

    return read_items
