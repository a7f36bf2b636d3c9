"""Nothing left behind: no process that carries the test's mark, no zombie of ours, no open descriptor, no port."""

from __future__ import annotations

import os
import signal
import socket
import time

from tests.support import procs

_PATIENCE_S = 2.0


class LeftCheck:
    """The state of the world before a test, and whether it is the same afterwards.

    The mark is a variable in the environment, which every descendant inherits whatever it does.
    """

    VARIABLE = "OSSANDBOX_TEST_MARK"

    def __init__(self, marker: str, port: int = 9001) -> None:
        self.marker = marker
        self.port = port
        self._descriptors = open_descriptors()

    def marked(self) -> list[int]:
        """Living processes, other than this one, that carry the mark."""
        sign = f"{self.VARIABLE}={self.marker}".encode()
        return [os_pid for os_pid in procs.os_pids() if os_pid != os.getpid() and sign in procs.environment(os_pid)]

    def assert_nothing_left(self) -> None:
        """Within two seconds everything is as it was."""
        give_up = time.monotonic() + _PATIENCE_S
        while faults := self._faults():
            assert time.monotonic() < give_up, f"left behind: {faults}"
            time.sleep(0.02)

    def end_leftovers(self) -> None:
        """Whatever a failed test left is ended, so that the next one starts clean."""
        for os_pid in self.marked():
            try:
                os.kill(os_pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        reap()

    def _faults(self) -> list[str]:
        reap()
        faults = [f"process {os_pid}: {procs.name(os_pid)}" for os_pid in self.marked()]
        faults += [f"zombie child {os_pid}" for os_pid in procs.zombie_children()]
        more = open_descriptors() - self._descriptors
        if more:
            faults.append(f"descriptors {sorted(more)}")
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                faults.append(f"port {self.port}: {error}")
        return faults


def open_descriptors() -> set[tuple[int, str]]:
    """This process's descriptors and where they lead, unnamed files among them; event loops and caches of libraries
    left out."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith(("socket:", "pipe:", "/dev/pt", "anon_inode:[pidfd]")) or target.endswith(" (deleted)"):
            found.add((int(name), target))
    return found


def reap() -> None:
    """Take the statuses of orphans that came to this process (it is a subreaper while it runs a kernel process)."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return
