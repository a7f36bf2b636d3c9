"""Programs that want too much: processes, descriptors, memory, rights. It costs them, and nobody else."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.link.client import use_all_cpus
from sandbox.machines.clock import Clock
from sandbox.machines.linux.process import memory
from sandbox.machines.linux.process.child import Child
from sandbox.machines.reports import Reports
from sandbox.model.commands import Quit
from sandbox.model.events import Admitted, Exited, Fault, Wrote
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS
from tests.support.files import toml_list, write_scenario
from tests.support.procs import gone
from tests.support.real import run_real, watch
from tests.support.run import OSSANDBOX, ROOT, until
from tests.support.scenarios import command, exits, process, quick_python, scenario
from tests.support.surroundings import FEW_PROCESSES, ORDINARY, as_user, can_be_user, let_others_in

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]


def test_f17_a_bounded_fork_bomb_ends_by_itself() -> None:
    bomb = quick_python(
        "import os, time",
        "for generation in range(7):",
        "    os.fork()",
        "time.sleep(0.2)",
    )
    events = run_real(scenario(command("bomb", *bomb), process("hog", "cpu 100ms"), quantum_ns=5 * MS))
    assert sum(isinstance(event, Admitted) for event in events) == 2**7 + 1
    assert {event.status for event in events if isinstance(event, Exited)} == {0}


def test_f17_a_bomb_that_goes_on_ends_with_one_command() -> None:
    """Whoever is born forks again, once for each byte in the pipe."""
    bomb = quick_python(
        "import os, time",
        "alive, ours = os.pipe()",
        "os.write(ours, b'.' * 60)",
        "while os.read(alive, 1):",
        "    os.fork()",
        "    time.sleep(0.001)",
    )
    with watch(scenario(command("bomb", *bomb), process("hog", "cpu 60s"), quantum_ns=5 * MS)) as run:
        run.until(lambda: len(run.all(Admitted)) > 40, "it has grown")
        run.dispatched("hog")
        run.link.send(Quit())
        run.finish()
        assert gone(*(event.os_pid for event in run.all(Admitted) if event.os_pid is not None))


def test_f18_a_memory_hog_fails_alone() -> None:
    hog = quick_python(
        "try:", "    bytes(1 << 30)", "except MemoryError:", "    print('no memory')", "    raise SystemExit(3)"
    )
    reserves = quick_python("import mmap", "mmap.mmap(-1, 1 << 30)")
    world = scenario(
        command("hog", *hog, address_space=400_000_000),
        command("reserves", *reserves, memory=100_000_000),
        process("other", "cpu 20ms"),
    )
    ended = exits(run_real(world))
    assert {name: each.code for name, each in ended.items()} == {"hog": 3, "reserves": 0, "other": 0}


def test_f18_what_needs_more_memory_than_it_may_have_is_ended_alone_and_told() -> None:
    hog = quick_python("import time", "data = b'x' * 300_000_000", "time.sleep(10)")
    events = run_real(scenario(command("hog", *hog, memory=100_000_000), process("other", "cpu 200ms")))
    ended = exits(events)
    assert (ended["hog"].signal, ended["other"].code) == (signal.SIGKILL, 0)
    assert [event.what.rule for event in events if isinstance(event, Fault)] == ["too much memory"]


def test_f18_where_there_is_no_control_group_we_look_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise OSError

    monkeypatch.setattr(memory, "RunGroup", refuse)
    sizes = (20_000_000, 300_000_000)
    hogs = [subprocess.Popen(quick_python("import time", f"x = b'x' * {size}", "time.sleep(60)")) for size in sizes]
    spec = ProcessSpec("hog", command=["hog"], memory=100_000_000)
    children = [Child(hog.pid, spec, forked=False) for hog in hogs]
    out = Reports(Clock())
    limits = memory.MemoryLimits(None, children, out)
    for child in children:
        limits.born(child)
    try:

        def ended() -> bool:
            limits.check()
            return hogs[1].poll() is not None

        until(ended, "the greedy one is ended")
        assert (hogs[0].poll(), hogs[1].poll()) == (None, -signal.SIGKILL)
        assert len(out.take(0).reports) == 1
    finally:
        for hog, child in zip(hogs, children, strict=True):
            hog.kill()
            hog.wait()
            child.close()


def test_f24_three_hundred_processes() -> None:
    events = run_real(scenario(process("p", "cpu 1ms", "io 5ms", "cpu 1ms", count=1), *many(300), quantum_ns=5 * MS))
    ends = [event for event in events if isinstance(event, Exited)]
    assert [event.status for event in ends] == [0] * 301


def many(number: int) -> list[ProcessSpec]:
    return [process(f"p{index}", "cpu 1ms", "io 5ms", "cpu 1ms") for index in range(number)]


def test_f24_when_descriptors_run_out_it_costs_the_latecomers_only(tmp_path: Path) -> None:
    sleeps = "for i in " + "1 " * 40 + "; do sleep 0.3 & done; wait; echo fine"
    world = f"""
title = "many"
[[process]]
name = "p"
work = ["cpu 2ms", "io 20ms", "cpu 2ms"]
count = 4
[[process]]
name = "sh"
command = ["sh", "-c", "{sleeps}"]
[[process]]
name = "late"
work = ["cpu 2ms"]
count = 40
"""
    few = ["sh", "-c", f'ulimit -n 100; exec "$@" run {write_scenario(tmp_path, world)}', "sh", *OSSANDBOX]
    done = subprocess.run(few, capture_output=True, text=True, timeout=50, check=False, cwd=ROOT)
    assert done.returncode == 1, "some could not be started"
    assert "could not be started: Too many open files" in done.stdout
    assert "too many was ended" in done.stdout
    assert "sh writes: fine" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


_NO_MORE_FORKS = """
import errno, os
from sandbox.machines.life import SpawnFailed
from sandbox.machines.linux.process.spawn import Spawner
from sandbox.machines.linux.net.listeners import Listeners
from sandbox.model.spec import ProcessSpec

spawner = Spawner(max(os.sched_getaffinity(0)), ".", Listeners([], exposed=False))
fork, times = os.fork, iter(range(9))

def refuse():
    if next(times) == 1:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return fork()

os.fork = refuse
for child in spawner.spawn_many([ProcessSpec(name, command=["true"]) for name in "abc"]):
    if isinstance(child, SpawnFailed):
        print(child.what.figures["name"], child.what.figures["reason"])
    else:
        child.resume()
        print(child.spec.name, os.waitpid(child.os_pid, 0)[1])
"""


def test_f24_where_the_system_starts_no_more_it_costs_one_process() -> None:
    use_all_cpus()
    done = subprocess.run(
        [sys.executable, "-c", _NO_MORE_FORKS], capture_output=True, text=True, timeout=20, check=False, cwd=ROOT
    )
    assert done.stdout.splitlines() == ["a 0", "b Resource temporarily unavailable", "c 0"], done.stderr


@pytest.mark.skipif(not can_be_user(), reason="not root, or nobody else may read what is to run")
@pytest.mark.parametrize("most", [1, 2, 14])
def test_f24_an_ordinary_user_who_may_have_few_processes(tmp_path: Path, most: int) -> None:
    """The system counts them: what it refuses is told, be it a process of the scenario or one that we need ourselves."""
    let_others_in(tmp_path)
    path = write_scenario(tmp_path, 'title = "many"\n[[process]]\nname = "p"\nwork = ["cpu 1ms"]\ncount = 30\n')
    command = ["prlimit", f"--nproc={most}", "--", *as_user(FEW_PROCESSES), *OSSANDBOX, "run", path, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert "Resource temporarily unavailable" in done.stderr
    assert "Traceback" not in done.stderr
    if most < 3:
        return
    document = json.loads(done.stdout)
    ended = [each["exit"] for each in document["processes"]]
    assert 0 < len(ended) < 30
    assert set(ended) == {0}, "those that were born have run"
    assert len(document["faults"]) == 30 - len(ended)


def test_f25_no_program_gains_rights() -> None:
    events = run_real(scenario(command("asks", "grep", "NoNewPrivs", "/proc/self/status")))
    assert "".join(event.text for event in events if isinstance(event, Wrote)).split() == ["NoNewPrivs:", "1"]


@pytest.mark.skipif(not can_be_user(), reason="not root, or nobody else may read what is to run")
def test_f25_a_program_that_would_gain_rights(tmp_path: Path) -> None:
    """It belongs to root and has the bit that makes whoever executes it root: outside it does, in a run it does not."""
    let_others_in(tmp_path)
    probe = tmp_path / "whoami"
    shutil.copy(shutil.which("id") or "id", probe)
    probe.chmod(0o4755)
    words = [str(probe), "-u"]
    outside = subprocess.run([*as_user(ORDINARY), *words], capture_output=True, text=True, check=False).stdout
    if outside != "0\n":
        pytest.skip("this file system gives no rights")
    path = write_scenario(tmp_path, f'title = "gains"\n[[process]]\nname = "who"\ncommand = {toml_list(words)}\n')
    for option, user in (([], ORDINARY), (["--setuid"], 0)):
        command = [*as_user(ORDINARY), *OSSANDBOX, "run", path, *option]
        done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False, cwd=ROOT)
        assert f"who writes: {user}\n" in done.stdout, done.stderr
