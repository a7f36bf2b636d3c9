"""The real command, started as a person would start it, and watched from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sandbox.link.client import use_all_cpus
from tests.support import procs

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
#: So long a command may take; where it first takes away what another system lacks, it begins later.
PATIENCE_S = 500 if "OSSANDBOX_ELSEWHERE" in os.environ else 50
OSSANDBOX = [sys.executable, "-m", "sandbox"]
#: The beginning of a command that has the file systems for itself, and may mount what it likes where that is permitted.
OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]


def until(what: Callable[[], T | None], why: str, seconds: float = 20.0) -> T:
    """Wait until ``what`` gives something true, and give that; the test fails after so long without."""
    give_up = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < give_up, f"after {seconds} s still not: {why}"
        time.sleep(0.01)
    return found


def ossandbox(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, as a user would."""
    options.setdefault("timeout", PATIENCE_S)
    return subprocess.run([*OSSANDBOX, *words], capture_output=True, text=True, check=False, **options)


def kernel_below(os_pid: int) -> int:
    """The os_pid of the kernel process of a command, below its keeper and perhaps an ``unshare``; 0 for none."""
    for candidate in procs.descendants(os_pid)[:3]:
        words = procs.command_line(candidate)
        if "-m sandbox.kernel" in words and "unshare" not in words:
            return candidate
    return 0


class CommandRun:
    """One run of the command, by its os_pid."""

    os_pid: int

    @property
    def kernel(self) -> int:
        """The os_pid of its kernel process; 0 when there is none."""
        return kernel_below(self.os_pid)

    @property
    def scheduled(self) -> list[int]:
        """The processes that its kernel process has borne, without those that only lead a session."""
        kernel = self.kernel
        return procs.children(kernel) if kernel else []

    def wait_for_children(self, number: int) -> list[int]:
        """Until it has borne so many processes and one of them has had the CPU for a while, which in its birth it has
        not: the machine is up."""

        def ready() -> list[int]:
            scheduled = self.scheduled
            return scheduled if len(scheduled) >= number and max(map(procs.cpu_ticks, scheduled)) >= 2 else []

        return until(ready, f"{number} processes were borne and one of them has run")

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        os.kill(self.os_pid, number)


class LoggedRun(CommandRun):
    """The command with its output in files: nobody need read it while it runs."""

    def __init__(self, folder: Path, *words: str) -> None:
        use_all_cpus()
        self._out = open(folder / "stdout", "wb")
        self._err = open(folder / "stderr", "wb")
        self._folder = folder
        self._process = subprocess.Popen(
            [*OSSANDBOX, *words], stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err, cwd=ROOT
        )
        self.os_pid = self._process.pid

    def wait(self, seconds: float = 20.0) -> int:
        """Its exit status; minus the signal that ended it."""
        status = self._process.wait(seconds)
        self._out.close()
        self._err.close()
        return status

    @property
    def stdout(self) -> str:
        return (self._folder / "stdout").read_text(errors="replace")

    @property
    def stderr(self) -> str:
        return (self._folder / "stderr").read_text(errors="replace")
