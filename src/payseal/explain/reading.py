"""What a request's headers say, read leniently: what a strict reader refuses is what there is to explain."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from payseal.credentials import Credential
from payseal.errors import Rejected
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.schemes.headers import HeaderRule
from payseal.schemes.template import Component

__all__ = ["Finding", "Reading", "read_leniently"]

#: Words and labels that clients put before a value.
_PREFIXES: Final = (
    "bearer ",
    "hmac ",
    "hmac-sha256 ",
    "hmac-sha256=",
    "basic ",
    "signature ",
    "signature=",
    "sha256=",
    "sha256 ",
    "sha-256=",
    "sha512=",
    "v1=",
    "v0=",
    "v1,",
    "token ",
    "hmac:",
    "sha256:",
)
#: What ``openssl dgst`` prints before a digest.
_LABEL: Final = re.compile(r"[A-Za-z0-9-]{0,20}\([^)]{1,80}\)= ?")
_MAX_LENGTH: Final = 8192


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake that is seen in a header, whether or not it explains the signature."""

    code: str
    facts: Mapping[str, object]


@dataclass(slots=True)
class Reading:
    """Texts by component name, every signature that is there, and what was found on the way."""

    values: dict[str, str] = field(default_factory=dict, repr=False)
    signatures: list[str] = field(default_factory=list, repr=False)
    findings: list[Finding] = field(default_factory=list)
    #: Whether something is missing without which nothing can be checked.
    missing: bool = False


def read_leniently(request: Request, scheme: Scheme, credential: Credential | None) -> Reading:
    """Take the headers apart, mending what can be mended and saying so."""
    reading = Reading()
    exchanged = _exchanged(request, scheme, credential)
    for rule in scheme.headers:
        found = _value_of(rule, request, scheme, reading, exchanged)
        if found is not None:
            _take(rule, found, reading)
    if not reading.signatures:
        reading.missing = True
    return reading


def _value_of(rule: HeaderRule, request: Request, scheme: Scheme, reading: Reading, exchanged: Mapping[str, str]) -> str | None:
    values = request.values(rule.key)
    if rule.key in exchanged:
        other = next(each.name for each in scheme.headers if each.key == exchanged[rule.key])
        if not any(finding.code == "header-swapped" for finding in reading.findings):
            reading.findings.append(Finding("header-swapped", {"header": rule.name, "other": other}))
        return request.values(exchanged[rule.key])[0]
    if not values:
        if rule.optional:
            return None
        name = _renamed(rule, request, scheme)
        if name is None:
            reading.findings.append(Finding("header-missing", {"header": rule.name}))
            return None
        reading.findings.append(Finding("header-renamed", {"header": rule.name, "name": name[:64]}))
        return request.values(name.lower() if name.isascii() else name)[0]
    if len(values) > 1:
        reading.findings.append(Finding("header-repeated", {"header": rule.name, "count": len(values)}))
    return values[0]


def _take(rule: HeaderRule, value: str, reading: Reading) -> None:
    """Put what the header carries into the reading; a value that does not fit is mended, or taken as it is."""
    value = value[:_MAX_LENGTH]
    carried = _read(rule, value)
    if carried is None:
        for what, mended in _mended(rule, value):
            carried = _read(rule, mended)
            if carried is None and _signs(rule) and what:
                carried = [(component, _bare(rule, mended)) for component in rule.components]  # in another encoding, perhaps
                if not re.fullmatch(r"[A-Za-z0-9+/=_%-]{16,}", carried[0][1]):
                    carried = None
            if carried is not None:
                reading.findings.append(Finding("header-prefix", {"header": rule.name, "what": what, "form": "the value"}))
                break
    if carried is None:
        if not rule.components:
            reading.findings.append(
                Finding(
                    "header-prefix", {"header": rule.name, "what": "another value than the scheme's", "form": "".join(map(str, rule.parts))}
                )
            )
            return
        if len(rule.components) > 1:  # which of them is wrong cannot be told
            form = "".join(map(str, rule.parts))
            reading.findings.append(Finding("header-prefix", {"header": rule.name, "what": "another form than the scheme's", "form": form}))
        carried = [(component, _bare(rule, value)) for component in rule.components[:1]]
    for component, text in carried:
        if component.name == "signature":
            reading.signatures.append(text)
        elif not component.digest:
            reading.values.setdefault(component.name, text)


def _read(rule: HeaderRule, value: str) -> list[tuple[Component, str]] | None:
    try:
        return rule.read(value)
    except Rejected:
        return None


def _signs(rule: HeaderRule) -> bool:
    return len(rule.components) == 1 and rule.components[0].name == "signature"


def _affixes(rule: HeaderRule) -> tuple[str, str]:
    at = next(place for place, part in enumerate(rule.parts) if isinstance(part, Component))
    return "".join(map(str, rule.parts[:at])), "".join(str(part) for part in rule.parts[at + 1 :] if isinstance(part, str))


def _bare(rule: HeaderRule, value: str) -> str:
    """The value without what the template puts around the component."""
    before, after = _affixes(rule)
    return value.removeprefix(before).removesuffix(after) if len(rule.components) == 1 else value


def _mended(rule: HeaderRule, value: str) -> Iterator[tuple[str, str]]:
    """The value without what clients put around it; what that was, in words."""
    before, after = _affixes(rule) if rule.components else ("", "")
    stripped = value.strip()
    forms = [("white space around it", stripped)] if stripped != value else []
    forms += [
        ("quotation marks around it", stripped.strip(mark))
        for mark in ('"', "'", "`")
        if len(stripped) > 1 and stripped.startswith(mark) and stripped.endswith(mark)
    ]
    forms += [
        (f"{prefix.strip()!r} before it", stripped[len(prefix) :].strip())
        for prefix in _PREFIXES
        if stripped.lower().startswith(prefix) and not before.lower().startswith(prefix.strip())
    ]
    if before and not value.startswith(before):
        forms.append((f"no {before.strip()!r} before it", before + stripped + after))
        if stripped.lower().startswith(before.lower()):
            forms.append((f"{before.strip()!r} in another spelling", before + stripped[len(before) :]))
    if label := _LABEL.match(stripped):
        forms.append((f"{label[0].strip()!r} before it", stripped[label.end() :]))
    if stripped.startswith(("b'", 'b"')) and stripped.endswith(stripped[1]):
        forms.append(("Python's b'…' around it", stripped[2:-1]))
    for what, form in forms:
        yield what, form
        if before and not form.startswith(before):
            yield what, before + form + after


def _renamed(rule: HeaderRule, request: Request, scheme: Scheme) -> str | None:
    """The header that carries this one's value under a near name."""
    used = {other.key for other in scheme.headers}
    own = _normal(rule.name)
    best: tuple[float, str] | None = None
    for name, value in request.headers[:200]:
        if name.lower() in used or len(name) > 64 or len(value) > _MAX_LENGTH:
            continue
        near = difflib.SequenceMatcher(None, own, _normal(name)).ratio()
        if own in _normal(name) or _normal(name) in own:
            near = max(near, 0.8)
        fits = _read(rule, value) is not None
        likeness = near + (0.3 if fits else 0.0)
        if (near >= 0.55 or (fits and _signs(rule))) and fits and (best is None or likeness > best[0]):
            best = (likeness, name)
    return best[1] if best else None


def _normal(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower()).removeprefix("x")


def _exchanged(request: Request, scheme: Scheme, credential: Credential | None) -> dict[str, str]:
    """Two headers that hold each other's values: neither fits where it is (or names a key that is not there), both fit exchanged."""
    rules = [rule for rule in scheme.headers if len(rule.components) == 1 and len(request.values(rule.key)) == 1]
    for place, first in enumerate(rules):
        for second in rules[place + 1 :]:
            one, two = request.values(first.key)[0], request.values(second.key)[0]
            if one == two or _read(first, two) is None or _read(second, one) is None:
                continue
            if not _fits(first, two, scheme, credential) or not _fits(second, one, scheme, credential):
                continue
            if not _fits(first, one, scheme, credential) or not _fits(second, two, scheme, credential):
                return {first.key: second.key, second.key: first.key}
    return {}


def _fits(rule: HeaderRule, value: str, scheme: Scheme, credential: Credential | None) -> bool:
    """Whether the value can be this header's, more strictly than by its grammar: a real time, this credential's own key id."""
    carried = _read(rule, value)
    if carried is None:
        return False
    component, text = carried[0]
    if component.name == "created" and scheme.created is not None:
        return scheme.created.format.read(text) is not None
    if component.name == "signature":
        return bool(scheme.signature.accepted(len(text)))
    if component.name == "keyid" and credential is not None:
        return text == credential.keyid
    return True
