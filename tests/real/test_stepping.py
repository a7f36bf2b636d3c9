"""Real processes one line a turn: the same run each time, and programs that notice nothing."""

from __future__ import annotations

import ast
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from sandbox.machines.linux.stepping.runs import TURN_NS, SteppedRuns
from sandbox.model.events import Admitted, Deadlocked, Event, Exited, Fault, Stepped, Wrote
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario
from sandbox.policies.base import Policy, Task
from tests.support.leaks import LeftCheck

pytestmark = [pytest.mark.real, pytest.mark.patient]

FOLDER = Path(__file__).parents[1] / "support" / "stepped"
#: Functions of the tables that are parts of others.
_PARTS = {"fill", "square", "answers", "own_first_line", "waits_for_a_signal", "child_of_mine"}
_PARTS |= {"keep", "helps", "plain", "decorated", "doubles", "fibonacci", "noted", "counts_in", "divides"}


def table(file: str) -> list[str]:
    """The programs of a file."""
    tree = ast.parse((FOLDER / f"{file}.py").read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [f"{file}.{name}" for name in names if name not in _PARTS]


TABLE = [*table("table"), *(pytest.param(name, marks=pytest.mark.thorough) for name in table("tools"))]


def scenario(*pythons: str, **machine: object) -> Scenario:
    processes = [ProcessSpec("abcdef"[index], python=python) for index, python in enumerate(pythons)]
    spec = MachineSpec(**{"slice": "line", **machine})  # type: ignore[arg-type]
    return Scenario("steps", "Steps", spec, processes, folder=str(FOLDER))


@pytest.fixture(scope="module")
def stage() -> Iterator[SteppedRuns]:
    with SteppedRuns(scenario()) as runs:
        yield runs


def run(stage: SteppedRuns, *pythons: str, policy: Policy | None = None) -> list[Event]:
    stage.scenario = scenario(*pythons)
    return stage.run(policy, waits=True)


def steps(events: Sequence[Event]) -> list[tuple[str, int]]:
    names = {event.pid: event.name for event in events if isinstance(event, Admitted)}
    return [(names[event.pid], event.line) for event in events if isinstance(event, Stepped) and event.line]


def output(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Wrote))


def status(events: Sequence[Event], pid: int = 1) -> int | None:
    return next((event.status for event in events if isinstance(event, Exited) and event.pid == pid), None)


class InOrder(Policy):
    """Gives the turns as told, and then to the head of the queue."""

    name = "in-order"

    def __init__(self, order: str) -> None:
        super().__init__()
        self.order = [*order]

    def slice(self, task: Task) -> int:
        return TURN_NS

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        name = self.order.pop(0) if self.order else ""
        wanted = next((task for task in self.queue if task.name == name), None)
        if wanted is None:
            return super().pick(cpu, now_ns)
        self.queue.remove(wanted)
        return wanted


@pytest.mark.parametrize("name", TABLE)
def test_a_program_behaves_one_line_a_turn_as_it_does_alone(stage: SteppedRuns, name: str) -> None:
    file, _, function = name.partition(".")
    events = run(stage, f"{file}.py:{function}")
    alone = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[0] = {str(FOLDER)!r}\nimport {file}\n{name}()"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    said = re.sub(r' {2}File "<string>", line 3, in <module>\n( {4}.*\n)*', "", alone.stdout)
    assert (plain(output(events)), status(events)) == (said, alone.returncode)
    assert not [event for event in events if isinstance(event, Fault)]


@pytest.mark.parametrize("name", table("ends"))
def test_a_program_ends_one_line_a_turn_as_it_does_alone(stage: SteppedRuns, name: str) -> None:
    file, _, function = name.partition(".")
    stage.scenario = replace(scenario(), processes=[ProcessSpec("a", python=f"{file}.py", args=[function])])
    events = stage.run()
    assert (plain(output(events)), status(events)) == alone_at_a_terminal(f"{file}.py", function)
    assert not [event for event in events if isinstance(event, Fault)]


def plain(text: str) -> str:
    """Without colours, which tracebacks have on a terminal as of 3.13."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def alone_at_a_terminal(*arguments: str) -> tuple[str, int]:
    """Output and exit status of a program that an interpreter runs."""
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    program = subprocess.Popen(
        [sys.executable, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, cwd=FOLDER, env=env
    )
    os.close(theirs)
    read = b""
    with suppress(OSError):  # the other end was closed
        while piece := os.read(ours, 4_096):
            read += piece
    os.close(ours)
    return plain(read.decode().replace("\r\n", "\n")), program.wait()


def test_what_a_program_leaves_to_its_end_steps_as_well(stage: SteppedRuns) -> None:
    events = [event for event in run(stage, "programs.py:leaves_work") if isinstance(event, Stepped) and event.line]
    assert [event.function for event in events if event.pid == 2] == ["count"] * 7
    assert [event.function for event in events if event.pid == 1] == ["leaves_work"] * 2 + ["two_lines"] * 2


def test_a_whole_file_finds_what_it_finds_alone(stage: SteppedRuns) -> None:
    alone = subprocess.run([sys.executable, "whole.py"], cwd=FOLDER, capture_output=True, text=True, check=True)
    assert output(run(stage, "whole.py")) == alone.stdout


def test_steps_go_on_after_a_recursion_that_is_too_deep(stage: SteppedRuns) -> None:
    events = run(stage, "table.py:recurses_again")
    assert [event.function for event in events if isinstance(event, Stepped)][-1] == "recurses_again"


def orders(first: int, second: int) -> list[str]:
    """All orders of so many turns of a and of b."""
    if not first or not second:
        return ["a" * first + "b" * second]
    return [f"a{rest}" for rest in orders(first - 1, second)] + [f"b{rest}" for rest in orders(first, second - 1)]


def test_eighteen_of_the_twenty_orders_lose_an_update(stage: SteppedRuns) -> None:
    results = {}
    for order in orders(3, 3):
        events = run(stage, "programs.py:add", "programs.py:add", policy=InOrder(order))
        assert "".join(name for name, _ in steps(events)) == order
        results[order] = Path(stage.stage.room.folder, "count").read_text()
    assert sorted(results.values()) == ["1"] * 18 + ["2"] * 2
    assert results["aaabbb"] == results["bbbaaa"] == "2"


def test_each_run_finds_the_folder_as_it_was(stage: SteppedRuns) -> None:
    for _ in range(2):
        run(stage, "programs.py:add")
        assert Path(stage.stage.room.folder, "count").read_text() == "1"
    assert (FOLDER / "count").read_text() == "0\n"


def test_a_step_says_what_it_has_changed(stage: SteppedRuns) -> None:
    events = run(stage, "programs.py:two_lines")
    told = [(event.line, event.next_line, event.changed) for event in events if isinstance(event, Stepped)]
    assert [[(each.name, each.before, each.after, each.shared) for each in changed] for _, _, changed in told] == [
        [],
        [("x", None, "1", False)],
        [("x", "1", "2", False)],
    ]
    assert told[0][0] == 0
    assert told[-1][1] == 0
    shared = [
        (each.name, each.before, each.after)
        for event in run(stage, "programs.py:peterson")
        if isinstance(event, Stepped)
        for each in event.changed
        if each.shared
    ]
    assert ("count", "0", "1") in shared


ALIKE = (
    *("philosophers", "peterson", "queued", "forks", "threads", "locks_a_file", "waits_on_a_condition"),
    *("meets_at_a_named_pipe", "speaks", "leaves_memory", "wakes_all"),
)


@pytest.mark.parametrize("program", ALIKE)
def test_the_same_decisions_make_the_same_run(stage: SteppedRuns, program: str) -> None:
    first = run(stage, f"programs.py:{program}")
    for _ in range(2):
        assert steps(run(stage, f"programs.py:{program}")) == steps(first)
    assert status(first) == 0


def test_a_deadlock_ends_the_run_and_names_its_locks(stage: SteppedRuns) -> None:
    events = run(stage, "programs.py:philosophers", policy=RoundOfChildren())
    (deadlocked,) = (event for event in events if isinstance(event, Deadlocked))
    names = {event.pid: event.name for event in events if isinstance(event, Admitted)}
    assert [names[pid] for pid in deadlocked.core] == ["a/1", "a/2"]
    assert {edge.resource for edge in deadlocked.edges if edge.pid in deadlocked.core} == {"forks[0]", "forks[1]"}
    assert [event.what.rule for event in events if isinstance(event, Fault)] == ["deadlock"]


class RoundOfChildren(InOrder):
    """The parent first, as long as it can; then its children, one line each in turn."""

    def __init__(self) -> None:
        super().__init__("")

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        self.order = ["a"]
        return super().pick(cpu, now_ns)


@pytest.mark.parametrize("program", ["spins", "circles"])
def test_who_goes_round_in_vain_is_named(stage: SteppedRuns, program: str) -> None:
    events = run(stage, f"programs.py:{program}")
    assert [event.what.rule for event in events if isinstance(event, Fault)] == ["spins for ever"]


def test_a_thread_that_an_exception_ends_has_failed(stage: SteppedRuns) -> None:
    events = run(stage, "programs.py:fails_in_threads")
    assert [status(events, pid) for pid in (1, 2, 3)] == [0, 1, 0]


def test_what_a_program_executes_anew_steps_as_well(stage: SteppedRuns) -> None:
    for method in ("spawn", "forkserver"):
        stage.scenario = replace(scenario(), processes=[ProcessSpec("a", python="programs.py:spawns", args=[method])])
        events = stage.run()
        assert ("a/1", grow_line()) in steps(events)
        assert output(events) == "1 0\n"


@pytest.mark.parametrize(("method", "runs"), [("forkserver", 6), ("spawn", 2)])
def test_children_are_born_in_the_order_in_which_they_were_started(stage: SteppedRuns, method: str, runs: int) -> None:
    several = ProcessSpec("a", python="programs.py:starts_several", args=[method])
    stage.scenario = replace(scenario(), processes=[several])
    first, *others = [steps(stage.run()) for _ in range(runs)]
    assert {name for name, _ in first} == {"a", "a/1", "a/2", "a/3"}
    assert all(other == first for other in others)


def grow_line() -> int:
    tree = ast.parse((FOLDER / "programs.py").read_text())
    return next(node.body[0].lineno for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "grow")


@pytest.mark.parametrize("program", ["never_ends", "leaves_another_running"])
def test_a_turn_without_end_is_ended(stage: SteppedRuns, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr("sandbox.machines.linux.stepping.looks.MAX_TURN_CPU_NS", 100_000_000)
    events = run(stage, f"programs.py:{program}", "programs.py:two_lines")
    assert [event.what.rule for event in events if isinstance(event, Fault)] == ["turn without end"]
    assert (status(events), status(events, 2)) == (-9, 0)


@pytest.mark.parametrize(
    ("policy", "order"),
    [("rr", "abab"), ("fcfs", "aabb"), ("rr:quantum=2ms", "aabb"), ("priority", "abab"), ("lottery", None)],
)
def test_all_policies_give_turns(stage: SteppedRuns, policy: str, order: str | None) -> None:
    name, _, quantum = policy.partition(":quantum=")
    stage.scenario = scenario(
        *["programs.py:two_lines"] * 2, policy=name, quantum_ns=2_000_000 if quantum else None, seed=3
    )
    taken = ["".join(name for name, _ in steps(stage.run())) for _ in range(2)]
    assert taken[0] == taken[1]
    assert order in (None, taken[0])


def test_nothing_is_left(leftcheck: LeftCheck) -> None:
    with SteppedRuns(scenario("programs.py:leaves_children")) as runs:
        room = runs.stage.room.place
        events = runs.run(stop=lambda events: any(isinstance(event, Stepped) and event.line for event in events))
        assert events
    assert not Path(room).exists()


def test_nothing_is_left_of_one_that_is_killed(leftcheck: LeftCheck) -> None:
    code = (
        "import os, sys; from tests.real.test_stepping import *\n"
        "with SteppedRuns(scenario('programs.py:leaves_children')) as runs:\n"
        "    print(runs.stage.room.place, flush=True)\n"
        "    runs.run(stop=lambda events: any(isinstance(e, Stepped) and e.line for e in events) and os.kill(os.getpid(), 9))"
    )
    killed = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -9
    gone_by = time.monotonic() + 5
    while Path(killed.stdout.strip()).exists() and time.monotonic() < gone_by:
        time.sleep(0.02)
    assert not Path(killed.stdout.strip()).exists()
