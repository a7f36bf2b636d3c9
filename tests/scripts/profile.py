"""``make profile``: where the time goes, of the kernel process under four loads, of frames, of a simulation.

For each there is a table of the functions that take most by themselves, on standard output, and in ``profiles/`` a file
that ``python -m pstats FILE`` opens, and so do viewers like snakeviz. cProfile makes calls look dearer than they are:
it says where to look, and ``make bench`` what came of it.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.clients.script import ClientThread
from sandbox.link import client
from sandbox.link.guardians import Keeper
from sandbox.machines.simulate import simulate
from sandbox.model.spec import ClientSpec, ProcessSpec, Scenario
from sandbox.util.units import MS
from tests.benchmarks.screen import board
from tests.benchmarks.virtual import load
from tests.scripts import profiled_server
from tests.support.real import kernel_process
from tests.support.run import ROOT
from tests.support.scenarios import process, scenario

_FOLDER = Path("profiles")
#: How long a load is watched, and how many functions a table has.
_FOR_S, _LINES = 3.0, 25
_FOREVER = "cpu 600s"


def _spinners() -> Scenario:
    """Four processes that compute, in slices of 1 ms: nothing but switches."""
    return scenario(*(process(f"spinner-{number}", _FOREVER) for number in range(4)), quantum_ns=MS)


def _waiters() -> Scenario:
    """Twenty that compute 1 ms and wait 5: blocks, wakes and their reasons."""
    work = ["cpu 1ms", "io 5ms"] * 400
    return scenario(*(process(f"waiter-{number}", *work) for number in range(20)), quantum_ns=10 * MS)


def _forks() -> Scenario:
    """A shell that starts one program after another: births, adoptions, ends."""
    return scenario(ProcessSpec("shell", command=["sh", "-c", "while :; do /bin/true; done"]))


def _server() -> Scenario:
    """The forking server and its clients."""
    world = scenario(ProcessSpec("server", program="forking-server", listen="127.0.0.1:0"))
    world.clients = [ClientSpec("client", connect="server", say=["hello"], every_ns=5 * MS)]
    return world


_LOADS = {"spinners": _spinners, "waiters": _waiters, "forks": _forks, "server": _server}


def _kernel(load: Callable[[], Scenario], file: Path) -> None:
    """The kernel process's own profile, which it writes at its end."""
    world = load()
    with _profiling(file), kernel_process(world) as link:
        clients, until_s = ClientThread(world.clients), time.monotonic() + _FOR_S
        try:
            for event in link.events(_FOR_S):
                clients.take(event)
                if time.monotonic() > until_s:
                    break
        finally:
            clients.end()


@contextmanager
def _profiling(file: Path) -> Iterator[None]:
    """In here kernel processes are started that profile themselves."""

    def keeper(kernel: list[str], *others: object, **named: object) -> Keeper:
        words = [profiled_server.__name__ if word == "sandbox.link.server" else word for word in kernel]
        start = words.index("-m")
        words[start:start] = ["-X", f"profile={file.resolve()}"]
        return Keeper(words, *others, **named)  # type: ignore[arg-type]

    vars(client).update(Keeper=keeper)
    try:
        yield
    finally:
        vars(client).update(Keeper=Keeper)


def _frames(file: Path) -> None:
    """Twenty frames of the board with a thousand processes."""
    _own(lambda: asyncio.run(board()), file)


def _simulation(file: Path) -> None:
    """30,000 decisions in virtual time, with their events."""
    world = load("rr", 200, 150)
    _own(lambda: simulate(world, lambda events: None), file)


def _own(work: Callable[[], object], file: Path) -> None:
    profile = cProfile.Profile()
    profile.runcall(work)
    profile.dump_stats(file)


_ALL: dict[str, Callable[[Path], None]] = {
    **{name: (lambda file, load=load: _kernel(load, file)) for name, load in _LOADS.items()},  # type: ignore[misc]
    "frames": _frames,
    "simulation": _simulation,
}


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scripts.profile", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(_ALL)} (default: all)")
    names = parser.parse_args(words).names or [*_ALL]
    if unknown := [name for name in names if name not in _ALL]:
        parser.error(f"there is no {unknown[0]}: {', '.join(_ALL)}")
    folder = ROOT / _FOLDER
    folder.mkdir(exist_ok=True)
    for name in names:
        file = folder / f"{name}.prof"
        _ALL[name](file)
        print(f"\n## {name}: {file}\n", flush=True)
        pstats.Stats(str(file)).strip_dirs().sort_stats("tottime").print_stats(_LINES)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
