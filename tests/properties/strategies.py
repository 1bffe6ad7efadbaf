"""What the properties are tried with: schemes of any legal shape, credentials, requests, and requests that were signed."""

from __future__ import annotations

import functools
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import assume
from hypothesis import strategies as st

import payseal
from payseal.grammar import DIGITS
from payseal.schemes import catalogue_names
from payseal.schemes.boundaries import UUID_LENGTH
from payseal.schemes.template import Component

__all__ = [
    "CATALOGUE",
    "Signed",
    "bodies",
    "covered",
    "credentials",
    "generated_schemes",
    "hostile",
    "ids",
    "may_be_ambiguous",
    "moments",
    "schemes",
    "signed",
    "tables",
    "unsigned",
    "verifier",
    "visible",
]

CATALOGUE: Final = {name: payseal.scheme(name) for name in catalogue_names()}

visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=24)
_KEYIDS = st.one_of(st.sampled_from(["merchant-1", "m", "a:b,c=d;e.f", "1782000123"]), visible)
_SECRETS = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), min_size=12, max_size=24), st.binary(min_size=12, max_size=160))

#: Every way in which schemes of providers write a time, and some that none does yet.
_FORMATS: Final = (
    "unix", "unix-ms", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y %H:%M", "%Y%m%d", "%H%M%S%Y%m%d", "at %Y/%m/%d-%H",
)  # fmt: skip
_ZONES: Final = ("UTC", "Z", "+01:00", "-05:30", "+14:00", "-14:00")
#: What ids look like, and which format of payseal's own is one of them.
_IDS: Final = (
    ("[A-Za-z0-9-]{1,64}", "uuid4"),
    ("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "uuid4"),
    ("[0-9a-f]{32}", "hex"),
    ("[0-9a-f]{32}|[A-Z]{4}_[0-9]{1,8}", "hex"),
    (r"\w{1,48}", "hex"),
    ("[!-~]{1,80}", "uuid4"),
    ("[a-z0-9]{20,40}", "hex"),
)
_BETWEEN: Final = ("\n", "\n", ".", ":", "|", "", "", "\nv1\n", " ")
_DIGESTS: Final = ("{body:sha256:hex}", "{body:sha256:base64}", "{body:sha512:base64url-unpadded}", "{body:sha384:hex-upper}")
_ENCODINGS: Final = ("hex", "hex-upper", "base64", "base64url", "base64url-unpadded", "base64-of-hex")
_AROUND: Final = ("{}", "{}", "{}", "v1={}", "<{}>", "Key {} end", "sha={}.")


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """The tables of a scheme, as a file would have them. Most are legal; the loader has the last word."""
    keyed = draw(st.booleans()) or draw(st.booleans())
    ids = draw(st.one_of(st.none(), st.sampled_from(_IDS)))
    created = draw(st.one_of(st.none(), st.sampled_from(_FORMATS)))
    sent = ["signature", *draw(st.sampled_from([[], ["keyid"], ["keyid"], ["token"], ["keyid", "token"]]))]
    sent += ["nonce"] if ids else []
    unsent_time = created is not None and "H" in created and draw(st.integers(0, 4)) == 0
    sent += ["created"] if created and not unsent_time else []
    headers, digests = _headers(draw, sent)
    body = draw(st.sampled_from(["{body}", "{body}", *_DIGESTS])) if not digests or draw(st.booleans()) else "{header:Digest}"
    covered = [f"{{{word}}}" for word, there in (("nonce", ids), ("created", created)) if there]
    covered += [f"{{{word}}}" for word in ("keyid", "token") if word in sent and draw(st.booleans())]
    covered += draw(
        st.lists(st.sampled_from(["{method}", "{target}", "{path}", "{query}", "{host}", "{header:X-Note}"]), max_size=3, unique=True)
    )
    covered = [*draw(st.permutations(covered)), body] if draw(st.booleans()) else draw(st.permutations([*covered, body]))
    base = draw(st.sampled_from(["", "", "v0:"])) + covered[0]
    for part in covered[1:]:
        base += draw(st.sampled_from(_BETWEEN)) + part
    encoding = draw(st.sampled_from(_ENCODINGS))
    found: dict[str, Any] = {
        "name": "generated",
        "signature": {
            "base": base,
            "algorithm": draw(st.sampled_from(["hmac-sha256", "hmac-sha384", "hmac-sha512"] if keyed else ["sha256", "sha384", "sha512"])),
            "encoding": encoding,
            "accept": [encoding, *draw(st.lists(st.sampled_from(_ENCODINGS), max_size=2))],
        },
        "headers": headers,
    }
    if keyed:
        found["signature"]["key"] = draw(st.sampled_from(["secret", "secret", "token"]))
    if ids:
        found["nonce"] = {"pattern": ids[0], "format": ids[1]}
    if created:
        found["created"] = {
            "format": created,
            "tolerance": draw(st.sampled_from([1, 1.5, 60, 300] if unsent_time else [1, 2.25, 60, 300, 86_400])),
        }
        if not created.startswith("unix"):
            found["created"]["timezone"] = draw(st.sampled_from(_ZONES))
        future = draw(st.sampled_from([None, 0, 0.5, 10, 300]))
        if future is not None:
            found["created"]["future"] = future
    return found


def _headers(draw: st.DrawFn, sent: list[str]) -> tuple[dict[str, Any], bool]:
    """Headers that carry all of ``sent``, and whether one carries a digest of the body."""
    rest = list(draw(st.permutations(sent)))
    headers: dict[str, Any] = {}
    kind = draw(st.sampled_from(["apart", "apart", "list", "together"]))
    if kind == "list" and len(rest) > 1:
        taken = [word for word in rest[: draw(st.integers(2, len(rest)))] if word not in ("keyid", "token")]
        separator = draw(st.sampled_from([",", ";"]))
        if taken:
            items = [f"{word[0]}={{{word}}}" for word in taken]
            headers["X-List"] = {"template": f"{separator}{draw(st.sampled_from(['', ' ']))}".join(items), "separator": separator}
            rest = [word for word in rest if word not in taken]
    elif kind == "together" and len(rest) > 1:
        taken, rest = rest[:2], rest[2:]
        headers["X-Both"] = draw(st.sampled_from([" ", ":", "/"])).join(f"{{{word}}}" for word in taken)
    for word in rest:
        template = draw(st.sampled_from(_AROUND)).replace("{}", f"{{{word}}}")
        optional = word in ("keyid", "token") and draw(st.integers(0, 5)) == 0
        headers[f"X-{word.title()}"] = {"template": template, "optional": True} if optional else template
    if draw(st.integers(0, 4)) == 0:
        headers["X-Version"] = "1"
    digests = draw(st.integers(0, 3)) == 0
    if digests:
        headers["Digest"] = draw(st.sampled_from(["{}", "sha-256=:{}:"])).replace("{}", draw(st.sampled_from(_DIGESTS)))
    return headers, digests


@st.composite
def generated_schemes(draw: st.DrawFn) -> payseal.Scheme:
    """Any scheme that the loader takes."""
    for _ in range(4):
        found = draw(tables())
        try:
            return payseal.Scheme.loads("", **found)
        except payseal.SchemeError:
            continue
    assume(False)
    raise AssertionError


#: Every scheme of the catalogue, and any other.
schemes = st.one_of(st.sampled_from(list(CATALOGUE.values())), generated_schemes(), generated_schemes())


@st.composite
def credentials(draw: st.DrawFn) -> payseal.Credential:
    """A credential that has all a scheme can ask for; sometimes while its secret is being changed."""
    secrets = draw(st.lists(_SECRETS, min_size=1, max_size=3, unique=True))
    return payseal.Credential(draw(_KEYIDS), secrets, draw(st.text(string.ascii_letters + string.digits, min_size=20, max_size=40)))


_JSON: Final = b'{"amount":1000,"currency":"KES","note":"caf\xc3\xa9"}'
bodies = st.one_of(
    st.just(_JSON),
    st.binary(max_size=60),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([b"", b"\0", b"\0" * 6_000, b"\xff\xfe{}", b"1782000123000", b"-", b"[1]", b'"a"', b"a" * 300, b"\r\n\r\n", b"{}\n"]),
)
#: Seconds since the epoch that every format can write: from 2001 to 2286.
moments = st.one_of(
    st.integers(1_000_000_000_000, 9_999_000_000_000).map(lambda milliseconds: milliseconds / 1000),
    st.floats(1_600_000_000, 2_000_000_000),
    st.sampled_from([1_782_000_123.0, 1_782_000_123.4567, 1_709_164_800.0, 4_102_444_799.999, 2_147_483_647.123]),
)


@functools.cache
def _by_pattern(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True, alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E))


def ids(scheme: payseal.Scheme) -> st.SearchStrategy[str | None]:
    """Any request id that the scheme takes."""
    if scheme.nonce is None:
        return st.none()
    pattern = scheme.source["nonce"]["pattern"]
    found: st.SearchStrategy[str | None] = _by_pattern(pattern).filter(scheme.nonce.grammar.accepts)
    return found


def covered(scheme: payseal.Scheme) -> list[Component]:
    """The components of the signature base."""
    return [part for part in scheme.signature.base.parts if isinstance(part, Component)]


_PATHS = st.text("abcxyzABC019-._~%/:@!$&'()*+,;=|", max_size=20).map(lambda text: f"/{text}")
_QUERIES = st.text("abc019=&%/?.:|+-", max_size=16)
_NOTES = st.text(string.ascii_letters + string.digits + " ;=/.:|,\"'", min_size=1, max_size=20).filter(lambda text: text == text.strip())


@st.composite
def unsigned(draw: st.DrawFn, scheme: payseal.Scheme, body: st.SearchStrategy[bytes] = bodies) -> payseal.Request:
    """A request that the scheme can sign: with a host, and the header that a generated scheme may cover."""
    path, query = draw(_PATHS), draw(st.one_of(st.just(""), _QUERIES))
    note = draw(_NOTES) if any(part.header == "x-note" for part in covered(scheme)) else "n"
    if any(part.name == "query" for part in covered(scheme)) and not query:
        query = "a=b"
    headers = [("Host", draw(st.sampled_from(["api.example", "api.example:8443", "[::1]:80"]))), ("X-Note", note)]
    method = draw(st.sampled_from(["POST", "PUT", "GET", "DELETE", "PATCH"]))
    return payseal.Request(method, path + (f"?{query}" if query else ""), headers, draw(body))


def verifier(scheme: payseal.Scheme, credential: payseal.Credential | Mapping[str, payseal.Credential]) -> payseal.Verifier:
    """A verifier of one credential, or of those that are given."""
    known = {credential.keyid: credential} if isinstance(credential, payseal.Credential) else credential
    return payseal.Verifier(scheme, known, allow_unkeyed=not scheme.keyed)


@dataclass(frozen=True)
class Signed:
    """A request as its owner signed it."""

    scheme: payseal.Scheme
    credential: payseal.Credential
    #: As it arrives.
    request: payseal.Request
    #: The time (seconds) at which it was signed, and the id.
    created: float
    nonce: str | None

    def verifier(self) -> payseal.Verifier:
        """A new one, that knows this credential."""
        return verifier(self.scheme, self.credential)

    @functools.cached_property
    def _check(self) -> payseal.Verifier:
        return self.verifier()

    def verify(self, request: payseal.Request | None = None, now: float | None = None) -> payseal.Authenticated:
        """The proof of a request, by default the one that was signed and at the time at which it was. Raises `payseal.Rejected`."""
        return self._check.verify(self.request if request is None else request, now=self.created if now is None else now)

    def changed(
        self,
        *,
        headers: Any = None,
        body: payseal.request.Body | None = None,
        method: str | None = None,
        target: str | None = None,
    ) -> payseal.Request:
        """The request, with a part of it exchanged."""
        return payseal.Request(
            self.request.method if method is None else method,
            self.request.target if target is None else target,
            self.request.headers if headers is None else headers,
            self.request.body if body is None else body,
        )

    def with_header(self, name: str, value: str) -> payseal.Request:
        """The request, with another value for one header."""
        return self.changed(headers=[(other, value if other.lower() == name.lower() else old) for other, old in self.request.headers])


@st.composite
def signed(
    draw: st.DrawFn,
    scheme: st.SearchStrategy[payseal.Scheme] = schemes,
    body: st.SearchStrategy[bytes] = bodies,
    *,
    honest: bool = False,
) -> Signed:
    """A signed request. ``honest``: one that is accepted, whatever its scheme is."""
    chosen, credential = draw(scheme), draw(credentials())
    request = draw(unsigned(chosen, body))
    created, nonce = draw(moments), draw(ids(chosen))
    headers = payseal.Signer(chosen, credential).sign(request, created=created, nonce=nonce)
    arriving = payseal.Request(request.method, request.target, [*request.headers, *headers.items()], request.body)
    found = Signed(chosen, credential, arriving, created, nonce)
    if honest:
        assume(not may_be_ambiguous(found))
    return found


def may_be_ambiguous(case: Signed) -> bool:
    """Whether a verifier may refuse an honest request because id, time and body touch, and the body could be part of the time or of the id
    (SECURITY.md), or the id could be the beginning of a UUID."""
    if not case.scheme.guarded or case.nonce is None or case.scheme.nonce is None:
        return False
    lead = bytes(case.request.body[:1]).decode("latin-1") if isinstance(case.request.body, bytes) else ""
    return lead in DIGITS | case.scheme.nonce.grammar.alphabet or (len(case.nonce) < UUID_LENGTH and case.nonce.count("-") == 4)


_WORDS: Final = st.one_of(
    st.text(max_size=12),
    st.text("0123456789abcdefXYZ-+/=,;:. \t\n\0{}%'\"", max_size=70),
    st.binary(max_size=30),
    st.sampled_from(
        ["1782000123", "1782000123456", "9" * 13, "9" * 5_000, "١٧٨٢٠٠٠١٢٣", "²" * 10, "-1", "1e9", "NaN", "A" * 43 + "=", "f" * 64, "b'f'", "Bearer x",
         "\ud800", "\udcff" * 44, "é" * 44, "x" * 8_193, "SHA256(stdin)= 00", "%3D%ff%", "a.b.c.d", "2026-02-30T25:61:61Z", "2016-12-31T23:59:60Z"]
    ),
)  # fmt: skip


@st.composite
def hostile(draw: st.DrawFn) -> tuple[Signed, payseal.Request, float]:
    """A signed request with nothing, something or everything changed, and the time at which it arrives."""
    case = draw(signed())
    pairs: list[tuple[Any, Any]] = list(case.request.headers)
    method: Any = case.request.method
    target: Any = case.request.target
    body: Any = case.request.body
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 4]))):
        kind = draw(
            st.sampled_from(
                ["value", "around", "twice", "away", "name", "new", "bytes", "method", "method", "target", "target", "body", "cut"]
            )
        )
        at = draw(st.integers(0, len(pairs) - 1)) if pairs else 0
        name, value = pairs[at] if pairs else ("X", "1")
        if kind == "method":
            method = draw(_WORDS)
        elif kind == "target":
            target = draw(_WORDS)
        elif kind == "body":
            body = draw(st.one_of(bodies, st.lists(st.binary(max_size=20), max_size=4)))
        elif kind == "new" or not pairs:
            pairs.insert(at, (draw(_WORDS), draw(_WORDS)))
        elif kind == "away":
            del pairs[at]
        elif kind == "twice":
            pairs.append((name, draw(st.sampled_from([value, "", "1"]))))
        elif kind == "name":
            pairs[at] = draw(st.sampled_from([name, draw(_WORDS)])), value
        elif kind == "value":
            pairs[at] = name, draw(_WORDS)
        elif kind == "bytes" and isinstance(name, str) and isinstance(value, str):
            pairs[at] = name.encode("utf-8", "replace"), value.encode("utf-8", "replace")
        elif isinstance(value, str):
            form = draw(st.sampled_from([" {}", "{} ", "{}\n", "{}\0", "\ufeff{}", "{},{}", '"{}"', "{}=", "{}é", "Bearer {}"]))
            pairs[at] = name, value[:-1] if kind == "cut" else form.replace("{}", value)
    shape = draw(st.sampled_from([lambda body: body, lambda body: body, lambda body: bytearray(body) if isinstance(body, bytes) else body]))
    return case, payseal.Request(method, target, pairs, shape(body)), draw(_arrivals(case))


@st.composite
def _arrivals(draw: st.DrawFn, case: Signed) -> float:
    """The server's time (seconds): mostly when it was signed, else near it, or right at the edges of the window."""
    near = case.created + draw(st.sampled_from([0.0, 0.0, 0.0, 1.0, -1.0, 0.001, -0.001, 86_400.0]))
    window = case.scheme.created
    said = window.format.read(window.write(case.created)) if window is not None else None
    if window is None or said is None or draw(st.booleans()):
        return near
    edge = draw(st.sampled_from([window.last_moment(said), said - window.future]))
    return (edge + draw(st.sampled_from([0, 1, -1, 0.5, -0.5]))) / 1000
