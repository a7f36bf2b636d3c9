"""The guardians that a person can name are killed, one or both, while a family of some kind is there."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple, get_args

from sandbox.link.client import use_all_cpus
from tests.support import procs
from tests.support.files import BUSY, toml_list
from tests.support.run import ROOT
from tests.support.scenarios import quick_python

#: The two are killed so far apart at most.
MAX_GAP_S = 0.005
#: Who survives the death of the other one ends by itself after so long at most; then it is ended, and counts as left.
_MAX_END_S = 20.0
#: From the first instruction of the command to the middle of the run, on a machine that does little else.
LATEST_KILL_S = 1.2

#: A child, a grandchild, a session of its own and a daemon, all of which wait.
TREE = quick_python(
    "import os, time",
    "def nap():",
    "    time.sleep(60)",
    "    os._exit(0)",
    "if os.fork() == 0:",
    "    if os.fork() == 0: nap()",
    "    nap()",
    "if os.fork() == 0:",
    "    os.setsid()",
    "    nap()",
    "if os.fork() == 0:",
    "    os.setsid()",
    "    if os.fork() == 0: nap()",
    "    os._exit(0)",
    "nap()",
)
_DAEMON_A_MOMENT = quick_python(
    "import os, time",
    "for _ in range(400):",
    "    if os.fork() == 0:",
    "        os.setsid()",
    "        if os.fork(): os._exit(0)",
    "        time.sleep(60)",
    "    os.wait()",
    "    time.sleep(0.02)",
)
_BOMB = quick_python(
    "import os, time",
    "for _ in range(6):",
    "    os.fork()",
    "while True: time.sleep(0.001)",
)


def _command(name: str, words: list[str]) -> str:
    return f'[[process]]\nname = "{name}"\ncommand = {toml_list(words)}\n'


#: A server of ours beside one that nobody adapted, both with clients that stay. Any port will do.
_SERVER = """
[[process]]
name = "server"
program = "forking-server"
listen = "127.0.0.1:0"
[[client]]
name = "client"
connect = "server"
say = ["hello"]
every = "100ms"
times = 100
"""
_LISTENER = quick_python(
    "import os, socket, time",
    "with socket.create_server(('127.0.0.1', 0)) as listener:",
    "    address = listener.getsockname()",
    "    for _ in range(3):",
    "        if os.fork() == 0: accepted = listener.accept(); time.sleep(60)",
    "    connected = [socket.create_connection(address) for _ in range(3)]",
    "    time.sleep(60)",
)

#: Scenarios by the kind of family that they have.
FAMILIES = {
    "busy": BUSY,
    "tree": BUSY + _command("tree", TREE),
    "pipeline": BUSY + _command("pipe", ["sh", "-c", "yes | cat | while read a; do :; done | sleep 60"]),
    "shell loop": BUSY + _command("loop", ["sh", "-c", "while :; do /bin/true; done"]),
    "daemons": BUSY + _command("daemons", _DAEMON_A_MOMENT),
    "stopped": BUSY + _command("stops", ["sh", "-c", "sleep 60 & kill -STOP $!; (sleep 61 &); kill -STOP $$"]),
    "bomb": BUSY + _command("bomb", _BOMB),
    "servers": BUSY + _SERVER + _command("listener", _LISTENER),
}

#: A command whose keeper looks on: what its tests would see if it did nothing.
DISARMED = [
    sys.executable,
    "-c",
    "import sys\n"
    "from sandbox.link import guardians\n"
    "guardians.PROGRAM = guardians.PROGRAM.replace('keeper.main', 'keeper._end = lambda *_: None; keeper.main')\n"
    "from sandbox.cli import main\n"
    "sys.exit(main())",
]


#: Who is killed: the terminal's process, the kernel process, or both, this one first.
Whom = Literal["terminal", "kernel", "both, terminal first", "both, kernel first"]


class Kill(NamedTuple):
    """``at_s``: after the start of the command; ``gap_s``: from one to the other; ``stopped``: both are stopped first,
    so that neither sees the other one die."""

    at_s: float
    gap_s: float
    whom: Whom = "both, terminal first"
    stopped: bool = False

    @classmethod
    def random(cls, chance: Random, earliest_s: float = 0.0, latest_s: float = LATEST_KILL_S) -> Kill:
        return cls._when(chance, earliest_s, latest_s, *get_args(Whom))

    @classmethod
    def of_both(cls, chance: Random, earliest_s: float = 0.0) -> Kill:
        return cls._when(chance, earliest_s, LATEST_KILL_S, *get_args(Whom)[2:])

    @classmethod
    def _when(cls, chance: Random, earliest_s: float, latest_s: float, *whom: Whom) -> Kill:
        return cls(chance.uniform(earliest_s, latest_s), chance.uniform(0, MAX_GAP_S), chance.choice(whom))


class Victims:
    """A run, and those that may be killed: the command, which may be two processes, and the kernel process."""

    def __init__(self, path: Path, kill: Kill, command: list[str]) -> None:
        use_all_cpus()
        self._kill = kill
        #: Whether there was a kernel process to be killed, and whether who was not killed has ended by itself.
        self.complete = False
        self.ended = True
        self._began_s = time.monotonic()
        words = [*command, "run", str(path), "--quiet"]
        self._ui = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)

    def complete_s(self) -> float:
        """Until it has a kernel process, and is killed by that."""
        while not self.complete:
            time.sleep(0.01)
            self.complete = bool(self._victims()[1])
        took_s = time.monotonic() - self._began_s
        self.kill()
        return took_s

    @property
    def due_s(self) -> float:
        return self._began_s + self._kill.at_s

    def kill(self) -> None:
        """At its time, or as soon as there is somebody to be killed after it."""
        time.sleep(max(self.due_s - time.monotonic(), 0))
        terminals, kernels = self._victims()
        self.complete = bool(kernels)
        victims = {
            "terminal": terminals,
            "kernel": kernels,
            "both, terminal first": [*terminals, *kernels],
            "both, kernel first": [*kernels, *terminals],
        }[self._kill.whom]
        if self._kill.stopped:
            procs.kill(*victims, number=signal.SIGSTOP)
        for os_pid in victims:
            procs.kill(os_pid)
            _spin(self._kill.gap_s)
        if not victims:  # it has not been born yet: nobody has been killed
            procs.kill(*terminals)
        try:
            self._ui.wait(_MAX_END_S)
        except subprocess.TimeoutExpired:
            self.ended = False
            procs.kill(*terminals)
            self._ui.wait()

    def _victims(self) -> tuple[list[int], list[int]]:
        keepers = [each for each in procs.descendants(self._ui.pid) if procs.name(each) == "ossandbox-keep"]
        kernels = [kernel for keeper in keepers for kernel in procs.descendants(keeper)[:1]]
        return [*dict.fromkeys([self._ui.pid, *map(procs.parent, keepers)])], kernels


def _spin(seconds: float) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        pass
