"""Load on a running sandbox: mixed requests as fast as one core sends them, slow and idle clients, heads without end, floods of refusals.

Everything is bounded, and goes to a sandbox of its own over loopback.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from typing import Any, Final

from attacks.load.audit import audited, on_record, paid_out
from attacks.load.heads import heads
from attacks.load.requests import Maker, http
from attacks.load.served import good_clients
from attacks.load.waiting import waiting
from attacks.rows import Row, Tally
from attacks.sandbox_process import SandboxProcess, Usage, sandbox_process
from attacks.sending import Client, Outcome, exchange, send_all, sending
from benchmarks.progress import Progress

from payseal import Credential, Request, Signer, scheme
from payseal.clients.cardblock import encrypt_card
from payseal.server.sandbox.startbutton.wallets import OPENING_BALANCES

__all__ = ["attack"]

_TESTS: Final = "tests/test_attacks_load.py"
_ROUND: Final = 10.0  # seconds that are prepared at a time: no signature grows old
_FLOOD: Final = 1500  # bad signatures a second that are made ahead: more than are answered
_CONNECTIONS: Final = 16
_IDLE: Final = 1000
#: Bytes that the process may have grown by in the end: each of up to 15 connections to a database keeps 2 MiB of its pages, and sightings may
#: fill 16 MiB. And in the second half of the mixed requests, when these are full.
_GROWTH: Final = 48 * 1_048_576
_GROWTH_LATER: Final = 12 * 1_048_576
#: Files that may be open in the end that were not before: each thread of the pool has its connection to the database.
_SPARE: Final = 20
_CARD: Final = {"number": "4242424242424242", "expiration_month": "12", "expiration_year": "2031", "security_code": "123"}


def attack(quick: bool) -> list[Row]:
    """About three minutes, or a quarter of one; most of that is waiting for limits of ten seconds."""
    with Progress("load") as progress, sandbox_process() as sandbox:
        maker = Maker(sandbox.keys, list(_charges(sandbox, 1 if quick else 8)))
        progress.tell(1, 6, "warming up")
        _warm_connections(sandbox)
        rate = _warm_up(sandbox, maker, 400 if quick else 3000)
        before = _settled(sandbox)
        progress.tell(2, 6, "mixed requests")
        rows = _mixed(sandbox, maker, rounds=1 if quick else 6, seconds=3.0 if quick else _ROUND, rate=rate)
        progress.tell(3, 6, "refusals")
        rows += _flooded(sandbox, maker, seconds=3.0 if quick else 15.0)
        progress.tell(4, 6, "heads and pipelines")
        rows += heads(sandbox, maker, seconds=1.0 if quick else 5.0)
        progress.tell(5, 6, "slow and idle clients")
        rows += waiting(sandbox, maker, each=8 if quick else 50, idle=_IDLE)
        return [*rows, *_afterwards(sandbox, before)]


def _warm_connections(sandbox: SandboxProcess) -> None:
    """As many connections as will be idle later: what they cost the first time is kept for the next."""
    _allow_descriptors(2 * _IDLE)
    idle = [Client(sandbox.port) for _ in range(_IDLE)]
    deadline = time.monotonic() + 5.0
    while len(sandbox.peers()) < _IDLE and time.monotonic() < deadline:
        time.sleep(0.1)
    for client in idle:
        client.close()


def _warm_up(sandbox: SandboxProcess, maker: Maker, count: int) -> int:
    """How many requests a second are to be made ahead: twice as many as were answered."""
    requests = list(maker.mixed(count))
    began = time.monotonic()
    found = send_all(sandbox.port, requests, connections=_CONNECTIONS)
    return 2 * round(len(found) / (time.monotonic() - began) + 1)


def _charges(sandbox: SandboxProcess, count: int) -> Iterator[str]:
    """Captured charges at Commerce Hub: each is a session, a card in it, and the charge."""
    keys = sandbox.keys.commercehub

    def ask(credential: Credential, name: str, path: str, document: dict[str, Any]) -> Any:
        body = json.dumps(document).encode()
        headers = Signer(scheme(name), credential).sign(Request("POST", path, body=body))
        answer = exchange(sandbox.port, http("POST", path, headers, body))
        assert answer is not None, path
        assert answer.status in (200, 201), answer
        return json.loads(answer.body)

    merchant = {"merchantId": "100000000000001", "terminalId": "10000001"}
    for _ in range(count):
        issued = ask(keys, "commercehub-hmac", "/payments-vas/v1/security/credentials", {"merchantDetails": merchant})
        data = encrypt_card(issued, **_CARD)
        document = {"source": {"sourceType": "PaymentCard", "encryptionData": data}, "merchantDetails": merchant}
        ask(Credential(keys.keyid, token=issued["accessToken"]), "commercehub-digest", "/payments-vas/v1/card-capture", document)
        session = {"sourceType": "PaymentSession", "sessionId": issued["sessionId"]}
        charge = {"source": session, "amount": {"total": 99_000, "currency": "USD"}, "transactionDetails": {"captureFlag": True}}
        charged = ask(keys, "commercehub-hmac", "/payments/v1/charges", charge)
        yield charged["gatewayResponse"]["transactionProcessingDetails"]["transactionId"]


def _settled(sandbox: SandboxProcess, within: float = 12.0) -> Usage:
    """What it holds once connections are closed and no more work is done: the least descriptors and the least memory of a while."""
    deadline, seen = time.monotonic() + within, sandbox.usage()
    while time.monotonic() < deadline:
        time.sleep(0.5)
        now = sandbox.usage()
        if now.descriptors == seen.descriptors and now.cpu - seen.cpu < 0.05 and now.descriptors < 60:
            return now
        seen = now
    return seen


def _mixed(sandbox: SandboxProcess, maker: Maker, *, rounds: int, seconds: float, rate: int) -> list[Row]:
    outcomes: list[Outcome] = []
    memory: list[int] = []
    took = 0.0
    for _ in range(rounds):
        requests = list(maker.mixed(int(rate * seconds)))
        with sending(sandbox.port, requests, connections=_CONNECTIONS, seconds=seconds) as sender:
            found = sender.outcomes()
        took += max(each.began + each.seconds for each in found) - min(each.began for each in found)
        outcomes += found
        memory.append(sandbox.usage().memory)
    rows = audited(outcomes, on_record(sandbox.folder / "sandbox.db"))
    wallets = Tally(
        f"{len(outcomes):,} requests at {len(outcomes) / took:,.0f} a second: what the wallets hold beside what was sent", _TESTS
    )
    for currency, opening in OPENING_BALANCES.items():
        wrong = paid_out(sandbox.folder / "sandbox.db", currency, opening)
        if wrong:
            wallets.through(f"{currency}: {wrong:+,} minor units")
        else:
            wallets.held("to the last minor unit")
    grown, steady = memory[-1] - memory[len(memory) // 2], Tally("memory that the second half of these requests adds", _TESTS)
    (steady.held if grown <= _GROWTH_LATER else steady.through)(f"{grown / 1_048_576:+.0f} MiB")
    return [*rows, wallets.row(), *([steady.row()] if rounds > 1 else [])]


def _flooded(sandbox: SandboxProcess, maker: Maker, *, seconds: float) -> list[Row]:
    requests = [maker.prepared("tampered") for _ in range(int(_FLOOD * seconds))]
    with good_clients(sandbox, maker) as served, sending(sandbox.port, requests, connections=_CONNECTIONS, seconds=seconds) as sender:
        found = sender.outcomes()
    reached = len(found) / (max(each.began + each.seconds for each in found) - min(each.began for each in found))
    (refused,) = audited(found, on_record(sandbox.folder / "sandbox.db"))
    attack = f"a flood of bad signatures, {reached:,.0f} a second, each of which asks for a search for the cause"
    return [Row(attack, refused.tried, refused.through, refused.seen, _TESTS), served.row("good payments during that flood")]


def _allow_descriptors(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _afterwards(sandbox: SandboxProcess, before: Usage) -> list[Row]:
    """What the process holds when all is over, beside what it held after warming up."""
    after = _settled(sandbox)
    memory, descriptors = Tally("memory after all of this", _TESTS), Tally("open files and sockets after all of this", _TESTS)
    grown = after.memory - before.memory
    said = f"{before.memory / 1_048_576:,.0f} MiB before, {after.memory / 1_048_576:,.0f} MiB after"
    (memory.held if grown <= _GROWTH else memory.through)(said)
    held = f"{before.descriptors} before, {after.descriptors} after"
    (descriptors.held if after.descriptors <= before.descriptors + _SPARE else descriptors.through)(held)
    return [memory.row(), descriptors.row()]
