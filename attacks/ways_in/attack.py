"""Does an application ever get something that the verifier did not see, or that nobody signed? Raw bytes at real servers, and a judge."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import unquote

from attacks.rows import Row, Tally
from attacks.ways_in import odd_urls, protected
from attacks.ways_in.echo import ROOT_PATHS, SERVERS, Echo, Got, echoing
from attacks.ways_in.signed_requests import Forger, Signed
from attacks.ways_in.ways import KINDS, WAYS, Way
from attacks.ways_in.wire import Conversation, said, talk
from benchmarks.progress import Progress

__all__ = ["Outcome", "attack", "outcomes"]

#: Connections at a time: most of them only wait for a server that waits for more.
_AT_ONCE = 16
#: How long (seconds) a server may say nothing before it is held to have nothing more to say.
_PATIENCE, _PATIENCE_WAITING = 2.0, 0.5
TESTS = "tests/ways_in/test_ways.py"


@dataclass(frozen=True)
class Outcome:
    """What came of one way at one server: a word for what was seen, and what was wrong with it (nothing, as it must be)."""

    way: Way
    server: str
    seen: str
    wrong: tuple[str, ...]


def outcomes(server: str, ways: Iterable[Way]) -> list[Outcome]:
    """Each way tried at one of `SERVERS`."""
    with echoing(server) as echo, ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda way: _tried(way, server, echo), ways))


def _tried(way: Way, server: str, echo: Echo) -> Outcome:
    forger = Forger(ROOT_PATHS.get(server, ""))
    conversation = talk(echo.port, way.build(forger), _PATIENCE_WAITING if way.waits else _PATIENCE)
    got = echo.got.get(conversation.client, [])
    wrong = [mistake for each in got for mistake in mistakes(each, forger)]
    used = [each.values("x-request-id") for each in got]
    wrong += [f"the request was carried out {used.count(nonce)} times" for nonce in used if used.count(nonce) > 1]
    return Outcome(way, server, _seen(conversation, got), tuple(wrong))


def _seen(conversation: Conversation, got: list[Got]) -> str:
    return "passed, as it was signed" if got else said(conversation)


def mistakes(got: Got, forger: Forger) -> list[str]:
    """What the application was given and the verifier had not seen, or nobody had signed."""
    saw = got.saw
    if saw is None:
        return ["it reached the application unverified"]
    nonce = got.values("x-request-id")
    signed = forger.signed.get(nonce[0]) if len(nonce) == 1 else None
    if signed is None:
        return ["nobody signed it"]
    found = [] if got.method == saw.method == signed.method else [f"method {got.method!r}"]
    if not _path_is(got.path, saw.path) or not _path_is(got.path, signed.target.partition("?")[0]):
        found.append(f"path {got.path!r}")
    if not got.query == saw.query == signed.target.partition("?")[2]:
        found.append(f"query {got.query!r}")
    if not got.body == saw.body == signed.body:
        found.append(f"body {got.body[:80]!r}")
    return [*found, *_other_headers(got, signed)]


def _path_is(decoded: str, raw: str) -> bool:
    """Whether a server that decodes a path makes this of it: as UTF-8, or as bytes that an application decodes."""
    return decoded in (unquote(raw), unquote(raw, "latin-1").encode("latin-1", "replace").decode("utf-8", "replace"))


def _other_headers(got: Got, signed: Signed) -> list[str]:
    found = [
        f"header {name}: {got.values(name.lower())}"
        for name, value in signed.headers.items()
        if name != "Content-Length" and got.values(name.lower()) != [value]
    ]
    assert got.saw is not None
    return found + [
        f"header {name}: {got.values(name)}, of which the verifier saw {got.saw.values(name)}"
        for name in {name for name, _ in got.headers} - {"content-length", "transfer-encoding"}
        if got.values(name) != got.saw.values(name)
    ]


def attack(quick: bool) -> list[Row]:
    """A row for each kind of way, over all servers; one for paths that look unprotected, and one for what clients make of a URL."""
    tallies = {kind: Tally(name, TESTS) for kind, name in KINDS.items()}
    guessed = Tally("a protected path in another spelling, unsigned", "tests/ways_in/test_protected.py")
    asked = Tally("odd URLs: what a client signs and what it sends", "tests/ways_in/test_odd_urls.py")
    steps = len(SERVERS) + 2
    with Progress("ways in") as progress:
        for number, server in enumerate(SERVERS):
            progress.tell(number, steps, server)
            for outcome in outcomes(server, WAYS[number % 10 :: 10] if quick else WAYS):
                _count(outcome, tallies[outcome.way.kind])
        progress.tell(steps - 2, steps, "protected paths")
        protected.tried(guessed, every=10 if quick else 1)
        progress.tell(steps - 1, steps, "clients")
        odd_urls.tried(asked, every=10 if quick else 1)
    return [*(tally.row() for tally in tallies.values()), guessed.row(), asked.row()]


def _count(outcome: Outcome, tally: Tally) -> None:
    for wrong in outcome.wrong:
        tally.through(f"{outcome.server}: {outcome.way.name}: {wrong}")
    if not outcome.wrong:
        tally.held(outcome.seen)
