"""Stops: those that somebody else undoes, those that nobody ordered, those that never come, those that miss."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.link.client import use_all_cpus
from sandbox.link.guardians import Keeper
from sandbox.link.namespace import can_be_strict, own_pid_namespace
from sandbox.machines.clock import Clock
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.family import Family
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.reports import Reports
from sandbox.model.commands import Pause, Resume
from sandbox.model.events import Admitted, Blocked, Dispatched, Exited, Fault
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS
from tests.support.procs import cpu_ticks, state
from tests.support.real import Watch, every_recipe, watch
from tests.support.run import ROOT
from tests.support.scenarios import command, process, quick_python, scenario

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

CONTINUED, STOPPED_ITSELF, UNCONFIRMED = "continued by somebody else", "stopped itself", "stop not confirmed"


def quantum(policy: str, quantum_ns: int) -> int | None:
    """The quantum where the policy has one."""
    return quantum_ns if policy == "rr" else None


def someone_else_continues(os_pid: int) -> None:
    """Another program, that has nothing to do with the sandbox, sends SIGCONT."""
    subprocess.run(["/bin/sh", "-c", f"kill -CONT {os_pid}"], check=True)


def is_stopped_again(run: Watch, os_pid: int, name: str, times: int = 3) -> None:
    """Continue a stopped process from outside, several times; each time it is stopped again and the fault is told. But
    a stop that the machine has not seen take effect yet is sent again without a word, so the first may go untold."""
    run.until(lambda: state(os_pid) == "T", f"{name} is stopped")
    before = len(run.faults(CONTINUED))
    for time in range(1, times + 1):
        run.go_on(0.05)
        someone_else_continues(os_pid)
        if time == 1 and not run.soon(lambda: len(run.faults(CONTINUED)) > before):
            someone_else_continues(os_pid)
        run.until(lambda time=time: len(run.faults(CONTINUED)) >= before + time, f"continuing {name} is noticed")  # type: ignore[misc]
        run.until(lambda: state(os_pid) == "T", f"{name} is stopped again")


def stays_stopped(run: Watch, name: str, os_pid: int) -> None:
    """It is continued from outside, and does not run."""
    run.until(lambda: state(os_pid) == "T", f"{name} is stopped")
    used = cpu_ticks(os_pid)
    is_stopped_again(run, os_pid, name)
    pid = run.admitted(name).pid
    assert {fault.pid for fault in run.faults(CONTINUED)} == {pid}
    assert not [event for event in run.all(Dispatched) if event.pid == pid], "it was not its turn"
    assert cpu_ticks(os_pid) - used < 50, "it ran on for half a second"


def test_f12_somebody_else_continues_a_stopped_child() -> None:
    with watch(scenario(process("hog", "cpu 60s"), process("victim", "cpu 60s"), policy="fcfs")) as run:
        run.dispatched("hog")
        stays_stopped(run, "victim", run.os_pid("victim"))


def test_f12_somebody_else_continues_an_adopted_one() -> None:
    spinners = command("sh", "/bin/sh", "-c", "exec 2>&1; (while :; do :; done) & (while :; do :; done) & wait")
    with watch(scenario(spinners, policy="fcfs"), recipe="overlapped") as run:
        run.until(lambda: len(run.all(Admitted)) == 3, "the shell's children are adopted")
        first, second = (event for event in run.all(Admitted) if event.parent is not None)
        chosen = run.until(lambda: [e for e in run.all(Dispatched) if e.pid != 1], "one of them has the CPU")[0]
        victim = first if chosen.pid == second.pid else second
        assert victim.os_pid is not None
        is_stopped_again(run, victim.os_pid, "the other one")
        assert {fault.pid for fault in run.faults(CONTINUED)} == {victim.pid}


def test_f12_in_a_pause_too() -> None:
    with watch(scenario(process("hog", "cpu 60s"), command("nap", "sleep", "60"), quantum_ns=5_000_000)) as run:
        run.until(lambda: "sleep" in [event.on.rule for event in run.all(Blocked, "nap")], "nap sleeps")
        run.link.send(Pause())
        everybody = {name: run.os_pid(name) for name in ("hog", "nap")}
        for name, os_pid in everybody.items():
            run.until(lambda os_pid=os_pid: state(os_pid) == "T", f"{name} is stopped")  # type: ignore[misc]
        for name, os_pid in everybody.items():
            is_stopped_again(run, os_pid, name, times=1)


STOPS = quick_python("import signal", "signal.raise_signal(signal.SIGSTOP)", "print('went on')")


@every_recipe
@pytest.mark.parametrize("policy", ["rr", "fcfs"])
def test_f13_a_child_stops_itself(policy: str, recipe: str) -> None:
    """It waits for somebody who continues it, whatever turns others have meanwhile."""
    world = scenario(
        command("stops", *STOPS), process("hog", "cpu 100ms"), policy=policy, quantum_ns=quantum(policy, 5 * MS)
    )
    with watch(world, recipe=recipe) as run:
        assert run.ended("hog").status == 0
        run.go_on(0.1)
        assert STOPPED_ITSELF in [event.on.rule for event in run.all(Blocked, "stops")]
        assert len(run.faults(STOPPED_ITSELF)) == 1
        assert not run.all(Exited, "stops")
        someone_else_continues(run.os_pid("stops"))
        assert run.ended("stops").status == 0
        assert run.wrote("stops") == "went on\n"
        assert len(run.all(Fault)) == 1


@every_recipe
def test_f13_an_adopted_one_stops_itself(recipe: str) -> None:
    """Its parent is told of it, and continues it after a while."""
    outer = quick_python(
        "import os, signal, time",
        "child = os.fork()",
        "if child == 0:",
        "    time.sleep(0.1)",  # long enough to be found, and to be adopted while it sleeps
        "    while time.thread_time() < 0.02: pass",
        "    signal.raise_signal(signal.SIGSTOP)",
        "    print('went on', flush=True)",
        "    os._exit(3)",
        "while os.WSTOPSIG(os.waitpid(child, os.WUNTRACED)[1]) != signal.SIGSTOP: pass",
        "time.sleep(0.3)",
        "print('waited', flush=True)",
        "os.kill(child, signal.SIGCONT)",
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))",
    )
    world = scenario(command("outer", *outer), process("hog", "cpu 60s"), quantum_ns=5 * MS)
    with watch(world, recipe=recipe) as run:
        run.ended("outer")
        if recipe == "freezer":  # else its parent sees our stops, too
            assert run.wrote("outer") == "waited\nwent on\n3\n"
            assert not run.all(Fault)
        assert not run.faults(CONTINUED)
        adopted = next(event for event in run.all(Admitted) if event.parent is not None)
        assert next(event.code for event in run.all(Exited) if event.pid == adopted.pid) == 3


VFORK = r"""
#include <time.h>
#include <unistd.h>
/* The child of a vfork computes for a while before it becomes another program; its parent cannot be stopped
   until then. */
int main(void) {
    for (int round = 0; round < 3; round++) {
        if (vfork() == 0) {
            struct timespec now;
            do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); while (now.tv_sec == 0 && now.tv_nsec < 150000000);
            execlp("sleep", "sleep", "0.05", (char *) 0);
            _exit(127);
        }
    }
    write(1, "all started\n", 12);
    return 5;
}
"""


@pytest.fixture(scope="module")
def vforker(tmp_path_factory: pytest.TempPathFactory) -> str:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("vfork")
    (folder / "vfork.c").write_text(VFORK)
    subprocess.run([compiler, "-w", "-o", str(folder / "vfork"), str(folder / "vfork.c")], check=True)
    return str(folder / "vfork")


@every_recipe
def test_f14_a_vfork_goes_its_way(vforker: str, recipe: str) -> None:
    world = scenario(command("vforker", vforker), process("hog", "cpu 400ms"), quantum_ns=5 * MS)
    with watch(world, stay=False, recipe=recipe) as run:
        run.finish()
        assert run.wrote("vforker") == "all started\n"
        assert run.ended("vforker").status == 5
        assert {event.status for event in run.all(Exited) if event.pid != run.admitted("vforker").pid} == {0}
        assert len(run.all(Admitted)) == 5
        assert len(run.all(Dispatched, "hog")) > 20, "the others had their turns all the time"


def test_f14_a_stop_in_the_middle_of_a_vfork(vforker: str) -> None:
    """By a signal, that is: such a process can be frozen."""
    world = scenario(command("vforker", vforker), process("hog", "cpu 200ms"), quantum_ns=5 * MS)
    with watch(world, stay=False, recipe="overlapped") as run:
        run.until(lambda: "start" in [event.on.rule for event in run.all(Blocked, "vforker")], "it is in a vfork")
        run.link.send(Pause())
        run.until(lambda: run.faults(UNCONFIRMED), "that the stop does not come is told")
        assert state(run.os_pid("vforker")) == "D"
        assert {fault.pid for fault in run.faults(UNCONFIRMED)} == {run.admitted("vforker").pid}
        run.link.send(Resume())
        run.finish()
        assert run.ended("vforker").status == 5
        assert run.ended("hog").status == 0


_BLIND = """
import sys
from sandbox.link.server import main
from sandbox.machines.linux.switching.dispatch import Dispatcher

stopped = Dispatcher.stopped
Dispatcher.stopped = lambda self, child: child.spec.name != "ghost" and stopped(self, child)
main(sys.argv[2])
"""


def test_f14_a_stop_that_nobody_ever_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the process sits in the system for ever: the kernel process cannot see this one's stops."""
    (tmp_path / "blind.py").write_text(_BLIND)

    def start(kernel: list[str], *rest: Any, **more: Any) -> Keeper:
        at = kernel.index("-m")
        return Keeper([*kernel[:at], str(tmp_path / "blind.py"), *kernel[at + 2 :]], *rest, **more)

    monkeypatch.setattr("sandbox.link.client.Keeper", start)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    names = ("ghost", "a", "b")
    with watch(scenario(*(process(name, "cpu 300ms") for name in names), quantum_ns=150 * MS), stay=False) as run:
        run.finish()
        assert {fault.pid for fault in run.faults(UNCONFIRMED)} == {1}
        assert [run.ended(name).status for name in names] == [0, 0, 0]
        assert [event.pid for event in run.all(Dispatched)][:6] == [1, 2, 3] * 2
        for name in names:
            assert run.ended(name).cpu_ns == pytest.approx(300 * MS, rel=0.05)


_STRANGER = """
import json, os, signal, subprocess, sys, time
from sandbox.model.commands import Kill, Quit, UsePolicy
from sandbox.model.events import Admitted, Dispatched, Exited, Fault
from sandbox.model.spec import ProcessSpec
from tests.support.procs import state
from tests.support.real import watch
from tests.support.scenarios import process, quick_python, scenario

def next_number(os_pid):
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(os_pid - 1))

parent = quick_python(
    "import os, time",
    "go = '%s/go'" % sys.argv[1],
    "child = os.fork()",
    "if child == 0:",
    "    while not os.path.exists(go): time.sleep(0.01)",
    "    os._exit(0)",
    "os.waitpid(child, 0)",
    "open('%s/reaped' % os.path.dirname(go), 'w').close()",
    "time.sleep(60)",
)
world = scenario(ProcessSpec("parent", command=parent), process("hog", "cpu 60s"), quantum_ns=5_000_000)
with watch(world, recipe="overlapped") as run:  # it sends signals of its own
    adopted = run.until(lambda: [e for e in run.all(Admitted) if e.parent is not None], "a child is adopted")[0]
    kernel = run.link.os_pid
    os.kill(kernel, signal.SIGSTOP)               # it cannot see what follows
    for os_pid in (run.os_pid("parent"), adopted.os_pid):
        os.kill(os_pid, signal.SIGCONT)
    open(sys.argv[1] + "/go", "w").close()
    deadline = time.monotonic() + 10
    while not os.path.exists(sys.argv[1] + "/reaped"):
        assert time.monotonic() < deadline, "the adopted one has ended and its number is free"
        time.sleep(0.01)
    for attempt in range(100):
        next_number(adopted.os_pid)
        stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
        if stranger.pid == adopted.os_pid:
            break
        stranger.kill()
        stranger.wait()
    reused = stranger.pid == adopted.os_pid
    run.link.send(Kill(str(adopted.pid)))         # the operator means the one that was there
    os.kill(kernel, signal.SIGCONT)
    run.until(lambda: [e for e in run.all(Exited) if e.pid == adopted.pid], "its end is seen")
    states = set()
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        run.step()
        states.add(state(stranger.pid))
    numbers = [e.os_pid for e in run.all(Admitted)]
    lived_on = stranger.poll() is None
    stranger.kill()                               # before the sweep, which is of all that descends from here
    stranger.wait()
print(json.dumps({"reused": reused, "states": sorted(states), "lived_on": lived_on, "numbers": numbers,
                  "adopted": adopted.os_pid}))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may choose the next pid (ns_last_pid)")
@pytest.mark.skipif(not can_be_strict(), reason="no pid namespace permitted here")
def test_f15_a_stranger_with_a_reused_number_is_never_signalled(tmp_path: Path) -> None:
    (tmp_path / "stranger.py").write_text(_STRANGER)
    use_all_cpus()
    done = subprocess.run(
        [*own_pid_namespace(), sys.executable, str(tmp_path / "stranger.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout)
    assert seen["reused"], "the number was given out again"
    assert seen["lived_on"], "the stranger was killed"
    assert "T" not in seen["states"], "the stranger was stopped"
    assert seen["numbers"].count(seen["adopted"]) == 1, "the stranger was adopted"


def test_f15_what_is_taken_in_is_looked_at_twice() -> None:
    """Between finding a relative and taking hold of it, its number may have gone to a stranger."""
    relative = subprocess.Popen(["sleep", "60"])
    stranger = os.getppid()
    clock = Clock()
    family = Family(ProcessTable(), clock, Reports(clock))
    try:
        for os_pid, ours in ((relative.pid, True), (stranger, False)):
            taken = Child(os_pid, ProcessSpec("found", command=["found"]), forked=False)
            assert (family.name_if_ours(taken) is not None) is ours
            taken.close()
    finally:
        family.close()
        relative.kill()
        relative.wait()
