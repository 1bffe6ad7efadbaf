"""Steps in any order: claims and their ends by several clients, alone and together, while time moves, clients crash and wires break.

Each step's answer is held against `tests.ledger.model`, and so are the counts after each step.
"""

from __future__ import annotations

import functools
import math
import time
from collections import Counter
from concurrent.futures import Future
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from payseal import LedgerError
from payseal.ledger import Answer, Claim, Ledger, Outcome
from payseal.ledger.grouping import GroupedLedger
from tests.clock import Clock
from tests.ledger.model import DOUBT, LOST, REFUSED, Call, Claiming, Completing, Model, Name, Releasing, Told
from tests.ledger.stores import RemoteStore, Store
from tests.ledger.worker import Worker

__all__ = ["Machine", "MortalMachine", "OutageMachine", "WiredMachine"]

#: A few, so that they meet; each alike to another in some way. The wire knows a claim by what they have in common.
NAMES: Final[list[Name]] = [
    ("s", "cut-a"),
    ("s", "cut-A"),
    ("s", "cut-a "),
    ("s:cut-a", ""),
    ("", "s:cut-a"),
    ("S", "cut-a\0é"),
    ("S", "cut-a\0e\u0301"),
]
_FINGERPRINTS: Final = [b"", b"f", b"f\0", bytes(32), bytes(range(256))]
#: Seconds. The longest is what a ledger takes.
_TTLS: Final = [0.001, 0.0017, 0.125, 1.0, 1 / 3, 600.0, 86_400.0, 1e11]
_LEASES: Final = [0.0, 1e-9, 0.125, 1.0, 60.0, 600.0, 1e11]

#: Mostly what meets again, or ends at another time than what it meets.
names: Final = st.sampled_from(NAMES[:2]) | st.sampled_from(NAMES)
ttls: Final = st.sampled_from([60.0, 600.0, 86_400.0]) | st.sampled_from(_TTLS)
leases: Final = st.sampled_from([0.0, 1.0, 600.0]) | st.sampled_from(_LEASES)
answers: Final = st.none() | st.builds(
    Answer,
    st.integers(100, 599),
    st.lists(st.tuples(st.binary(max_size=6), st.binary(max_size=12)), max_size=4).map(tuple),
    st.binary(max_size=40) | st.integers(0, 60_000).map(lambda size: bytes(range(256)) * (size // 256)),
)
claims: Final = st.tuples(names, st.just(b"f") | st.sampled_from(_FINGERPRINTS), ttls, leases, st.booleans())
#: Which of the claims there were: the newest is 0.
which: Final = st.integers(0, 30)
_NOBODYS: Final = 30
clients: Final = st.integers(0, 1)
#: Seconds between an answer and a kill: about as long as a call takes.
moments: Final = st.sampled_from([0.0, 0.0003, 0.001, 0.003, 0.01])
ANSWER: Final = Answer(200, ((b"a", b"b"),), b"paid" * 10_000)
sides: Final = st.sampled_from([-math.inf, 0.0, math.inf])


class Machine(RuleBasedStateMachine):
    """Two clients of one store. ``done`` counts what was done, over all examples."""

    crowded = False

    def __init__(self, store: Store, done: Counter[str]) -> None:
        super().__init__()
        self.store = store
        self.done = done
        self.clock = Clock()
        store.empty()
        self.model = Model(self.clock.now, grain=store.grain, real=store.real)
        self.ledgers = [store.open(self.clock) for _ in range(2)]
        self.watcher = store.watch(self.clock)
        self.opened: list[Ledger] = [*self.ledgers, self.watcher]
        #: Every claim that was asked for, ``None`` where no answer came; its number is its holder in the model.
        self.claims: list[Claim | None] = []
        #: Clients whose wire is broken: what they say next is said twice.
        self.broken: set[int] = set()

    # --- one call ---

    @rule(client=clients, given=claims)
    def claim(self, client: int, given: Any) -> None:
        self.ask(client, self.claiming(given))

    @rule(client=clients, which=which, answer=answers, ttl=st.none() | st.sampled_from(_TTLS))
    def complete(self, client: int, which: int, answer: Answer | None, ttl: float | None) -> None:
        self.settle(client, which, functools.partial(Completing, answer=answer, ttl=ttl))

    @rule(client=clients, which=which)
    def release(self, client: int, which: int) -> None:
        self.settle(client, which, Releasing)

    # --- several at once ---

    @rule(client=clients, given=st.lists(claims, min_size=2, max_size=4), same=st.booleans(), settled=st.lists(which, max_size=2))
    def together(self, client: int, given: list[Any], same: bool, settled: list[int]) -> None:
        """In one group, where there are groups: claims, often for one id, and the ends of others."""
        if same:
            given = [(given[0][0], *each[1:]) for each in given]
        calls: list[Call] = [self.claiming(each) for each in given]
        ends = [(each, chosen) for each in settled if (chosen := self.chosen(each))]
        calls += [Releasing(*chosen) if each % 2 else Completing(*chosen, None, 60.0) for each, chosen in ends]
        self.ask_together(client, calls)

    @precondition(lambda self: not self.crowded)
    @rule(client=clients, ttl=st.sampled_from(_TTLS[2:5]))
    def a_crowd(self, client: int, ttl: float) -> None:
        """More than a ledger takes out at once when they are over, all in the same second."""
        self.crowded = True
        self.ask_together(client, [self.claiming((("crowd", f"cut-{number}"), b"", ttl, 1.0, False)) for number in range(40)])

    # --- what happens meanwhile ---

    @rule(seconds=st.sampled_from([0.0005, 0.125, 1.0, 59.0, 600.0, 86_400.0, -0.001, -1.0, -3600.0]) | st.none(), which=which, side=sides)
    def time_moves(self, seconds: float | None, which: int, side: float) -> None:
        """On or back; or to the very moment at which a lease or a life ends, or as near as a number can be."""
        ahead = [time for time in self.model.boundaries() if time > self.clock.now]
        if seconds is None and ahead:
            now = ahead[which % len(ahead)]
            now = math.nextafter(now, side) if side else now
        else:
            now = self.clock.now + (seconds or 0.0)
        self.clock.now = now
        self.model.moved(now)

    @rule(client=clients, crashes=st.booleans())
    def a_client_leaves(self, client: int, crashes: bool) -> None:
        """It closes its ledger and goes on; or it crashes, and nothing is closed or released, and another takes its place."""
        if crashes:
            self.ledgers[client] = self.store.open(self.clock)
            self.opened.append(self.ledgers[client])
        else:
            self.ledgers[client].close()

    # --- what holds after each step ---

    @invariant()
    def counts_agree(self) -> None:
        self.done["steps"] += 1
        stats = self.watcher.stats()
        self.model.counted(stats)
        assert stats.size is not None

    def teardown(self) -> None:
        try:
            if self.store.forgets:
                self.nothing_stays_for_ever()
        finally:
            for ledger in self.opened:
                ledger.close()

    def nothing_stays_for_ever(self) -> None:
        """When everything is over, as many new ids as there were have all of it leave."""
        new = self.watcher.stats().total + 1
        self.clock.now = max([self.clock.now, *self.model.boundaries()]) + 1
        for number in range(new):
            assert self.watcher.claim("new", str(number), b"", 600).outcome is Outcome.FRESH
        stats = self.watcher.stats()
        assert (stats.total, stats.in_flight) == (new, new)

    # --- how it is done ---

    def claiming(self, given: tuple[Name, bytes, float, float, bool]) -> Claiming:
        """A claim that has its place among the claims already."""
        self.claims.append(None)
        return Claiming(*given, holder=len(self.claims) - 1)

    def chosen(self, which: int) -> tuple[Name, int] | None:
        """The name and the number of a claim: mostly of one that was FRESH, the newest first; sometimes of one that nobody made."""
        if which == _NOBODYS:
            self.claims.append(Claim(self.watcher, *NAMES[0], Outcome.FRESH, holder="0"))
            return NAMES[0], len(self.claims) - 1
        claims = [claim for claim in self.claims if claim is not None and (claim.outcome is Outcome.FRESH or which % 8 == 7)]
        if not claims:
            return None
        claim = claims[-1 - which % len(claims)]
        return (claim.scope, claim.id), self.claims.index(claim)

    def answered_claim(self, holder: int) -> Claim:
        claim = self.claims[holder]
        assert claim is not None
        return claim

    def settle(self, client: int, which: int, call: Any) -> None:
        if chosen := self.chosen(which):
            self.ask(client, call(*chosen))

    def ask(self, client: int, call: Call) -> None:
        began = time.monotonic()
        told: Told
        try:
            told = self.made(self.ledgers[client], call)
        except LedgerError:
            assert self.model.may_refuse(call)
            told = REFUSED
        self.model.told((call, told), began=began, twice=client in self.broken)
        self.broken.discard(client)

    def made(self, ledger: Ledger, call: Call) -> Told:
        if isinstance(call, Claiming):
            claim = ledger.claim(*call.name, call.fingerprint, call.ttl, lease=call.lease, redo=call.redo)
            self.claims[call.holder] = claim
            return claim.outcome, claim.answer
        claim = self.answered_claim(call.holder)
        return ledger.complete(claim, call.answer, ttl=call.ttl) if isinstance(call, Completing) else ledger.release(claim)

    def ask_together(self, client: int, calls: list[Call]) -> None:
        ledger, began = self.ledgers[client], time.monotonic()
        if isinstance(ledger, GroupedLedger):
            self.answered([(call, self.soon(ledger, call)) for call in calls], began, twice=client in self.broken)
            self.broken.discard(client)
        else:
            for call in calls:
                self.ask(client, call)

    def soon(self, ledger: GroupedLedger, call: Call) -> Future[Any]:
        if isinstance(call, Claiming):
            return ledger.claim_soon(*call.name, call.fingerprint, call.ttl, lease=call.lease, redo=call.redo)
        claim = self.answered_claim(call.holder)
        return ledger.complete_soon(claim, call.answer, ttl=call.ttl) if isinstance(call, Completing) else ledger.release_soon(claim)

    def answered(self, futures: list[tuple[Call, Future[Any]]], began: float, *, twice: bool = False, may_fail: bool = False) -> None:
        told: list[tuple[Call, Told]] = []
        for call, future in futures:
            error = future.exception(30)
            if error is not None:
                if not isinstance(error, LedgerError) or not (may_fail or self.model.may_refuse(call)):
                    raise error
                told.append((call, LOST if may_fail else REFUSED))
            elif isinstance(call, Claiming):
                claim = self.claims[call.holder] = future.result()
                told.append((call, (claim.outcome, claim.answer)))
            else:
                told.append((call, future.result()))
        self.model.told(*told, began=began, twice=twice)


class WiredMachine(Machine):
    """On a server: the wire is cut between two calls, and on the way back of an answer."""

    store: RemoteStore

    @rule()
    def every_wire_breaks(self) -> None:
        self.store.hang_up()
        self.broken = {0, 1}

    @rule(client=clients, given=claims, times=st.integers(1, 2))
    def lose_the_answer_to_a_claim(self, client: int, given: Any, times: int) -> None:
        self.ask_and_lose(client, self.claiming(given), times)

    @rule(client=clients, which=which, answer=answers, completes=st.booleans(), times=st.integers(1, 2))
    def lose_the_answer_to_an_end(self, client: int, which: int, answer: Answer | None, completes: bool, times: int) -> None:
        if chosen := self.chosen(which):
            self.ask_and_lose(client, Completing(*chosen, answer, None) if completes else Releasing(*chosen), times)

    def ask_and_lose(self, client: int, call: Call, times: int) -> None:
        """Lost once, the call is made again by itself. Lost twice, nobody knows."""
        began = time.monotonic()
        self.store.wire.losing = times
        try:
            told = self.made(self.ledgers[client], call)
        except LedgerError:
            assert times == 2 or client in self.broken or self.model.may_refuse(call)
            told = LOST
            self.done["answers lost"] += 1
        finally:
            self.store.wire.losing = 0
        self.broken.discard(client)
        self.model.told((call, told), began=began, twice=True)


class OutageMachine(Machine):
    """The server is killed while it is at work, and started again; once an example."""

    store: RemoteStore
    killed = False

    @precondition(lambda self: not self.killed)
    @rule(client=clients, given=st.lists(claims, min_size=1, max_size=4), settled=which)
    def power_cut(self, client: int, given: list[Any], settled: int) -> None:
        self.killed = True
        self.done["servers killed"] += 1
        ledger, began = self.ledgers[client], time.monotonic()
        assert isinstance(ledger, GroupedLedger)
        futures: list[tuple[Call, Future[Any]]] = [(call, self.soon(ledger, call)) for call in map(self.claiming, given)]
        self.store.server.kill()
        try:
            self.answered(futures, began, may_fail=True)
            for each in self.ledgers:
                self.refuses(each, NAMES[settled % len(NAMES)])
        finally:
            self.store.server.start()
        self.watcher = self.store.watch(self.clock)
        self.opened.append(self.watcher)

    def refuses(self, ledger: Ledger, name: Name) -> None:
        try:
            claim = ledger.claim(*name, b"f", 600)
        except LedgerError:
            return
        raise AssertionError(f"{claim.outcome} without a server")


class MortalMachine(Machine):
    """Besides the two clients, processes that are killed while they work: in the middle of a transaction, or between two; twice
    an example, since a process takes its time to start."""

    kills = 0

    @precondition(lambda self: self.kills < 2)
    @rule(given=st.lists(claims, min_size=1, max_size=8), settled=st.lists(which, max_size=2), answered=st.integers(0, 5), when=moments)
    def a_process_is_killed(self, given: list[Any], settled: list[int], answered: int, when: float) -> None:
        assert self.store.url is not None
        self.kills += 1
        calls: list[Call] = [Completing(*chosen, ANSWER, None) for each in settled if (chosen := self.chosen(each))]
        calls += map(self.claiming, given)
        connected = self.store.connections()
        worker, began = Worker(self.store.url), time.monotonic()
        told = worker.killed_at_work(
            self.clock.now,
            [(call, "" if isinstance(call, Claiming) else self.answered_claim(call.holder).holder) for call in calls],
            answered,
            when,
        )
        while not self.store.connections() <= connected:  # what was sent may still be carried out
            time.sleep(0.01)
        for call, (answer, holder) in zip(calls, told, strict=False):
            assert answer != REFUSED or self.model.may_refuse(call)
            self.model.told((call, answer), began=began)
            if isinstance(answer, tuple):
                self.claims[call.holder] = Claim(self.watcher, *call.name, answer[0], holder=holder)
        if len(told) < len(calls):
            self.model.told((calls[len(told)], DOUBT), began=began)
        self.done["processes killed"] += 1
