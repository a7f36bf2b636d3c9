"""From the words on a command line to what a machine is told: typed once, checked once, forwards only."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import pytest

from sandbox import policies
from sandbox.cli import run_options
from sandbox.cli.run_options import RunOptions, prepare
from sandbox.model.clause import Clause
from sandbox.model.commands import Quit
from sandbox.model.problems import BadInput
from sandbox.model.ranges import MAX_VALUES
from sandbox.model.spec import At, MachineSpec
from sandbox.model.values import BadValue, shown
from sandbox.policies import choice
from sandbox.policies.base import Policy
from sandbox.policies.choice import Contender
from sandbox.policies.host.guard import Guard
from sandbox.policies.rr import RoundRobin
from sandbox.util.units import MS
from tests.support.scenarios import process, scenario

SCENARIO = """
[machine]
policy = "rr"
quantum = "20ms"
seed = 7
[[process]]
name = "a"
work = ["cpu 30ms"]
"""
POLICY = """
from sandbox.policies import Duration, Parameter, Policy
class Mine(Policy):
    quantum = Parameter(Duration("1ms", "10ms"), "5ms", "how long")
"""


def options(tmp_path: Path, *words: str) -> RunOptions:
    """What ``ossandbox run`` makes of these words."""
    (tmp_path / "scenario.toml").write_text(SCENARIO)
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario")
    for declare in (run_options.add_policy, run_options.add, run_options.add_limit, run_options.add_recording):
        declare(parser)
    return RunOptions.of(parser.parse_args([str(tmp_path / "scenario.toml"), *words]))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every policy that is made."""
    made: list[Any] = []
    build = policies.build

    def counted(*arguments: Any, **more: Any) -> Any:
        made.append(arguments[0])
        return build(*arguments, **more)

    monkeypatch.setattr(policies, "build", counted)
    return made


def test_words_become_values(tmp_path: Path) -> None:
    read = options(
        tmp_path, "--quantum", "15ms", "--cpus", "2", "--seed", "3", "--for", "1s", "--record", "x", "--strict"
    )
    assert read == RunOptions(
        scenario=str(tmp_path / "scenario.toml"), policy=None, quantum_ns=15 * MS, cpus=2, seed=3, limit_ns=1_000 * MS,
        sensor="auto", recipe="auto", strict=True, expose=False, setuid=False, record="x", overwrite=False,
    )  # fmt: skip


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as bad:
        options(tmp_path, "--quantum", "20", "--cpus", "0", "--sensor", "nose")
    assert {problem.place for problem in bad.value.problems} == {"--quantum", "--cpus", "--sensor"}


def test_they_are_applied_to_the_scenario(tmp_path: Path) -> None:
    boot = prepare(options(tmp_path, "--cpus", "2", "--seed", "0", "--for", "1s", "--sensor", "poll"), real=False)
    machine = boot.scenario.machine
    assert (machine.cpus, machine.seed, machine.quantum_ns, machine.policy) == (2, 0, 20 * MS, "rr")
    assert (boot.scenario.script, boot.sensor) == ([At(1_000 * MS, Quit())], "poll")


@pytest.mark.parametrize(
    ("words", "times"),
    [((), 1), (("--seed", "2", "--cpus", "2"), 1), (("--quantum", "5ms"), 2), (("--policy", "mlfq:boost=1s"), 2)],
)
def test_a_policy_is_made_once_to_be_checked(
    tmp_path: Path, words: tuple[str, ...], times: int, built: list[Any]
) -> None:
    """That of the file as it is, and the one that the options want instead."""
    prepare(options(tmp_path, *words), real=False)
    assert len(built) == times


def test_a_policy_is_checked_with_what_the_scenario_says_for_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(POLICY)
    with pytest.raises(BadInput) as bad:
        prepare(options(tmp_path, "--policy", f"{tmp_path}/mine.py:Mine"), real=False)
    [problem] = bad.value.problems
    assert (problem.place, problem.what.rule) == ("--policy .quantum", "out of range")


# Contenders


def test_a_policy_that_is_written_with_its_parameters(tmp_path: Path) -> None:
    """What was not written is not set: the scenario may say it."""
    (tmp_path / "mine.py").write_text(POLICY)
    mine = f"{tmp_path}/mine.py:Mine"
    assert choice.parse("rr") == Contender("rr", "rr", {})
    assert choice.parse("mlfq:boost=1s:quanta=5ms/9ms") == Contender(
        "mlfq:boost=1s:quanta=5ms/9ms", "mlfq", {"boost": "1s", "quanta": ["5ms", "9ms"]}
    )
    assert choice.parse(f"{mine}:quantum=7ms") == Contender(f"{mine}:quantum=7ms", mine, {"quantum": "7ms"})
    assert choice.parse(os.path.relpath(mine)).policy == mine
    assert [each.label for each in choice.parse_list("rr, fcfs")] == ["rr", "fcfs"]


def test_all_that_is_wrong_with_contenders_is_told_at_once() -> None:
    with pytest.raises(BadValue) as bad:
        choice.parse_list("rr:quantum:quantum=0ms,fcfs,nobody")
    told = [(where, what.rule, what.figures.get("value")) for where, what in bad.value.faults]
    assert told == [
        ("rr", "not a setting", "'quantum'"),
        ("rr.quantum", "out of range", "'0ms'"),
        ("", "no such policy", "nobody"),
    ]


def test_a_contender_is_tried_with_what_the_scenario_says_for_it() -> None:
    """Its own policy's parameters hold where nothing else was asked for; another policy's do not."""
    world = scenario(process("a", "cpu 1ms"), policy="mlfq", parameters={"quanta": ["5ms"], "boost": "1s"})
    entered = choice.parse("mlfq:boost=2s", world).enter(world).machine
    assert (entered.policy, entered.parameters) == ("mlfq", {"quanta": ["5ms"], "boost": "2s"})
    entered = choice.parse("rr:quantum=5ms", world).enter(world).machine
    assert (entered.policy, entered.parameters) == ("rr", {"quantum": "5ms"})
    world.machine.parameters = {"quanta": ["0ms"]}
    assert choice.parse("rr", world).policy == "rr"
    with pytest.raises(BadValue):
        choice.parse("mlfq", world)
    with pytest.raises(BadValue):
        choice.parse_list("rr,mlfq", world)


def test_sensible_contenders_go_by_what_the_processes_say() -> None:
    """The scenario's own stands first; who goes by tickets, priorities, nice values or periods needs some."""

    def sensible(policy: str = "rr", **more: Any) -> list[str]:
        world = scenario(process("a", "cpu 1ms"), process("b", "cpu 1ms", **more), policy=policy)
        return [contender.policy for contender in choice.sensible(world)]

    plain = sensible()
    assert plain[0] == "rr"
    assert sorted(plain) == ["eevdf", "fair", "fcfs", "feedback", "hrrn", "mlfq", "rr", "sjf", "srtf"]
    assert set(sensible(tickets=50)) - set(plain) == {"lottery", "stride"}
    assert set(sensible(priority=1)) - set(plain) == {"priority"}
    assert set(sensible(period_ns=50 * MS)) - set(plain) == {"edf", "rm"}
    assert set(sensible(deadline_ns=50 * MS)) - set(plain) == {"edf"}
    assert sensible("edf")[0] == "edf"
    recorded = scenario(process("a", "cpu 1ms"), policy="mine.py:Mine")
    recorded.folder = ""
    assert choice.sensible(recorded)[0].policy == "fcfs", "a file that a recording names is not run"


def test_only_policies_of_ones_own_work_behind_a_guard_unless_one_is_given(tmp_path: Path) -> None:
    """Its quantum and its seed are the scenario's, where it has any and says nothing of its own."""
    (tmp_path / "mine.py").write_text(POLICY)
    spec = MachineSpec(policy="rr", quantum_ns=7 * MS, seed=5)
    plain = policies.build(spec)
    assert (type(plain), plain.source, plain.seed, plain.written) == (RoundRobin, "rr", 5, {"quantum": "7ms"})
    mine = policies.build(MachineSpec(policy="mine.py:Mine", quantum_ns=7 * MS, seed=5), str(tmp_path))
    assert (type(mine), mine.source, mine.seed, mine.written) == (Guard, "mine.py:Mine", 5, {"quantum": "7ms"})
    given: list[str] = []

    def guard(policy: Policy, alarm: object) -> Policy:
        given.append(policy.source)
        return policy

    policies.build(spec, guard=guard)
    policies.build(MachineSpec(policy="mine.py:Mine"), str(tmp_path), guard=guard)
    assert given == ["rr", "mine.py:Mine"]
    own = policies.build(MachineSpec(policy="rr", quantum_ns=7 * MS, parameters={"quantum": "3ms"}))
    assert own.written == {"quantum": "3ms"}
    assert policies.build(MachineSpec(policy="fcfs", quantum_ns=7 * MS)).written == {}


def test_a_quantum_that_is_asked_for_holds_wherever_the_scenario_has_said_another_one(tmp_path: Path) -> None:
    asked = options(tmp_path, "--quantum", "5ms")
    (tmp_path / "scenario.toml").write_text(SCENARIO.replace('quantum = "20ms"', 'parameters = { quantum = "20ms" }'))
    assert policies.build(prepare(asked, real=False).scenario.machine).parameters == {"quantum_ns": 5 * MS}
    asked = asked._replace(policy="rr:quantum=7ms")
    assert policies.build(prepare(asked, real=False).scenario.machine).parameters == {"quantum_ns": 7 * MS}


def test_more_policies_than_can_be_tried_are_too_many() -> None:
    """All combinations of what is given for each parameter count."""
    assert len(choice.expanded("fair:latency=1ms..20ms+1ms:granularity=1ms..5ms+1ms")) == 100
    text = f"fair:latency=1ms..{MAX_VALUES}ms+1ms:granularity=1ms..2ms+1ms"
    with pytest.raises(BadValue) as refusal:
        choice.expanded(text)
    assert refusal.value.faults == [("", Clause("too many values", {"value": shown(text), "allowed": MAX_VALUES}))]


def test_a_file_of_policies_that_a_recording_names_is_not_run() -> None:
    """One beside a scenario is, and one whose whole path is given."""
    for folder, source, named in (
        ("/x", "mine.py:Mine", True),
        ("", "mine.py:Mine", False),
        ("", "/x/mine.py:Mine", True),
    ):
        world = scenario(process("a", "cpu 1ms"), policy=source)
        world.folder = folder
        assert (choice.sensible(world)[0].policy == source) is named
