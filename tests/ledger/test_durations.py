"""Which lives and leases does a ledger take? The same on every backend: no number is an error of another kind, or costs others their claims."""

from __future__ import annotations

import math

import pytest

from payseal.ledger import Answer, Ledger, Outcome


@pytest.mark.parametrize("ttl", [5e-324, 1e-9, 0.0009, 1.1e11, 1e17, 1e306, 1.7e308, -math.inf])
def test_a_life_that_not_every_backend_can_count_is_a_mistake(ledger: Ledger, ttl: float) -> None:
    with pytest.raises(ValueError, match="ttl must be"):
        ledger.claim("s", "id", b"f", ttl)
    claim = ledger.claim("s", "id", b"f", 600)
    with pytest.raises(ValueError, match="ttl must be"):
        claim.complete(Answer(200), ttl=ttl)
    assert claim.complete()


@pytest.mark.parametrize("lease", [1.1e11, 1e306, 1.7e308, math.inf, math.nan, -5e-324])
def test_a_lease_that_not_every_backend_can_count_is_a_mistake(ledger: Ledger, lease: float) -> None:
    with pytest.raises(ValueError, match="lease must be"):
        ledger.claim("s", "id", b"f", 600, lease=lease)
    assert ledger.claim("s", "id", b"f", 600).outcome is Outcome.FRESH


def test_the_shortest_and_the_longest_are_remembered(ledger: Ledger) -> None:
    assert ledger.claim("s", "long", b"f", 1e11, lease=1e11).complete(ttl=1e11)
    assert ledger.claim("s", "long", b"f", 1e11, lease=1e11).outcome is Outcome.DONE
    assert [ledger.claim("s", "leased", b"f", 1e11, lease=lease, redo=True).outcome for lease in (1e11, 1e-9)] == [
        Outcome.FRESH,
        Outcome.IN_FLIGHT,
    ]
