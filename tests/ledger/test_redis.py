"""Many claims in one script: each is judged by itself, and what is wrong with one is told to that one alone."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from payseal import LedgerError
from payseal.ledger import Claim, Outcome, RedisLedger
from payseal.ledger import redis as backend
from tests.servers import ValkeyServer


def outcomes(ledger: RedisLedger, names: list[str]) -> list[Outcome | None]:
    """Of claims that are made together; ``None`` for one that failed."""
    futures = [ledger.claim_soon("s", name, b"f", 600) for name in names]
    found: list[Outcome | None] = []
    for future in futures:
        error = future.exception(10)
        assert error is None or isinstance(error, LedgerError)
        claim: Claim | None = None if error else future.result()
        found.append(claim.outcome if claim else None)
    return found


@pytest.mark.parametrize("damage", [b"\xc1", b"not an entry", b"\x93\x01\x02\x03", b""])
def test_a_damaged_entry_costs_its_own_claim_and_no_other(valkey: ValkeyServer, damage: bytes) -> None:
    ledger = RedisLedger(valkey.url)
    valkey.client.set("payseal:{1:s:5}", damage)
    names = [str(number) for number in range(10)]
    assert outcomes(ledger, names) == [Outcome.FRESH] * 5 + [None] + [Outcome.FRESH] * 4
    assert outcomes(ledger, names) == [Outcome.IN_FLIGHT] * 5 + [None] + [Outcome.IN_FLIGHT] * 4
    ledger.close()


def test_a_key_of_another_kind_costs_its_own_claim_and_no_other(valkey: ValkeyServer) -> None:
    ledger = RedisLedger(valkey.url)
    valkey.client.lpush("payseal:{1:s:5}", "mine")
    assert outcomes(ledger, [str(number) for number in range(10)]) == [Outcome.FRESH] * 5 + [None] + [Outcome.FRESH] * 4
    ledger.close()


def test_one_id_claimed_many_times_in_one_script_is_fresh_once(valkey: ValkeyServer) -> None:
    ledger = RedisLedger(valkey.url)
    names = [str(number % 50) for number in range(400)]
    assert Counter(outcomes(ledger, names)) == {Outcome.FRESH: 50, Outcome.IN_FLIGHT: 350}
    ledger.close()


def test_a_node_of_a_cluster_is_given_a_key_at_a_time() -> None:
    server = ValkeyServer("--cluster-enabled", "yes")
    try:
        client: Any = server.client  # the driver does not say the types of this call
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        deadline = time.monotonic() + 20
        while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO") and time.monotonic() < deadline:
            time.sleep(0.1)
        ledger = RedisLedger(server.url)
        assert ledger._together == 1
        names = [str(number) for number in range(40)]
        assert outcomes(ledger, names) == [Outcome.FRESH] * 40
        assert outcomes(ledger, names) == [Outcome.IN_FLIGHT] * 40
        ledger.close()
    finally:
        server.close()


def test_elsewhere_a_group_is_few_scripts(valkey: ValkeyServer) -> None:
    ledger = RedisLedger(valkey.url)
    assert ledger._together == backend._TOGETHER > 1
    before = valkey.client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert set(outcomes(ledger, [str(number) for number in range(1000)])) == {Outcome.FRESH}
    assert valkey.client.info("commandstats")["cmdstat_evalsha"]["calls"] - before < 100
    ledger.close()
