"""A sandbox that is killed, and whose ledger, accounts, disk and clock fail, while clients pay: `scripts/attack --only faults`, in short."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attacks.faults import attack as faults
from attacks.faults.audit import Away, Records, audited
from attacks.faults.payers import COMMERCEHUB, FISERV, STARTBUTTON, Attempt, Payment
from attacks.sending import CLOSED, SILENT

BRIEF = faults.Scale(payers=3, kills=1, outages=1, stalls=0, away=0.3, calm=0.0, again=20)


@pytest.mark.parametrize("name", faults.ROWS)
def test_nothing_is_paid_twice_and_nothing_is_lost(name: str) -> None:
    row = faults.ROWS[name](BRIEF)
    assert row.through == 0, row.seen
    assert row.seen["accepted"] > 5
    assert row.seen["faults"] > 0
    if name in ("valkey", "postgresql", "disk", "store", "clock"):
        assert any(seen.startswith("503") for seen in row.seen)
    if "killed" in name:
        assert row.seen["connection closed or refused"] > 0


# --- the audit sees what went wrong ---


def at(status: int, body: bytes = b"paid", *, began: float = 10.0, replayed: bool = False) -> Attempt:
    return Attempt(began, began + 1, status, replayed, body)


def payment(*attempts: Attempt, provider: str = FISERV, moves: bool = True, found: bool | None = None) -> Payment:
    return Payment(provider, str(uuid.uuid4()), 100, b"", moves=moves, attempts=list(attempts), found=found)


def on_record(one: Payment, *amounts: int) -> Records:
    return Records({(one.provider, one.key): amounts} if amounts else {}, ())


ACCEPTED = at(200)
AGAIN = at(200, began=20, replayed=True)


@pytest.mark.parametrize("provider", [FISERV, COMMERCEHUB, STARTBUTTON])
@pytest.mark.parametrize(
    ("attempts", "amounts"),
    [
        ([ACCEPTED], [100]),
        ([ACCEPTED, AGAIN, AGAIN], [100]),
        ([at(CLOSED), AGAIN], [100]),
        ([at(CLOSED)], [100]),
        ([at(CLOSED)], []),
        ([at(503), ACCEPTED], [100]),
        ([at(503)], []),
        ([at(CLOSED), at(409)], [100]),
        ([at(401)], []),
    ],
)
def test_what_may_happen_is_not_held_against_anybody(provider: str, attempts: list[Attempt], amounts: list[int]) -> None:
    one = payment(*attempts, provider=provider)
    assert audited([one], on_record(one, *amounts), [Away(100, 200)]).through == {}


@pytest.mark.parametrize(
    ("attempts", "amounts", "through"),
    [
        ([ACCEPTED], [], "accepted, and lost"),
        ([ACCEPTED], [100, 100], "paid twice"),
        ([at(CLOSED)], [100, 100], "paid twice"),
        ([ACCEPTED], [101], "paid another amount"),
        ([ACCEPTED, at(200, b"paid anew", began=20)], [100], "accepted twice"),
        ([ACCEPTED, at(200, b"another", began=20, replayed=True)], [100], "two answers that differ"),
        ([at(503)], [100], "refused, and paid"),
        ([at(500), ACCEPTED], [100], "answered 500"),
        ([at(502)], [], "answered 502"),
        ([at(SILENT)], [], "neither an answer nor a closed connection"),
        ([at(200, began=120)], [100], "accepted while the ledger was away"),
    ],
)
def test_what_must_not_happen_is_found(attempts: list[Attempt], amounts: list[int], through: str) -> None:
    one = payment(*attempts)
    found = audited([one], on_record(one, *amounts), [Away(100, 200)])
    assert found.through == {through: 1}
    row = found.row("attack", 1, "tests")
    assert (row.through, row.seen[f"GOT THROUGH: {through}"]) == (1, 1)


def test_a_payment_that_began_before_the_ledger_was_away_may_end_in_it() -> None:
    for began in (99.5, 199.5):
        one = payment(at(200, began=began))
        assert audited([one], on_record(one, 100), [Away(100, 200)]).through == {}


def test_a_step_that_moves_no_money_is_accepted_once_all_the_same() -> None:
    one = payment(ACCEPTED, at(200, b"a second session"), provider=COMMERCEHUB, moves=False)
    assert audited([one], on_record(one)).through == {"accepted twice": 1}
    assert audited([payment(ACCEPTED, AGAIN, moves=False)], Records({}, ())).through == {}


def test_what_the_provider_said_is_there_must_be_there() -> None:
    one = payment(at(CLOSED), provider=STARTBUTTON, found=True)
    assert audited([one], on_record(one)).through == {"said to be there, and not there": 1}
    one.inquiries.append(at(500))
    assert audited([one], on_record(one, 100)).through == {"answered 500": 1}


def test_a_payment_that_nobody_sent_and_a_wallet_that_does_not_add_up() -> None:
    stranger = Records({(FISERV, "stranger"): [100, 100]}, [("UGX", 200_000_000 - 100, 99), ("GHS", 5_000_000 - 7, 7)])
    assert audited([], stranger).through == {"paid, and nobody asked for it": 2, "a wallet that does not add up": 1}


@pytest.mark.parametrize("broken", [lambda scene: setattr(scene, "stuck", 1), lambda scene: scene.away.append(Away(1, 2))])
def test_a_sandbox_that_does_not_recover_or_does_not_tell_is_found(broken: Callable[[Any], None], tmp_path: Path) -> None:
    scene: Any = faults._Scene(faults._Sandbox(tmp_path / "sandbox"), None, BRIEF, None)  # type: ignore[arg-type]
    nothing = Records({}, ())
    assert faults._found(scene, [], nothing).through == {}
    broken(scene)
    assert faults._found(scene, [], nothing).through.total() == 1
