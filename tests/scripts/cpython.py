"""CPython's own tests as witnesses: do they find inside what they find outside?

``python -m tests.scripts.cpython [--recipe NAME …] [--python PATH] [MODULE …]`` runs each module by itself, and under
each recipe as a process beside a hog under round robin, and prints what comes of it. Where this Python comes without
its tests (``test.regrtest``), or without some of them, it says so. It takes half an hour for a recipe, and no part of
the usual tests needs it.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from typing import NamedTuple

from sandbox.cli.run_options import RECIPES
from sandbox.model.events import Exited, Fault
from sandbox.util.units import MS
from tests.support.real import watch
from tests.support.scenarios import command, process, scenario

#: Those that ask for signals, terminals, pipes, sockets, processes and time.
MODULES = (
    "test_eintr", "test_signal", "test_threadsignals", "test_select", "test_poll", "test_epoll", "test_selectors",
    "test_pty", "test_openpty", "test_fcntl", "test_ioctl", "test_fileio", "test_wait3", "test_wait4", "test_fork1",
    "test_posix", "test_os", "test_popen", "test_subprocess", "test_timeout", "test_time", "test_sched", "test_queue",
    "test_mmap", "test_resource", "test_readline", "test_faulthandler", "test_httpservers", "test_ssl",
    "test_multiprocessing_main_handling", "test_multiprocessing_fork", "test_multiprocessing_forkserver",
    "test_multiprocessing_spawn", "test_concurrent_futures", "test_asyncio",
)  # fmt: skip
#: What is known to differ, and said so: processes here are batch tasks, a policy that posix_spawn does not accept.
_DIFFERS = "*test_setscheduler_with_policy"
#: A module that takes longer is ended.
_MAX_S = 600
#: The name of a test and its module and class; and its result, after whatever the test has printed.
_TEST = re.compile(r"^(test\w*) \(([\w.]+)\)", re.MULTILINE)
_RESULT = re.compile(r"(?:\.\.\. |^|\W)(ok|FAIL|ERROR|expected failure|skipped)(?: '.*| \".*)?$", re.MULTILINE)


class Outcome(NamedTuple):
    """The result of each test by name; ``faults``: what was told of the run."""

    results: dict[str, str]
    faults: list[str]

    @classmethod
    def of(cls, status: int | None, text: str, faults: list[str]) -> Outcome:
        _, *pieces = _TEST.split(text.replace("\r\n", "\n").partition("\n=====")[0])
        found = {"the module": "ok" if status == 0 else "FAIL"}
        for name, where, said in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
            result = _RESULT.search(said)
            found[f"{where}.{name}"] = result[1] if result is not None else "no result"
        return cls(found, faults)

    def __str__(self) -> str:
        good = sum(result == "ok" for result in self.results.values())
        bad = sum(result in ("FAIL", "ERROR") for result in self.results.values())
        return f"{good} ok, {bad} bad"


def outside(argv: list[str]) -> Outcome:
    """On a terminal of its own, as it has one inside."""
    os_pid, terminal = pty.fork()
    if os_pid == 0:
        os.execv(argv[0], argv)
    text, give_up_s = b"", time.monotonic() + _MAX_S
    while select.select([terminal], [], [], max(give_up_s - time.monotonic(), 0))[0]:
        try:
            text += os.read(terminal, 1 << 16)
        except OSError:  # nobody has it open any more
            break
    else:
        os.kill(os_pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(os_pid, 0)[1])
    os.close(terminal)
    return Outcome.of(status, text.decode(errors="replace"), [])


def _has(python: str, module: str) -> bool:
    """Whether this interpreter comes with something."""
    ask = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", ask], capture_output=True, check=False).returncode == 0


def inside(argv: list[str], recipe: str) -> Outcome:
    world = scenario(command("tests", *argv), process("hog", f"cpu {_MAX_S}s"), quantum_ns=10 * MS)
    with watch(world, recipe=recipe) as run:
        give_up_s = time.monotonic() + _MAX_S
        while not (ends := run.all(Exited, "tests")) and not run.link.closed and time.monotonic() < give_up_s:
            run.step()
        status = ends[0].code if ends else None
        return Outcome.of(status, run.wrote("tests"), [event.what.rule for event in run.all(Fault)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--recipe", choices=RECIPES, action="append")
    parser.add_argument("--python", default=sys.executable, help="the full path of another interpreter")
    args = parser.parse_args()
    if not _has(args.python, "test.regrtest"):
        print(f"{args.python} comes without its tests (Debian: libpython3-testsuite)")
        return 0
    differ = 0
    print(f"{'module':24}{'recipe':12}{'outside':20}{'inside':20}differ")
    for module in args.modules:
        if not _has(args.python, f"test.{module}"):
            print(f"{module:24}{args.python} comes without it")
            continue
        argv = [args.python, "-m", "test", "-v", "--ignore", _DIFFERS, module]
        without = outside(argv)
        for recipe in args.recipe or ["auto"]:
            within = inside(argv, recipe)
            other = [name for name, result in without.results.items() if within.results.get(name) != result]
            differ += len(other)
            said = ", ".join(f"{name.split('.', 2)[-1]}: {within.results.get(name, 'no result')}" for name in other[:4])
            faults = " ".join(sorted(set(within.faults)))
            print(f"{module:24}{recipe:12}{without!s:20}{within!s:20}{said} {faults}", flush=True)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
