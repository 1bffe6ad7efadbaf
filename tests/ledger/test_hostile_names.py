"""Names that look alike, that join alike, or that mean something to somebody: is each kept apart from each other, on every backend?"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from payseal import LedgerError
from payseal.ledger import Answer, Claim, Ledger, Outcome, PostgreSQLLedger
from payseal.ledger.grouping import GroupedLedger
from tests.hypothesis_profiles import settings

IDS = [
    "",
    *("\0", "\0\0", "a", "a\0", "\0a", "a\0b", "a\0B", "A", " ", "a ", " a", "a  ", "a\t", "a\n", "a\r\n", "\na", "a\x1f", "a\x7f"),
    *(
        "'",
        "''",
        '"',
        "\\",
        "\\'",
        "`",
        "a';--",
        "'; DROP TABLE claims; --",
        "%",
        "%%",
        "%s",
        "%(id)s",
        "_",
        "*",
        "?",
        "[a]",
        "$1",
        ":id",
        "@a",
    ),
    *(
        "{a}",
        "}{",
        "payseal:{1:s:a}",
        "1:a",
        "s:a",
        ":",
        "::",
        "a:",
        ":a",
        "/",
        "a/b",
        "NULL",
        "None",
        "null",
        "true",
        "0",
        "00",
        "0.0",
        "1e0",
        "1",
    ),
    *(
        "é",
        "e\u0301",
        "É",
        "Å",
        "\u212b",
        "A\u030a",
        "ﬁ",
        "fi",
        "ß",
        "ss",
        "SS",
        "ẞ",
        "İ",
        "i",
        "I",
        "ı",
        "i\u0307",
        "K",
        "\u212a",
        "Σ",
        "σ",
        "ς",
    ),
    *(
        "\u00a0",
        "\u200b",
        "a\u200b",
        "\ufeff",
        "\ufeffa",
        "\u2028",
        "\u202ea",
        "\ufffd",
        "\uffff",
        "\U0001f4b3",
        "\U0010ffff",
        "٣",
        "3",
        "３",
    ),
    *("x" * 490, "x" * 489 + "y", "y" + "x" * 489, "x" * 488 + " ", "\U0010ffff" * 490),
]
#: Each in its own scope, and yet the same once joined by what joins them somewhere.
SPLIT = [
    ("a:b", "c"),
    ("a", "b:c"),
    ("a:b:c", ""),
    ("", "a:b:c"),
    ("a:", "b:c"),
    ("3:a:b", "c"),
    ("a/b", "c"),
    ("a", "b/c"),
    ("a\0b", "c"),
    ("a", "b\0c"),
]
NAMES = [("s", each) for each in IDS] + [(each, "s") for each in IDS if each != "s"] + SPLIT


def claimed(ledger: Ledger, names: list[tuple[str, str]]) -> list[Claim]:
    """All at once, where that can be."""
    if isinstance(ledger, GroupedLedger):
        return [future.result(20) for future in [ledger.claim_soon(*name, b"f", 600) for name in names]]
    return [ledger.claim(*name, b"f", 600) for name in names]


def test_each_is_an_id_of_its_own(ledger: Ledger) -> None:
    assert len(NAMES) == len(set(NAMES)) > 200
    claims = claimed(ledger, NAMES)
    assert {claim.outcome for claim in claims} == {Outcome.FRESH}
    assert {claim.outcome for claim in claimed(ledger, NAMES)} == {Outcome.IN_FLIGHT}
    assert all(claim.release() for claim in claims[::3])
    for number, claim in enumerate(claims):
        assert claim.complete(Answer(200, body=b"%d" % number)) is (number % 3 != 0)
    for number, again in enumerate(claimed(ledger, NAMES)):
        assert (again.scope, again.id) == NAMES[number]
        expected = (Outcome.DONE, Answer(200, body=b"%d" % number)) if number % 3 else (Outcome.FRESH, None)
        assert (again.outcome, again.answer) == expected
    stats = ledger.stats()
    assert (stats.total, stats.done) == (len(NAMES), sum(number % 3 != 0 for number in range(len(NAMES))))


@settings(30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sets(st.tuples(st.text(max_size=12), st.text(max_size=12)), min_size=2, max_size=12))
def test_any_text_is_an_id_of_its_own(ledger: Ledger, names: set[tuple[str, str]]) -> None:
    claims = claimed(ledger, sorted(names))
    assert {claim.outcome for claim in claims} == {Outcome.FRESH}
    assert {claim.outcome for claim in claimed(ledger, sorted(names))} == {Outcome.IN_FLIGHT}
    assert all(claim.release() for claim in claims)


def test_half_a_character_is_refused_and_costs_nobody_else_their_claim(ledger: Ledger) -> None:
    halves = ["\ud800", "\udfff", "a\udc80", "\udfff\ud800"]
    for name in [("s", half) for half in halves] + [(half, "id") for half in halves]:
        with pytest.raises(LedgerError, match="not text"):
            ledger.claim(*name, b"f", 600)
        assert ledger.claim("s", f"beside {name!a}", b"f", 600).outcome is Outcome.FRESH
    assert ledger.stats().total == 2 * len(halves)


def test_names_of_any_length_are_kept_apart_or_refused_by_a_backend_whose_index_has_no_room(ledger: Ledger) -> None:
    for length in (500, 2_000, 70_000, 1_000_000):
        names = [("s", "x" * length), ("s", "x" * (length - 1) + "y"), ("s", "x" * (length + 1)), ("x" * length, "s")]
        if isinstance(ledger, PostgreSQLLedger):
            for name in names:
                with pytest.raises(LedgerError, match="this long"):
                    ledger.claim(*name, b"f", 600)
        else:
            for outcome in (Outcome.FRESH, Outcome.IN_FLIGHT):
                assert {ledger.claim(*name, b"f", 600).outcome for name in names} == {outcome}
        assert ledger.claim("s", f"beside {length}", b"f", 600).outcome is Outcome.FRESH


def test_fingerprints_that_begin_alike_are_different_requests(ledger: Ledger) -> None:
    prints = [b"", b"\0", b"\0\0", b"f", b"f\0", b"f" * 31, b"f" * 32, b"f" * 33, bytes(32), bytes(64), bytes(range(256)) * 8, b"\\x66"]
    for number, mine in enumerate(prints):
        assert ledger.claim("s", str(number), mine, 600).outcome is Outcome.FRESH
    for (number, mine), other in itertools.product(enumerate(prints), prints):
        expected = Outcome.IN_FLIGHT if mine == other else Outcome.MISMATCH
        assert ledger.claim("s", str(number), other, 600, redo=True).outcome is expected
