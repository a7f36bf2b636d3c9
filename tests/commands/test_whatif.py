"""What would have been: honest first, then under another policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from msgspec.structs import replace
from rich.cells import cell_len

from sandbox import policies
from sandbox.analysis.whatif.derive import Load
from sandbox.analysis.whatif.report import document, lines, what_if
from sandbox.model.events import Admitted, Exited
from sandbox.model.spec import Scenario
from sandbox.trace.header import describe
from sandbox.trace.load import Recording
from sandbox.util.units import MS
from tests.support.commands import CommandRunner
from tests.support.files import write_recording
from tests.support.generated import any_scenario
from tests.support.kernel_script import HEAD, KernelScript
from tests.support.real import run_real
from tests.support.scenarios import exits, process, scenario, simulate

CONVOY = scenario(
    process("long", "cpu 300ms"),
    process("short", "cpu 10ms", "io 30ms", "cpu 10ms", arrive="5ms"),
    process("other", "cpu 40ms", arrive="20ms"),
    policy="fcfs",
)


def load(world: Scenario) -> Load:
    return Load(describe(world, None), simulate(world))  # type: ignore[arg-type]


def recorded(path: Path, world: Scenario = CONVOY) -> str:
    return str(write_recording(path, world, simulate(world)))


@pytest.mark.parametrize("name", policies.BUILT_IN)
def test_the_same_policy_again_gives_the_same_run(name: str) -> None:
    world = scenario(
        process("a", "cpu 35ms", "io 20ms", "cpu 12ms", nice=5, tickets=50, priority=2),
        process("b", "cpu 50ms", arrive="3ms", priority=1),
        process("c", "cpu 5ms", "io 15ms", repeat=4, arrive="7ms", tickets=300),
        policy=name,
    )
    it = what_if(load(world), "fcfs", None)
    assert it.trusted
    assert [process.error for process in it.check.processes] == [0.0] * 3
    assert not it.check.only_virtual
    assert not it.check.only_real


@settings(deadline=None, max_examples=60)
@given(any_scenario())
def test_any_recording_can_be_asked(world: Scenario) -> None:
    world.script = []
    if world.processes:
        it = what_if(load(world), "srtf", None)
        assert len(it.other.lives) == len(world.processes)
        assert all(life.exited for life in it.other.lives.values())


def test_another_policy_is_what_it_would_have_been() -> None:
    it = what_if(load(CONVOY), "rr:quantum=10ms", None)
    truth = exits(
        simulate(replace(CONVOY, machine=replace(CONVOY.machine, policy="rr", parameters={"quantum": "10ms"})))
    )
    found = {life.admitted.name: life.exited.t_ns for life in it.other.lives.values() if life.exited}
    assert found == {name: event.t_ns for name, event in truth.items()}


def test_a_slice_that_ends_late_is_no_work() -> None:
    """Slices of 50 ms that last 50.2 ms: two of them are 100 ms of work, and a switch costs 0.2 ms."""
    script = KernelScript().admit("a").admit("b").run("a")
    for name, other in ("ab", "ba", "ab"):
        script.later("50200us").expire(name).run(other)
    script.later("50100us").exit("b").run("a").later("7ms").exit("a")
    it = Load(describe(scenario(process("a"), process("b"), policy="rr", quantum_ns=50 * MS), None), script.take())
    assert it.scenario.machine.switch_cost_ns == 200_000
    assert [process.demand_ns for process in it.scenario.processes] == [106_800_000, 100_000_000]
    again = what_if(it, "fcfs", None)
    assert again.trusted
    assert max(process.error for process in again.check.processes) < 0.001


def test_who_ends_in_the_middle_of_a_wait_needs_no_cpu_for_it() -> None:
    script = KernelScript("fcfs", None).admit("a").admit("b").run("a").later("10ms").block("a").run("b").later("90ms")
    script.exit("a").later("100ms").exit("b")
    it = what_if(Load(describe(scenario(process("a"), process("b"), policy="fcfs"), None), script.take()), "sjf", None)
    assert it.trusted
    assert [process.virtual_ns for process in it.check.processes] == [100 * MS, 200 * MS]


def test_who_waited_for_others_is_named() -> None:
    script = KernelScript().admit("a").admit("b").run("a").later("10ms").block("a", "wait for child", pid=2).run("b")
    script.later("10ms").exit("b").wake("a").run("a").later("1ms").exit("a")
    assert Load(describe(scenario(process("a")), None), script.take()).entangled == ["a"]


def test_what_cannot_be_reproduced_is_said() -> None:
    """Somebody was on the CPU by a rule that the policy does not have."""
    script = KernelScript("fcfs", None).admit("a").admit("b").run("b", why=HEAD).later("90ms").exit("b").run("a")
    script.later("10ms").exit("a")
    it = what_if(Load(describe(scenario(process("a"), process("b"), policy="fcfs"), None), script.take()), "rr", None)
    assert not it.trusted


def test_it_is_told(ossandbox: CommandRunner, tmp_path: Path) -> None:
    done = ossandbox("whatif", recorded(tmp_path / "it"), "--policy", "rr:quantum=10ms")
    assert done.status == 0
    assert done.lines[0] == (
        "✔ the same policy again: 4 of 4 slices match, in the same order; no turnaround is off by more than 0.0%."
    )
    assert [line.split()[2] for line in done.lines if line.startswith(("  1 ", "  2 ", "  3 "))] == ["was"] * 3
    assert "short would be done 290 ms sooner (82%)." in done.lines
    assert "long would be done 60 ms later (20%)." in done.lines
    assert any(line.startswith("Under rr:quantum=10ms: mean turnaround") for line in done.lines)


def test_in_json(ossandbox: CommandRunner, tmp_path: Path) -> None:
    document = json.loads(
        ossandbox("whatif", recorded(tmp_path / "it"), "--quantum", "5ms", "--policy", "rr", "--json").out
    )
    assert document["trusted"] is True
    assert document["whatif"]["policy"] == {"name": "rr", "parameters": {"quantum_ns": 5 * MS}}
    assert document["recorded"]["policy"]["name"] == "fcfs"
    assert [process["name"] for process in document["whatif"]["processes"]] == ["long", "short", "other"]


def test_of_a_run_that_was_not_over_only_those_that_were_are_compared() -> None:
    """Two of three have ended; under any policy the third would do what was recorded of it, and that is not all."""
    events = simulate(CONVOY)
    third_ns = max(end.t_ns for end in exits(events).values())
    it = what_if(Load(describe(CONVOY, None), [e for e in events if e.t_ns < third_ns]), "rr:quantum=10ms", None)  # type: ignore[misc]
    assert it.unfinished == 1
    assert [was["name"] for was, _ in it.ended] == ["long", "other"]
    done = ["".join(text for text, _ in line) for line in lines(it, 100)]
    assert "1 of 3 processes had not ended: its figures are left out." in done
    found = document(it)
    assert found["unfinished"] == 1
    for run in ("recorded", "whatif"):
        turnarounds = [each["turnaround_ns"] for each in found[run]["processes"] if each["name"] in ("long", "other")]
        assert found[run]["metrics"]["turnaround_ns"]["mean"] == sum(turnarounds) / 2


@pytest.mark.parametrize(("width", "taken"), [(75, 75), (97, 86)])
def test_the_table_has_the_width_that_there_is(width: int, taken: int) -> None:
    names = ["a-process-with-a-long-name-1", "a-process-with-a-long-name-2"]
    world = scenario(*(process(name, "cpu 6000s") for name in names), policy="fcfs")
    done = ["".join(text for text, _ in line) for line in lines(what_if(load(world), "rr:quantum=60s", None), width)]
    head = next(index for index, line in enumerate(done) if line.startswith("all") and "waiting" in line)
    table = done[head : head + 3]
    assert {cell_len(line) for line in table} == {taken}
    assert table[1].split()[1:] == ["6000000.0", "11940000.0", "0.0", "5940000.0", "0.0", "0.0"]
    assert [line.split()[0][-2:] for line in table[1:]] == ["-1", "-2"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "say what to change: --policy, --quantum, or both"),
        (["--policy", "rrr"], "there is no policy rrr"),
        (["--quantum", "5"], "has no unit"),
    ],
)
def test_bad_input(ossandbox: CommandRunner, tmp_path: Path, words: list[str], says: str) -> None:
    answer = ossandbox("whatif", recorded(tmp_path / "it"), *words)
    assert (answer.status, answer.out) == (2, "")
    assert says in answer.err


def test_before_anybody_has_ended_there_is_no_table() -> None:
    script = KernelScript().admit("a").admit("b").run("a")
    for one, other in [("a", "b"), ("b", "a")] * 2:
        script = script.later("50ms").expire(one).run(other)
    it = what_if(Load(describe(CONVOY, None), script.take()), "fcfs", None)
    said = ["".join(text for text, _ in line) for line in lines(it, 80)]
    assert said[-1] == "none of its 2 processes had ended: there are no times to compare yet."
    assert not [line for line in said if "turnaround" in line or "context switches" in line]
    assert said[-2] == ""
    assert said[-3].startswith("█ running")


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
def test_a_real_run_is_reproduced(tmp_path: Path) -> None:
    """First come, first served: no noise changes the order."""
    world = scenario(
        process("a", "cpu 60ms", "io 40ms", "cpu 20ms"),
        process("b", "cpu 90ms", arrive="20ms"),
        process("c", "cpu 30ms", arrive="40ms"),
        policy="fcfs",
    )
    events = run_real(world)
    path = str(write_recording(tmp_path / "it", world, events))
    recording = Recording(path)
    it = what_if(Load(recording.header, recording.events()), "rr:quantum=10ms", None)
    assert it.trusted, it.check.processes
    assert len(it.check.processes) == sum(isinstance(event, Admitted) for event in events)
    assert len(it.other.lives) == sum(isinstance(event, Exited) for event in events)
