"""What became of requests that were changed, cut otherwise, respelled, signed by somebody else, late, or sent again.

For every scheme of the catalogue, and one that covers all of a request, an honest request is signed and then changed in every place. Nothing
is tried that is another spelling of the same request by design (spaces in a list, a header that nothing covers), and nothing that
SECURITY.md says payseal does not promise.
"""

from __future__ import annotations

import base64
import io
import string
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from attacks.rows import Row, Tally
from benchmarks.progress import Progress

import payseal
from payseal.ledger import Ledger, open_ledger
from payseal.mac import ENCODINGS
from payseal.middleware import WSGIMiddleware
from payseal.schemes import catalogue_names

NOW: Final = 1_782_000_123.0
KEYID, SECRET, TOKEN = "merchant-1", "Sk3-example+secret/with=chars", "saAOM9qjmKfdazqgoZrKbJuukCP9"
CREDENTIAL: Final = payseal.Credential(KEYID, SECRET, TOKEN)
OLDER: Final = payseal.Credential(KEYID, "older", TOKEN)
NONCE: Final = "30dd879c-ee2f-41db-8314-0800200c9a6a"
BODY: Final = b'{"amount":1000,"currency":"KES","reference":"' + b"r" * 209 + b'"}'
TARGET: Final = "/v1/payments?order=17"
_ROWS: Final = 15
#: What no provider's scheme covers, and a scheme of one's own should.
COVERING: Final = payseal.Scheme.loads(
    """
    name = "covering"
    [signature]
    base = "{method} {host} {target}\\n{header:Content-Type}\\n{nonce}\\n{created}\\n{body}"
    algorithm = "hmac-sha256"
    encoding = "hex"
    [headers]
    X-Key = "{keyid}"
    X-Id = "{nonce}"
    X-Time = "{created}"
    X-Signature = "{signature}"
    [created]
    format = "unix"
    tolerance = 300
    [nonce]
    pattern = "[A-Za-z0-9-]{1,64}"
    """
)
SCHEMES: Final = [*(payseal.scheme(name) for name in catalogue_names()), COVERING]
OWN: Final = {"Host": "api.example", "Content-Type": "application/json"}

CHANGES, RESPLITS, CLOCK, WSGI, SHARED = (
    "tests/properties/test_changes.py",
    "tests/properties/test_resplits.py",
    "tests/properties/test_clock.py",
    "tests/middleware/test_wsgi.py",
    "tests/ledger/test_shared.py",
)


def request(headers: Any, body: bytes = BODY, *, method: str = "POST", target: str = TARGET) -> payseal.Request:
    return payseal.Request(method, target, headers, body)


def signed(
    scheme: payseal.Scheme, *, created: float = NOW, nonce: str = NONCE, body: bytes = BODY, credential: Any = CREDENTIAL
) -> dict[str, str]:
    """All headers of an honest request."""
    return OWN | payseal.Signer(scheme, credential).sign(request(OWN, body), created=created, nonce=nonce if scheme.nonce else None)


def verifier(scheme: payseal.Scheme, known: Any = None) -> payseal.Verifier:
    return payseal.Verifier(scheme, {KEYID: CREDENTIAL} if known is None else known, allow_unkeyed=not scheme.keyed, clock=lambda: NOW)


def attempt(tally: Tally, check: payseal.Verifier, sent: payseal.Request, now: float = NOW) -> None:
    """One try."""
    try:
        check.verify(sent, now=now)
    except payseal.Rejected as rejected:
        tally.held(rejected.code)
    except BaseException as error:
        tally.through(f"raised {type(error).__name__}")
    else:
        tally.through("accepted")


# --- what is changed ---------------------------------------------------------------------------------------------------------


def flipped(text: bytes) -> Iterator[bytes]:
    """With each bit flipped."""
    for at, byte in enumerate(text):
        for bit in range(8):
            yield text[:at] + bytes([byte ^ 1 << bit]) + text[at + 1 :]


def moved(text: bytes) -> Iterator[bytes]:
    """With each byte taken away, doubled, exchanged with the next, or something put before it; cut off there; and twice."""
    for at in range(len(text)):
        yield from (text[:at] + text[at + 1 :], text[: at + 1] + text[at:], text[:at])
        yield text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]
        yield from (text[:at] + put + text[at:] for put in (b"\0", b" ", b"\n", b"0", b"a", b"\xff"))
    yield from (text + text, text + b"\0", text + b" ", text + b"\n", text[::-1])


def of_headers(scheme: payseal.Scheme, change: Callable[[bytes], Iterable[bytes]]) -> Iterator[payseal.Request]:
    """With each header that the scheme writes changed."""
    honest = signed(scheme)
    for rule in scheme.headers:
        value = honest[rule.name].encode("latin-1")
        for other in change(value):
            if other != value:
                yield request(honest | {rule.name: other.decode("latin-1")})


def of_the_request_line(change: Callable[[bytes], Iterable[bytes]]) -> Iterator[payseal.Request]:
    """With method, target, host or a covered header of the application's changed."""
    honest = signed(COVERING)
    for other in change(b"POST"):
        yield request(honest, method=other.decode("latin-1"))
    for other in change(TARGET.encode()):
        yield request(honest, target=other.decode("latin-1"))
    for name, value in OWN.items():
        for other in change(value.encode()):
            yield request(honest | {name: other.decode("latin-1")})


def unlike(change: Callable[[bytes], Iterable[bytes]]) -> Callable[[bytes], Iterator[bytes]]:
    """Without those that change nothing."""
    return lambda text: (other for other in change(text) if other != text)


def of_counts(scheme: payseal.Scheme) -> Iterator[payseal.Request]:
    """With each header twice, in any spelling and order; as a list; empty; and away."""
    honest = signed(scheme)
    for name in [*(rule.name for rule in scheme.headers), *(OWN if scheme is COVERING else ())]:
        value = honest[name]
        for spelled in (name, name.lower(), name.upper(), name.title()):
            for again in (value, "1", "", f" {value}"):
                yield request([*honest.items(), (spelled, again)])
                yield request([(spelled, again), *honest.items()])
        for other in (
            "",
            " ",
            f"{value},{value}",
            f"{value}, {value}",
            f"{value}, 1",
            f"1,{value}",
            f"{value};{value}",
            f"{value} {value}",
        ):
            yield request(honest | {name: other})
        if not any(rule.optional for rule in scheme.headers if rule.name == name):
            yield request({other: text for other, text in honest.items() if other != name})


# --- the signature -----------------------------------------------------------------------------------------------------------


def signature_header(scheme: payseal.Scheme) -> str:
    return next(rule.name for rule in scheme.headers if any(part.name == "signature" for part in rule.components))


def mac_of(scheme: payseal.Scheme, text: str) -> bytes:
    return bytes.fromhex(text) if scheme.signature.encoding.name == "hex" else base64.b64decode(text)


def of_lengths(scheme: payseal.Scheme) -> Iterator[payseal.Request]:
    """The signature cut off or drawn out to every length."""
    honest, name = signed(scheme), signature_header(scheme)
    text = honest[name]
    for length in range(len(text)):
        yield request(honest | {name: text[:length]})
        yield request(honest | {name: text[length + 1 :]})
    for more in range(1, 200):
        yield from (request(honest | {name: text + filling * more}) for filling in ("0", "=", "A", text[-1]))


_LOOKS: Final = {
    "a": "а",
    "A": "Α",
    "c": "с",
    "e": "е",
    "0": "０",
    "1": "１",
    "2": "²",
    "3": "٣",
    "s": "ſ",
    "K": "\u212a",
    "=": "＝",
    "+": "＋",
    "/": "∕",
}


def of_spellings(scheme: payseal.Scheme) -> Iterator[payseal.Request]:
    """The right MAC in every spelling that the scheme does not name."""
    honest, name = signed(scheme), signature_header(scheme)
    text = honest[name]
    mac = mac_of(scheme, text)
    taken = {encoding.encode(mac) for encoding in scheme.signature.accept}
    found = {encoding.encode(mac) for encoding in ENCODINGS.values()} | {mac.decode("latin-1"), text.upper(), text.lower(), text.swapcase()}
    digits = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    for plain in (text, base64.b64encode(mac).decode(), base64.urlsafe_b64encode(mac).decode(), mac.hex()):
        bare = plain.rstrip("=")
        found |= {
            bare,
            plain + "=",
            plain + "==",
            f"={plain}",
            plain.replace("=", "%3D"),
            f'"{plain}"',
            f"b'{plain}'",
            f"0x{plain}",
            f"sha256={plain}",
        }
        if bare[-1] in digits:  # the bits that padding leaves over, and that a lenient decoder passes over
            found |= {bare[:-1] + digits[digits.find(bare[-1]) ^ bits] + plain[len(bare) :] for bits in range(1, 16)}
        for at in range(len(plain) + 1):
            found |= {plain[:at] + put + plain[at:] for put in (" ", "\n", "\r\n", "\t", "\0", ":", "-", "\u200b")}
        for at, letter in enumerate(plain):
            found |= {plain[:at] + other + plain[at + 1 :] for other in (_LOOKS.get(letter), letter.swapcase()) if other}
    for other in sorted(found - taken):
        yield request(honest | {name: other})


# --- cut otherwise -----------------------------------------------------------------------------------------------------------

#: Ids that end in what a time can begin with, or hold one.
IDS: Final = (NONCE[:-3] + "179", NONCE[:-4] + "1812", NONCE[:-2] + "18", "order-7718", "order-1782000123456-ab", "a1782000123456", "1782000123456", "x-1782000123456-2026-b7",
    "17" * 16, "1795", "0001783", "A" * 40 + "1790000000000", NONCE)  # fmt: skip
BODIES: Final = (BODY, b"", b"{}", b"[1]", b"\x00\xff", b" 1")


def of_cuts(scheme: payseal.Scheme) -> Iterator[tuple[payseal.Request, float]]:
    """Every other cut of id ‖ time ‖ body, at the moment at which it would be fresh: the first day after it was signed or later."""
    names = {rule.around[1].name: rule.name for rule in scheme.headers if rule.around and rule.around[1]}
    for nonce in IDS:
        for body in BODIES:
            for created in (NOW, NOW - 86_400 * 365, NOW - 0.877):
                honest = signed(scheme, created=created, nonce=nonce, body=body)
                text = honest[names["created"]]
                whole, width = (nonce + text).encode() + body, len(text)
                for start in range(1, min(len(whole) - width, 64) + 1):
                    lead, moment, rest = whole[:start], whole[start : start + width], whole[start + width :]
                    if start == len(nonce):
                        continue
                    changed = {names["nonce"]: lead.decode("latin-1"), names["created"]: moment.decode("latin-1")}
                    fresh = int(moment) * (1000 if width == 10 else 1) / 1000 if moment.isdigit() else NOW
                    yield request(honest | changed, rest), fresh if created <= fresh < 9_999_999_999 else NOW


# --- somebody else's ---------------------------------------------------------------------------------------------------------


def of_others(scheme: payseal.Scheme) -> Iterator[tuple[payseal.Request, payseal.Verifier]]:
    """Signed with a key that is not, not yet or no longer the one."""
    honest = request(signed(scheme))
    other = payseal.Credential("merchant-2", "another secret", "another-token")
    stolen = payseal.Credential(KEYID, "another secret", "another-token")
    # Another's key under this name, and this key under another's name; where nobody is named, or a token alone, the latter is the honest request.
    forgeries = [payseal.Credential(KEYID, other.reveal_secrets()[0], TOKEN if scheme.signature.key == "secret" else "another-token")]
    forgeries += [payseal.Credential("merchant-2", SECRET, TOKEN)] if scheme.names == "keyid" else []
    for forged in forgeries:
        known = {KEYID: CREDENTIAL} if scheme.names == "nobody" else {KEYID: CREDENTIAL, "merchant-2": other}
        yield request(signed(scheme, credential=forged)), verifier(scheme, known)
    yield honest, verifier(scheme, {KEYID: stolen})
    yield honest, verifier(scheme, {KEYID: payseal.Credential(KEYID, ["newer", "newest"], "newest-token")})
    for changes in ({"not_after": NOW}, {"not_after": NOW - 1}, {"not_before": NOW + 0.001}, {"not_after": float("nan")}):
        yield honest, verifier(scheme, {KEYID: payseal.Credential(KEYID, SECRET, TOKEN, **changes)})  # type: ignore[arg-type]
    yield honest, verifier(scheme, lambda presented: None)
    yield honest, verifier(scheme, {KEYID: payseal.Credential(KEYID, "", None)})
    for nothing in (
        "",
        " ",
        "\0",
        SECRET + "\n",
        SECRET.lower(),
        SECRET[:-1],
        base64.b64encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
    ):
        if nothing:
            yield request(signed(scheme, credential=payseal.Credential(KEYID, nothing, f"{TOKEN}x"))), verifier(scheme)


def of_other_schemes(scheme: payseal.Scheme) -> Iterator[payseal.Request]:
    """With the signature that the same credential makes under another scheme, in the encoding that this one takes."""
    name, honest = signature_header(scheme), signed(scheme)
    for other in SCHEMES:
        alike = (other.signature.base.parts, other.signature.algorithm) == (scheme.signature.base.parts, scheme.signature.algorithm)
        if alike and other.signature.key == scheme.signature.key:
            continue  # one base and one secret: SECURITY.md
        mac = mac_of(other, signed(other)[signature_header(other)])
        for encoding in scheme.signature.accept:
            yield request(honest | {name: encoding.encode(mac)})


def of_times(scheme: payseal.Scheme) -> Iterator[tuple[payseal.Request, float]]:
    """Signed a millisecond, a second, a minute, a year before the window opens or after it closes, in any order with the server's clock."""
    rule = scheme.created
    if rule is None:
        return
    past, future, unit = rule.tolerance + rule.format.granularity, rule.future, rule.format.granularity
    for created in range(int(NOW * 1000), int(NOW * 1000) + 20 * 7_919, 7_919):
        said = created // unit * unit
        sent = request(signed(scheme, created=created / 1000))
        for more in (0, 1, 999, unit, 60_000, 3_600_000, 86_400_000, 31_536_000_000):
            yield sent, (said + past + more + 0.5) / 1000
            yield sent, (said - future - more - 0.5) / 1000


# --- again -------------------------------------------------------------------------------------------------------------------


class Till:
    """A payment API that counts what it is asked to do."""

    def __init__(self, scheme: payseal.Scheme, ledger: Ledger) -> None:
        self.paid = 0
        self._lock = threading.Lock()
        self.site = WSGIMiddleware(self._pay, verifier(scheme, {KEYID: payseal.Credential(KEYID, ["older", SECRET], TOKEN)}), ledger)

    def _pay(self, environ: Any, start_response: Any) -> list[bytes]:
        with self._lock:
            self.paid += 1
        start_response("201 Created", [])
        return [b"paid"]

    def take(self, headers: Iterable[tuple[str, str]], body: bytes = BODY) -> int:
        """The status of the answer to one request."""
        path, _, query = TARGET.partition("?")
        environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body))}
        environ |= {"wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(), "wsgi.version": (1, 0), "wsgi.url_scheme": "http"}
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers if name != "Content-Type"}
        environ["CONTENT_TYPE"] = OWN["Content-Type"]
        statuses: list[str] = []
        answer = self.site(environ, lambda status, *others: statuses.append(status) or (lambda data: None))  # type: ignore[func-returns-value]
        b"".join(answer)
        return int(statuses[0][:3])


def counted(tally: Tally, till: Till, statuses: Iterable[int], *, first: bool) -> None:
    """Each 201 after the first is a payment made twice; so is each that the till counts."""
    seen = list(statuses)
    for status in seen:
        if status != 201:
            tally.held(str(status))
    if extra := till.paid - first:
        tally.through("carried out again", extra)


def replays(tally: Tally, scheme: payseal.Scheme, ledger: Ledger, times: int) -> None:
    """The same request again and again: as it was, with its headers in other orders and cases, and in every encoding and under every secret that
    the scheme and the credential have."""
    for number in range(times):
        till, nonce = Till(scheme, ledger), f"{number:08x}{NONCE[8:]}"
        body = BODY[:-1] + b',"n":%d}' % number
        honest = signed(scheme, nonce=nonce, body=body)
        if till.take(honest.items(), body) != 201:
            tally.through("an honest request was refused")
        again = [honest, dict(reversed(honest.items())), {name.upper(): value for name, value in honest.items()}]
        for encoding in scheme.signature.accept:
            respelled = payseal.scheme(scheme.name, signature={"encoding": encoding.name}) if scheme is not COVERING else scheme
            for credential in (CREDENTIAL, OLDER) if scheme.signature.key == "secret" else (CREDENTIAL,):
                again += [signed(respelled, nonce=nonce, body=body, credential=credential)]
        counted(tally, till, [till.take(headers.items(), body) for headers in again for _ in range(3)], first=True)


def other_bodies(tally: Tally, scheme: payseal.Scheme, ledger: Ledger, times: int) -> None:
    """An id that was used once, rightly signed again over another body or at another time."""
    for number in range(times):
        till, nonce = Till(scheme, ledger), f"{number:08x}{NONCE[8:]}"
        till.take(signed(scheme, nonce=nonce).items())
        statuses = [till.take(signed(scheme, nonce=nonce, body=body).items(), body) for body in (b"{}", b"", BODY + b" ")]
        statuses += [till.take(signed(scheme, nonce=nonce, created=NOW + late).items()) for late in (1, -1, 60)]
        counted(tally, till, statuses, first=True)


def at_once(tally: Tally, scheme: payseal.Scheme, ledger: Ledger, rounds: int) -> None:
    """64 of one request at the same moment, each from a thread of its own."""
    for number in range(rounds):
        till, ready = Till(scheme, ledger), threading.Barrier(64)
        body = BODY[:-1] + b',"n":%d}' % number
        headers = signed(scheme, nonce=f"{number:08x}{NONCE[8:]}", body=body)
        statuses: list[int] = []

        def send(till: Till = till, ready: threading.Barrier = ready, headers: dict[str, str] = headers, body: bytes = body) -> None:
            ready.wait(30)
            statuses.append(till.take(headers.items(), body))  # noqa: B023 - joined below, before the next round

        threads = [threading.Thread(target=send) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        counted(tally, till, statuses, first=True)
        if till.paid != 1 or len(statuses) != 64:
            tally.through("none carried out, or no answer")


# --- the part ----------------------------------------------------------------------------------------------------------------


def attack(quick: bool) -> list[Row]:
    step = 10 if quick else 1
    rows: list[Row] = []
    with Progress("alterations") as progress, tempfile.TemporaryDirectory() as folder:

        def tried(what: str, tests: str, tries: Iterable[tuple[payseal.Verifier, payseal.Request, float]]) -> None:
            tally = Tally(what, tests)
            for number, (check, sent, now) in enumerate(tries):
                if number % step == 0:
                    attempt(tally, check, sent, now)
            rows.append(tally.row())
            progress.tell(len(rows), _ROWS, what)

        def each(change: Callable[[payseal.Scheme], Iterable[payseal.Request]], schemes: Iterable[payseal.Scheme] = SCHEMES) -> Any:
            for scheme in schemes:
                check = verifier(scheme)
                yield from ((check, sent, NOW) for sent in change(scheme))

        def timed(change: Callable[[payseal.Scheme], Iterable[tuple[payseal.Request, float]]], schemes: Iterable[payseal.Scheme]) -> Any:
            for scheme in schemes:
                check = verifier(scheme)
                yield from ((check, sent, now) for sent, now in change(scheme))

        for scheme in SCHEMES:
            verifier(scheme).verify(request(signed(scheme)))  # or nothing below would be worth anything
        guarded = [scheme for scheme in SCHEMES if scheme.guarded]
        tried(
            "each bit of a 256-byte body flipped", CHANGES, each(lambda scheme: (request(signed(scheme), body) for body in flipped(BODY)))
        )
        tried(
            "each byte of it dropped, doubled, swapped, put before another, cut off there",
            CHANGES,
            each(lambda scheme: (request(signed(scheme), body) for body in unlike(moved)(BODY))),
        )
        tried("each bit of each header of the scheme flipped", CHANGES, each(lambda scheme: of_headers(scheme, flipped)))
        tried(
            "each character of each header dropped, doubled, swapped, put before another",
            CHANGES,
            each(lambda scheme: of_headers(scheme, moved)),
        )
        tried("method, target, host and a covered header: each bit, each character", CHANGES, each(
            lambda scheme: (sent for change in (flipped, unlike(moved)) for sent in of_the_request_line(change)), [COVERING]))  # fmt: skip
        tried("a header twice, as a list, empty, away", CHANGES, each(of_counts))
        tried("the signature cut off or drawn out, at every length", CHANGES, each(of_lengths))
        tried("the right MAC in other encodings, letters and spellings", CHANGES, each(of_spellings))
        tried(
            "id, time and body cut in every other place",
            RESPLITS,
            timed(of_cuts, [*guarded, payseal.scheme("fiserv-payments", created={"format": "unix"})]),
        )
        # Without a key anyone can sign: that scheme promises less.
        keyed = [scheme for scheme in SCHEMES if scheme.keyed]
        tried("another's key, a retired secret, a revoked or unknown credential", CHANGES, (
            (check, sent, NOW) for scheme in keyed for sent, check in of_others(scheme)))  # fmt: skip
        tried("signed under another scheme", CHANGES, each(of_other_schemes))
        tried("outside the window by a millisecond, a second, a year; before and after", CLOCK, timed(of_times, SCHEMES))

        def ledgers(what: str) -> Iterator[Ledger]:
            for number, url in enumerate(("memory://", f"sqlite:///{Path(folder) / what}.db")):
                ledger = open_ledger(url, clock=lambda: NOW)
                progress.tell(len(rows), _ROWS, f"{what} {number + 1}")
                yield ledger
                ledger.close()

        for what, tests, kind, replay, times in (
            ("sent again: as it was, in other cases, orders, encodings, under each secret", WSGI, "replays", replays, 200),
            ("an id used again for another body, or with another time", WSGI, "bodies", other_bodies, 100),
            ("64 of one request at once, from 64 threads", SHARED, "at-once", at_once, 20),
        ):
            tally = Tally(f"{what} (memory and SQLite)", tests)
            for ledger in ledgers(kind):
                for scheme in SCHEMES:
                    if replay is not other_bodies or scheme.nonce is not None:
                        replay(tally, scheme, ledger, max(1, times // step))
            rows.append(tally.row())
    return rows
