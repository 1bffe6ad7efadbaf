"""From tables to the rules of a scheme, and the proof that they are sound: covered, readable, and split in one way only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypedDict, cast

from payseal.credentials import KEYID, TOKEN, KeySource
from payseal.errors import REJECTIONS
from payseal.grammar import Grammar, PatternError, pattern
from payseal.mac import ALGORITHMS, ENCODINGS
from payseal.schemes.base import BaseTemplate, SignatureRule
from payseal.schemes.boundaries import ambiguous_run, guarded
from payseal.schemes.checked import Table
from payseal.schemes.headers import HeaderRule, header_rule
from payseal.schemes.nonces import NONCE_FORMATS, NonceRule
from payseal.schemes.refusals import PLACEHOLDERS, Refusal
from payseal.schemes.tables import Tables
from payseal.schemes.template import REQUEST_COMPONENTS, Component, TemplateError
from payseal.schemes.times import MAX_CANDIDATES, CreatedRule, TimeFormatError, format_of

__all__ = ["Rules", "rules"]

#: What a JSON number can be: every reader of JSON takes the doubles, and Python writes no integer of thousands of digits.
_LARGEST: Final = 2**53
#: Headers that a scheme can have.
_MAX_HEADERS: Final = 64


class Rules(TypedDict):
    """What a `payseal.Scheme` is made of; its fields say what each is."""

    name: str
    title: str
    signature: SignatureRule
    headers: tuple[HeaderRule, ...]
    created: CreatedRule | None
    nonce: NonceRule | None
    refusal: Refusal | None
    names: Literal["keyid", "token", "nobody"]
    created_sent: bool
    guarded: bool
    source: Mapping[str, Any]


def rules(source: Tables) -> Rules:
    """The rules that the tables of one scheme give. Raises `SchemeError` for what is wrong in itself, and for what could be forged."""
    top = Table(source.file, "", source.data)
    name = top.text("name")
    if not all(part.isalnum() and part.isascii() and part == part.lower() for part in name.split("-")) or len(name) > 64:
        raise top.error("name", "must be lower-case words joined by hyphens", 'such as name = "acme-payments"')
    created, nonce, signature = _created(top), _nonce(top), _signature(top)
    grammar_of = _grammars(created, nonce, signature)
    covered = [part for part in signature.base.parts if isinstance(part, Component)]
    _check_base(top, covered, created, nonce)
    headers = _headers(top, grammar_of, has_created=created is not None, has_nonce=nonce is not None)
    sent = {component.name for rule in headers for component in rule.components}
    _check_headers(top, headers, sent)
    _check_coverage(top, covered, headers, sent)
    _check_candidates(top, created, sent)
    return Rules(
        name=name,
        title=top.text("title", name),
        signature=signature,
        headers=headers,
        created=created,
        nonce=nonce,
        refusal=_refusal(top),
        names="keyid" if "keyid" in sent else "token" if "token" in sent else "nobody",
        created_sent="created" in sent,
        guarded=_must_be_guarded(top, signature, grammar_of),
        source=source.data,
    )


def _grammars(created: CreatedRule | None, nonce: NonceRule | None, signature: SignatureRule) -> Callable[[Component], Grammar]:
    """What each component can be in this scheme."""
    sent = {"keyid": KEYID, "token": TOKEN, "signature": signature.grammar}
    if created:
        sent["created"] = created.format.grammar
    if nonce:
        sent["nonce"] = nonce.grammar

    def grammar_of(component: Component) -> Grammar:
        if component.digest:
            encoding, size = ENCODINGS[component.encoding], hashlib.new(component.digest).digest_size
            return Grammar.of(encoding.alphabet, encoding.length(size), encoding.length(size))
        return sent.get(component.name) or REQUEST_COMPONENTS[component.name]

    return grammar_of


def _check_base(top: Table, covered: list[Component], created: CreatedRule | None, nonce: NonceRule | None) -> None:
    """The base holds what there is a rule for, and every rule's value is covered."""
    table, names = Table(top.file, "signature", top.data["signature"]), {component.name for component in covered}
    if "signature" in names:
        raise table.error("base", "cannot cover the signature itself", "take {signature} out")
    for word, rule in (("created", created), ("nonce", nonce)):
        if word in names and rule is None:
            raise table.error("base", f"covers {{{word}}} and there is no [{word}]", f"add a [{word}] table")
        if word not in names and rule is not None:
            raise table.error("base", f"does not cover {{{word}}}: anyone could change it", f"add {{{word}}} to the base, or drop [{word}]")


def _check_headers(top: Table, headers: tuple[HeaderRule, ...], sent: set[str]) -> None:
    """A signature is sent, and only what names the sender may be left out."""
    if "signature" not in sent:
        raise top.error("headers", "no header carries {signature}", 'add one, such as X-Signature = "{signature}"')
    left_out = {component.name for rule in headers if rule.optional for component in rule.components} - {"token", "keyid"}
    if left_out:
        raise top.error("headers", f"{{{min(left_out)}}} stands in an optional header", "only {keyid} and {token} can be left out")


def _check_coverage(top: Table, covered: list[Component], headers: tuple[HeaderRule, ...], sent: set[str]) -> None:
    """The body is covered, and all that is covered reaches the verifier."""
    table = Table(top.file, "signature", top.data["signature"])
    digested = {rule.key for rule in headers if any(component.digest for component in rule.components)}
    if not any(component.name == "body" or (component.name == "header" and component.header in digested) for component in covered):
        raise table.error("base", "does not cover the body: anyone could change it", "add {body}, or a digest such as {body:sha256:hex}")
    always = {component.name for rule in headers if not rule.optional for component in rule.components}
    signed = {rule.key for rule in headers if any(component.name == "signature" for component in rule.components)}
    for part in covered:
        if part.name in ("nonce", "keyid", "token") and part.name not in sent:
            raise table.error("base", f"covers {part} and no header carries it", f"add a header with {part}")
        if part.name in ("keyid", "token") and part.name not in always:
            raise table.error("base", f"covers {part} and a request may leave its header out", "take optional away from that header")
        if ("host" if part.name == "host" else part.header) in signed:
            raise table.error("base", f"covers {part}, which carries the signature itself", "cover a header that is known before signing")


def _check_candidates(top: Table, created: CreatedRule | None, sent: set[str]) -> None:
    """A time that is not sent can be found in a few attempts."""
    if created and "created" not in sent and created.candidate_count > MAX_CANDIDATES:
        raise Table(top.file, "created", top.data["created"]).error(
            "format",
            f"is not sent in a header, and a verifier would have to try {created.candidate_count} times for each request",
            f"add a header with {{created}}, or make the window hold at most {MAX_CANDIDATES} times",
        )


def _must_be_guarded(top: Table, signature: SignatureRule, grammar_of: Callable[[Component], Grammar]) -> bool:
    """Whether a verifier must also look for other readings of a base. Raises `SchemeError` when even that would not do."""
    # A verifier takes a keyid or a token that is covered only if it is the credential's own: nothing can be moved into or out of it.
    run = ambiguous_run(signature.base.parts, grammar_of, known=("keyid", "token"))
    if run and not guarded(run, grammar_of):
        shown = "".join(str(part) for part in run)
        raise Table(top.file, "signature", top.data["signature"]).error(
            "base",
            f"{shown} can be split in more than one way: bytes moved from one component to the next give another request under the same signature",
            "put a separator between them that the first cannot hold, or give [nonce] a pattern of fixed length",
        )
    return bool(run)


def _signature(top: Table) -> SignatureRule:
    if "signature" not in top.data:
        raise top.error("signature", "is missing", "add a [signature] table with base, algorithm and encoding")
    table = Table(top.file, "signature", top.data["signature"])
    algorithm = ALGORITHMS[table.choice("algorithm", ALGORITHMS)]
    key = cast(KeySource, table.choice("key", ("secret", "token", "none"), "secret" if algorithm.keyed else "none"))
    if algorithm.keyed == (key == "none"):
        remedy = 'use an hmac-… algorithm, or key = "none"' if not algorithm.keyed else 'use key = "secret" or "token", or a plain digest'
        raise table.error("key", f"{key!r} does not go with {algorithm.name}", remedy)
    encoding = table.choice("encoding", ENCODINGS)
    accept = table.data.get("accept", [encoding])
    if not isinstance(accept, list | tuple) or not accept or not all(isinstance(each, str) for each in accept):
        raise table.error("accept", "must be a list of encodings", f'such as accept = ["{encoding}"]')
    for each in accept:
        if each not in ENCODINGS:
            raise table.error("accept", f"{each[:40]!r} is not known", f"of: {', '.join(ENCODINGS)}")
    if encoding not in accept:
        raise table.error("accept", f"leaves out {encoding!r}, which a signer sends", "add it")
    unique = dict.fromkeys(accept)
    base = BaseTemplate(table.template("base"))
    return SignatureRule(base, algorithm, ENCODINGS[encoding], tuple(ENCODINGS[each] for each in unique), key)


def _created(top: Table) -> CreatedRule | None:
    if "created" not in top.data:
        return None
    table = Table(top.file, "created", top.data["created"])
    try:
        time_format = format_of(table.text("format"), table.text("timezone", "UTC"))
    except TimeFormatError as error:
        key = "timezone" if "zone" in str(error) else "format"
        raise table.error(key, str(error), 'such as format = "unix-ms"') from None
    tolerance = table.seconds("tolerance")
    return CreatedRule(time_format, tolerance, table.seconds("future", tolerance / 1000, least=0))


def _nonce(top: Table) -> NonceRule | None:
    if "nonce" not in top.data:
        return None
    table = Table(top.file, "nonce", top.data["nonce"])
    made = table.choice("format", NONCE_FORMATS, "uuid4")
    try:
        grammar = pattern(table.text("pattern"))
    except PatternError as error:
        raise table.error("pattern", str(error), 'such as pattern = "[A-Za-z0-9-]{1,64}"') from None
    rule = NonceRule(made, grammar)
    # Each digit in each place, and not one id by chance: a file that loads once loads always.
    if not all(grammar.accepts(rule.make(lambda size, digit=digit: bytes([17 * digit]) * size)) for digit in range(16)):  # type: ignore[misc]
        raise table.error("pattern", f"does not match what format = {made!r} makes", "widen the pattern or choose another format")
    return rule


def _headers(top: Table, grammar_of: Callable[[Component], Grammar], *, has_created: bool, has_nonce: bool) -> tuple[HeaderRule, ...]:
    if "headers" not in top.data:
        raise top.error("headers", "is missing", 'add a [headers] table, such as X-Signature = "{signature}"')
    table = Table(top.file, "headers", top.data["headers"])
    if len(table.data) > _MAX_HEADERS:
        raise top.error("headers", f"are more than {_MAX_HEADERS}", "a scheme has a handful")
    rules: list[HeaderRule] = []
    carried: dict[str, str] = {}
    for name, value in table.data.items():
        if (
            not isinstance(name, str)
            or not name
            or not name.isascii()
            or not all(character.isalnum() or character in "!#$%&'*+-.^_`|~" for character in name)
        ):
            raise table.error(str(name)[:40], "is not a header name", "letters, digits and hyphens")
        entry = Table(top.file, f"headers.{name}", {"template": value} if isinstance(value, str) else value, "headers.*")
        optional = entry.data.get("optional", False)
        separator = entry.text("separator", "")
        if not isinstance(optional, bool):
            raise entry.error("optional", "must be true or false", "leave it out, or write optional = true")
        if len(separator) > 1:
            raise entry.error("separator", "must be one character", 'such as separator = ","')
        template = entry.text("template")
        for word, present in (("created", has_created), ("nonce", has_nonce)):
            if f"{{{word}}}" in template and not present:
                raise table.error(name, f"sends {{{word}}} and there is no [{word}]", f"add a [{word}] table")
        try:
            rule = header_rule(name, template, grammar_of, optional=optional, separator=separator)
        except TemplateError as error:
            raise table.error(name, str(error), "see docs/schemes.md for header templates") from None
        for component in rule.components:
            if component.name == "signature" and "signature" in carried:
                raise table.error(name, f"{{signature}} stands in {carried['signature']} already", "one header carries it")
            carried[component.name] = name
        if any(other.key == rule.key for other in rules):
            raise table.error(name, "stands twice", "header names do not depend on case")
        rules.append(rule)
    return tuple(rules)


def _refusal(top: Table) -> Refusal | None:
    if "refusal" not in top.data:
        return None
    table = Table(top.file, "refusal", top.data["refusal"])
    body, types, details = table.data.get("body"), table.data.get("types", {}), table.data.get("details", {})
    if not isinstance(body, Mapping):
        raise table.error("body", "must be a table: what becomes the JSON body", "write [refusal.body]")
    if not isinstance(types, Mapping) or not all(isinstance(word, str) for word in types.values()):
        raise table.error("types", "must map statuses to words", 'such as types = { 401 = "Unauthenticated", default = "ServerError" }')
    if not isinstance(details, Mapping) or not all(code in REJECTIONS and isinstance(text, str) for code, text in details.items()):
        raise table.error("details", "must map codes to sentences", f"codes are: {', '.join(REJECTIONS)}")
    _check_placeholders(table, body)
    return Refusal(dict(body), {str(status): word for status, word in types.items()}, dict(details))


def _check_placeholders(table: Table, value: object) -> None:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            _check_placeholders(table, each)
    elif isinstance(value, str):
        if "{" in value and value not in {f"{{{word}}}" for word in PLACEHOLDERS}:
            known = ", ".join(f"{{{word}}}" for word in PLACEHOLDERS)
            raise table.error("body", f"{value[:40]!r} is not a placeholder", f"a whole string of: {known}")
    elif not isinstance(value, bool | int | float) or not -_LARGEST <= value <= _LARGEST:  # NaN is neither
        raise table.error(
            "body", "holds a value that JSON does not have, or too large a number", "strings, numbers, true and false, lists and tables"
        )
