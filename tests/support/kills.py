"""Both guardians that a person can name are killed, a moment apart, while a family of some kind is there."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from sandbox.link.client import use_all_cpus
from tests.support import procs
from tests.support.files import BUSY, toml_list
from tests.support.run import ROOT
from tests.support.scenarios import quick_python

#: The two are killed so far apart at most.
MAX_GAP_S = 0.005
#: From the first instruction of the command to the middle of the run.
_LATEST_KILL_S = 1.2

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


#: Scenarios by the kind of family that they have.
FAMILIES = {
    "busy": BUSY,
    "tree": BUSY + _command("tree", TREE),
    "pipeline": BUSY + _command("pipe", ["sh", "-c", "yes | cat | while read a; do :; done | sleep 60"]),
    "shell loop": BUSY + _command("loop", ["sh", "-c", "while :; do /bin/true; done"]),
    "daemons": BUSY + _command("daemons", _DAEMON_A_MOMENT),
    "stopped": BUSY + _command("stops", ["sh", "-c", "sleep 60 & kill -STOP $!; (sleep 61 &); kill -STOP $$"]),
    "bomb": BUSY + _command("bomb", _BOMB),
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


class Kill(NamedTuple):
    """``at_s``: after the start of the command; ``gap_s``: from one to the other; ``kernel_first``: which of them;
    ``stopped``: both are stopped first, so that neither sees the other one die."""

    at_s: float
    gap_s: float
    kernel_first: bool
    stopped: bool = False

    @classmethod
    def random(cls, chance: random.Random, earliest_s: float = 0.0) -> Kill:
        return cls(chance.uniform(earliest_s, _LATEST_KILL_S), chance.uniform(0, MAX_GAP_S), chance.random() < 0.5)


class Victims:
    """A run, and those that are killed: the command, which may be two processes, and the kernel process."""

    def __init__(self, path: Path, kill: Kill, command: list[str]) -> None:
        use_all_cpus()
        self._kill = kill
        self._began_s = time.monotonic()
        words = [*command, "run", str(path), "--quiet"]
        self._ui = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)

    @property
    def due_s(self) -> float:
        return self._began_s + self._kill.at_s

    def kill(self) -> None:
        """At its time, or as soon as there is somebody to be killed after it."""
        time.sleep(max(self.due_s - time.monotonic(), 0))
        keepers = [each for each in procs.descendants(self._ui.pid) if procs.name(each) == "ossandbox-keep"]
        kernels = [kernel for keeper in keepers for kernel in procs.descendants(keeper)[:1]]
        victims = [*dict.fromkeys([self._ui.pid, *map(procs.parent, keepers)]), *kernels]
        if self._kill.kernel_first:
            victims.reverse()
        if self._kill.stopped:
            procs.kill(*victims, number=signal.SIGSTOP)
        for os_pid in victims:
            procs.kill(os_pid)
            _spin(self._kill.gap_s)
        self._ui.wait()


def _spin(seconds: float) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        pass
