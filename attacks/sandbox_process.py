"""A running sandbox to attack: a process of its own, on a free port, over a temporary folder with its demo account's keys."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]

from payseal.server.accounts import KeyRing
from payseal.server.vault import DemoKeys, Vault

__all__ = ["SandboxProcess", "Usage", "sandbox_process"]

_PROGRAM: Final = "from payseal.cli import main; main()"
#: Seconds that it may take until it serves.
_START: Final = 60.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What the process holds and has used up. ``memory`` is bytes in RAM, ``descriptors`` are open files and sockets, ``cpu`` is seconds."""

    memory: int
    descriptors: int
    threads: int
    cpu: float


class SandboxProcess:
    """``payseal sandbox`` over ``folder``. Started again after its end, it serves the same folder on the same port.

    ``environment`` is added to this process's own. What it prints goes to `log`.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.log = folder.with_name(f"{folder.name}.log")
        self.port = 0
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    @property
    def keys(self) -> DemoKeys:
        """The demo account's."""
        return Vault(self.folder, KeyRing.load(self.folder / "master.keys")).demo_keys()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it serves. Raises `RuntimeError` with what it printed when it does not."""
        assert not self.running
        (self.folder / "address").unlink(missing_ok=True)  # of one that was killed
        command = [sys.executable, "-c", _PROGRAM, "sandbox", "--folder", str(self.folder), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment)
        deadline = time.monotonic() + _START
        while not self._serves():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the sandbox did not start:\n{self.log.read_text('utf-8', 'replace')[-4000:]}")
            time.sleep(0.02)

    def _serves(self) -> bool:
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            self.port = int((self.folder / "address").read_text("ascii").rpartition(":")[2])
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", "/healthz")
                return connection.getresponse().status == 200
        return False

    def usage(self) -> Usage:
        """What it holds now."""
        process = psutil.Process(self.pid)
        with process.oneshot():
            times = process.cpu_times()
            return Usage(process.memory_info().rss, process.num_fds(), process.num_threads(), times.user + times.system)

    def peers(self) -> set[int]:
        """The ports on the other side of its connections."""
        return {each.raddr.port for each in psutil.Process(self.pid).net_connections("tcp4") if each.raddr}

    def stop(self, within: float = 20.0) -> int:
        """End it as an operator does (SIGTERM); returns its exit code. Raises `subprocess.TimeoutExpired` when it does not end."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(within)

    def kill(self) -> None:
        """End it as a power cut does (SIGKILL). It may have ended already."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Alive, and deaf, for as long as the block runs."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@contextlib.contextmanager
def sandbox_process(environment: Mapping[str, str] | None = None) -> Iterator[SandboxProcess]:
    """One that serves, for as long as the block runs; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="payseal-attacked-") as folder:
        sandbox = SandboxProcess(Path(folder) / "sandbox", environment)
        try:
            sandbox.start()
            yield sandbox
        finally:
            sandbox.kill()
