"""A cluster on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.run import until


class Cluster:
    """A scheduler and its workers, each a process on loopback."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")
        self.workers: list[subprocess.Popen[bytes]] = []
        until(self._answers, "the scheduler answers")

    def _start(self, kind: str, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "dask", kind, *words]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, **environment})

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def hire(self, number: int, **environment: str) -> None:
        """So many more workers."""
        words = ("--nthreads", "1", "--no-dashboard", "--no-nanny", "--host", "127.0.0.1")
        self.workers += [self._start("worker", self.address, *words, **environment) for _ in range(number)]

    def end(self) -> None:
        for member in (*self.workers, self.scheduler):
            member.kill()
            member.wait()


@contextmanager
def running() -> Iterator[Cluster]:
    """Until the end of the block."""
    cluster = Cluster()
    try:
        yield cluster
    finally:
        cluster.end()
