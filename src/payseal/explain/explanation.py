"""One explanation: verify strictly, read leniently, search, and say what was found."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from typing import Any, Final

from payseal.credentials import Credential
from payseal.errors import Rejected
from payseal.explain.bodies import LARGE, MODERATE, Bodies
from payseal.explain.causes import Cause, Check, Explanation, cause
from payseal.explain.ids import keyids, nonces
from payseal.explain.keys import baseline_maker, keys_of, makers
from payseal.explain.reading import Finding, Reading, read_leniently
from payseal.explain.received import Received
from payseal.explain.search import Found, Search
from payseal.explain.shapes import HIDDEN_TOKEN, baseline_shape, shapes
from payseal.explain.times import Times, seen_unit, times_of, words
from payseal.explain.variants import Dimension
from payseal.mac import ENCODINGS
from payseal.request import Request, leading_bytes
from payseal.schemes import Scheme
from payseal.schemes.base import request_text
from payseal.schemes.template import Component
from payseal.verification import Verifier

__all__ = ["explained"]

#: Above this (bytes) one MAC costs a good part of a budget: nothing is searched for.
_HUGE: Final = 4_194_304
#: Bytes that a secret has at least: a shorter text would be found where it is none.
_HIDEABLE: Final = 8


def explained(
    request: Request,
    scheme: Scheme,
    credential: Credential | None,
    *,
    now: float,
    budget: float,
    others: tuple[Credential, ...],
    replayed: bool,
    state: str,
    clock: Callable[[], float],
) -> Explanation:
    """See `payseal.explain.explain`."""
    started = clock()
    now = now if math.isfinite(now) and 0 <= now < 10_000_000_000 else 0.0

    def time_left() -> float:
        return budget - (clock() - started)

    body = leading_bytes(request, _HUGE + 1)
    huge = len(body) > _HUGE
    verdict = None if huge and budget < 1 else _verdict(request, scheme, credential, now)
    reading = read_leniently(request, scheme, credential)
    causes: list[Cause] = []
    examined, finished, proven = 0, False, verdict in ("accepted", "outside-window", "ambiguous-base")
    found: Found | None = None
    if verdict == "ambiguous-base":
        causes.append(cause("ambiguous-base", {}, proven=True))
    searchable = credential is not None and reading.signatures and not _lacks(reading, scheme)
    if not proven and credential is not None and searchable and not huge:
        search = _search(request, body, scheme, credential, others, reading, int(now * 1000), time_left)
        found = search.run()
        examined, finished = search.examined, search.finished
        if found is not None:
            proven = True
            causes += _proven(found, reading, scheme, credential)
    elif proven:
        causes += [cause(finding.code, finding.facts, proven=True) for finding in reading.findings]
    causes += _outside(reading, scheme, credential, now, replayed, state, proven=proven)
    verified = verdict == "accepted" and state == "active" and not replayed
    if not proven:
        causes += _seen(reading, scheme, credential)
        if searchable:
            causes.append(cause("unproven", {"examined": examined, "passed": _passed(reading)}, proven=False))
    if not verified and not causes:
        causes += _left(request, reading, scheme, credential, examined)
    ranked = tuple(
        Cause(each.code, each.component, each.summary, each.fix, each.proven, rank) for rank, each in enumerate(_unique(causes), start=1)
    )
    hide = _hider(request, reading, credential, others)
    return Explanation(
        verified=verified,
        causes=ranked,
        signature_base=hide(_base(request, body, scheme, reading, int(now * 1000), found)) if not huge else b"",
        checks=tuple(_checks(reading, credential, verdict, proven, now, replayed)),
        examined=examined,
        elapsed=clock() - started,
        shortened=_shortened(body, huge, finished or proven or not searchable),
        signed_base=b"" if found is None else hide(found.text),
    )


def _lacks(reading: Reading, scheme: Scheme) -> bool:
    """Whether something that is signed is not there to be looked at."""
    covered = {part.name for part in scheme.signature.base.parts if isinstance(part, Component)}
    needed = covered & {"keyid", "nonce", "token"} | ({"created"} & covered if scheme.created_sent else set())
    return not needed <= set(reading.values)


def _verdict(request: Request, scheme: Scheme, credential: Credential | None, now: float) -> str:
    """What a verifier says: ``accepted``, or the code it refuses with."""
    if credential is None:
        return "invalid-signature"
    try:
        Verifier(scheme, credential, allow_unkeyed=True).verify(request, now=now)
    except Rejected as rejected:
        return rejected.code
    return "accepted"


def _search(
    request: Request,
    body: bytes,
    scheme: Scheme,
    credential: Credential,
    others: tuple[Credential, ...],
    reading: Reading,
    now: int,
    time_left: Callable[[], float],
) -> Search:
    parts = scheme.signature.base.parts
    shown = "".join(str(part) for part in parts).replace("\n", "\\n")
    key, keys = keys_of(scheme, credential, others)
    texts = _texts(request, body, scheme, reading)
    times = Times([], Dimension(lambda mistakes: ()))
    if scheme.created is not None:
        times = times_of(scheme.created, reading.values.get("created", "") if scheme.created_sent else None, now)
    near: dict[str, Dimension[Any]] = {"body": Bodies(body, time_left), "created": times.near}
    if scheme.signature.algorithm.keyed:
        near["key"] = keys
    if scheme.nonce is not None and "nonce" in reading.values:
        near["nonce"] = nonces(reading.values["nonce"], shown)
    if "{keyid}" in texts:
        near["keyid"] = keyids(reading.values.get("keyid", ""), credential.keyid, shown)
    near["maker"] = makers(scheme)
    near["shape"] = shapes(parts, _extras(request))
    covered = [part for part in parts if isinstance(part, Component) and part.digest]
    return Search(
        received=Received(reading.signatures, scheme.signature),
        key=key,
        maker=baseline_maker(scheme),
        shape=baseline_shape(parts),
        texts=texts,
        times=times,
        near=near,
        digests={str(part): _digest_of(part) for part in covered},
        time_left=time_left,
    )


def _digest_of(part: Component) -> Callable[[bytes], bytes]:
    encode = ENCODINGS[part.encoding].encode
    return lambda body: encode(hashlib.new(part.digest, body).digest()).encode("ascii")


def _texts(request: Request, body: bytes, scheme: Scheme, reading: Reading) -> dict[str, bytes]:
    """The texts of the base's components but the time, by their place in a shape."""
    texts = {"{body}": body}
    for part in scheme.signature.base.parts:
        if not isinstance(part, Component) or part.name == "created" or str(part) in texts:
            continue
        if part.name in ("keyid", "nonce", "token"):
            texts[str(part)] = reading.values.get(part.name, "").encode("utf-8", "replace")
        else:
            texts[str(part)] = _own_text(part, request).encode("utf-8", "replace")
    return texts


def _own_text(part: Component, request: Request) -> str:
    try:
        return request_text(part, request, lambda name: (request.values(name) or [""])[0])
    except Rejected:
        return ""


def _extras(request: Request) -> list[tuple[str, bytes]]:
    """What clients put into a base that does not have it."""
    host = (request.values("host") or [""])[0]
    named = [
        ("the method", request.method),
        ("the path", request.path),
        ("the method and the path", request.method + request.path),
        ("the target", request.target),
        ("the URL", f"https://{host}{request.target}"),
        ("the host", host),
        *(
            (f"the header {name}", value)
            for name in ("content-type", "auth-token-type", "authorization")
            for value in request.values(name)[:1]
        ),
    ]
    kept: dict[bytes, str] = {}
    for what, text in named:
        if text and len(text) <= 2048:
            kept.setdefault(text.encode("utf-8", "replace"), what)
    return [(what, text) for text, what in kept.items()]


def _proven(found: Found, reading: Reading, scheme: Scheme, credential: Credential) -> Iterator[Cause]:
    facts: dict[str, object] = {"algorithm": scheme.signature.algorithm.name, "encoding": scheme.signature.encoding.name}
    for finding in reading.findings:
        yield cause(finding.code, finding.facts, proven=True)
    yield from (cause(code, seen, proven=True) for code, seen in _named_otherwise(reading, scheme, credential))
    for variant in found.variants:
        for code in variant.codes:
            yield cause(code, {**facts, **variant.facts}, proven=True)
    for code in found.encoding:
        yield cause(code, facts, proven=True)


def _named_otherwise(reading: Reading, scheme: Scheme, credential: Credential) -> Iterator[tuple[str, dict[str, object]]]:
    """What the values themselves show to be wrong: a time in another unit, a key id in another spelling, another access token."""
    sent = reading.values.get("created")
    if sent is not None and scheme.created is not None and scheme.created.format.read(sent) is None:
        wanted: dict[str, object] = {"wanted": words(scheme.created)}
        seen = seen_unit(sent)
        if seen is not None:
            yield "created-unit", {**wanted, "unit": seen[0]}
        elif "." in sent and sent.replace(".", "", 1).isdigit():
            yield "created-fraction", wanted
        elif "T" in sent or "-" in sent or ":" in sent:
            yield "created-iso", wanted
    keyid = reading.values.get("keyid")
    if keyid is not None and credential.keyid is not None and keyid != credential.keyid and keyid.lower() == credential.keyid.lower():
        yield "keyid-case", {}
    token = reading.values.get("token")
    if token is not None and credential.has_token and not credential.token_is(token):
        rule = next(rule for rule in scheme.headers if any(part.name == "token" for part in rule.components))
        form = "".join(map(str, rule.parts))
        yield "header-prefix", {"header": rule.name, "what": "another access token than this credential's", "form": form}


def _outside(
    reading: Reading, scheme: Scheme, credential: Credential | None, now: float, replayed: bool, state: str, *, proven: bool
) -> Iterator[Cause]:
    """What is wrong besides the signature: the window, the credential, the ledger."""
    sent = reading.values.get("created")
    if sent is not None and scheme.created is not None:
        seen = seen_unit(sent)
        moment = scheme.created.format.read(sent)
        moment = moment if moment is not None else seen[1] if seen else None
        at = int(now * 1000)
        if moment is not None and not scheme.created.fresh(moment, at):
            code = "created-clock-skew" if moment > at else "created-outside-window"
            facts = {"seconds": abs(at - moment) // 1000, "tolerance": scheme.created.tolerance // 1000}
            yield cause(code, facts, proven=proven)
    if credential is None:
        yield cause("credential-revoked" if state == "revoked" else "credential-unknown", {}, proven=False)
    elif state == "revoked":
        yield cause("credential-revoked", {}, proven=proven)
    elif not credential.valid_at(now):
        yield cause("credential-expired", {}, proven=proven)
    if replayed:
        yield cause("ledger-replayed", {}, proven=proven)


def _left(request: Request, reading: Reading, scheme: Scheme, credential: Credential | None, examined: int) -> Iterator[Cause]:
    """What is wrong where the signature is right as it stands: whose it is said to be, a digest of the body, or how a value is written."""
    if credential is not None and reading.values.get("keyid", credential.keyid) != credential.keyid:
        yield cause("credential-unknown", {}, proven=False)
        return
    for rule in scheme.headers:
        if any(part.digest and _own_text(part, request) not in value for part in rule.components for value in request.values(rule.key)):
            form = "".join(map(str, rule.parts))
            yield cause("header-prefix", {"header": rule.name, "what": "another digest than the body's", "form": form}, proven=True)
            return
    yield cause("unproven", {"examined": examined, "passed": _passed(reading)}, proven=False)


def _seen(reading: Reading, scheme: Scheme, credential: Credential | None) -> Iterator[Cause]:
    """What can be seen without a proof."""
    for finding in reading.findings:
        yield cause(finding.code, finding.facts, proven=False)
    if credential is not None:
        yield from (cause(code, facts, proven=False) for code, facts in _named_otherwise(reading, scheme, credential))


def _unique(causes: list[Cause]) -> list[Cause]:
    kept: dict[str, Cause] = {}
    for each in causes:
        kept.setdefault(each.code, each)
    return list(kept.values())


def _passed(reading: Reading) -> str:
    return "The headers are well formed." if not reading.findings else "Mending the headers was not enough."


def _hider(request: Request, reading: Reading, credential: Credential | None, others: tuple[Credential, ...]) -> Callable[[bytes], bytes]:
    """What hides secrets and tokens wherever they stand in a base: clients put them into the wrong header, or into the body."""
    hidden: dict[bytes, bytes] = {}
    for each in (*others, *([] if credential is None else [credential])):
        hidden.update(dict.fromkeys(each.reveal_secrets(), b"<secret>"))
        if each.has_token:
            hidden[each.reveal_token().encode("utf-8", "replace")] = HIDDEN_TOKEN
    for text in (reading.values.get("token", ""), *(value.rpartition(" ")[2] for value in request.values("authorization"))):
        hidden[text.encode("utf-8", "replace")] = HIDDEN_TOKEN
    longest_first = sorted((value for value in hidden if len(value) >= _HIDEABLE), key=len, reverse=True)

    def hide(text: bytes) -> bytes:
        for value in longest_first:
            text = text.replace(value, hidden[value])
        return text

    return hide


def _base(request: Request, body: bytes, scheme: Scheme, reading: Reading, now: int, found: Found | None) -> bytes:
    """The bytes that should have been signed, with an access token hidden."""
    texts = _texts(request, body, scheme, reading)
    sent = reading.values.get("created")
    if sent is None and scheme.created is not None and not scheme.created_sent:
        sent = found.created.decode() if found and found.created else next((text for _, text in scheme.created.candidates(now)), None)
    if (sent is None and scheme.created is not None) or (scheme.nonce is not None and "nonce" not in reading.values):
        return b""
    texts["{created}"] = (sent or "").encode("utf-8", "replace")
    if "{token}" in texts:
        texts["{token}"] = HIDDEN_TOKEN
    return b"".join(piece if isinstance(piece, bytes) else texts[piece] for piece in baseline_shape(scheme.signature.base.parts))


def _checks(
    reading: Reading, credential: Credential | None, verdict: str | None, proven: bool, now: float, replayed: bool
) -> Iterator[Check]:
    findings: list[Finding] = reading.findings
    yield Check("headers", not findings, ", ".join(finding.code for finding in findings))
    yield Check("credential", credential is not None and credential.valid_at(now))
    genuine = verdict in ("accepted", "outside-window", "ambiguous-base")
    yield Check("signature", genuine, "proven once the mistakes are mended" if proven and not genuine else "")
    yield Check("time window", None if not genuine else verdict != "outside-window")
    yield Check("ledger", not replayed if verdict == "accepted" else None)


def _shortened(body: bytes, huge: bool, complete: bool) -> str:
    if huge:
        return f"the body is larger than {_HUGE} bytes: nothing was searched for"
    if complete:
        return ""
    if len(body) > LARGE:
        return f"the body is larger than {LARGE} bytes: it was not taken apart"
    if len(body) > MODERATE:
        return f"the body is larger than {MODERATE} bytes: it was rewritten in single ways only"
    return "the time was up before every combination was tried"
