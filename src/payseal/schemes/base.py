"""The signature base: what is signed, compiled once from the template; assembled for each request without copying its body."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, Final, TypeAlias

from payseal.credentials import KeySource
from payseal.errors import Rejected
from payseal.grammar import Grammar
from payseal.mac import ENCODINGS, Algorithm, Buffer, Encoding
from payseal.request import Request
from payseal.schemes.template import REQUEST_COMPONENTS, SENT_COMPONENTS, Component, Part

__all__ = ["SAID", "BaseTemplate", "Leading", "SignatureBase", "SignatureRule", "Values", "request_text"]

#: The components that `BaseTemplate.leading` takes. None of them is secret.
SAID: Final = ("keyid", "nonce", "created")
#: Writes what a base has before the body, from those three; one that the base does not have may be ``None``.
Leading: TypeAlias = Callable[[Any, Any, Any], bytes]
#: Finds the value of a covered header by its lower-case name.
Header: TypeAlias = Callable[[str], str]


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


class BaseTemplate:
    """A base's template, taken apart once: the runs of text before, between and after the places where the body goes."""

    __slots__ = ("_runs", "in_order", "leading", "parts", "raw_leading")

    def __init__(self, parts: tuple[Part, ...]) -> None:
        #: What comes before the body, for a base that is texts of `SAID` and literals and then the body, as nearly all are; else ``None``.
        self.leading: Leading | None = None
        #: The same from bytes.
        self.raw_leading: Leading | None = None
        #: Whether it is the three themselves, one after the other.
        self.in_order = False
        self.parts = parts  # as the scheme file has them
        runs: list[list[Part]] = [[]]
        for part in parts:
            if isinstance(part, Component) and part.name == "body" and not part.digest:
                runs.append([])
            else:
                runs[-1].append(part)
        self._runs = tuple(_writer(run) for run in runs)
        if len(runs) == 2 and not runs[1] and all(isinstance(part, str) or part.name in SAID for part in runs[0]):
            self.leading, self.raw_leading = _leading(runs[0])
            self.in_order = [part.name if isinstance(part, Component) else part for part in runs[0]] == list(SAID)

    def of(self, values: Mapping[str, str], request: Request, header: Header) -> SignatureBase:
        """The base of one request. ``values`` are the texts of keyid, nonce, created and token. Raises `Rejected` when a covered part
        of the request cannot be what it should be."""
        first, *others = self._runs
        pieces = _Pieces([(first(values, request, header).encode("ascii"),)])
        for run in others:
            pieces += (request.pieces(), (run(values, request, header).encode("ascii"),))
        return SignatureBase(pieces)


def _leading(parts: list[Part]) -> tuple[Leading, Leading]:
    """`BaseTemplate.leading` and `BaseTemplate.raw_leading`."""
    literals = tuple(part for part in parts if isinstance(part, str))
    places = [SAID.index(part.name) if isinstance(part, Component) else len(SAID) + literals.index(part) for part in parts]
    if not places:
        return (lambda keyid, nonce, created: b""), (lambda keyid, nonce, created: b"")
    if places == list(range(len(SAID))):  # as Fiserv has them, and many after it
        return (lambda keyid, nonce, created: (keyid + nonce + created).encode()), (lambda keyid, nonce, created: keyid + nonce + created)
    # Two places at least, since for one of them itemgetter gives no tuple; the text after the literals is empty.
    pick = itemgetter(*places, len(SAID) + len(literals))
    rest = (*literals, "")
    raw_rest = tuple(text.encode() for text in rest)
    return (
        lambda keyid, nonce, created: "".join(pick((keyid, nonce, created, *rest))).encode(),
        lambda keyid, nonce, created: b"".join(pick((keyid, nonce, created, *raw_rest))),
    )


def _writer(parts: list[Part]) -> Callable[[Mapping[str, str], Request, Header], str]:
    """What writes a run of literals and components without the body."""
    if all(isinstance(part, Component) and part.name in SENT_COMPONENTS for part in parts):
        names = [part.name for part in parts if isinstance(part, Component)]
        return lambda values, request, header: "".join([values[name] for name in names])

    def write(values: Mapping[str, str], request: Request, header: Header) -> str:
        return "".join(
            [
                part
                if isinstance(part, str)
                else values[part.name]
                if part.name in SENT_COMPONENTS
                else request_text(part, request, header)
                for part in parts
            ]
        )

    return write


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """The signature base and what is made of it."""

    base: BaseTemplate
    algorithm: Algorithm
    encoding: Encoding  # what a signer sends
    accept: tuple[Encoding, ...]  # what a verifier takes: encodings of the same MAC
    key: KeySource

    def accepted(self, length: int) -> list[Encoding]:
        """The encodings whose text has that many characters."""
        return [encoding for encoding in self.accept if encoding.length(self.algorithm.size) == length]

    @property
    def lengths(self) -> list[int]:
        """How many characters a signature can have."""
        return [encoding.length(self.algorithm.size) for encoding in self.accept]

    @property
    def grammar(self) -> Grammar:
        """What a signature's text can be."""
        lengths = self.lengths
        return Grammar.of(frozenset().union(*(encoding.alphabet for encoding in self.accept)), min(lengths), max(lengths))


def request_text(component: Component, request: Request, header: Header) -> str:
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
