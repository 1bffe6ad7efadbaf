"""scripts/bench: each part runs, with a few rounds, and says what it claims to; docs/performance.md is what the figures make of it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks import asgi_least, bench, chart, child, cold_import, memory, middleware, page, sign_verify, tables, timing
from benchmarks.contestant import Contestant, Unfit, check, json_body
from benchmarks.ours import PAYSEAL, contestants
from benchmarks.peers import PEERS
from benchmarks.targets import targets

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def figures() -> Any:
    """Of every size, with next to no rounds."""
    return sign_verify.measure({256: 3, 4096: 3, 1024 * 1024: 2}, batch=1e-5)


def test_everybody_who_is_there_is_timed_and_who_is_not_is_named(figures: dict[str, Any]) -> None:
    there = {name for name in PEERS if importlib.util.find_spec(name.replace("-", "_"))}
    assert set(figures["missing"]) == set(PEERS) - there
    for size in figures["sizes"]:
        assert {row["name"] for row in size["rows"]} == {each.name for each in contestants()} | there


def test_a_figure_is_a_median_between_its_quartiles(figures: dict[str, Any]) -> None:
    for size in figures["sizes"]:
        for row in size["rows"]:
            for low, middle, high in (row["sign"]["us"], row["sign"]["ratio"], row["verify"]["us"], row["verify"]["ratio"]):
                assert 0 < low <= middle <= high


def test_a_larger_body_takes_longer(figures: dict[str, Any]) -> None:
    small, _, large = figures["sizes"]
    assert large["digest"]["us"][1] > 10 * small["digest"]["us"][1]
    for before, after in zip(small["rows"], large["rows"], strict=True):
        assert after["sign"]["us"][1] > before["sign"]["us"][1]


def test_calls_take_turns_and_each_gets_an_argument_of_its_own() -> None:
    met: list[tuple[str, int]] = []
    numbers = iter(range(10**6))

    def call(name: str) -> timing.Call:
        return timing.Call(name, lambda number: met.append((name, number)), lambda count: [next(numbers) for _ in range(count)])

    reference, (one, other) = timing.interleaved(call("hash"), [call("one"), call("other")], rounds=20, batch=1e-9)
    arguments = [number for _, number in met]
    assert len(set(arguments)) == len(arguments)
    assert (one.batch, other.batch, reference.ratio) == (1, 1, (1.0, 1.0, 1.0))
    order = [name for name, _ in met][-160:]  # each batch is a call before the clock and one after it started
    for start in range(0, 160, 8):
        assert order[start : start + 2] == ["hash"] * 2 == order[start + 4 : start + 6]
        assert {order[start + 2], order[start + 6]} == {"one", "other"}


@pytest.mark.parametrize(
    ("verify", "says"),
    [(lambda received: True, "verifies another body"), (lambda received: False, "refuses what it signed")],
    ids=["believes everything", "believes nothing"],
)
def test_who_does_not_verify_is_not_timed(verify: Callable[[Any], Any], says: str) -> None:
    with pytest.raises(Unfit, match=says):
        check(Contestant("one", "", lambda body: "signed", verify))


def test_who_only_signs_must_sign_the_body() -> None:
    check(Contestant("one", "", lambda body: {"signature": body.hex()}, None))
    with pytest.raises(Unfit, match="does not sign the body"):
        check(Contestant("other", "", lambda body: {"signature": "same"}, None))


def test_an_error_of_another_kind_is_no_refusal() -> None:
    nothing: dict[str, bool] = {}
    broken = Contestant("one", "", lambda body: body, lambda received: nothing["missing"], refusals=(ValueError,))
    with pytest.raises(KeyError):
        check(broken)


@pytest.mark.parametrize("size", [256, 1000, 4096])
def test_bodies_are_json_of_exactly_that_size(size: int) -> None:
    assert len(json_body(size)) == size
    assert json.loads(json_body(size))["type"] == "charge"


def test_cold_import_begins_with_the_interpreter_alone() -> None:
    rows = cold_import.measure(1)["rows"]
    assert [row["name"] for row in rows][:2] == ["the interpreter alone", PAYSEAL]
    assert all(row["least"] > 0 for row in rows)


def test_memory_counts_ids_and_the_peak_beside_a_body() -> None:
    found = memory.measure(ids=3000, body=1024 * 1024, seconds=30)
    assert [(row["ledger"], row["ids"]) for row in found["ledgers"]] == [("memory", 3000), ("sqlite", 3000)]
    assert found["ledgers"][1]["bytes"] > 3000 * 36  # the ids themselves
    assert {row["name"] for row in found["bodies"]} >= {PAYSEAL}
    assert memory.peak("by hand, plain", 1024 * 1024)["sign"] >= 1024 * 1024  # which copies the body


def test_a_run_prints_and_writes_what_it_measured_and_goes_on_where_it_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], figures: dict[str, Any]
) -> None:
    def unavailable() -> None:
        raise child.Unavailable("there is no wind")

    monkeypatch.setattr(bench, "PARTS", {"ledger": (unavailable, unavailable), "sign-verify": (lambda: figures, lambda: figures)})
    bench.main(["--quick", "--json", str(tmp_path / "new" / "figures.json")])
    printed = capsys.readouterr().out
    written = json.loads((tmp_path / "new" / "figures.json").read_text("utf-8"))
    assert "ledger: not measured: there is no wind" in printed
    assert "verify: µs and ratio to hmac.digest" in printed
    assert written["unavailable"] == {"ledger": "there is no wind"}
    assert written["parts"]["sign-verify"]["figures"] == json.loads(json.dumps(figures))
    assert written["parts"]["sign-verify"]["quick"]


def test_parts_of_one_machine_are_put_together() -> None:
    def results(machine: str, **parts: int) -> dict[str, Any]:
        return {"machine": machine, "parts": parts, "unavailable": {}}

    before = results("this", memory=1, explain=1) | {"unavailable": {"ledger": "no wind"}}
    found = bench.together(before, results("this", memory=2, ledger=2))
    assert found["parts"] == {"ledger": 2, "explain": 1, "memory": 2}
    assert found["unavailable"] == {}
    with pytest.raises(SystemExit, match="another machine"):
        bench.together(before, results("that", memory=2))


def test_a_script_that_is_not_there_or_fails_is_unavailable() -> None:
    with pytest.raises(child.Unavailable, match=r"nothing\.py is not there"):
        child.figures_of("nothing.py", part="nothing", limit=10)
    with pytest.raises(child.Unavailable, match="it ended with 3"):
        child.run([sys.executable, "-c", "raise SystemExit(3)"], limit=60)
    with pytest.raises(child.Unavailable, match="longer than"):
        child.run([sys.executable, "-c", "import time; time.sleep(60)"], limit=0.1)


def test_targets_say_who_is_faster() -> None:
    def row(name: str, version: str, ratio: float) -> dict[str, Any]:
        one = {"us": [1.0, 1.0, 1.0], "ratio": [ratio, ratio, ratio]}
        return {"name": name, "does": "", "version": version, "sign": one, "verify": one if ratio < 9 else None}

    rows = [row(PAYSEAL, "", 1.4), row(f"{PAYSEAL} + Request", "", 1.9), row("least", "", 1.0), row("quick", "2", 1.5), row("slow", "1", 9)]
    (table,) = targets({"sign-verify": {"sizes": [{"bytes": 256, "rows": rows}]}})
    assert {line[0]: list(line[2:]) for line in table.rows} == {
        "sign, 256 B": ["1.40 ×", "yes"],
        "verify, 256 B": ["1.40 ×", "yes"],
        "no peer is faster than payseal: sign, 256 B": ["none is", "yes"],
        "no peer is faster than payseal: verify, 256 B": ["none is", "yes"],
        "no peer is faster than payseal + Request: sign, 256 B": ["quick 1.50", "no"],
        "no peer is faster than payseal + Request: verify, 256 B": ["quick 1.50", "no"],
    }


def test_a_table_is_text_and_markdown() -> None:
    table = tables.Table("one", ["who", "time"], [["payseal", "1 µs"]], "That is all.")
    assert table.text().splitlines()[2:5] == ["who      time", "-------------", "payseal  1 µs"]
    assert table.markdown().splitlines() == ["| who | time |", "|---|---:|", "| payseal | 1 µs |", "", "That is all."]


def test_the_chart_is_svg_that_needs_nothing_from_elsewhere(figures: dict[str, Any]) -> None:
    drawn = chart.chart(figures)
    marks = [element for element in ET.fromstring(drawn).iter() if element.get("class") in ("sign", "verify") and not element.get("x1")]
    rows = len(figures["sizes"][0]["rows"])
    assert len(marks) == 2 + 2 * 3 * rows  # the legend's, and one a row, an operation and a size
    assert "prefers-color-scheme: dark" in drawn
    assert re.findall(r"(?:href|src|url|@import|https?:)[^ ]*", drawn) == ['http://www.w3.org/2000/svg"']


def test_the_page_and_its_chart_are_what_the_figures_make() -> None:
    results = bench.read(page.FIGURES)
    assert results is not None
    assert page.FIGURES.read_text("utf-8") == page.as_json(results)
    for path, text in page.made(page.PAGE.read_text("utf-8"), results).items():
        assert path.read_text("utf-8") == text, f"{path.name} has drifted: scripts/bench --page writes it anew"


def test_every_part_has_its_place_on_the_page() -> None:
    assert set(re.findall(r"<!-- made: ([a-z-]+) -->", page.PAGE.read_text("utf-8"))) == {*bench.PARTS, "machine", "targets", "covered"}
    assert set(bench.PARTS) == set(tables.TABLES)


def pinned(name: str) -> dict[str, str]:
    lines = re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in lines}


def test_the_script_installs_each_peer_and_its_version_is_pinned() -> None:
    (listed,) = re.findall(r'^peers="([^"]+)"$', (ROOT / "scripts/bench").read_text("utf-8"), re.MULTILINE)
    assert set(listed.split()) == set(PEERS)
    ours, theirs = pinned("constraints.txt"), pinned("benchmarks/peers-constraints.txt")
    assert {name: version for name, version in theirs.items() if ours.get(name, version) != version} == {}
    assert {re.sub(r"[-_.]+", "-", name) for name in PEERS} <= set(theirs)


def test_the_script_is_a_shell_script_and_shows_its_options() -> None:
    assert subprocess.run(["sh", "-n", str(ROOT / "scripts/bench")], check=False).returncode == 0
    shown = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {"--quick", "--only", "--docs", "--page", "--json"} <= set(re.findall(r"--[a-z]+", shown))


def test_the_middleware_by_hand_verifies_and_remembers() -> None:
    """Else it would say nothing of what verifying and remembering cost at least."""
    guarded = asgi_least.ByHand(middleware.bare, middleware.SECRET.encode())

    def status(signed: bytes, body: bytes | None = None) -> int:
        head, _, sent = signed.partition(b"\r\n\r\n")
        pairs = [tuple(line.split(b": ", 1)) for line in head.split(b"\r\n")[1:]]
        scope = {"method": "POST", "raw_path": b"/payments/v1/charges", "headers": [(name.lower(), value) for name, value in pairs]}
        said: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": sent if body is None else body, "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        asyncio.run(guarded(scope, receive, send))
        found: int = said[0]["status"]
        return found

    first, second = middleware.signed_requests(2)
    assert [status(first), status(first), status(second, b"{}"), status(second)] == [200, 401, 401, 200]
