"""A scheme: how one provider feature authenticates a request. Parsed and proven sound when it is loaded; inside, nothing can be wrong."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, Literal, cast

from payseal.credentials import KEYID, TOKEN, KeySource
from payseal.errors import REJECTIONS, Rejected, SchemeError
from payseal.grammar import Grammar, PatternError, pattern
from payseal.mac import ALGORITHMS, ENCODINGS, Algorithm, Buffer, Encoding
from payseal.request import Request
from payseal.schemes import tables
from payseal.schemes.boundaries import ambiguous_run, guarded
from payseal.schemes.headers import HeaderRule, header_rule
from payseal.schemes.nonces import NONCE_FORMATS
from payseal.schemes.refusals import PLACEHOLDERS, Refusal
from payseal.schemes.template import REQUEST_COMPONENTS, Component, Part, TemplateError, parse
from payseal.schemes.times import MAX_CANDIDATES, CreatedRule, TimeFormatError, format_of

__all__ = ["NonceRule", "Scheme", "SignatureBase", "SignatureRule", "Values", "request_text", "scheme"]


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """The signature base and what is made of it."""

    base: tuple[Part, ...]
    algorithm: Algorithm
    encoding: Encoding  # what a signer sends
    accept: tuple[Encoding, ...]  # what a verifier takes: encodings of the same MAC
    key: KeySource

    def accepted(self, length: int) -> list[Encoding]:
        """The encodings whose text has that many characters."""
        return [encoding for encoding in self.accept if encoding.length(self.algorithm.size) == length]

    @property
    def grammar(self) -> Grammar:
        """What a signature's text can be."""
        lengths = [encoding.length(self.algorithm.size) for encoding in self.accept]
        return Grammar.of(frozenset().union(*(encoding.alphabet for encoding in self.accept)), min(lengths), max(lengths))


@dataclass(frozen=True, slots=True)
class NonceRule:
    """The request id: what a signer makes, what a verifier takes."""

    format: str
    grammar: Grammar

    def make(self, random: Callable[[int], bytes]) -> str:
        """A new id from a source of random bytes such as `os.urandom`."""
        return NONCE_FORMATS[self.format](random)


class Values(dict[str, str]):
    """Texts of components by name. Some are secret, so that none is shown where a traceback is logged with its locals."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<values of {', '.join(self)}>"


class _Pieces(list[Any]):
    """A list that shows none of what is in it, for the same reason."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} pieces>"


class SignatureBase:
    """The exact bytes that are MACed, as pieces in order, as often as they are asked for. The body is not copied."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: list[Iterable[Buffer]]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[Buffer]:
        return chain.from_iterable(self._pieces)

    def __bytes__(self) -> bytes:
        return b"".join(self)


@dataclass(frozen=True, slots=True, repr=False)
class Scheme:
    """How one provider feature authenticates a request: covered components, MAC, encoding, headers, time, nonce.

    Make one with `payseal.scheme` (from the catalogue), `Scheme.load` (from a file) or `Scheme.loads` (from text).
    """

    name: str
    title: str
    signature: SignatureRule
    headers: tuple[HeaderRule, ...]
    created: CreatedRule | None
    nonce: NonceRule | None
    refusal: Refusal | None
    #: How a request says whose it is: by keyid, by access token, or not at all (then one credential is all a verifier can have).
    names: Literal["keyid", "token", "nobody"]
    #: Whether the time is in a header. When it is not, a verifier tries every time in the window.
    created_sent: bool
    #: Whether id, time and body touch, so that a verifier must also refuse what can be read as another request.
    guarded: bool
    #: The tables it was made from, merged: data to show, not to change.
    source: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str], /, **overrides: Any) -> Scheme:
        """The scheme in a TOML file. ``overrides`` change tables key by key: ``created={"format": "unix"}``. Raises `SchemeError`."""
        return _parsed(tables.from_file(path).overridden(overrides))

    @classmethod
    def loads(cls, text: str, /, **overrides: Any) -> Scheme:
        """The scheme in TOML text. Raises `SchemeError`."""
        return _parsed(tables.from_text(text).overridden(overrides))

    def __repr__(self) -> str:
        return f"<Scheme {self.name!r}>"

    @property
    def keyed(self) -> bool:
        """Whether a signature proves who sent the request; without a key it only proves that nothing was damaged."""
        return self.signature.algorithm.keyed

    def base(self, values: Mapping[str, str], request: Request, header: Callable[[str], str]) -> SignatureBase:
        """The signature base of a request.

        ``values`` are the texts of keyid, nonce, created and token; ``header`` finds a covered header's value. Raises `Rejected` when
        a covered part of the request cannot be what it should be.
        """
        pieces: list[Iterable[Buffer]] = _Pieces()
        text: list[str] = _Pieces()
        for part in self.signature.base:
            if isinstance(part, str):
                text.append(part)
            elif part.name in values:
                text.append(values[part.name])
            elif part.name == "body" and not part.digest:
                pieces += [("".join(text).encode("ascii"),), request.pieces()]
                text.clear()
            else:
                text.append(request_text(part, request, header))
        pieces.append(("".join(text).encode("ascii"),))
        return SignatureBase(pieces)


def scheme(name: str, /, **overrides: Any) -> Scheme:
    """A scheme that comes with payseal, such as ``payseal.scheme("fiserv-payments")``.

    ``overrides`` change its tables key by key, for what a provider leaves open or does in its own way:
    ``payseal.scheme("fiserv-payments", created={"format": "unix"})``. Raises `SchemeError`.
    """
    return _parsed(tables.from_catalogue(name).overridden(overrides))


def request_text(component: Component, request: Request, header: Callable[[str], str]) -> str:
    """The text of a component that is part of the request itself. Raises `Rejected`."""
    if component.digest:
        digest = hashlib.new(component.digest)
        for piece in request.pieces():
            digest.update(piece)
        return ENCODINGS[component.encoding].encode(digest.digest())
    name = component.name
    if name in ("header", "host"):
        key = component.header or "host"
        text = header(key)
        if not REQUEST_COMPONENTS[name].accepts(text) or text != text.strip():
            raise Rejected("malformed-header", f"{key}: {'is empty' if not text else 'does not have a form that can be signed'}")
        return text
    text = {"method": request.method, "target": request.target, "path": request.path, "query": request.query}[name]
    if not REQUEST_COMPONENTS[name].accepts(text):
        raise Rejected("malformed-target", f"the {name} of the request line is not visible ASCII of the usual form")
    return text


# --- from tables to a scheme -------------------------------------------------------------------------------------------------

_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "": ("name", "title", "signature", "headers", "created", "nonce", "refusal"),
    "signature": ("base", "algorithm", "encoding", "accept", "key"),
    "created": ("format", "timezone", "tolerance", "future"),
    "nonce": ("format", "pattern"),
    "refusal": ("body", "types", "details"),
    "headers.*": ("template", "optional", "separator"),
}


class _Table:
    """One table of a scheme file: hands out checked values and raises `SchemeError` with the file, the key and the remedy."""

    def __init__(self, file: str, at: str, data: object, kind: str | None = None) -> None:
        self.file, self.at = file, at
        if not isinstance(data, Mapping):
            raise self.error("", "must be a table", f"write it as [{at}]")
        self.data: Mapping[str, Any] = data
        allowed = _KEYS.get(at if kind is None else kind)
        for key in data if allowed is not None else ():
            if key not in allowed:  # type: ignore[operator]
                import difflib  # here, because only a mistake needs it

                near = difflib.get_close_matches(str(key), allowed or (), 1)
                raise self.error(
                    str(key), "is not a key", f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(allowed or ())}"
                )

    def error(self, key: str, problem: str, remedy: str) -> SchemeError:
        where = ".".join(part for part in (self.at, key) if part)
        return SchemeError(problem, file=self.file, key=where, remedy=remedy)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.data.get(key, default)
        if value is None:
            raise self.error(key, "is missing", f'add {key} = "…"')
        if not isinstance(value, str) or (not value and default != ""):
            raise self.error(key, "must be a string that is not empty", f'write {key} = "…"')
        return value

    def choice(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        value, known = self.text(key, default), list(choices)
        if value not in known:
            raise self.error(key, f"{value[:40]!r} is not known", f"one of: {', '.join(known)}")
        return value

    def seconds(self, key: str, default: object = None, *, least: int = 1) -> int:
        """A duration in seconds, as milliseconds."""
        value = self.data.get(key, default)
        if value is None:
            raise self.error(key, "is missing", f"add {key} = 300 (seconds)")
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 86_400:
            raise self.error(key, f"must be a number of seconds from {least} to 86400", "the check of time cannot be turned off")
        return round(value * 1000)

    def template(self, key: str) -> tuple[Part, ...]:
        try:
            return parse(self.text(key))
        except TemplateError as error:
            raise self.error(key, str(error), "see docs/schemes.md for the components") from None


def _parsed(source: tables.Tables) -> Scheme:
    top = _Table(source.file, "", source.data)
    name = top.text("name")
    if not all(part.isalnum() and part.isascii() and part == part.lower() for part in name.split("-")) or len(name) > 64:
        raise top.error("name", "must be lower-case words joined by hyphens", 'such as name = "acme-payments"')
    created = _created(top)
    nonce = _nonce(top)
    signature = _signature(top)

    def grammar_of(component: Component) -> Grammar:
        if component.digest:
            size = hashlib.new(component.digest).digest_size
            encoding = ENCODINGS[component.encoding]
            return Grammar.of(encoding.alphabet, encoding.length(size), encoding.length(size))
        sent = {"keyid": KEYID, "token": TOKEN, "signature": signature.grammar}
        if created:
            sent["created"] = created.format.grammar
        if nonce:
            sent["nonce"] = nonce.grammar
        return sent.get(component.name) or REQUEST_COMPONENTS[component.name]

    table = _Table(source.file, "signature", top.data["signature"])
    for part in signature.base:
        if isinstance(part, Component) and part.name == "signature":
            raise table.error("base", "cannot cover the signature itself", "take {signature} out")
        for rule, word in ((created, "created"), (nonce, "nonce")):
            if isinstance(part, Component) and part.name == word and rule is None:
                raise table.error("base", f"covers {{{word}}} and there is no [{word}]", f"add a [{word}] table")
    headers = _headers(top, grammar_of, has_created=created is not None, has_nonce=nonce is not None)
    covered = [part for part in signature.base if isinstance(part, Component)]
    sent = {component.name for rule in headers for component in rule.components}

    if "signature" not in sent:
        raise top.error("headers", "no header carries {signature}", 'add one, such as X-Signature = "{signature}"')
    for word, rule in (("created", created), ("nonce", nonce)):
        is_covered = any(component.name == word for component in covered)
        if rule is not None and not is_covered:
            raise table.error("base", f"does not cover {{{word}}}: anyone could change it", f"add {{{word}}} to the base, or drop [{word}]")
    body_headers = {rule.key for rule in headers if any(component.digest for component in rule.components)}
    if not any(component.name == "body" or (component.name == "header" and component.header in body_headers) for component in covered):
        raise table.error("base", "does not cover the body: anyone could change it", "add {body}, or a digest such as {body:sha256:hex}")
    for word in ("nonce", "keyid", "token"):
        if word not in sent and any(component.name == word for component in covered):
            raise table.error("base", f"covers {{{word}}} and no header carries it", f"add a header with {{{word}}}")
    always = {component.name for rule in headers if not rule.optional for component in rule.components}
    for part in covered:
        if part.name in ("keyid", "token") and part.name not in always:
            raise table.error("base", f"covers {part} and a request may leave its header out", "take optional away from that header")
        if part.header and any(rule.key == part.header and "signature" in _names(rule) for rule in headers):
            raise table.error("base", f"covers {part}, which carries the signature itself", "cover a header that is known before signing")
    optional_needed = {component.name for rule in headers if rule.optional for component in rule.components} - {"token", "keyid"}
    if optional_needed:
        raise top.error("headers", f"{{{min(optional_needed)}}} stands in an optional header", "only {keyid} and {token} can be left out")
    created_sent = "created" in sent
    if created and not created_sent and created.candidate_count > MAX_CANDIDATES:
        raise _Table(source.file, "created", top.data["created"]).error(
            "format",
            f"is not sent in a header, and a verifier would have to try {created.candidate_count} times for each request",
            f"add a header with {{created}}, or make the window hold at most {MAX_CANDIDATES} times",
        )
    # A verifier takes a keyid or a token that is covered only if it is the credential's own: nothing can be moved into or out of it.
    run = ambiguous_run(signature.base, grammar_of, known=("keyid", "token"))
    is_guarded = bool(run) and guarded(run, grammar_of)
    if run and not is_guarded:
        shown = "".join(str(part) for part in run)
        raise table.error(
            "base",
            f"{shown} can be split in more than one way: bytes moved from one component to the next give another request under the same signature",
            "put a separator between them that the first cannot hold, or give [nonce] a pattern of fixed length",
        )
    return Scheme(
        name=name,
        title=top.text("title", name),
        signature=signature,
        headers=headers,
        created=created,
        nonce=nonce,
        refusal=_refusal(top),
        names="keyid" if "keyid" in sent else "token" if "token" in sent else "nobody",
        created_sent=created_sent,
        guarded=is_guarded,
        source=source.data,
    )


def _names(rule: HeaderRule) -> set[str]:
    return {component.name for component in rule.components}


def _signature(top: _Table) -> SignatureRule:
    if "signature" not in top.data:
        raise top.error("signature", "is missing", "add a [signature] table with base, algorithm and encoding")
    table = _Table(top.file, "signature", top.data["signature"])
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
    return SignatureRule(table.template("base"), algorithm, ENCODINGS[encoding], tuple(ENCODINGS[each] for each in unique), key)


def _created(top: _Table) -> CreatedRule | None:
    if "created" not in top.data:
        return None
    table = _Table(top.file, "created", top.data["created"])
    try:
        time_format = format_of(table.text("format"), table.text("timezone", "UTC"))
    except TimeFormatError as error:
        key = "timezone" if "zone" in str(error) else "format"
        raise table.error(key, str(error), 'such as format = "unix-ms"') from None
    tolerance = table.seconds("tolerance")
    return CreatedRule(time_format, tolerance, table.seconds("future", tolerance / 1000, least=0))


def _nonce(top: _Table) -> NonceRule | None:
    if "nonce" not in top.data:
        return None
    table = _Table(top.file, "nonce", top.data["nonce"])
    made = table.choice("format", NONCE_FORMATS, "uuid4")
    try:
        grammar = pattern(table.text("pattern"))
    except PatternError as error:
        raise table.error("pattern", str(error), 'such as pattern = "[A-Za-z0-9-]{1,64}"') from None
    rule = NonceRule(made, grammar)
    if not grammar.accepts(rule.make(os.urandom)):
        raise table.error("pattern", f"does not match what format = {made!r} makes", "widen the pattern or choose another format")
    return rule


def _headers(top: _Table, grammar_of: Callable[[Component], Grammar], *, has_created: bool, has_nonce: bool) -> tuple[HeaderRule, ...]:
    if "headers" not in top.data:
        raise top.error("headers", "is missing", 'add a [headers] table, such as X-Signature = "{signature}"')
    table = _Table(top.file, "headers", top.data["headers"])
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
        entry = _Table(top.file, f"headers.{name}", {"template": value} if isinstance(value, str) else value, "headers.*")
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


def _refusal(top: _Table) -> Refusal | None:
    if "refusal" not in top.data:
        return None
    table = _Table(top.file, "refusal", top.data["refusal"])
    body, types, details = table.data.get("body"), table.data.get("types", {}), table.data.get("details", {})
    if not isinstance(body, Mapping):
        raise table.error("body", "must be a table: what becomes the JSON body", "write [refusal.body]")
    if not isinstance(types, Mapping) or not all(isinstance(word, str) for word in types.values()):
        raise table.error("types", "must map statuses to words", 'such as types = { 401 = "Unauthenticated", default = "ServerError" }')
    if not isinstance(details, Mapping) or not all(code in REJECTIONS and isinstance(text, str) for code, text in details.items()):
        raise table.error("details", "must map codes to sentences", f"codes are: {', '.join(REJECTIONS)}")
    _check_placeholders(table, body)
    return Refusal(dict(body), {str(status): word for status, word in types.items()}, dict(details))


def _check_placeholders(table: _Table, value: object) -> None:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            _check_placeholders(table, each)
    elif isinstance(value, str):
        if "{" in value and value not in {f"{{{word}}}" for word in PLACEHOLDERS}:
            known = ", ".join(f"{{{word}}}" for word in PLACEHOLDERS)
            raise table.error("body", f"{value[:40]!r} is not a placeholder", f"a whole string of: {known}")
    elif not isinstance(value, bool | int | float) or (isinstance(value, float) and not math.isfinite(value)):
        raise table.error("body", "holds a value that JSON does not have", "strings, numbers, true and false, lists and tables")
