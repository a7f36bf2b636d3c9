"""Our policies on the virtual machine beside plain textbook schedulers, on random workloads, tick by tick.

``WORKLOADS=5000 pytest tests/pure/test_references.py`` compares more of them.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.model.events import Admitted, Descheduled, Dispatched, Event, PolicyNote
from sandbox.model.spec import ProcessSpec, Segment
from tests import references
from tests.references import Job, Periodic, Rules, Run, periodic
from tests.support.run import ossandbox
from tests.support.scenarios import UNIT, exits, scenario, simulate

WORKLOADS = int(os.environ.get("WORKLOADS", "40"))


def workload(dice: random.Random, io_at_ends: bool = False) -> list[Job]:
    """Jobs of a few ticks, with I/O, and so close together that much happens at one instant."""
    jobs = []
    for number in range(dice.randint(1, 7)):
        work = [dice.randint(1, 9)]
        for _ in range(dice.choice([0, 0, 1, 2, 3])):
            work += [dice.randint(1, 8), dice.randint(1, 9)]
        if io_at_ends and dice.random() < 0.3:
            work += [dice.randint(1, 8)]
        if io_at_ends and dice.random() < 0.3:
            work = [0, dice.randint(1, 8), *work]
        arrival = dice.choice([0, 0, dice.randint(0, 6), dice.randint(0, 30)])
        jobs.append(Job(number, arrival, work, dice.randint(0, 3), dice.choice([3, 25, 50, 70, 100, 250, 300, 500])))
    return jobs


def ours(jobs: list[Job], cpus: int = 1, **machine: Any) -> Run:
    """The same jobs under a policy of ours."""
    specs = [
        ProcessSpec(
            f"job{job.number}",
            job.arrival * UNIT,
            [Segment("io" if index % 2 else "cpu", ticks * UNIT) for index, ticks in enumerate(job.work) if ticks],
            priority=job.priority,
            tickets=job.tickets,
        )
        for job in jobs
    ]
    events = simulate(scenario(*specs, cpus=cpus, **machine))
    ends = exits(events)
    finish = [ends[spec.name].t_ns // UNIT for spec in specs]
    return Run(occupants(events, cpus, max(finish)), [*finish])


def occupants(events: list[Event], cpus: int, ticks: int) -> list[tuple[int | None, ...]]:
    """Who had each CPU in every tick."""
    numbers = {event.pid: event.order for event in events if isinstance(event, Admitted)}
    table: list[list[int | None]] = [[None] * cpus for _ in range(ticks)]
    since: dict[int, int] = {}
    for event in events:
        if isinstance(event, Dispatched):
            since[event.pid] = event.t_ns
        elif isinstance(event, Descheduled):
            assert since[event.pid] % UNIT == event.t_ns % UNIT == 0
            for tick in range(since[event.pid] // UNIT, event.t_ns // UNIT):
                assert table[tick][event.cpu] is None
                table[tick][event.cpu] = numbers[event.pid]
    return [tuple(row) for row in table]


def span(ticks: int) -> str:
    return f"{ticks * 10}ms"


def any_rr(dice: random.Random) -> tuple[Rules, dict[str, Any]]:
    quantum, requeue_first = dice.randint(1, 5), dice.random() < 0.4
    ties = "requeue-first" if requeue_first else None
    return references.rr(quantum, requeue_first), {"ties": ties, "parameters": {"quantum": span(quantum)}}


def any_priority(dice: random.Random) -> tuple[Rules, dict[str, Any]]:
    preemptive, aging = dice.random() < 0.6, dice.choice([0, 0, 3, 5])
    quantum, larger = dice.choice([0, 0, 1, 3]), dice.random() < 0.4
    parameters = {"preemptive": preemptive, "aging": span(aging), "quantum": span(quantum), "larger": larger}
    return references.priority(preemptive, aging, quantum, larger), {"parameters": parameters}


def any_feedback(dice: random.Random) -> tuple[Rules, dict[str, Any]]:
    quantum, base = dice.randint(1, 3), dice.randint(1, 3)
    return references.feedback(quantum, base), {"parameters": {"quantum": span(quantum), "base": base}}


def any_stride(dice: random.Random) -> tuple[Rules, dict[str, Any]]:
    quantum = dice.choice([1, 2, 4])
    return references.stride(quantum), {"parameters": {"quantum": span(quantum)}}


CASES: dict[str, Callable[[random.Random], tuple[Rules, dict[str, Any]]]] = {
    "fcfs": lambda dice: (references.fcfs(), {}),
    "sjf": lambda dice: (references.sjf(), {}),
    "srtf": lambda dice: (references.srtf(), {}),
    "hrrn": lambda dice: (references.hrrn(), {}),
    "rr": any_rr,
    "priority": any_priority,
    "feedback": any_feedback,
    "stride": any_stride,
}


@pytest.mark.parametrize("policy", CASES)
def test_a_textbook_would_schedule_the_same(policy: str) -> None:
    for seed in range(WORKLOADS):
        dice = random.Random(f"{policy} {seed}")
        jobs, cpus = workload(dice, io_at_ends=True), dice.choice([1, 1, 2, 3])
        rules, machine = CASES[policy](dice)
        mine = ours(jobs, cpus, policy=policy, **machine)
        assert mine == references.schedule(jobs, rules, cpus), f"{policy} {seed}: {cpus} CPUs, {machine}, {jobs}"


def test_a_textbook_would_schedule_the_same_with_multilevel_feedback() -> None:
    for seed in range(4 * WORKLOADS):
        dice = random.Random(f"mlfq {seed}")
        jobs, cpus = workload(dice), dice.choice([1, 1, 1, 2, 3])
        quanta = [dice.randint(1, 6) for _ in range(dice.randint(1, 4))]
        allotments = [dice.randint(1, 3) for _ in quanta]
        boost = dice.choice([0, 0, dice.randint(3, 9), dice.randint(10, 30)])
        stay, io_bump = dice.random() < 0.3, dice.random() < 0.4
        parameters = {
            "quanta": [span(quantum) for quantum in quanta],
            "allotments": allotments,
            "boost": span(boost),
            "stay": stay,
            "io_bump": io_bump,
        }
        mine = ours(jobs, cpus, policy="mlfq", parameters=parameters)
        theirs = references.Multilevel(jobs, quanta, allotments, boost, stay, io_bump, cpus).run()
        assert mine == theirs, f"mlfq {seed}: {cpus} CPUs, {parameters}, {jobs}"


def document(folder: Path, jobs: list[Job], machine: str, *options: str) -> tuple[dict[str, Any], Run]:
    """What the command says of a scenario file, and who had each CPU in every tick according to it."""
    path = folder / "jobs.toml"
    tables = [f"[machine]\n{machine}"]
    for job in jobs:
        work = [f"{'io' if index % 2 else 'cpu'} {span(ticks)}" for index, ticks in enumerate(job.work)]
        tables.append(
            f'[[process]]\nname = "job{job.number}"\narrive = "{span(job.arrival)}"\nwork = {work}\n'
            f"priority = {job.priority}\ntickets = {job.tickets}\n"
        )
    path.write_text("\n".join(tables))
    done = ossandbox("simulate", str(path), "--json", *options)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    order = {process["pid"]: index for index, process in enumerate(said["processes"])}
    finish = [process["finished_ns"] // UNIT for process in said["processes"]]
    table: list[list[int | None]] = [[None] * said["machine"]["cpus"] for _ in range(max(finish))]
    for piece in said["slices"]:
        for tick in range(piece["start_ns"] // UNIT, piece["end_ns"] // UNIT):
            table[tick][piece["cpu"]] = order[piece["pid"]]
    return said, Run([tuple(row) for row in table], finish)


def test_the_same_through_a_file_and_the_command(tmp_path: Path) -> None:
    jobs = workload(random.Random(7))
    parameters = '{ quanta = ["20ms", "30ms"], allotments = [1, 2], boost = "150ms", stay = true, io_bump = true }'
    said, run = document(tmp_path, jobs, f'policy = "mlfq"\nparameters = {parameters}')
    assert run == references.Multilevel(jobs, [2, 3], [1, 2], 15, True, True).run()
    assert said["policy"] == {
        "name": "mlfq",
        "parameters": {
            "quanta_ns": [2 * UNIT, 3 * UNIT],
            "allotments": [1, 2],
            "boost_ns": 15 * UNIT,
            "stay": True,
            "io_bump": True,
        },
    }


def test_options_of_the_command_go_before_what_the_file_says(tmp_path: Path) -> None:
    jobs = workload(random.Random(8))
    options = ["--policy", "feedback", "--quantum", "20ms", "--cpus", "2", "--seed", "5"]
    said, run = document(tmp_path, jobs, 'policy = "rr"\nquantum = "70ms"\nparameters = { quantum = "50ms" }', *options)
    assert run == references.schedule(jobs, references.feedback(2, 2), 2)
    assert said["policy"] == {"name": "feedback", "parameters": {"quantum_ns": 2 * UNIT, "base": 2}}


@pytest.mark.parametrize("policy", ["edf", "rm"])
def test_periodic_jobs(policy: str) -> None:
    urgency = {"edf": lambda task, due: due, "rm": lambda task, due: task.period}[policy]
    late = 0
    for seed in range(WORKLOADS):
        dice = random.Random(seed)
        tasks = []
        for _ in range(dice.randint(1, 4)):
            period = dice.randint(3, 15)
            tasks.append(
                Periodic(
                    dice.randint(0, 5), dice.randint(1, 5), period, dice.randint(2, 2 * period), dice.randint(1, 6)
                )
            )
        specs = [
            ProcessSpec(
                f"task{number}",
                task.arrival * UNIT,
                [Segment("cpu", task.ticks * UNIT)],
                repeat=task.jobs,
                period_ns=task.period * UNIT,
                deadline_ns=task.deadline * UNIT,
            )
            for number, task in enumerate(tasks)
        ]
        events = simulate(scenario(*specs, policy=policy))
        ends = exits(events)
        pids = {event.pid: event.order for event in events if isinstance(event, Admitted)}
        missed = {
            (pids[event.pid or 0], int(event.note.figures["due_ns"] or 0) // UNIT)
            for event in events
            if isinstance(event, PolicyNote)
        }
        expected = periodic(tasks, urgency)
        assert ([ends[spec.name].t_ns // UNIT for spec in specs], missed) == expected, f"seed {seed}: {tasks}"
        late += len(missed)
    assert late > WORKLOADS, "workloads in which much is late"
