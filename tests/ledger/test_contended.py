"""Many claim the same ids at random, some are killed: do two ever hold one at once, and is what one completed ever done again?

Whoever holds a claim makes a file of its name, which only one can make, and takes it away before the claim is given back. A killed holder's
file stays, as its claim does until its lease is over: nobody else may come by either.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from payseal.ledger import Answer, Ledger, MemoryLedger, Outcome, open_ledger

_IDS = 24
_THREADS = 4


def contend(ledger: Ledger, folder: Path, rounds: int) -> None:
    """Claim ids in an order that each thread draws for itself; complete some, give the others back. Raises `FileExistsError` when another
    holds, or has completed, what was claimed."""
    order = [int.from_bytes(os.urandom(2), "big") for _ in range(rounds)]
    for number in order:
        name = str(number % _IDS)
        claim = ledger.claim("s", name, b"f", 86_400, lease=86_400, redo=True)
        if claim.outcome is Outcome.DONE:
            assert claim.answer == Answer(200, body=name.encode() * 500), "another answer"
        if claim.outcome is not Outcome.FRESH:
            assert claim.outcome is not Outcome.UNKNOWN
            continue
        held, done = folder / f"held-{name}", folder / f"done-{name}"
        held.touch(exist_ok=False)
        assert not done.exists(), "done before"
        if number % 64 < 4:
            done.touch(exist_ok=False)
            assert claim.complete(Answer(200, body=name.encode() * 500))
        else:
            held.unlink()
            assert claim.release()


def together(ledger: Ledger, folder: Path, rounds: int) -> None:
    """`contend` in several threads. Raises what went wrong first."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            contend(ledger, folder, rounds)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def worker(url: str, folder: Path, rounds: int) -> subprocess.Popen[str]:
    script = (
        "import sys; from pathlib import Path; from payseal.ledger import open_ledger; from tests.ledger.test_contended import together\n"
        "ledger = open_ledger(sys.argv[1]); ledger.timeout = ledger.patience = 60\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "together(ledger, Path(sys.argv[2]), int(sys.argv[3])); ledger.close()"
    )
    command = [sys.executable, "-c", script, url, str(folder), str(rounds)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def test_in_one_process(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    together(ledger, tmp_path, 1500)
    assert ledger.stats().in_flight == 0
    assert ledger.stats().done == len(list(tmp_path.glob("done-*"))) > 0


def test_in_processes_of_which_some_are_killed(url: str, tmp_path: Path) -> None:
    # Those that are killed would go on for ever; the others come to an end.
    workers = [worker(url, tmp_path, rounds) for rounds in (10**6, 10**6, 60)]
    try:
        for each in workers:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        for each in workers:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        for each in workers[:2]:
            time.sleep(0.25)
            assert each.poll() is None
            each.kill()
        workers[2].communicate(timeout=100)
        assert workers[2].returncode == 0
    finally:
        for each in workers:
            each.kill()
            each.communicate()
    ledger = open_ledger(url)
    together(ledger, tmp_path, 20)  # nothing that the dead held or completed is to be had
    stats = ledger.stats()
    assert stats.done + stats.in_flight >= len(list(tmp_path.glob("held-*"))) > 0
    ledger.close()
