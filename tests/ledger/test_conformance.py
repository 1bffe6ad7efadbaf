"""What every ledger does, whatever it is kept in. One suite, run against each backend."""

from __future__ import annotations

import math
import threading
from collections import Counter

import pytest

from payseal import LedgerError, Request
from payseal.ledger import Answer, Ledger, Outcome, fingerprint
from tests.clock import Clock

A, B = fingerprint(Request("POST", "/pay", body=b"1")), fingerprint(Request("POST", "/pay", body=b"2"))


def test_it_is_a_ledger(ledger: Ledger) -> None:
    assert isinstance(ledger, Ledger)
    assert isinstance(ledger.blocking, bool)


def test_the_first_claim_is_fresh_and_the_second_in_flight(ledger: Ledger) -> None:
    first = ledger.claim("s", "id", A, 600)
    assert (first.outcome, first.scope, first.id) == (Outcome.FRESH, "s", "id")
    assert ledger.claim("s", "id", A, 600).outcome is Outcome.IN_FLIGHT


def test_a_completed_claim_is_done_without_an_answer(ledger: Ledger) -> None:
    assert ledger.claim("s", "id", A, 600).complete()
    again = ledger.claim("s", "id", A, 600)
    assert (again.outcome, again.answer) == (Outcome.DONE, None)


@pytest.mark.parametrize("body", [b"", b"{}", bytes(range(256)) * 5, "é\n".encode(), b"\0" * 100_000], ids=len)
def test_an_answer_is_given_again_byte_for_byte(ledger: Ledger, body: bytes) -> None:
    answer = Answer(201, ((b"content-type", b"application/json"), (b"x", bytes(range(32, 256))), (b"x", b""), (b"X", b"twice")), body)
    assert ledger.claim("s", "id", A, 600).complete(answer)
    for _ in range(2):
        again = ledger.claim("s", "id", A, 600)
        assert (again.outcome, again.answer) == (Outcome.DONE, answer)


def test_another_request_under_the_same_id_is_a_mismatch_whatever_the_state(ledger: Ledger, clock: Clock) -> None:
    claim = ledger.claim("s", "id", A, 600, lease=10)
    assert ledger.claim("s", "id", B, 600).outcome is Outcome.MISMATCH
    clock.now += 11
    assert ledger.claim("s", "id", B, 600, redo=True).outcome is Outcome.MISMATCH
    claim.complete(Answer(200))
    mismatch = ledger.claim("s", "id", B, 600)
    assert (mismatch.outcome, mismatch.answer) == (Outcome.MISMATCH, None)


def test_scopes_and_ids_are_apart(ledger: Ledger) -> None:
    names = [
        ("s", "id"),
        ("s", "ID"),
        ("S", "id"),
        ("s", "id "),
        ("si", "d"),
        ("s:i", "d"),
        ("s", "id\0"),
        ("s", "ïd"),
        ("", "id"),
        ("s", ""),
    ]
    assert [ledger.claim(*name, A, 600).outcome for name in names] == [Outcome.FRESH] * len(names)
    assert [ledger.claim(*name, A, 600).outcome for name in names] == [Outcome.IN_FLIGHT] * len(names)


def test_what_is_over_is_forgotten_at_the_second(ledger: Ledger, clock: Clock) -> None:
    ledger.claim("s", "done", A, 600).complete(Answer(200))
    ledger.claim("s", "open", A, 600, lease=700)
    clock.now += 599.9
    assert ledger.claim("s", "done", A, 600).outcome is Outcome.DONE
    assert ledger.claim("s", "open", A, 600).outcome is Outcome.IN_FLIGHT
    clock.now += 0.2
    assert ledger.claim("s", "done", B, 600).outcome is Outcome.FRESH
    assert ledger.claim("s", "open", B, 600).outcome is Outcome.FRESH


def test_completing_lengthens_the_life_of_an_id_and_never_shortens_it(ledger: Ledger, clock: Clock) -> None:
    ledger.claim("s", "long", A, 600).complete(ttl=86_400)
    ledger.claim("s", "short", A, 600).complete(ttl=1)
    clock.now += 590
    assert ledger.claim("s", "short", A, 600).outcome is Outcome.DONE
    clock.now += 80_000
    assert ledger.claim("s", "long", A, 600).outcome is Outcome.DONE
    clock.now += 6_000
    assert ledger.claim("s", "long", A, 600).outcome is Outcome.FRESH


def test_a_released_id_is_free_for_any_request(ledger: Ledger) -> None:
    assert ledger.claim("s", "id", A, 600).release()
    assert ledger.claim("s", "id", B, 600).outcome is Outcome.FRESH


def test_an_abandoned_claim_is_unknown_and_stays_so(ledger: Ledger, clock: Clock) -> None:
    ledger.claim("s", "id", A, 600, lease=60)
    clock.now += 59.9
    assert ledger.claim("s", "id", A, 600).outcome is Outcome.IN_FLIGHT
    clock.now += 0.2
    assert ledger.claim("s", "id", A, 600).outcome is Outcome.UNKNOWN
    assert ledger.claim("s", "id", A, 600).outcome is Outcome.UNKNOWN


def test_an_abandoned_claim_is_taken_over_where_it_may_be_done_again(ledger: Ledger, clock: Clock) -> None:
    ledger.claim("s", "id", A, 600, lease=60)
    assert ledger.claim("s", "id", A, 600, redo=True).outcome is Outcome.IN_FLIGHT
    clock.now += 60
    taken = ledger.claim("s", "id", A, 600, lease=60, redo=True)
    assert taken.outcome is Outcome.FRESH
    assert ledger.claim("s", "id", A, 600, redo=True).outcome is Outcome.IN_FLIGHT
    assert taken.complete(Answer(200))


def test_a_late_holder_still_completes_what_nobody_has_taken_over(ledger: Ledger, clock: Clock) -> None:
    late = ledger.claim("s", "id", A, 600, lease=60)
    clock.now += 300
    assert late.complete(Answer(201))
    assert ledger.claim("s", "id", A, 600).answer == Answer(201)


def test_after_a_takeover_the_late_holder_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    late = ledger.claim("s", "id", A, 600, lease=60)
    clock.now += 61
    taken = ledger.claim("s", "id", A, 600, redo=True)
    assert not late.complete(Answer(500))
    assert not late.release()
    assert ledger.claim("s", "id", A, 600).outcome is Outcome.IN_FLIGHT
    assert taken.complete(Answer(200))
    assert not late.complete(Answer(500))
    assert not late.release()
    assert ledger.claim("s", "id", A, 600).answer == Answer(200)


def test_a_claim_that_outlived_its_id_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    old = ledger.claim("s", "id", A, 600)
    clock.now += 601
    assert not old.complete(Answer(200))
    new = ledger.claim("s", "id", B, 600)
    assert not old.complete(Answer(200))
    assert not old.release()
    assert new.complete()


def test_a_claim_is_settled_once(ledger: Ledger) -> None:
    claim = ledger.claim("s", "done", A, 600)
    assert claim.complete(Answer(200))
    assert not claim.complete(Answer(500))
    assert not claim.release()
    assert ledger.claim("s", "done", A, 600).answer == Answer(200)
    claim = ledger.claim("s", "freed", A, 600)
    assert claim.release()
    assert not claim.release()
    assert not claim.complete()
    assert ledger.claim("s", "freed", A, 600).outcome is Outcome.FRESH


def test_only_a_fresh_claim_is_settled(ledger: Ledger) -> None:
    ledger.claim("s", "id", A, 600)
    other = ledger.claim("s", "id", A, 600)
    assert not other.complete(Answer(200))
    assert not other.release()
    assert ledger.claim("s", "id", A, 600).outcome is Outcome.IN_FLIGHT


@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf])
def test_a_clock_that_gives_no_time_is_an_error_and_recovers(ledger: Ledger, clock: Clock, now: float) -> None:
    claim = ledger.claim("s", "id", A, 600)
    before, clock.now = clock.now, now
    for call in (lambda: ledger.claim("s", "other", A, 600), claim.complete, claim.release):
        with pytest.raises(LedgerError):
            call()
    clock.now = before
    assert claim.complete()


@pytest.mark.parametrize("ttl", [0, -1, math.nan, math.inf])
def test_a_ttl_that_remembers_nothing_or_for_ever_is_a_mistake(ledger: Ledger, ttl: float) -> None:
    with pytest.raises(ValueError, match="ttl"):
        ledger.claim("s", "id", A, ttl)
    with pytest.raises(ValueError, match="lease"):
        ledger.claim("s", "id", A, 600, lease=-1)
    assert ledger.claim("s", "id", A, 600).outcome is Outcome.FRESH


def test_closing_twice_is_harmless(ledger: Ledger) -> None:
    ledger.close()
    ledger.close()


def test_neither_a_claim_nor_a_ledger_shows_answers_or_holders(ledger: Ledger) -> None:
    claim = ledger.claim("s", "id", A, 600)
    claim.complete(Answer(200, ((b"x-card", b"4111"),), b"4111"))
    shown = f"{ledger!r} {claim!r} {ledger.claim('s', 'id', A, 600)!r}"
    assert "4111" not in shown
    assert str(claim.holder) not in shown


def test_of_many_threads_at_once_exactly_one_is_fresh(ledger: Ledger) -> None:
    ids = [f"id-{number}" for number in range(40)]
    found: list[tuple[str, Outcome]] = []
    barrier = threading.Barrier(8)

    def race() -> None:
        barrier.wait()
        for each in ids:
            claim = ledger.claim("s", each, A, 600)
            if claim.outcome is Outcome.FRESH:
                assert claim.complete(Answer(200, body=each.encode()))
            found.append((each, claim.outcome))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(each for each, outcome in found if outcome is Outcome.FRESH) == dict.fromkeys(ids, 1)
    assert {outcome for _, outcome in found} <= {Outcome.FRESH, Outcome.IN_FLIGHT, Outcome.DONE}
    assert len(found) == 8 * len(ids)


def test_stats_count_each_id_once(ledger: Ledger, clock: Clock) -> None:
    assert ledger.stats().total == 0
    ledger.claim("s", "left", A, 600, lease=1)
    clock.now += 2
    ledger.claim("s", "held", A, 600)
    ledger.claim("s", "done", A, 600).complete(Answer(200, body=b"paid"))
    ledger.claim("s", "freed", A, 600).release()
    found = ledger.stats()
    assert (found.in_flight, found.unknown, found.done, found.expired, found.total) == (1, 1, 1, 0, 3)
    assert found.size is not None
    assert found.size >= 4


def test_a_scope_or_an_id_that_is_not_text_is_an_error(ledger: Ledger) -> None:
    for name in (("\ud800", "id"), ("s", "\ud800")):
        with pytest.raises(LedgerError, match="not text"):
            ledger.claim(*name, A, 600)
