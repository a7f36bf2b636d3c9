"""The real command on a stage: started as a person would start it, watched from outside, waited for with patience."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pyte

from sandbox.link.client import KernelProcess, use_all_cpus
from sandbox.model.events import Admitted, AnyEvent, Became, Dispatched, Event, Exited, Fault, Wrote
from sandbox.model.spec import Boot, ProcessSpec, Scenario

T = TypeVar("T")
E = TypeVar("E", bound=Event)

ROOT = Path(__file__).resolve().parents[2]
OSSANDBOX = [sys.executable, "-m", "sandbox"]

#: A scenario in which something is always running, something is always stopped, and something always waits.
BUSY = """
title = "busy"
[machine]
policy = "rr"
quantum = "5ms"
[[process]]
name = "spin"
work = ["cpu 60s"]
count = 3
[[process]]
name = "nap"
command = ["sleep", "60"]
"""


def until(what: Callable[[], T], why: str, seconds: float = 20.0) -> T:
    """Wait until ``what`` gives something true, and give that; the test fails after so long without."""
    give_up = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < give_up, f"after {seconds} s still not: {why}"
        time.sleep(0.01)
    return found


# What the system says of a process


def fields(os_pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` after the name: state, parent, …; none when it is gone."""
    try:
        with open(f"/proc/{os_pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def state(os_pid: int) -> str:
    """The state letter; "" when it is gone."""
    return (fields(os_pid) or [""])[0]


def parent(os_pid: int) -> int:
    return int((fields(os_pid) or ["0", "0"])[1])


def cpu_ticks(os_pid: int) -> int:
    """CPU time in the system's ticks of 10 ms."""
    stat = fields(os_pid)
    return int(stat[11]) + int(stat[12]) if stat else 0


def resident_kib(os_pid: int) -> int:
    with open(f"/proc/{os_pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def command_line(os_pid: int) -> str:
    try:
        return Path(f"/proc/{os_pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def families() -> dict[int, list[int]]:
    """Every living process under its parent."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            stat = fields(int(name))
            if stat and stat[0] not in "ZX":
                found.setdefault(int(stat[1]), []).append(int(name))
    return found


def children(os_pid: int) -> list[int]:
    """Those whose parent it is, zombies left out."""
    return families().get(os_pid, [])


def descendants(os_pid: int) -> list[int]:
    """Its children, their children and so on, nearest first."""
    known, found = families(), [os_pid]
    for ancestor in found:  # grows as we go
        found += known.get(ancestor, [])
    return found[1:]


def gone(*os_pids: int) -> bool:
    """Whether none of them lives any more."""
    return all(state(os_pid) in ("", "Z", "X") for os_pid in os_pids)


def all_stopped(os_pids: list[int]) -> bool:
    """Whether none of them may run. While one looks from one to the next, a CPU may go the other way: so it is looked
    at several times."""
    for _ in range(5):
        if any(state(os_pid) != "T" for os_pid in os_pids):
            return False
        time.sleep(0.02)
    return True


# The command


class Stage:
    """One run of the command, by its os_pid."""

    os_pid: int

    @property
    def kernel(self) -> int:
        """The os_pid of its kernel process, which may have an ``unshare`` for a parent; 0 when there is none."""
        for os_pid in descendants(self.os_pid)[:3]:
            if "-m sandbox.kernel" in command_line(os_pid) and "unshare" not in command_line(os_pid):
                return os_pid
        return 0

    @property
    def scheduled(self) -> list[int]:
        """The processes that its kernel process has borne."""
        kernel = self.kernel
        return children(kernel) if kernel else []

    def wait_for_children(self, number: int) -> list[int]:
        """Until it has borne so many processes and one of them has had the CPU for a while, which in its birth it has
        not: the machine is up."""

        def ready() -> list[int]:
            scheduled = self.scheduled
            return scheduled if len(scheduled) >= number and max(map(cpu_ticks, scheduled)) >= 2 else []

        return until(ready, f"{number} processes were borne and one of them has run")

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        os.kill(self.os_pid, number)


class Piped(Stage):
    """The command with its output in a file: nobody need read it."""

    def __init__(self, folder: Path, *words: str) -> None:
        use_all_cpus()
        self._out = open(folder / "stdout", "wb")  # noqa: SIM115 - closed by wait
        self._err = open(folder / "stderr", "wb")  # noqa: SIM115
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


class Terminal(Stage):
    """The command, or another one, on a terminal of its own, 120 × 40, whose screen can be read and whose keys can be
    pressed."""

    def __init__(self, *words: str, command: Sequence[str] = OSSANDBOX) -> None:
        use_all_cpus()
        self.written = bytearray()
        self._screen = pyte.Screen(120, 40)
        self._stream = pyte.ByteStream(self._screen)
        self._lines: list[str] | None = None
        self._status: int | None = None
        self.os_pid, self.master = pty.fork()
        if self.os_pid == 0:
            try:
                os.chdir(ROOT)
                # In the C library's own environment there may be a size of another terminal.
                os.execvpe(command[0], [*command, *words], {**os.environ, "TERM": "xterm-256color"})
            finally:
                os._exit(127)
        os.set_blocking(self.master, False)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.attributes = termios.tcgetattr(self.master)

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def read(self) -> None:
        """Take what it has written."""
        while True:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:  # nothing now, or nobody there any more
                return
            if not data:
                return
            self.written += data
            self._stream.feed(data)
            self._lines = None

    def shows(self, text: str) -> bool:
        """Whether this can be read on its screen."""
        self.read()
        return any(text in line for line in self.lines)

    @property
    def lines(self) -> list[str]:
        """What is on its screen, by what has been read."""
        if self._lines is None:  # to put it together takes longer than to look at it
            self._lines = [line.rstrip() for line in self._screen.display]
        return self._lines

    @property
    def display(self) -> str:
        return "\n".join(self.lines)

    def wait(self, seconds: float = 20.0) -> int:
        """Its exit status, read on until then; minus the signal that ended it."""

        def ended() -> bool:
            self.read()
            if self._status is None:
                os_pid, status = os.waitpid(self.os_pid, os.WNOHANG)
                if os_pid:
                    self._status = os.waitstatus_to_exitcode(status)
            return self._status is not None

        until(ended, "the command has ended", seconds)
        self.read()
        assert self._status is not None
        return self._status

    def hang_up(self) -> None:
        """The terminal goes away, as when its window is closed."""
        os.close(self.master)
        self.master = -1

    def read_until(self, what: Callable[[], T], why: str, seconds: float = 20.0) -> T:
        """``until``, while its output is read."""

        def step() -> T:
            if self.master >= 0:
                self.read()
            return what()

        try:
            return until(step, why, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.display}") from None

    def close(self) -> None:
        """Whatever happened in the test, it is gone afterwards."""
        if self._status is None:
            try:
                if os.waitpid(self.os_pid, os.WNOHANG) == (0, 0):
                    os.kill(self.os_pid, signal.SIGKILL)
                    os.waitpid(self.os_pid, 0)
            except ChildProcessError:
                pass
        if self.master >= 0:
            os.close(self.master)


@contextmanager
def terminal(*words: str, command: Sequence[str] = OSSANDBOX) -> Iterator[Terminal]:
    """The command on a terminal."""
    stage = Terminal(*words, command=command)
    try:
        yield stage
    finally:
        stage.close()


def write_scenario(folder: Path, text: str) -> str:
    """A scenario file; its path."""
    path = folder / "scenario.toml"
    path.write_text(text)
    return str(path)


def quick_python(*lines: str) -> list[str]:
    """A small Python program as a command, without what makes an interpreter start slowly."""
    return [sys.executable, "-I", "-S", "-c", "\n".join(lines)]


def toml_list(words: list[str]) -> str:
    """A list of strings as TOML writes it."""
    import json

    return json.dumps(words)


def command(name: str, *argv: str, **more: Any) -> ProcessSpec:
    """A process that runs a program."""
    return ProcessSpec(name, command=list(argv), **more)


class Watch:
    """A kernel process whose events are looked at while it runs."""

    def __init__(self, link: KernelProcess) -> None:
        self.link = link
        self.events: list[AnyEvent] = []

    def step(self) -> None:
        """Take what has come, and say that we are here."""
        if self.link.closed:
            time.sleep(0.01)
            return
        select.select([self.link], [], [], 0.02)
        self.link.beat()
        self.events += self.link.receive()

    def until(self, what: Callable[[], T], why: str, seconds: float = 20.0) -> T:
        """Wait until ``what`` gives something true, and give that."""
        give_up = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < give_up, f"after {seconds} s still not: {why}; {self.events[-8:]}"
            self.step()
        return found

    def go_on(self, seconds: float) -> None:
        """Just watch for a while."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            self.step()

    def all(self, kind: type[E], name: str | None = None) -> list[E]:
        """The events of a kind, of all processes or of those that ever had a name."""
        pids = {event.pid for event in self.events if isinstance(event, (Admitted, Became)) and event.name == name}
        found = [event for event in self.events if isinstance(event, kind)]
        return [event for event in found if name is None or getattr(event, "pid", None) in pids]

    def faults(self, rule: str) -> list[Fault]:
        return [event for event in self.all(Fault) if event.what.rule == rule]

    def admitted(self, name: str) -> Admitted:
        """The birth of the process of that name."""
        return self.until(lambda: self.all(Admitted, name), f"{name} is admitted")[0]

    def os_pid(self, name: str) -> int:
        os_pid = self.admitted(name).os_pid
        assert os_pid is not None
        return os_pid

    def dispatched(self, name: str) -> list[Dispatched]:
        return self.until(lambda: self.all(Dispatched, name), f"{name} is dispatched")

    def ended(self, name: str, seconds: float = 20.0) -> Exited:
        """How it ended."""
        return self.until(lambda: self.all(Exited, name), f"{name} has ended", seconds)[0]

    def wrote(self, name: str) -> str:
        """All that it wrote."""
        return "".join(event.text for event in self.all(Wrote, name))

    def finish(self, seconds: float = 30.0) -> None:
        """To the end of the run."""
        self.until(lambda: self.link.closed, "the run has ended", seconds)
        assert self.link.halted, self.link.last_words()


@contextmanager
def watch(world: Scenario, stay: bool = True, **boot: Any) -> Iterator[Watch]:
    """Run a scenario and watch it; nothing is left afterwards. ``stay``: until we quit."""
    use_all_cpus()
    link = KernelProcess(Boot(world, stay=stay, attended=True, **boot))
    try:
        yield Watch(link)
        assert link.halted or not link.closed, f"the kernel process died: {link.last_words()}"
    finally:
        link.end()
