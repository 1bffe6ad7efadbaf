"""What a request says of itself: its headers, read strictly.

There are two readers. `read_strictly` takes any scheme and any request, and knows why one is refused. `quick_reader` makes, for the
schemes whose headers carry one thing each, a function that reads a good request in a fraction of the time; whatever is not plainly good
it leaves to `read_strictly`, so that there is one place that refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from payseal.credentials import KEYID, TOKEN
from payseal.errors import Rejected
from payseal.mac import Encoding
from payseal.records import opened
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.schemes.template import Component

__all__ = ["CARRIED", "MAX_HEADER", "Arranged", "Presented", "arranged", "quick_reader", "read_strictly", "single"]

#: No header that a scheme reads is longer (characters).
MAX_HEADER: Final = 8192


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request says of itself, well formed and unproven."""

    keyid: str | None
    token: str | None = field(repr=False)
    nonce: str | None
    #: The time as it was sent, and in milliseconds since the epoch; ``None`` where the scheme does not send it.
    created_text: str | None
    created: int | None
    #: Each signature with the encodings that have texts of its length.
    signatures: tuple[tuple[str, tuple[Encoding, ...]], ...] = field(repr=False)
    #: Digests of the body that headers claim, to be compared with the body's own.
    digests: tuple[tuple[Component, str], ...] = field(repr=False, default=())

    def __reduce__(self) -> Any:
        raise TypeError("what a request presents may hold an access token and is not pickled")


def read_strictly(scheme: Scheme, request: Request) -> Presented:
    """What the request's headers say. Raises `Rejected` when one is missing, repeated or malformed."""
    found: dict[str, str] = {}
    signatures: list[tuple[str, tuple[Encoding, ...]]] = []
    digests: list[tuple[Component, str]] = []
    for rule in scheme.headers:
        values = request.values(rule.key)
        if not values:
            if rule.optional:
                continue
            raise Rejected("missing-header", f"{rule.name} is missing")
        for component, text in rule.read(single(rule.name, values)):
            if component.name == "signature":
                encodings = tuple(scheme.signature.accepted(len(text)))
                if not encodings:
                    raise Rejected("malformed-header", f"{rule.name}: a signature cannot have {len(text)} characters")
                signatures.append((text, encodings))
            elif component.digest:
                digests.append((component, text))
            elif found.setdefault(component.name, text) != text:
                raise Rejected("malformed-header", f"{rule.name}: the {component.name} differs from the one in another header")
    created = None
    created_text = found.get("created")
    if created_text is not None and scheme.created is not None:
        created = scheme.created.format.read(created_text)
        if created is None:
            raise Rejected("malformed-header", f"the time is not of the form {scheme.created.format.text}")
    return Presented(found.get("keyid"), found.get("token"), found.get("nonce"), created_text, created, tuple(signatures), tuple(digests))


def single(name: str, values: list[str]) -> str:
    """The value of a header that may stand only once, be it ever so harmless twice. Raises `Rejected`."""
    if len(values) > 1:
        raise Rejected("repeated-header", f"{name} is present {len(values)} times")
    value = values[0]
    if len(value) > MAX_HEADER:
        raise Rejected("malformed-header", f"{name} is longer than {MAX_HEADER} characters")
    if not value.isascii() or not value.isprintable():
        raise Rejected("malformed-header", f"{name} holds control characters or is not ASCII")
    if not value:
        raise Rejected("malformed-header", f"{name} is empty")
    return value


_Open: Final = opened(Presented)
#: The components that are looked for, in this order.
CARRIED: Final = ("keyid", "token", "nonce", "created", "signature")
#: Text around a component, at most (characters), so that no header that is read quickly can be too long.
_AROUND: Final = 1024

_Found = str | list[str] | None


def quick_reader(scheme: Scheme) -> Callable[[Request], Presented | None] | None:
    """What reads a good request of this scheme, and says ``None`` to every other; ``None`` for a scheme with richer headers.

    The function that it makes is long because calls are what reading costs. For each component it asks the same: is there one header, is
    the text as long as it can be, and is nothing left of it when the characters that it can hold are taken away?
    """
    found = arranged(scheme)
    if found is None:
        return None
    keys, required, around = found.keys, found.required, found.around
    constants: tuple[tuple[Any, Any], ...] = found.constants
    # The same for headers that are still bytes.
    raw_keys = tuple(key if key is None else key.encode() for key in keys)
    raw_constants: tuple[tuple[Any, Any], ...] = tuple((key.encode(), value.encode("latin-1")) for key, value in constants)
    keyid_key, token_key, nonce_key, created_key, signature_key = keys
    keyid_required, token_required, nonce_required, created_required, _ = required
    nonce_grammar = scheme.nonce.grammar if scheme.nonce is not None else KEYID  # no matter which where there is none
    nonce_least, nonce_most, nonce_match = nonce_grammar.shortest, nonce_grammar.longest or 0, nonce_grammar.match
    keyid_most, token_most = KEYID.longest or 0, TOKEN.longest or 0
    keyid_holds, token_holds, nonce_holds = KEYID.members, TOKEN.members, nonce_grammar.members
    signature_holds = scheme.signature.grammar.members
    encodings_of = {length: tuple(scheme.signature.accepted(length)) for length in scheme.signature.lengths}
    form = scheme.created.format if scheme.created is not None else None
    width, granularity, digits = (form.width, form.granularity, not form.slots) if form is not None else (0, 1, False)

    def read(request: Request) -> Presented | None:
        get: Any
        if (raw := request.raw) is None:
            get, fixed = request.by_name.get, constants  # a list where a header stands more than once: no text, and so refused below
            keyid, token, nonce, created_text, signature = (
                get(keyid_key),
                get(token_key),
                get(nonce_key),
                get(created_key),
                get(signature_key),
            )
        else:
            get, fixed = raw.get, raw_constants
            keyid, token, nonce, created_text, signature = [
                value if (value := get(key)) is None else value.decode("latin-1") for key in raw_keys
            ]
        if around:
            keyid, token, nonce, created_text, signature = _taken_out(around, [keyid, token, nonce, created_text, signature])
        if fixed:
            for key, text in fixed:
                if get(key) != text:
                    return None
        if keyid is not None:
            if type(keyid) is not str or not 0 < len(keyid) <= keyid_most:
                return None
            if not keyid.isascii() or keyid.encode().translate(None, keyid_holds):
                return None
        elif keyid_required:
            return None
        if token is not None:
            if type(token) is not str or not 0 < len(token) <= token_most:
                return None
            if not token.isascii() or token.encode().translate(None, token_holds):
                return None
        elif token_required:
            return None
        if nonce is not None:
            if type(nonce) is not str or not nonce_least <= len(nonce) <= nonce_most:
                return None
            if not nonce.isascii() or nonce.encode().translate(None, nonce_holds):
                return None
            if nonce_match is not None and nonce_match(nonce) is None:
                return None
        elif nonce_required:
            return None
        created = None
        if created_text is not None:
            if type(created_text) is not str or form is None:
                return None
            if not digits:
                created = form.read(created_text)
                if created is None:
                    return None
            elif len(created_text) == width and created_text.isascii() and created_text.isdigit():
                created = int(created_text) * granularity
            else:
                return None
        elif created_required:
            return None
        if type(signature) is not str or not signature.isascii() or signature.encode().translate(None, signature_holds):
            return None
        encodings = encodings_of.get(len(signature))
        if encodings is None:
            return None
        made = _Open()
        made.keyid = keyid
        made.token = token
        made.nonce = nonce
        made.created_text = created_text
        made.created = created
        made.signatures = ((signature, encodings),)
        made.digests = ()
        made.__class__ = Presented
        presented: Presented = made
        return presented

    return read


class Arranged(NamedTuple):
    """Where the headers of a scheme carry what, one thing each."""

    #: For each of `CARRIED`, the key of its header, and whether it must be there. What is not sent is looked up by ``None``, a name that
    #: no header has.
    keys: tuple[str | None, ...]
    required: tuple[bool, ...]
    #: Which of `CARRIED` have text around them in their header, and what stands before and after.
    around: tuple[tuple[int, str, str], ...]
    #: Headers that always say the same: key and value.
    constants: tuple[tuple[str, str], ...]


def arranged(scheme: Scheme) -> Arranged | None:
    """``None`` where a header carries several components, two carry the same, or one carries something else."""
    found: dict[str, tuple[str, bool]] = {}
    around: list[tuple[int, str, str]] = []
    constants: list[tuple[str, str]] = []
    for rule in scheme.headers:
        parts = rule.around
        if parts is None or len(parts[0]) + len(parts[2]) > _AROUND:
            return None
        before, component, after = parts
        if component is None:
            if rule.optional:
                return None
            constants.append((rule.key, before))
        elif component.name not in CARRIED or component.name in found:
            return None
        else:
            found[component.name] = rule.key, not rule.optional
            if before or after:
                around.append((CARRIED.index(component.name), before, after))
    if not _sound(scheme):
        return None
    keys = tuple(found[name][0] if name in found else None for name in CARRIED)
    required = tuple(found[name][1] if name in found else False for name in CARRIED)
    return Arranged(keys, required, tuple(around), tuple(constants))


def _sound(scheme: Scheme) -> bool:
    """Whether length, alphabet and expression are all that the grammars say."""
    nonce = scheme.nonce.grammar if scheme.nonce is not None else None
    return KEYID.plain and TOKEN.plain and scheme.signature.grammar.plain and (nonce is None or nonce.plain or nonce.match is not None)


def _taken_out(around: tuple[tuple[int, str, str], ...], found: list[_Found]) -> list[_Found]:
    """With the text around taken away; an empty list, which is no text, in the place of what does not have it around."""
    for at, before, after in around:
        value = found[at]
        if type(value) is str:
            fits = value.startswith(before) and value.endswith(after) and len(value) >= len(before) + len(after)
            found[at] = value[len(before) : len(value) - len(after)] if fits else []
    return found
