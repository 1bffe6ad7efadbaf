"""Any change of anything that is covered is refused, and so is any other spelling of the signature."""

from __future__ import annotations

import base64
import string
from collections.abc import Iterator
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

import payseal
from payseal.mac import ENCODINGS
from payseal.schemes.headers import HeaderRule
from payseal.schemes.template import Component
from tests.hypothesis_profiles import TIMEOUT, settings

from .strategies import CATALOGUE, Signed, covered, credentials, generated_schemes, schemes, signed, verifier

pytestmark = TIMEOUT

CODES = {
    "invalid-signature",
    "malformed-header",
    "malformed-target",
    "missing-header",
    "repeated-header",
    "outside-window",
    "ambiguous-base",
}


def refused(case: Signed, request: payseal.Request) -> str:
    """The code with which a request is refused; it fails where it is accepted."""
    try:
        case.verify(request)
    except payseal.Rejected as rejected:
        assert rejected.code in CODES  # noqa: PT017
        return rejected.code
    raise AssertionError(f"accepted: {case.scheme.source}")


@st.composite
def altered(draw: st.DrawFn, text: Any, alphabet: st.SearchStrategy[Any]) -> Any:
    """The same text or bytes with something exchanged, inserted, taken out, moved or cut off."""
    at = draw(st.integers(0, len(text)))
    kind = draw(st.sampled_from(["exchange", "insert", "delete", "swap", "cut", "double"]))
    if kind == "insert":
        found = text[:at] + draw(alphabet) + text[at:]
    elif kind == "exchange":
        found = text[:at] + draw(alphabet) + text[at + 1 :]
    elif kind == "delete":
        found = text[:at] + text[at + 1 :]
    elif kind == "swap":
        found = text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]
    elif kind == "cut":
        found = text[:at]
    else:
        found = text + text
    assume(found != text)
    return found


@settings(50)
@given(st.data(), signed(honest=True))
def test_any_change_of_the_body_is_refused(data: st.DataObject, case: Signed) -> None:
    body = data.draw(altered(case.request.body, st.integers(0, 255).map(lambda byte: bytes([byte]))))
    assert refused(case, case.changed(body=body)) == "invalid-signature"


def without_noise(rule: HeaderRule) -> str:
    """Characters that can be put into a header so that it says something else: around the items of a list there may be spaces, and items
    of other kinds are passed over."""
    return "".join(character for character in string.printable if not rule.listed or character not in " ,;")


@settings(100)
@given(st.data(), signed(honest=True))
def test_any_change_of_what_a_header_carries_is_refused(data: st.DataObject, case: Signed) -> None:
    rule = data.draw(st.sampled_from([rule for rule in case.scheme.headers if rule.components]))
    carried = dict(rule.read(dict(case.request.headers)[rule.name]))
    component = data.draw(st.sampled_from(list(carried)))
    text = data.draw(altered(carried[component], st.sampled_from(without_noise(rule))))
    if component.name == "signature":
        assume(text not in spellings(case, text_of_signature(case)))
    value = rule.write(lambda part: text if part == component else carried[part])
    assert refused(case, case.with_header(rule.name, value)) in CODES


@settings(60)
@given(st.data(), signed(schemes.filter(lambda scheme: bool(of_the_request(scheme))), honest=True))
def test_any_change_of_a_covered_part_of_the_request_is_refused(data: st.DataObject, case: Signed) -> None:
    part = data.draw(st.sampled_from(of_the_request(case.scheme)))
    anything = st.sampled_from(string.printable)
    if part.name in ("header", "host"):
        name = part.header or "host"
        old = case.request.values(name)[0]
        assert refused(case, case.with_header(name, data.draw(altered(old, anything)))) in CODES
    elif part.name == "method":
        assert refused(case, case.changed(method=data.draw(altered(case.request.method, anything)))) in CODES
    else:
        old = {"target": case.request.target, "path": case.request.path, "query": case.request.query}[part.name]
        new = data.draw(altered(old, anything))
        if part.name == "path":
            target = new + case.request.target[len(old) :]
        elif part.name == "query":
            target = f"{case.request.path}?{new}"
        else:
            target = new
        tampered = case.changed(target=target)
        assume(getattr(tampered, part.name) != old)
        assert refused(case, tampered) in CODES


def of_the_request(scheme: payseal.Scheme) -> list[Component]:
    """What is covered and no header of the scheme carries."""
    own = {rule.key for rule in scheme.headers}
    words = ("method", "target", "path", "query", "host", "header")
    return [part for part in covered(scheme) if part.name in words and (part.header or part.name) not in own]


@settings(50)
@given(st.data(), signed(honest=True))
def test_a_header_that_is_read_stands_once(data: st.DataObject, case: Signed) -> None:
    read = [rule.name for rule in case.scheme.headers] + [
        part.header or part.name for part in of_the_request(case.scheme) if part.name in ("header", "host")
    ]
    name = data.draw(st.sampled_from(read))
    value = case.request.values(name.lower())[0]
    again = (
        data.draw(st.sampled_from([name, name.upper(), name.lower(), name.title()])),
        data.draw(st.sampled_from([value, "", "1", f"{value} "])),
    )
    at = data.draw(st.integers(0, len(case.request.headers)))
    twice = [*case.request.headers[:at], again, *case.request.headers[at:]]
    assert refused(case, case.changed(headers=twice)) == "repeated-header"
    without = [(other, text) for other, text in case.request.headers if other.lower() != name.lower()]
    optional = any(rule.optional for rule in case.scheme.headers if rule.name == name)
    if not optional:
        assert refused(case, case.changed(headers=without)) in ("missing-header", "malformed-header")
    assert refused(case, case.with_header(name, "")) == "malformed-header"


@settings(40)
@given(st.data(), signed(honest=True))
def test_a_list_of_values_in_place_of_one_is_refused(data: st.DataObject, case: Signed) -> None:
    """What a gateway makes of a header that was sent twice."""
    rules = [rule for rule in case.scheme.headers if not rule.listed or len(rule.components) > 1]
    assume(rules)
    rule = data.draw(st.sampled_from(rules))
    value = dict(case.request.headers)[rule.name]
    other = data.draw(st.sampled_from([value, "1", "a=1"]))
    assume(not rule.listed or other == value)  # an item of another kind is passed over
    between = data.draw(st.sampled_from([",", ", ", "; ", " "])) if not rule.listed else data.draw(st.sampled_from([",", ";"]))
    assert refused(case, case.with_header(rule.name, f"{value}{between}{other}")) in CODES


# --- the text of the signature -----------------------------------------------------------------------------------------------


def text_of_signature(case: Signed) -> str:
    return case.verifier().read(case.request).signatures[0][0]


def with_signature(case: Signed, text: str) -> payseal.Request:
    """The request with another text in the place of its signature."""
    rule = next(rule for rule in case.scheme.headers if any(component.name == "signature" for component in rule.components))
    carried = dict(rule.read(dict(case.request.headers)[rule.name]))
    value = rule.write(lambda part: text if part.name == "signature" else carried[part])
    return case.with_header(rule.name, value)


def raw(case: Signed, text: str) -> bytes:
    """The bytes that a signature's text stands for."""
    name = case.scheme.signature.encoding.name
    if name.startswith("hex"):
        return bytes.fromhex(text)
    if name == "base64-of-hex":
        return bytes.fromhex(base64.b64decode(text).decode())
    return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4))


def spellings(case: Signed, text: str) -> set[str]:
    """Every text of this MAC that the scheme says it takes."""
    return {encoding.encode(raw(case, text)) for encoding in case.scheme.signature.accept}


#: Letters of other scripts that look like those of an encoding, or become them where case or width is folded.
ALIKE = {
    "a": "а",
    "A": "Α",
    "e": "е",
    "c": "с",
    "1": "１",
    "0": "０",
    "2": "²",
    "3": "٣",
    "K": "\u212a",
    "s": "ſ",
    "f": "ｆ",
    "=": "＝",
    "+": "＋",
    "/": "∕",
}


def respelled(mac: bytes, text: str) -> Iterator[str]:
    """Other texts of the same bytes, and what a lenient reader would take for one."""
    for encoding in ENCODINGS.values():
        yield encoding.encode(mac)
    for plain in (base64.b64encode(mac).decode(), base64.urlsafe_b64encode(mac).decode(), text):
        yield from (plain.rstrip("="), plain + "=", plain + "==", f"={plain}", plain.replace("=", "%3D"))
        bare = plain.rstrip("=")
        digits = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
        last = digits.find(bare[-1])
        for bits in (1, 2, 3):  # bits that padding leaves over, and that a lenient decoder passes over
            yield bare[:-1] + digits[last ^ bits] + plain[len(bare) :]
    yield from (text.upper(), text.lower(), text.swapcase(), text.title(), base64.b64encode(text.encode()).decode(), text.encode().hex())
    yield from (
        f" {text}",
        f"{text} ",
        f"\t{text}",
        f"{text}\n",
        f"{text}\r\n",
        f"{text}\0",
        f'"{text}"',
        f"b'{text}'",
        f"{text},{text}",
        f"sha256={text}",
    )
    half = len(text) // 2
    for inside in (" ", "\n", "\r\n", "\t", "\0", "-", ":", "\u200b"):
        yield text[:half] + inside + text[half:]
    for old, new in ALIKE.items():
        if old in text:
            yield text.replace(old, new, 1)
            yield text.replace(old, new)
    yield from (
        text[:-1],
        text[1:],
        text[:half],
        text + text[-1],
        text + "0" * len(text),
        text[::-1],
        "",
        "0" * len(text),
        "=" * len(text),
        "A" * 8_193,
    )


@settings(25)
@given(signed(honest=True))
def test_a_signature_has_the_spellings_that_the_scheme_names_and_no_other(case: Signed) -> None:
    text = text_of_signature(case)
    taken = spellings(case, text)
    assert text in taken
    whole = case.verify()
    listed = any(rule.listed for rule in case.scheme.headers)
    for other in taken:
        assert case.verify(with_signature(case, other)) == whole
    for other in respelled(raw(case, text), text):
        # In a list, spaces around an item and items of other kinds say nothing.
        if other not in taken and not (listed and other.replace(",", " ").split()[:1] == [text]):
            assert refused(case, with_signature(case, other)) in ("malformed-header", "invalid-signature")


# --- somebody else's ---------------------------------------------------------------------------------------------------------


@settings(40)
@given(signed(schemes.filter(lambda scheme: scheme.keyed), honest=True), credentials())
def test_another_key_signs_nothing(case: Signed, other: payseal.Credential) -> None:
    """Another's secret for this account, this secret for another account, and no credential at all."""
    assume(other.keyid != case.credential.keyid and set(other.reveal_secrets()).isdisjoint(case.credential.reveal_secrets()))
    assume(other.reveal_token() != case.credential.reveal_token())
    scheme, now = case.scheme, case.created
    stranger = payseal.Credential(case.credential.keyid, list(reversed(other.reveal_secrets())), other.reveal_token())
    credentials_: list[dict[str, payseal.Credential]] = [{str(stranger.keyid): stranger}, {str(other.keyid): other}]
    if scheme.names != "nobody":
        credentials_ += [
            {},
            {str(stranger.keyid): stranger, "third": payseal.Credential("third", "a secret of its own", "a-token-of-its-own")},
        ]
    for known in credentials_:
        try:
            verifier(scheme, known).verify(case.request, now=now)
        except payseal.Rejected as rejected:
            assert rejected.code == "invalid-signature"  # noqa: PT017
            continue
        raise AssertionError("accepted")


@settings(40)
@given(signed(honest=True), st.one_of(st.sampled_from(list(CATALOGUE.values())), generated_schemes()))
def test_another_scheme_takes_nothing_of_this_one(case: Signed, other: payseal.Scheme) -> None:
    """Unless both have one base and one algorithm (SECURITY.md), the very same credential does not help."""
    ours, theirs = (payseal.Signer(scheme, case.credential) for scheme in (case.scheme, other))
    assume(other.keyed or case.scheme.keyed)
    assume((ours.scheme.signature.base.parts, ours.scheme.signature.algorithm, ours.scheme.signature.key) !=
           (theirs.scheme.signature.base.parts, theirs.scheme.signature.algorithm, theirs.scheme.signature.key))  # fmt: skip
    # Everything that the other scheme reads, rightly, but for the signature, which is ours in the other's encoding.
    mac = raw(case, text_of_signature(case))
    nonce = theirs._id(None) if other.nonce is not None else None
    made = theirs.sign(case.request, created=case.created, nonce=nonce)
    arriving = payseal.Request(
        case.request.method, case.request.target, [("Host", "api.example"), ("X-Note", "n"), *made.items()], case.request.body
    )
    rule = next(rule for rule in other.headers if any(component.name == "signature" for component in rule.components))
    carried = dict(rule.read(made[rule.name]))
    value = rule.write(lambda part: other.signature.encoding.encode(mac) if part.name == "signature" else carried[part])
    forged = [(name, value if name == rule.name else text) for name, text in arriving.headers]
    check = verifier(other, case.credential)
    check.read(arriving)
    base = bytes(theirs.signature_base(arriving, created=case.created, nonce=nonce))
    assume(base != ours.signature_base(case.request, created=case.created, nonce=case.nonce))
    try:
        check.verify(payseal.Request(arriving.method, arriving.target, forged, arriving.body), now=case.created)
    except payseal.Rejected as rejected:
        assert rejected.code in CODES  # noqa: PT017
    else:
        raise AssertionError("accepted")
