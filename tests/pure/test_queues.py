"""The policies' own queues as they see them, and what they tell of themselves, when somebody asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox import wording
from sandbox.model.commands import AnyCommand, Describe, Look, Pause, Tune, UsePolicy
from sandbox.model.events import Described, Fault, Operator, ParameterView, Queues, decode, encode
from sandbox.util.units import MS
from sandbox.views.board import Board
from tests.support.scenarios import process, scenario, simulate


def look(policy: str, at: str = "25ms", most: int = 50, cpus: int = 1, **parameters: Any) -> Queues:
    jobs = [
        process("a", "cpu 100ms"),
        process("b", "cpu 100ms", tickets=50, nice=5, priority=1),
        process("c", "cpu 100ms", arrive="22ms", tickets=200, nice=-5),
        process("d", "cpu 1ms", "io 50ms", "cpu 1ms"),
    ]
    events = simulate(scenario(*jobs, policy=policy, parameters=parameters, cpus=cpus, script=[(at, Look(most))]))
    (seen,) = [event for event in events if isinstance(event, Queues)]
    assert decode(encode(seen)) == seen
    return seen


def shown(seen: Queues) -> list[tuple[str, int | None, list[int]]]:
    return [(wording.queue(queue.name), queue.slice_ns, [task.pid for task in queue.tasks]) for queue in seen.queues]


def test_one_queue_in_the_order_in_which_it_will_be_served() -> None:
    seen = look("fcfs")
    assert shown(seen) == [("ready queue", None, [2, 3, 4])]
    assert [task.pid for task in seen.running] == [1]


def test_levels_with_their_slices() -> None:
    seen = look("mlfq", quanta=["5ms", "10ms", "20ms"])
    assert shown(seen) == [("queue 0", 5 * MS, []), ("queue 1", 10 * MS, [2]), ("queue 2", 20 * MS, [1])]
    assert seen.running[0].pid == 4
    assert seen.queues[1].tasks[0].figures == {"level": 1, "slices": 1}


def figures(seen: Queues, pid: int) -> dict[str, Any]:
    tasks = [*seen.running, *(task for queue in seen.queues for task in queue.tasks)]
    return next(task.figures for task in tasks if task.pid == pid)


def test_tickets_passes_runtimes_and_deadlines() -> None:
    assert figures(look("lottery"), 2) == {"tickets": 50}
    assert figures(look("stride"), 2)["stride"] == 200
    assert figures(look("fair"), 2)["weight"] == 335
    assert set(figures(look("eevdf"), 2)) == {"deadline_ns", "vruntime_ns", "weight"}
    assert figures(look("edf"), 2) == {"due_ns": None, "period_ns": None}


def test_what_is_told_of_a_task_is_what_the_policy_goes_by() -> None:
    """After 25 ms of four that have 100 ms each; c is the fourth that came, with 200 tickets and nice -5."""
    for name in ("fcfs", "rr"):
        assert figures(look(name), 2) == {}
    for name in ("sjf", "srtf", "hrrn"):
        assert figures(look(name), 2) == {"burst_ns": 100 * MS}
        assert figures(look(name, knows="estimate", guess="7ms"), 2) == {"estimate_ns": 7 * MS}
    assert figures(look("priority"), 2) == {"priority": 1}
    assert figures(look("priority", aging="10ms"), 2) == {"priority": -1, "own": 1}, "it has aged twice"
    assert figures(look("priority", aging="10ms", larger=True), 1) == {"priority": 2, "own": 0}
    assert figures(look("feedback"), 2) == {"level": 1}
    assert figures(look("stride"), 2) == {"pass": 200.0, "stride": 200.0}
    assert figures(look("stride"), 4) == {"pass": 100.0, "stride": 50.0}, "the pass of the last one chosen"
    assert figures(look("eevdf"), 4)["weight"] == 3121


def test_periods_and_deadlines_are_told() -> None:
    job = process("a", "cpu 30ms", period_ns=80 * MS, deadline_ns=60 * MS)
    for policy in ("edf", "rm"):
        (seen,) = [
            event
            for event in simulate(scenario(job, process("b", "cpu 9ms"), policy=policy, script=[("5ms", Look(9))]))
            if isinstance(event, Queues)
        ]
        assert figures(seen, 1) == {"due_ns": 60 * MS, "period_ns": 80 * MS}
        assert figures(seen, 2) == {"due_ns": None, "period_ns": None}


def test_queues_are_told_with_the_slice_that_each_gets_from_there() -> None:
    """At 25 ms: of feedback 1 and 2 have used a slice of 10 ms and are one queue down, where it is twice as long."""
    assert shown(look("feedback")) == [("queue 0", 10 * MS, [4]), ("queue 1", 20 * MS, [2])]
    assert shown(look("mlfq")) == [("queue 0", 10 * MS, []), ("queue 1", 20 * MS, [1, 2]), ("queue 2", 40 * MS, [])]
    assert shown(look("priority")) == [("ready queue", None, [3, 4, 2])]
    assert shown(look("stride"))[0][2] == [4, 2]
    ((name, slice_ns, pids),) = shown(look("lottery"))
    assert (name, slice_ns, len(pids)) == ("ready queue", 10 * MS, 2)
    assert [slice_ns for _, slice_ns, _ in shown(look("eevdf", quantum="4ms"))] == [4 * MS, 4 * MS]


def test_who_is_eligible_and_who_is_ahead() -> None:
    assert {name for name, _, _ in shown(look("eevdf"))} == {"eligible", "ahead of their share"}


def test_only_the_first_ones_of_a_long_queue_are_told() -> None:
    seen = look("fcfs", most=2)
    assert shown(seen) == [("ready queue", None, [2, 3])]
    assert seen.queues[0].number == 3


def test_nobody_looks_and_nothing_is_told() -> None:
    assert not [event for event in simulate(scenario(process("a", "cpu 30ms"))) if isinstance(event, Queues)]


def test_one_can_look_while_the_machine_is_paused_and_the_board_keeps_it() -> None:
    jobs = [process(name, "cpu 30ms") for name in "ab"]
    board = Board()
    for event in simulate(scenario(*jobs, script=[("5ms", Pause()), ("6ms", Look())])):
        board.apply(event)
    assert board.queues is not None
    assert [task.pid for task in board.queues.running] == [1], "whoever has to go on afterwards counts as running"
    assert wording.sentence(board.queues, {1: "a", 2: "b"}) == "running: a; ready queue: b"


# The policy in force


def describe(policy: str, *script: tuple[str, AnyCommand], **machine: Any) -> list[Described]:
    jobs = [process(name, "cpu 30ms") for name in "ab"]
    events = simulate(scenario(*jobs, policy=policy, script=[*script, ("20ms", Describe())], **machine))
    told = [event for event in events if isinstance(event, Described)]
    assert [decode(encode(event)) for event in told] == told
    return told


def test_a_policy_tells_of_its_parameters_as_one_would_type_them() -> None:
    (told,) = describe("mlfq", ("5ms", Tune("boost", "1s")))
    assert (told.policy, told.source, Path(told.file or "").name) == ("mlfq", "mlfq", "mlfq.py")
    assert told.says.startswith("The processes of the highest non-empty queue run in turn")
    values = {parameter.name: (parameter.value, parameter.allowed) for parameter in told.parameters}
    assert values["quanta"] == ("10ms, 20ms, 40ms", "100 us … 60 s")
    assert values["boost"] == ("1s", "0 ms | 1 ms … 86400 s")
    assert values["stay"] == ("false", "true | false")
    assert wording.sentence(told, {}).startswith("policy mlfq; quanta 10ms, 20ms, 40ms; ")


MINE = '''\
from sandbox.policies.base import Parameter, Policy
from sandbox.policies import Whole

class Mine(Policy):
    """Says\\x1b[31m this."""
    depth = Parameter(Whole(1, 9), 3, "how \\x07deep")
'''


def test_so_does_a_policy_of_ones_own_in_harmless_words(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    (told,) = describe(f"{path}:Mine")
    assert (told.policy, told.source, told.file) == ("Mine", f"{path}:Mine", str(path))
    assert told.says == "Says this."
    assert told.parameters == [ParameterView("depth", "3", "1 … 9", "how deep")]


def test_a_long_description_is_told_up_to_4000_characters(tmp_path: Path) -> None:
    for length in (3_999, 4_000, 4_001, 20_000):
        words = "x" * length
        (tmp_path / "mine.py").write_text(f"from sandbox.policies import Policy\nclass Mine(Policy):\n    '{words}'\n")
        (told,) = describe(f"{tmp_path}/mine.py:Mine")
        assert told.says == words[:4_000]


def test_f28_one_that_cannot_tell_is_replaced_and_its_successor_tells(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(MINE + "    def described(self):\n        return 1 / 0\n")
    jobs = [process(name, "cpu 30ms") for name in "ab"]
    board = Board()
    for event in simulate(scenario(*jobs, policy=f"{path}:Mine", script=[("20ms", Describe())])):
        board.apply(event)
    assert board.failure is not None
    assert board.failure.what.figures["line"] == 8
    assert board.described is not None
    assert (board.described.policy, board.described.parameters) == ("fcfs", [])
    assert Path(board.described.file or "").name == "fcfs.py"


def test_the_board_knows_of_whom_it_was_told_and_what_failed(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def pick(:")
    script = [("5ms", Describe()), ("10ms", UsePolicy(f"{path}:Mine")), ("15ms", UsePolicy("fcfs"))]
    jobs = [process(name, "cpu 30ms") for name in "ab"]
    board = Board()
    seen = []
    for event in simulate(scenario(*jobs, policy="rr", script=script)):
        board.apply(event)
        if isinstance(event, (Described, Fault, Operator)):
            seen.append((board.described is not None, board.failure is not None))
    assert seen == [(True, False), (True, True), (True, False)]
    assert board.described is None, "the one that took over has not been asked"
