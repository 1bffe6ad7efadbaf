"""A sandbox that is killed, and the servers, the disk and the clock under it that fail, while clients pay. See `attack`.

Each row is one fault, brought about again and again while clients pay at all three providers. Afterwards payments of the journal are sent
once more, first those whose clients were never told, and the journal is held against the store: `attacks.faults.audit` says what got through.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from attacks.faults.audit import Away, Findings, Records, audited
from attacks.faults.payers import Payers, Payment
from attacks.rows import Row
from attacks.sandbox_process import SandboxProcess
from benchmarks.progress import Progress
from tests.servers import PostgresServer, ValkeyServer

__all__ = ["FULL", "QUICK", "ROWS", "Scale", "attack"]

TESTS: Final = "tests/test_attacks_faults.py"

_PROGRAM: Final = "from payseal.cli import main; main()"
#: The same with a clock that is as many seconds off as a file says.
_CLOCKED: Final = f"""
import os, struct, time
true, file = time.time, os.open(os.environ["CLOCK_OFFSET"], os.O_RDONLY)
time.time = lambda: true() + struct.unpack("d", os.pread(file, 8, 0))[0]
{_PROGRAM}
"""
#: Seconds that a ledger on a server waits for it, and a little more: a stall that is longer is an outage.
_DEAF: Final = 6.5
#: Seconds after which payments must be accepted again when what was away is back.
_BACK: Final = 15.0
#: Seconds that a start may take, and that clients may take to pay at all three providers.
_START: Final = 60.0
_HOUR: Final = 3600.0
#: Seconds after which every id that was forgotten too early is over in any case: more than the longest life of one that is used once.
_OVER: Final = 900.0


@dataclass(frozen=True, slots=True)
class Scale:
    """How many clients, and how often what is done. ``away`` and ``calm`` are seconds: how long a server is gone, and how long it then
    serves. ``again`` payments at most are sent once more afterwards."""

    payers: int
    kills: int
    outages: int
    stalls: int
    away: float
    calm: float
    again: int


FULL: Final = Scale(payers=8, kills=20, outages=4, stalls=2, away=2.0, calm=1.0, again=400)
QUICK: Final = Scale(payers=4, kills=3, outages=1, stalls=0, away=0.4, calm=0.1, again=60)


class _Sandbox(SandboxProcess):
    """One that takes options, and whose lines are read as they come: a full disk must not keep it from saying so."""

    def __init__(self, folder: Path, *options: str, environment: Mapping[str, str] | None = None, program: str = _PROGRAM) -> None:
        super().__init__(folder, environment)
        self._options, self._program = options, program
        #: What it printed.
        self.lines: list[bytes] = []

    def start(self) -> None:
        """As `SandboxProcess.start`."""
        (self.folder / "address").unlink(missing_ok=True)  # of one that was killed
        command = [sys.executable, "-c", self._program, "sandbox", "--folder", str(self.folder), "--port", str(self.port), *self._options]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self._environment
        )
        assert process.stdout is not None
        self._process = process
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()
        deadline = time.monotonic() + _START
        while not self._serves():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the sandbox did not start:\n{self.last_words()}")
            time.sleep(0.02)

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            self.lines.extend(stream)

    def last_words(self) -> str:
        """What it printed last."""
        return b"".join(self.lines[-20:]).decode("utf-8", "replace")

    def told(self) -> int:
        """How often its operator was told that requests are refused because something does not answer."""
        return sum(b"failed, the request is refused: " in line or b"requests are refused until it does" in line for line in self.lines)


@dataclass
class _Scene:
    """A sandbox, the clients that pay there, and what was done to it."""

    sandbox: _Sandbox
    payers: Payers
    scale: Scale
    progress: Progress
    away: list[Away] = field(default_factory=list)
    faults: int = 0
    #: Seconds until payments were accepted again, at worst.
    slowest: float = 0.0
    stuck: int = 0

    def outage(self, what: str, seconds: float, begin: Callable[[], object], end: Callable[[], object]) -> None:
        """Take something away for so long, and wait until payments are accepted again."""
        self.fault(what)
        begin()
        self.payers.wait(0.05)  # what was on its way is not held against anybody
        began = time.monotonic()
        self.payers.wait(seconds)
        self.away.append(Away(began, time.monotonic()))
        end()
        self.recovered()

    def recovered(self) -> None:
        """Wait until all three providers accept again, without anybody's help."""
        back = time.monotonic()
        while (accepted := self.payers.accepted_since(back)) is None and time.monotonic() < back + _BACK:
            self.payers.wait(0.05)
        self.stuck += accepted is None
        self.slowest = max(self.slowest, (accepted or time.monotonic()) - back)
        self.payers.wait(self.scale.calm)

    def fault(self, what: str) -> None:
        """Count it."""
        self.faults += 1
        self.progress.tell(self.faults, self.faults, f"{what}, {len(self.payers.journal)} payments")


def _killed(scale: Scale) -> Row:
    """The process dies at any moment, and is started again over the same folder."""

    def disturb(scene: _Scene) -> None:
        _kill_and_start(scene, scale.kills, scene.sandbox.kill, lambda: None)

    return _row("the sandbox is killed (-9) and started again", scale, disturb)


def _stopped(scale: Scale) -> Row:
    """The process is told to end, in the middle of payments, and is started again."""

    def disturb(scene: _Scene) -> None:
        _kill_and_start(scene, max(1, scale.kills // 4), scene.sandbox.stop, lambda: None)

    return _row("the sandbox is stopped (SIGTERM) and started again", scale, disturb)


def _valkey(scale: Scale) -> Row:
    """Its ledger dies, is deaf, has no memory left."""

    def disturb(scene: _Scene, server: ValkeyServer) -> None:
        for _ in range(scale.outages):
            scene.outage("killed", scale.away, server.kill, server.start)
        for _ in range(scale.stalls):
            with contextlib.ExitStack() as stalled:
                scene.outage("stalled", _DEAF, lambda: stalled.enter_context(server.stopped()), stalled.close)
        for _ in range(scale.outages):
            full, room = (lambda size=size: server.client.config_set("maxmemory", size) for size in (1, 0))
            scene.outage("full", scale.away, full, room)

    with _running_valkey() as server:
        return _row(
            "the ledger's Valkey is killed, stalled, full",
            scale,
            lambda scene: disturb(scene, server),
            "--ledger",
            "env",
            environment={"PAYSEAL_LEDGER": server.url},
        )


def _postgresql(scale: Scale) -> Row:
    """Ledger and accounts lose their server, or their connections to it."""

    def disturb(scene: _Scene, server: PostgresServer) -> None:
        for _ in range(scale.outages):
            scene.outage("killed", scale.away, server.kill, server.start)
        for _ in range(scale.stalls):
            with contextlib.ExitStack() as stalled:
                scene.outage("stalled", _DEAF, lambda: stalled.enter_context(server.stopped()), stalled.close)
        for _ in range(4 * scale.outages):
            scene.fault("connections ended")
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            scene.payers.wait(random.uniform(0.1, 0.5))
        scene.recovered()

    with contextlib.closing(PostgresServer()) as server:
        return _row(
            "the PostgreSQL of ledger and accounts is killed, stalled, its connections ended",
            scale,
            lambda scene: disturb(scene, server),
            "--ledger",
            "env",
            "--database",
            "env",
            environment={"PAYSEAL_LEDGER": server.url, "PAYSEAL_DATABASE": server.url},
        )


def _both_killed(scale: Scale) -> Row:
    """The power fails for the sandbox and its ledger at once."""

    def disturb(scene: _Scene, server: ValkeyServer) -> None:
        def kill() -> None:
            server.process.kill()
            scene.sandbox.kill()
            server.kill()

        _kill_and_start(scene, max(1, scale.kills // 4), kill, server.start)

    with _running_valkey() as server:
        return _row(
            "the sandbox and its Valkey are killed at once",
            scale,
            lambda scene: disturb(scene, server),
            "--ledger",
            "env",
            environment={"PAYSEAL_LEDGER": server.url},
        )


def _disk(scale: Scale) -> Row:
    """No file of the sandbox's can be written to: ledger and store are full at once."""

    def disturb(scene: _Scene) -> None:
        for _ in range(scale.outages):
            scene.outage("full", scale.away, lambda: _limit(scene.sandbox.pid, 0), lambda: _limit(scene.sandbox.pid, None))

    return _row("the disk is full: nothing can be written to ledger and store", scale, disturb)


def _store(scale: Scale) -> Row:
    """The same with a ledger elsewhere: an id can be claimed, and the payment cannot be kept."""

    def disturb(scene: _Scene) -> None:
        for _ in range(scale.outages):
            scene.outage("full", scale.away, lambda: _limit(scene.sandbox.pid, 0), lambda: _limit(scene.sandbox.pid, None))

    with _running_valkey() as server:
        return _row(
            "the disk is full: nothing can be written to the store, the ledger answers",
            scale,
            disturb,
            "--ledger",
            "env",
            environment={"PAYSEAL_LEDGER": server.url},
        )


def _clock(scale: Scale) -> Row:
    """The machine's clock is put forward, right, back, and right again; after each step what was accepted is tried again. In a time whose
    ids were forgotten by a clock that was ahead nothing may be accepted until they are over."""
    with tempfile.NamedTemporaryFile(prefix="payseal-clock-") as file:
        offset = [0.0]

        def put(seconds: float) -> None:
            offset[0] = seconds
            os.pwrite(file.fileno(), struct.pack("d", seconds), 0)

        def step(scene: _Scene, seconds: float) -> list[Payment]:
            before = [payment for payment in list(scene.payers.journal) if payment.answer is not None]
            scene.fault(f"{seconds:+.0f} s")
            put(seconds)
            return before

        def disturb(scene: _Scene) -> None:
            in_doubt = 0.0
            before = step(scene, _HOUR)
            scene.recovered()  # and ids that are over by that clock are forgotten
            for seconds in (0.0, -_HOUR, 0.0):
                scene.payers.again(_spread(before, scale.again))
                scene.payers.wait(scale.away)
                before = step(scene, seconds)
                in_doubt = in_doubt or time.monotonic()
            scene.payers.again(_spread(before, scale.again))
            scene.away.append(Away(in_doubt, time.monotonic()))
            step(scene, _OVER)  # the time that passes until all is well
            scene.recovered()

        put(0.0)
        return _row(
            "the clock is put forward and back by an hour, and all is sent again",
            scale,
            disturb,
            environment={"CLOCK_OFFSET": file.name},
            program=_CLOCKED,
            clock=lambda: time.time() + offset[0],
        )


#: What is done, by a name for the tests.
ROWS: Final[Mapping[str, Callable[[Scale], Row]]] = {
    "killed": _killed,
    "stopped": _stopped,
    "valkey": _valkey,
    "postgresql": _postgresql,
    "both-killed": _both_killed,
    "disk": _disk,
    "store": _store,
    "clock": _clock,
}


def attack(quick: bool) -> list[Row]:
    """The sandbox is killed and stopped, its ledger is killed, stalled and full, its accounts are gone, its disk is full, its clock put back."""
    return [row(QUICK if quick else FULL) for row in ROWS.values()]


def _row(
    name: str,
    scale: Scale,
    disturb: Callable[[_Scene], None],
    *options: str,
    environment: Mapping[str, str] | None = None,
    program: str = _PROGRAM,
    clock: Callable[[], float] = time.time,
) -> Row:
    """Let clients pay, disturb them, send everything once more, and look at what is on record."""
    folder = Path(tempfile.mkdtemp(prefix="payseal-faults-"))
    sandbox = _Sandbox(folder / "sandbox", *options, environment=environment, program=program)
    try:
        with Progress(name) as progress:
            sandbox.start()
            with Payers(sandbox.port, sandbox.keys, scale.payers, clock) as payers:
                scene = _Scene(sandbox, payers, scale, progress)
                scene.recovered()
                disturb(scene)
            journal = payers.journal
            payers.again(_spread(journal, scale.again))
        sandbox.stop()
        row = _found(scene, journal, Records.read(folder / "sandbox" / "sandbox.db")).row(name, len(journal), TESTS)
        if row.through:
            print(f"what the sandbox said last:\n{sandbox.last_words()}", file=sys.stderr)
        return row
    finally:
        sandbox.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _found(scene: _Scene, journal: Sequence[Payment], records: Records) -> Findings:
    found = audited(journal, records, scene.away)
    if scene.stuck:
        found.through[f"nothing accepted within {_BACK:.0f} s after it was back"] += scene.stuck
    if scene.away and not scene.sandbox.told():
        found.through["the operator was not told"] += 1
    found.notes["faults"] = scene.faults
    found.notes["ms until payments were accepted again, at worst"] = round(scene.slowest * 1000)
    return found


def _kill_and_start(scene: _Scene, times: int, kill: Callable[[], object], first: Callable[[], object]) -> None:
    for _ in range(times):
        scene.payers.wait(random.uniform(0.2, 1.5))
        scene.fault("ended")
        kill()
        first()
        scene.sandbox.start()
        scene.recovered()


def _spread(journal: Sequence[Payment], most: int) -> list[Payment]:
    """Of all of these the ones whose clients were not told, and as many of the others as there is room for, from first to last."""
    untold = [payment for payment in journal if payment.answer is None][:most]
    told = [payment for payment in journal if payment.answer is not None]
    step = max(1, -(-len(told) // max(1, most - len(untold))))
    return [*untold, *told[::step]]


def _limit(pid: int, size: int | None) -> None:
    """Keep that process from writing to a file beyond that many bytes; ``None``: let it."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


@contextlib.contextmanager
def _running_valkey() -> Iterator[ValkeyServer]:
    """One that loses nothing it has answered for."""
    with contextlib.closing(ValkeyServer("--appendonly", "yes", "--appendfsync", "always")) as server:
        yield server
