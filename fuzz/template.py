"""Templates, id patterns and formats of time: any text is taken or refused with its own error, and what is taken inverts.

- A pattern's `payseal.grammar.Grammar` takes exactly what its regular expression matches.
- A time that is read is a time, the one that Python's own reading gives, and written again it is the same text.
- A template, parsed and spelled again, parses to the same parts.
- What a header template reads from a value gives that value when it is written; what it writes is read back, whatever the components are.

An input: lines that are the header template, the separator, the id pattern, the format of the time, its zone, a base template, and a value;
what follows makes the components that are written.
"""

from __future__ import annotations

import calendar
import contextlib
import re
import time
from typing import Final

from fuzz.targets import broken

from payseal.credentials import KEYID, TOKEN
from payseal.errors import Rejected
from payseal.grammar import Grammar, PatternError, pattern
from payseal.mac import ENCODINGS
from payseal.presented import MAX_HEADER
from payseal.schemes.base import BaseTemplate
from payseal.schemes.headers import HeaderRule, header_rule
from payseal.schemes.template import REQUEST_COMPONENTS, Component, TemplateError, parse
from payseal.schemes.times import TimeFormat, TimeFormatError, format_of

_ID: Final = pattern("[A-Za-z0-9-]{1,64}")
_TIME: Final = format_of("unix-ms")
_SIGNATURE: Final = Grammar.of(ENCODINGS["base64"].alphabet, 44, 88)
#: From 1 to this many characters are made of a component that can have any number.
_MADE: Final = 24


def seeds() -> list[bytes]:
    """Templates of the catalogue, of the documentation, and some that hardly pass."""
    lines = (
        ("{signature}", "", "[A-Za-z0-9-]{1,64}", "unix-ms", "UTC", "{keyid}{nonce}{created}{body}", "A" * 43 + "="),
        ("Bearer {token}", "", "[0-9a-f]{32}|[a-z]{1,4}_[0-9]{1,8}", "%Y%m%d%H%M", "UTC", "v1.{created}.{nonce}.{body}", "Bearer abc"),
        (
            "t={created},v1={signature}",
            ",",
            "(a|bc?){1}\\d{3,4}x?",
            "%Y-%m-%d %H:%M:%S",
            "+05:30",
            "{{{method}}}\n{path}?{query}",
            "t=2026-06-21 00:02:03,v0=x, v1=" + "A" * 44,
        ),
        (
            "id={nonce};at={created};sig={signature};by={keyid}",
            "",
            "[a-z-]{1,3}",
            "unix",
            "-14:59",
            "{header:X-Y}{body:sha256:hex}",
            "id=a;",
        ),
        ("sha-256=:{body:sha256:base64}:", "", "\\w\\d\\.[\\]a\\-]", "%d/%m/%Y", "Z", "{host}\n{target}", f"sha-256=:{'A' * 43}=:"),
        ("{keyid}{nonce}", "", "[a-z]{2}", "unix", "UTC", "", "xab"),
        ("{keyid}.{nonce}", "", "[a-z]{1,9}", "unix", "UTC", "", "x.ab"),
        ("a={keyid},v={signature}", ",", "[a-z]{1,9}", "unix", "UTC", "", "a=b,v=x"),
        ("Key {keyid}", "", "[!-~]{1,256}", "%Y%m%d", "+00:00", "", "Key 1"),
    )
    return [("\n".join([*each, "made of this \x00\x7f\xff" * 3])).encode("latin-1") for each in lines]


def one(data: bytes) -> str:
    """Take each line for what it is."""
    template, separator, ids, times, zone, base, value, *rest = [*data.decode("latin-1").split("\n", 7), *[""] * 8]
    grammar_of = _Grammars(_pattern(ids, value) or _ID, _format(times, zone, value) or _TIME)
    _parsed(base.replace("\t", "\n"))
    try:
        rule = header_rule("X-Header", template, grammar_of, separator=separator[:1])
    except TemplateError:
        return "template refused"
    _written(rule, grammar_of, rest[0].encode("latin-1"))
    return _read(rule, value)


class _Grammars:
    """What each component can be."""

    def __init__(self, ids: Grammar, form: TimeFormat) -> None:
        self.known = {"keyid": KEYID, "token": TOKEN, "nonce": ids, "created": form.grammar, "signature": _SIGNATURE}

    def __call__(self, component: Component) -> Grammar:
        if component.digest:
            encoding = ENCODINGS[component.encoding]
            size = encoding.length({"sha256": 32, "sha384": 48, "sha512": 64}[component.digest])
            return Grammar.of(encoding.alphabet, size, size)
        return self.known.get(component.name) or REQUEST_COMPONENTS[component.name]


def _pattern(text: str, value: str) -> Grammar | None:
    try:
        grammar = pattern(text)
    except PatternError:
        return None
    expression = re.compile(text, re.ASCII)
    for each in (value, value[:1], value[1:], value[:6], value[-6:], _shortest(grammar), _made(grammar, value.encode("latin-1"))):
        broken(bool(expression.fullmatch(each)) != grammar.accepts(each), "a pattern and its grammar differ")
    return grammar


def _format(text: str, zone: str, value: str) -> TimeFormat | None:
    try:
        form = format_of(text, zone)
    except TimeFormatError:
        return None
    for each in (value, value[: form.width], _made(form.grammar, value.encode("latin-1"))):
        moment = form.read(each)
        if moment is not None:
            with contextlib.suppress(ValueError):  # a time before 2001, whose digits begin with zeros, is read and cannot be written
                broken(form.write(moment) != each, "a time that was read is written otherwise")
            broken(form.slots and moment + form.offset != 1000 * calendar.timegm(time.strptime(each, text)), "Python reads another time")
    return form


def _parsed(text: str) -> None:
    try:
        parts = parse(text)
    except TemplateError:
        return
    spelled = "".join(part.replace("{", "{{").replace("}", "}}") if isinstance(part, str) else str(part) for part in parts)
    broken(parse(spelled) != parts, "a template that is spelled again has other parts")
    BaseTemplate(parts)


def _written(rule: HeaderRule, grammar_of: _Grammars, data: bytes) -> None:
    """Components made of ``data`` are written, and read back."""
    made: dict[Component, str] = {}
    for number, component in enumerate(rule.components):
        text = _made(grammar_of(component), data[number:] + bytes([number]))
        if not grammar_of(component).accepts(text):
            return
        made[component] = text
    value = rule.write(made.__getitem__)
    if len(value) > MAX_HEADER or (rule.listed and any(text.startswith(" ") or text.endswith(" ") for text in made.values())):
        return
    broken(dict(rule.read(value)) != made, "what a header template writes is read otherwise")


def _read(rule: HeaderRule, value: str) -> str:
    try:
        found = rule.read(value)
    except Rejected as rejected:
        broken(len(value) >= _MADE and value in rejected.detail, "a refusal repeats the value")
        return rejected.code
    texts = dict(reversed(found))  # of several signatures the first
    again = rule.write(texts.__getitem__)
    broken(not rule.listed and again != value, "a value that was read is written otherwise")
    broken(rule.listed and set(rule.read(again)) != set(texts.items()), "a list that was read and written is read otherwise")
    return "read, and written again"


def _made(grammar: Grammar, data: bytes) -> str:
    """A text of that grammar as far as length and alphabet say what it is."""
    members, initial = sorted(grammar.alphabet), sorted(grammar.initial)
    most = min(grammar.longest or _MADE, max(grammar.shortest, _MADE))
    size = grammar.shortest + (data[0] if data else 0) % (most - grammar.shortest + 1)
    picked = [data[at % len(data)] + at // len(data) if data else 0 for at in range(size)]
    return "".join((members if at else initial)[byte % len(members if at else initial)] for at, byte in enumerate(picked))


def _shortest(grammar: Grammar) -> str:
    return _made(grammar, b"\0")
