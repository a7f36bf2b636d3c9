"""Frozen instead of stopped by signals: programs that watch others notice nothing, and all else is as with signals."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from sandbox.analysis.measurement.verify import Verification
from sandbox.machines.linux.procfs import cgroup_folder
from sandbox.model.commands import Pause, Press, Resume, Type
from sandbox.model.events import Admitted, Blocked, Booted, Clause, Dispatched, Event, Exited, Fault, Recipe, Wrote
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS
from tests.support.noise import when_quiet
from tests.support.procs import gone, state
from tests.support.real import FREEZER, SENSORS, every_recipe, run_real, watch
from tests.support.run import until
from tests.support.scenarios import command, exits, process, quick_python, scenario

pytestmark = [
    pytest.mark.real,
    pytest.mark.usefixtures("leftcheck"),
    pytest.mark.skipif(not FREEZER, reason="processes cannot be frozen here"),
]

SORT = "seq 20000 | sort -rn | head -1"


def written(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Wrote)).replace("\r", "")


def rules(events: list[Event]) -> list[str]:
    return [event.what.rule for event in events if isinstance(event, Fault)]


def beside_a_hog(spec: ProcessSpec, recipe: str = "auto", script: tuple[tuple[str, Type], ...] = ()) -> list[Event]:
    """Run a program that outlives its slices beside one that computes all the time."""
    return run_real(scenario(process("hog", "cpu 400ms"), spec, quantum_ns=5 * MS, script=script), recipe=recipe)


# Who notices signals, and notices nothing here

JOBS = f"set -m; {SORT}; (exit 3) & wait $!; echo rc=$?"
WATCHERS = {
    "bash": (["bash", "--norc", "-c", JOBS], ["20000\n", "rc=3\n"]),
    "dash": (["dash", "-c", JOBS], ["20000\n", "rc=3\n"]),
    "ksh": (["ksh", "-c", JOBS], ["20000\n", "rc=3\n"]),
    "zsh": (["zsh", "-f", "-c", JOBS], ["20000\n", "rc=3\n"]),
    "script": (["script", "-qec", SORT, "/dev/null"], ["20000\n"]),
    "parallel": (["parallel", "-j2", "seq {} | sort -rn | head -1", ":::", "20001", "20002"], ["20001\n", "20002\n"]),
    "strace": (["strace", "-f", "-qq", "-e", "trace=none", "-e", "signal=stop,cont", "sh", "-c", SORT], ["20000\n"]),
    "gdb": (
        ["gdb", "-q", "-batch", "-nx", "-ex", "run", "--args", "/bin/sh", "-c", SORT],
        ["20000\n", "exited normally"],
    ),
    "su": (["su", "-s", "/bin/sh", "-c", SORT], ["20000\n"]),
    "sudo": (["sudo", "-n", "sh", "-c", SORT], ["20000\n"]),
    "expect": (
        ["expect", "-c", f'spawn sh -c "{SORT}"; expect 20000; expect eof; exit [lindex [wait] 3]'],
        ["20000\n"],
    ),
    "mpirun": (
        ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", "2", "sh", "-c", SORT],
        ["20000\n" * 2],
    ),
}
#: Those that ask nobody for a password only for root.
OF_ROOT = {"su", "sudo"}
#: What is told of them beside how they are stopped: its daemon asks for all CPUs, however it is to bind its ranks.
MAY_SAY = {"mpirun": {"asked for other CPUs"}}


def test_no_program_is_sent_anything() -> None:
    """A handler of SIGCONT is not called, and no child is reported as stopped or continued."""
    counts = quick_python(
        "import os, signal, time",
        "heard = []",
        "signal.signal(signal.SIGCONT, lambda *_: heard.append('continued'))",
        "child = os.fork()",
        "while time.thread_time() < 0.03: pass",
        "if child == 0: os._exit(len(heard))",
        "options = os.WEXITED | os.WSTOPPED | os.WCONTINUED",
        "change = os.waitid(os.P_PID, child, options)",
        "print(change.si_code == os.CLD_EXITED, change.si_status, heard)",
    )
    assert written(beside_a_hog(command("p", *counts), "freezer")) == "True 0 []\n"


@pytest.mark.parametrize("name", WATCHERS)
def test_programs_that_watch_others_behave_as_outside(name: str) -> None:
    words, expected = WATCHERS[name]
    if shutil.which(words[0]) is None:
        pytest.skip(f"there is no {words[0]} here")
    if name in OF_ROOT and os.getuid():
        pytest.skip("it would ask for a password")
    events = beside_a_hog(command("p", *words))
    text = written(events)
    assert all(line in text for line in expected), text
    assert "SIGSTOP" not in text
    assert "SIGCONT" not in text
    assert "topped" not in text
    assert {*rules(events)} <= MAY_SAY.get(name, set())
    assert exits(events)["p"].status == 0
    assert any(isinstance(event, Recipe) and event.recipe == "freezer" for event in events)


def test_an_interactive_shell_reports_nobody_stopped() -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    said = (("200ms", SORT), ("400ms", "sleep 0.05; echo sl''ept $?"), ("600ms", "exit 7"))
    script = tuple((at, Type("shell", text)) for at, text in said)
    events = beside_a_hog(command("shell", "bash", "--norc", "-i"), script=script)
    text = written(events)
    assert "\n20000\n" in text
    assert "slept 0" in text
    assert "topped" not in text
    assert exits(events)["shell"].status == 7
    assert not rules(events)


def test_ctrl_z_in_a_console_stops_the_job_in_front() -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    world = scenario(process("hog", "cpu 60s"), command("shell", "bash", "--norc", "-i"), quantum_ns=5 * MS)
    with watch(world) as run:

        def says(text: str) -> None:
            run.until(lambda: text in run.wrote("shell"), f"the shell says {text}")

        run.link.send(Type("shell", "echo re''ady; sleep 60"))
        says("ready")
        run.until(lambda: "sleep" in [event.on.rule for event in run.all(Blocked)], "the job sleeps")
        run.link.send(Press("shell", "ctrl+z"))
        says("Stopped")
        run.link.send(Type("shell", "echo st''ill here $?"))
        says(f"still here {128 + signal.SIGTSTP}")
        assert [event.on for event in run.all(Blocked) if event.is_stop] == [Clause("stopped", {"signal": "SIGTSTP"})]
        assert not run.all(Fault)


# A stop of one's own holds

STOPPED_FOR_A_WHILE = quick_python(
    "import os, signal, time",
    "child = os.fork()",
    "while child == 0: pass",
    "used = lambda: time.clock_gettime_ns((~child << 3) | 2)",
    "time.sleep(0.05)",
    "os.kill(child, signal.SIGSTOP)",
    "print('stopped', os.WSTOPSIG(os.waitpid(child, os.WUNTRACED)[1]))",
    "before = used()",
    "time.sleep(0.2)",
    "print('meanwhile', used() - before)",
    "os.kill(child, signal.SIGCONT)",
    "while used() - before < 20_000_000: time.sleep(0.01)",
    "os.kill(child, signal.SIGKILL)",
    "print('ended by', os.waitpid(child, 0)[1])",
)


@every_recipe
@pytest.mark.parametrize("others", [[process("hog", "cpu 400ms")], []], ids=["beside a hog", "alone"])
def test_a_child_that_was_stopped_stands_still_until_it_is_continued(recipe: str, others: list[ProcessSpec]) -> None:
    """Whether others have turns in between, or it goes on from slice to slice. Where our own stop is a signal, too, and
    still waits because others have the CPU, theirs and ours are one."""
    world = scenario(*others, command("parent", *STOPPED_FOR_A_WHILE), quantum_ns=5 * MS)
    events, noise = when_quiet(lambda: run_real(world, recipe=recipe))
    lines = written(events).splitlines()
    assert [lines[0], lines[2]] == ["stopped 19", "ended by 9"]
    assert "continued by somebody else" not in rules(events)
    if recipe != "freezer":
        noise.skip_unless_quiet()
    assert lines[1] == "meanwhile 0"


@every_recipe
def test_one_that_stops_itself_waits_for_sigcont(recipe: str) -> None:
    stops = quick_python("import signal", "signal.raise_signal(signal.SIGSTOP)", "print('went on')")
    world = scenario(command("stops", *stops), process("hog", "cpu 100ms"), quantum_ns=5 * MS)
    with watch(world, recipe=recipe) as run:
        run.ended("hog")
        run.go_on(0.1)
        os_pid = run.os_pid("stops")
        assert not run.all(Exited, "stops")
        assert state(os_pid) == "T"
        assert "stopped itself" in [event.on.rule for event in run.all(Blocked, "stops")]
        os.kill(os_pid, signal.SIGCONT)
        assert run.ended("stops").status == 0
        assert run.wrote("stops") == "went on\n"
        assert len(run.faults("stopped itself")) == 1


# All else is as with signals


@pytest.mark.parametrize("sensor", SENSORS)
def test_blocks_and_wakes_are_noticed(sensor: str) -> None:
    """Frozen is not blocked: who was, is seen from what it did while it was not frozen."""
    jobs = [process(f"p{index}", "io 5ms", "cpu 3ms", repeat=8) for index in range(5)]
    events = run_real(scenario(*jobs, quantum_ns=50 * MS), sensor=sensor, recipe="freezer")
    assert {end.status for end in exits(events).values()} == {0}
    assert len([event for event in events if isinstance(event, Blocked)]) >= 30
    assert not rules(events)
    assert next(event.recipe for event in events if isinstance(event, Booted)) == "freezer"


@pytest.mark.skipif("perf" not in SENSORS, reason="no records are kept for us here")
def test_the_systems_records_certify_the_slices() -> None:
    def certified() -> Verification:
        jobs = [process(name, "cpu 60ms") for name in ("a", "b")]
        verification = Verification()
        for event in run_real(scenario(*jobs, quantum_ns=5 * MS), recipe="freezer", verify=True):
            verification.add(event)
        return verification

    verification, noise = when_quiet(certified)
    assert verification.witnessed
    figures = verification.figures()
    assert figures["accounting_error"]["count"] == 2
    # A freeze takes effect 100 to 500 µs after it was asked for: that for each of 12 slices.
    assert abs(figures["accounting_error"]["max"]) < 12 * MS
    noise.skip_unless_quiet()
    assert abs(figures["slice_error"]["p50"]) < 1 * MS
    assert figures["undispatched_recorded_ns"] < 10 * MS


def test_a_family_is_found_and_takes_turns() -> None:
    spins = "import time\\nwhile time.thread_time() < 0.03: pass"
    family = f"{sys.executable} -I -S -c $'{spins}' & {sys.executable} -I -S -c $'{spins}' & wait"
    events = run_real(scenario(command("sh", "bash", "-c", family), quantum_ns=5 * MS), recipe="freezer")
    parents = {event.pid: event.parent for event in events if isinstance(event, Admitted)}
    assert list(parents.values()) == [None, 1, 1]
    turns = [event.pid for event in events if isinstance(event, Dispatched) and event.pid != 1]
    assert sum(one != other for one, other in pairwise(turns)) >= 4, "they take turns"
    assert {event.status for event in events if isinstance(event, Exited)} == {0}


def test_a_pause_freezes_everybody() -> None:
    world = scenario(process("hog", "cpu 60s"), command("nap", "sleep", "0.2"), quantum_ns=5 * MS)
    with watch(world, recipe="freezer") as run:
        run.until(lambda: "sleep" in [event.on.rule for event in run.all(Blocked, "nap")], "nap sleeps")
        run.link.send(Pause())
        run.go_on(0.1)
        clock = (~run.os_pid("hog") << 3) | 2
        used_ns = time.clock_gettime_ns(clock)
        os.kill(run.os_pid("hog"), signal.SIGCONT)
        run.go_on(0.4)
        assert time.clock_gettime_ns(clock) == used_ns
        assert not run.all(Exited)
        run.link.send(Resume())
        assert run.ended("nap").status == 0
        assert not run.all(Fault)


# When it begins, and where it cannot be had


def test_signals_are_the_rule_until_a_process_starts_another() -> None:
    alone = run_real(scenario(process("a", "cpu 20ms"), command("b", "true")))
    assert not [event for event in alone if isinstance(event, Recipe)]
    assert next(event.recipe for event in alone if isinstance(event, Booted)) != "freezer"
    with_child = run_real(scenario(process("a", "cpu 50ms"), command("b", "sh", "-c", "sleep 0.05; exit 3")))
    (change,) = [event for event in with_child if isinstance(event, Recipe)]
    assert (change.recipe, change.why.rule, change.why.figures["name"]) == ("freezer", "starts others", "b")
    assert exits(with_child)["b"].status == 3


#: It installs its handler, has several turns, and says how often that was called.
HANDLES_SIGCONT = quick_python(
    "import signal, time",
    "heard = []",
    "signal.signal(signal.SIGCONT, lambda *_: heard.append(1))",
    "while time.thread_time() < 0.06: pass",
    "print(len(heard))",
)


def test_who_handles_sigcont_does_not_hear_that_it_goes_on() -> None:
    events = beside_a_hog(command("p", *HANDLES_SIGCONT))
    assert int(written(events)) <= 1  # its handler may come between our look and our stop
    (change,) = [event for event in events if isinstance(event, Recipe)]
    assert (change.recipe, change.why.rule) == ("freezer", "handles SIGCONT")
    assert rules(events) == []


#: It blocks SIGCONT, as who waits for it does.
WAITS_FOR_SIGCONT = quick_python(
    "import os, signal, time",
    "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})",
    "while time.thread_time() < 0.06: pass",
    "print(signal.SIGCONT in signal.sigpending())",
)


@pytest.mark.parametrize(("recipe", "heard"), [("auto", []), ("overlapped", ["waits for SIGCONT"])])
def test_who_waits_for_sigcont_is_known_too(recipe: str, heard: list[str]) -> None:
    events = beside_a_hog(command("p", *WAITS_FOR_SIGCONT), recipe=recipe)
    changes = [event.why.rule for event in events if isinstance(event, Recipe)]
    assert (rules(events), changes) == (heard, ["waits for SIGCONT"] if recipe == "auto" else [])


def test_with_signals_it_is_said_once_that_it_does() -> None:
    events = beside_a_hog(command("p", *HANDLES_SIGCONT), recipe="overlapped")
    assert int(written(events)) > 3
    assert rules(events) == ["handles SIGCONT"]


def test_with_signals_it_is_said_once_that_a_shell_sees_our_stops() -> None:
    words = ["bash", "--norc", "-c", "set -m; sleep 0.02; sleep 0.02"]
    events = beside_a_hog(command("shell", *words), recipe="overlapped")
    assert rules(events) == ["watches its jobs"]
    assert not [event for event in events if isinstance(event, Recipe)]


#: A child that has several turns, and a parent that takes the first SIGCHLD for its end.
CHILD = ["if os.fork() == 0:", " while time.thread_time() < 0.03: pass", " os._exit(0)"]
ENDS = "print(os.waitpid(-1, os.WNOHANG) != (0, 0))"
PARENTS = {
    "handles SIGCHLD": ["signal.signal(signal.SIGCHLD, lambda *_: None)", *CHILD, "signal.pause()"],
    "waits for SIGCHLD": ["s = {signal.SIGCHLD}", "signal.pthread_sigmask(0, s)", *CHILD, "signal.sigwait(s)"],
}


@pytest.mark.parametrize("recipe", ["auto", "overlapped"])
def test_who_takes_a_stopped_child_for_one_that_has_ended_is_known(recipe: str) -> None:
    lines = {what: ["import os, signal, time", *PARENTS[what], ENDS, "time.sleep(0.05)"] for what in PARENTS}
    parents = [command(what, *quick_python(*lines[what])) for what in PARENTS]
    events = run_real(scenario(process("hog", "cpu 200ms"), *parents, quantum_ns=5 * MS), recipe=recipe)
    frozen = recipe == "auto"
    assert sorted(rules(events)) == ([] if frozen else [*PARENTS])
    assert written(events) == f"{frozen}\n" * 2


LOOPS = "i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done; true"
UNMOVED = {
    "sh": ["sh", "-c", f"sh -c '{LOOPS}'; true"],
    "timeout": ["timeout", "9", "sh", "-c", LOOPS],
    "system": quick_python("import os", f"os.system({LOOPS!r})"),
}


def test_who_only_looks_which_child_has_ended_is_not_told_of() -> None:
    world = scenario(*(command(name, *argv) for name, argv in UNMOVED.items()), quantum_ns=2 * MS)
    assert rules(run_real(world, recipe="overlapped")) == []


def test_one_that_somebody_moves_to_another_group_is_stopped_by_signals() -> None:
    world = scenario(process("a", "cpu 60s"), process("hog", "cpu 60s"), quantum_ns=20 * MS)
    with watch(world, recipe="freezer") as run:
        run.dispatched("hog")
        Path(cgroup_folder(""), "cgroup.procs").write_text(str(run.os_pid("a")))
        run.until(lambda: run.faults("was moved"), "it is noticed")
        turns = len(run.dispatched("a"))
        run.until(lambda: len(run.dispatched("a")) > turns + 2, "it goes on taking turns")
        run.until(lambda: state(run.os_pid("a")) == "T", "and stands still in between")
        assert len(run.all(Fault)) == 1


def test_one_that_somebody_thaws_is_told_and_frozen_again() -> None:
    world = scenario(process("a", "cpu 60s"), process("hog", "cpu 60s"), quantum_ns=20 * MS)
    with watch(world, recipe="freezer") as run:
        run.dispatched("hog")  # it is not as it was born any more
        run.link.send(Pause())
        run.go_on(0.1)
        group = os.path.relpath(group_within(run.os_pid("hog")), group_within("self"))
        leaf = Path(cgroup_folder(""), group, "cgroup.freeze")
        until(lambda: leaf.read_text() == "1\n", "it stands still")
        leaf.write_text("0")
        run.until(lambda: run.faults("continued by somebody else"), "it is noticed")
        until(lambda: leaf.read_text() == "1\n", "it stands still again")


# Nothing is left


def group_within(os_pid: int | str) -> str:
    """The group of version 2 in which a process is."""
    return Path(f"/proc/{os_pid}/cgroup").read_text().rpartition("0::")[2].strip()


def group_of(kernel: int) -> list[str]:
    """The names of the groups of a run, by the os_pid of its kernel process."""
    return [name for name in os.listdir(cgroup_folder("")) if name.startswith(f"ossandbox-{os.geteuid()}-{kernel}-")]


def test_groups_are_removed_at_the_end() -> None:
    world = scenario(process("a", "cpu 5ms"), command("b", "sh", "-c", "sleep 0.01 & wait"))
    with watch(world, recipe="freezer", stay=False) as run:
        run.dispatched("a")
        assert group_of(run.link.os_pid)
        run.finish()
        assert not group_of(run.link.os_pid)


def _start(world: Callable[[], None]) -> int:
    """A process of its own, so that all can be killed."""
    os_pid = os.fork()
    if os_pid == 0:
        try:
            world()
        finally:
            os._exit(1)
    return os_pid


def test_what_is_left_after_kill_9_of_everything_is_swept_by_the_next_run(tmp_path: Path) -> None:
    told = tmp_path / "told"

    def world() -> None:
        daemon = "setsid sleep 60 & sleep 60"
        with watch(scenario(command("p", "sh", "-c", daemon), process("hog", "cpu 60s")), recipe="freezer") as run:
            run.until(lambda: len(run.all(Admitted)) == 4, "all are found")
            os_pids = [event.os_pid for event in run.all(Admitted)]
            (tmp_path / "new").write_text(" ".join(map(str, [run.link.os_pid, *os_pids])))
            (tmp_path / "new").rename(told)
            run.go_on(60)

    ui = _start(world)
    until(told.exists, "it is up")
    kernel, *children = map(int, told.read_text().split())
    assert group_of(kernel)
    os.kill(kernel, signal.SIGSTOP)
    for os_pid in (ui, kernel):
        os.kill(os_pid, signal.SIGKILL)
    os.waitpid(ui, 0)
    run_real(scenario(process("next", "cpu 1ms")))
    until(lambda: gone(*children), "the next run has ended them")
    until(lambda: not group_of(kernel), "and has removed the group")
