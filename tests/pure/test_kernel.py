"""The kernel on the virtual machine: one instant, slices, preemption, pauses, steps, the operator."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import run as run_on
from sandbox.kernel.machine import (
    Arrived,
    Asked,
    Ended,
    Happened,
    Obeyed,
    Report,
    Run,
    Started,
    Stop,
    Told,
    Waits,
    Woke,
    Yielded,
)
from sandbox.kernel.operator import CommandInterpreter
from sandbox.kernel.process import BurstPlan, Process, Processes
from sandbox.machines.simulate import obstacles
from sandbox.machines.virtual import VirtualMachine
from sandbox.model.commands import (
    AnyCommand,
    Keys,
    Kill,
    Pause,
    PauseAtSteps,
    Press,
    Quit,
    Resume,
    Spawn,
    Step,
    Tune,
    Type,
    UsePolicy,
)
from sandbox.model.events import (
    Admitted,
    Became,
    Blocked,
    Booted,
    Clause,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    Fault,
    Halted,
    Operator,
    Ready,
    ReadyReason,
)
from sandbox.model.problems import Problem
from sandbox.model.spec import ClientSpec, MachineSpec, ProcessSpec, Segment
from sandbox.model.states import LEGAL, IllegalTransition, State, move
from sandbox.policies.base import Policy, Task
from sandbox.policies.host.factory import PolicyFactory
from sandbox.policies.priority import Priority
from sandbox.policies.rr import RoundRobin
from sandbox.util.units import MS
from sandbox.views.board import Board
from sandbox.views.history import History
from sandbox.wording import why
from tests.support.scenarios import command, exits, gantt, process, scenario, simulate


def dispatches(events: list[Event]) -> list[tuple[float, int]]:
    return [(event.t_ns / MS, event.pid) for event in events if isinstance(event, Dispatched)]


def reasons(events: list[Event], pid: int) -> list[str]:
    return [event.reason for event in events if isinstance(event, Descheduled) and event.pid == pid]


def test_ending_beats_expiry() -> None:
    events = simulate(scenario(process("a", "cpu 20ms"), process("b", "cpu 20ms"), quantum_ns=20 * MS))
    assert reasons(events, 1) == ["exited"]
    assert gantt(events) == [("a", 0, 20), ("b", 20, 40)]


def test_blocking_beats_expiry() -> None:
    a, b = process("a", "cpu 20ms", "io 5ms", "cpu 5ms"), process("b", "cpu 30ms")
    assert reasons(simulate(scenario(a, b, quantum_ns=20 * MS)), 1) == ["blocked", "exited"]


def test_arrivals_come_before_wakes_and_both_before_expiry() -> None:
    world = scenario(
        process("sleeper", "io 20ms", "cpu 1ms"),
        process("hog", "cpu 40ms"),
        process("late", "cpu 1ms", arrive="20ms"),
        quantum_ns=20 * MS,
    )
    at_20 = [event for event in simulate(world) if isinstance(event, Ready) and event.t_ns == 20 * MS]
    assert [(event.pid, event.reason) for event in at_20] == [(3, "admitted"), (1, "woke"), (2, "expired")]


def test_requeue_first_puts_the_expired_one_before_arrivals() -> None:
    world = scenario(
        process("hog", "cpu 40ms"), process("late", "cpu 1ms", arrive="20ms"), quantum_ns=20 * MS, ties="requeue-first"
    )
    assert gantt(simulate(world)) == [("hog", 0, 40), ("late", 40, 41)]


def test_wakes_come_in_the_order_in_which_they_began_to_block() -> None:
    world = scenario(
        process("first", "cpu 1ms", "io 19ms", "cpu 1ms"),
        process("second", "cpu 1ms", "io 18ms", "cpu 1ms"),
        process("hog", "cpu 50ms"),
        policy="fcfs",
    )
    at_20 = [event.pid for event in simulate(world) if isinstance(event, Ready) and event.t_ns == 20 * MS]
    assert at_20 == [1, 2]


def test_a_process_that_begins_with_io_needs_no_cpu_to_begin_it() -> None:
    events = simulate(scenario(process("b", "cpu 30ms"), process("a", "io 10ms", "cpu 10ms"), policy="fcfs"))
    assert gantt(events) == [("b", 0, 30), ("a", 30, 40)]
    assert exits(events)["a"].blocked_ns == 10 * MS


def test_a_process_that_ends_with_io_is_over_when_that_is() -> None:
    events = simulate(scenario(process("a", "cpu 10ms", "io 20ms"), process("b", "cpu 100ms"), policy="fcfs"))
    assert gantt(events) == [("a", 0, 10), ("b", 10, 110)]
    assert exits(events)["a"].t_ns == 30 * MS


def test_alone_it_goes_on_without_a_switch_but_with_a_decision() -> None:
    events = simulate(scenario(process("a", "cpu 50ms"), quantum_ns=20 * MS))
    assert dispatches(events) == [(0, 1), (20, 1), (40, 1)]
    assert gantt(events) == [("a", 0, 50)]


def test_a_switch_costs_what_it_is_told_to() -> None:
    world = scenario(process("a", "cpu 20ms"), process("b", "cpu 20ms"), quantum_ns=10 * MS, switch_cost_ns=1 * MS)
    events = simulate(world)
    assert exits(events)["a"].t_ns == 33 * MS  # ↷ a ↷ b ↷ a: three switches and three slices
    assert exits(events)["a"].cpu_ns == 20 * MS
    assert exits(events)["b"].t_ns == 44 * MS


def test_two_cpus_take_from_one_queue() -> None:
    world = scenario(*(process(name, "cpu 20ms") for name in "abc"), quantum_ns=10 * MS, cpus=2)
    events = simulate(world)
    assert {name: end.t_ns // MS for name, end in exits(events).items()} == {"a": 20, "b": 30, "c": 30}
    assert [(event.cpu, event.pid) for event in events if isinstance(event, Dispatched)][:2] == [(0, 1), (1, 2)]


def scripted(*script: tuple[str, AnyCommand], quantum: int = 20) -> list[Event]:
    world = scenario(*(process(name, "cpu 60ms") for name in ("a", "b", "c")), script=script, quantum_ns=quantum * MS)
    return simulate(world)


def test_a_pause_takes_the_cpu_away_and_changes_nothing_else() -> None:
    plain = scripted()
    paused = scripted(("30ms", Pause()), ("90ms", Resume()))
    assert gantt(paused) == gantt(plain)
    assert "paused" in reasons(paused, 2)
    assert "paused" not in reasons(plain, 2)
    assert {name: end.t_ns for name, end in exits(paused).items()} == {n: e.t_ns for n, e in exits(plain).items()}


def test_after_a_pause_a_process_keeps_what_is_left_of_its_slice() -> None:
    events = scripted(("30ms", Pause()), ("90ms", Resume()))
    resumed = next(event for event in events if isinstance(event, Dispatched) and event.why.rule.startswith("goes on"))
    assert (resumed.pid, resumed.slice_ns) == (2, 10 * MS)


def test_one_step_is_one_decision() -> None:
    steps = [(f"{200 + index * 50}ms", Step()) for index in range(4)]
    events = scripted(("30ms", Pause()), *steps, ("500ms", Resume()))
    assert stepped(events) == [[2, 3], [1], [2], [3]], "that 2 goes on after the pause is no decision"
    assert gantt(events) == gantt(scripted())


def test_on_two_cpus_too_each_step_is_one_decision() -> None:
    steps = [(f"{200 + index * 50}ms", Step()) for index in range(3)]
    world = scenario(
        *(process(name, "cpu 60ms") for name in "abc"),
        script=[("30ms", Pause()), *steps, ("500ms", Resume())],
        quantum_ns=20 * MS,
        cpus=2,
    )
    decided = [pids[-1] for pids in stepped(simulate(world))]
    assert decided == [2, 3, 1]


def stepped(events: list[Event]) -> list[list[int]]:
    """Who got a CPU in each step."""
    seen: list[list[int]] = []
    for event in events:
        if isinstance(event, Operator) and event.did.rule == "stepped":
            seen.append([])
        elif isinstance(event, Operator) and event.did.rule == "resumed":
            break
        elif isinstance(event, Dispatched) and seen:
            seen[-1].append(event.pid)
    return seen


def test_steps_asked_for_at_once_are_all_made() -> None:
    events = scripted(("30ms", Pause()), ("40ms", Step()), ("40ms", Step()), ("40ms", Step()), ("500ms", Resume()))
    before_resume = events[
        : next(i for i, e in enumerate(events) if isinstance(e, Operator) and e.did.rule == "resumed")
    ]
    assert dispatches(before_resume)[2:] == [(30, 2), (40, 3), (60, 1), (80, 2)]


def test_a_step_shows_the_chosen_one_before_it_runs() -> None:
    board, running = Board(), []
    for event in scripted(("30ms", Pause()), ("40ms", Step()), ("90ms", Step()), ("200ms", Resume())):
        board.apply(event)
        if isinstance(event, Operator) and event.did.rule == "paused":
            running.append((board.now_ns / MS, dict(board.running)))
    assert running == [(30, {}), (40, {0: 3}), (60, {0: 1})]


def test_the_quantum_changes_at_once() -> None:
    events = scripted(("25ms", Tune("quantum", "5ms")))
    assert dispatches(events)[:4] == [(0, 1), (20, 2), (25, 3), (30, 1)]


def test_another_policy_takes_over_in_the_middle() -> None:
    events = scripted(("25ms", UsePolicy("fcfs")))
    assert gantt(events) == [("a", 0, 20), ("b", 20, 80), ("c", 80, 140), ("a", 140, 180)]


@pytest.mark.parametrize("time", ["10ms", "30ms"])  # running, ready
def test_a_killed_process_is_gone_and_the_others_go_on(time: str) -> None:
    events = scripted((time, Kill("a")))
    ends = exits(events)
    assert (ends["a"].code, ends["a"].signal, ends["a"].status) == (None, 15, -15)
    assert ends["b"].status == ends["c"].status == 0


def test_killed_while_blocked() -> None:
    world = scenario(process("a", "io 50ms"), process("b", "cpu 20ms"), script=[("5ms", Kill("a"))], policy="fcfs")
    end = exits(simulate(world))["a"]
    assert (end.t_ns, end.blocked_ns, end.waiting_ns, end.cpu_ns) == (5 * MS, 5 * MS, 0, 0)


def test_the_time_of_who_is_killed_is_told_to_the_end() -> None:
    """Waits are 7 and 5 ms, of the second only what passed of it; so with the wait for the CPU and its use."""
    work = process("a", "cpu 10ms", "io 7ms", "cpu 10ms", "io 50ms")
    alone = exits(simulate(scenario(work, script=[("32ms", Kill("a"))])))["a"]
    assert (alone.t_ns, alone.blocked_ns, alone.waiting_ns, alone.cpu_ns) == (32 * MS, 12 * MS, 0, 20 * MS)
    jobs = [process(name, "cpu 60ms") for name in "ab"]
    ready = exits(simulate(scenario(*jobs, quantum_ns=20 * MS, script=[("33ms", Kill("a"))])))["a"]
    assert (ready.t_ns, ready.blocked_ns, ready.waiting_ns, ready.cpu_ns) == (33 * MS, 0, 13 * MS, 20 * MS)
    running = exits(simulate(scenario(*jobs, quantum_ns=20 * MS, script=[("33ms", Kill("b"))])))["b"]
    assert (running.t_ns, running.blocked_ns, running.waiting_ns, running.cpu_ns) == (33 * MS, 0, 20 * MS, 13 * MS)


def test_killed_while_the_machine_is_paused() -> None:
    events = scripted(("30ms", Pause()), ("31ms", Kill("b")), ("32ms", Resume()))
    assert gantt(events)[:3] == [("a", 0, 20), ("b", 20, 30), ("c", 30, 50)]


def test_nonsense_from_the_operator_is_a_fault_and_no_more() -> None:
    events = scripted(("1ms", Kill("nobody")), ("2ms", UsePolicy("magic")), ("3ms", Tune("quantum", "20")))
    assert [event.what.rule for event in events if isinstance(event, Fault)] == [
        "no such process",
        "no such policy",
        "duration needs a unit",
    ]
    assert gantt(events) == gantt(scripted())


def test_who_has_ended_is_told_from_who_never_was() -> None:
    world = scenario(
        process("a", "cpu 5ms"), process("b", "cpu 20ms"), script=[("10ms", Kill("a")), ("11ms", Kill("c"))]
    )
    faults = [event.what for event in simulate(world) if isinstance(event, Fault)]
    assert faults == [Clause("has ended already", {"who": "a"}), Clause("no such process", {"who": "c"})]


def test_what_the_operator_does_is_on_record_in_his_words() -> None:
    """A line with a control character in it is shown without; one whose echo is off is told without its text."""
    events = scripted(
        ("1ms", Type("a", "ls \x1b[31m-l")),
        ("2ms", Type("b", "secret", unseen=True)),
        ("3ms", Press("3", "ctrl+c")),
        ("4ms", Spawn(["ls", "-l"])),
        ("5ms", Pause()),
        ("6ms", Pause()),
        ("7ms", Resume()),
        ("8ms", Resume()),
        ("9ms", Tune("quantum", "30ms")),
        ("10ms", UsePolicy("fcfs")),
        ("11ms", Kill("c")),
        ("12ms", Quit()),
        ("12ms", Quit()),
    )
    done = [(event.t_ns // MS, event.did) for event in events if isinstance(event, Operator)]
    assert done == [
        (1, Clause("typed", {"pid": 1, "text": "ls -l"})),
        (2, Clause("typed unseen", {"pid": 2})),
        (3, Clause("pressed", {"pid": 3, "key": "ctrl+c"})),
        (4, Clause("spawned", {"runs": "ls -l"})),
        (5, Clause("paused", {"by": "operator"})),
        (5, Clause("resumed", {})),
        (7, Clause("set", {"parameter": "quantum", "value": "30ms"})),
        (8, Clause("policy", {"policy": "fcfs"})),
        (9, Clause("killed", {"pid": 3})),
        (10, Clause("quit", {})),
    ]


def test_a_pause_that_nobody_ends_ends_the_run() -> None:
    events = scripted(("30ms", Pause()))
    assert [event.what.rule for event in events if isinstance(event, Fault)] == ["nothing can happen any more"]


def test_who_comes_together_with_a_better_one_gets_the_next_cpu() -> None:
    """Both may push the same one aside; the better of them gets that CPU, the other one the CPU of the next victim."""
    world = scenario(
        process("low-1", "cpu 50ms", priority=5),
        process("low-2", "cpu 50ms", priority=5),
        process("middle", "cpu 10ms", priority=3, arrive="10ms"),
        process("high", "cpu 10ms", priority=1, arrive="10ms"),
        policy="priority",
        cpus=2,
    )
    assert [(at, pid) for at, pid in dispatches(simulate(world)) if at == 10] == [(10, 4), (10, 3)]


def test_who_loses_his_cpu_at_the_end_of_a_slice_gets_that_of_a_worse_one() -> None:
    """At 40 ms a newcomer takes the CPU of the middle one, which is still better than the low one on the other CPU."""
    world = scenario(
        process("low", "cpu 100ms"),
        process("middle", "cpu 60ms", arrive="20ms"),
        process("new", "cpu 10ms", arrive="40ms"),
        policy="mlfq",
        parameters={"quanta": ["10ms", "10ms", "40ms"], "allotments": [1, 2, 1]},
        cpus=2,
    )
    events = simulate(world)
    assert [pid for at, pid in dispatches(events) if at == 40] == [3, 2]
    assert "preempted" in reasons(events, 1)


def test_who_gets_the_cpu_back_at_once_needs_no_order() -> None:
    """Its slice has ended, or another one was to take the CPU, and the policy picks it again: it has never stopped."""

    class Hesitant(Policy):
        def slice(self, task: Task) -> int:
            return 10 * MS

        def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
            return task.pid == 2 and running.pid == 1

        def pick(self, cpu: int, now_ns: int) -> Task | None:
            first = next((task for task in self.queue if task.pid == 1), None)
            if first is not None:
                self.queue.remove(first)
            return first

    kernel = Kernel(Hesitant())
    kernel.tell(Happened(0, [Arrived(1, process("a", "cpu 1s"))], {}))
    assert kernel.decide() == [Run(1, 0)]
    kernel.tell(Happened(10 * MS, [], {1: 10 * MS}))
    assert kernel.decide() == [], "expired"
    kernel.tell(Happened(15 * MS, [Arrived(2, process("b", "cpu 1s"))], {1: 15 * MS}))
    assert kernel.decide() == [], "preempted"
    kernel.tell(Happened(20 * MS, [Yielded(1)], {1: 20 * MS}))
    assert kernel.decide() == [Run(1, 0)], "whoever yields has left the CPU by itself"


def test_so_does_who_begins_his_next_job_at_once() -> None:
    """At 30 ms b yields, and a better one has come, which gets its CPU: b takes that of the low one."""
    kernel = Kernel(Priority(), cpus=2)
    specs = [process(name, "cpu 1s", priority=priority) for name, priority in (("low", 9), ("b", 5), ("better", 1))]
    arrived: list[Report] = [Arrived(pid, spec) for pid, spec in enumerate(specs, 1)]
    kernel.tell(Happened(0, arrived[:2], {}))
    assert kernel.decide() == [Run(2, 0), Run(1, 1)]
    kernel.tell(Happened(30 * MS, [Yielded(2), arrived[2]], {2: 30 * MS}))
    assert kernel.decide()[-2:] == [Run(3, 0), Run(2, 1)]
    assert kernel.processes[1].state is State.READY


def test_the_beginning_of_typing_is_on_record_and_not_each_key() -> None:
    """Who types elsewhere, or has not for more than two seconds, begins anew; what a terminal answers is nobody's typing."""
    keys = [(100, "a"), (1_900, "a"), (3_000, "a"), (5_001, "a"), (7_001, "a"), (7_002, "b"), (7_003, "a")]
    script: list[tuple[str, AnyCommand]] = [(f"{at}ms", Keys(who, "x")) for at, who in keys]
    script += [("9500ms", Keys("b", "x", automatic=True)), ("9501ms", Keys("nobody", "x"))]
    events = simulate(scenario(process("a", "cpu 10s"), process("b", "cpu 10s"), script=script))
    typed = [(event.t_ns // MS, event.did.figures["pid"]) for event in events if isinstance(event, Operator)]
    assert typed == [(100, 1), (5_001, 1), (7_002, 2), (7_003, 1)]


def test_who_has_been_forgotten_has_left_its_name_to_others() -> None:
    """Of nine dead the first is forgotten, and the tenth may have its name."""
    processes, called = Processes(8), []
    for pid in range(1, 12):
        processes.admit(Process(pid, process("cat", "cpu 1ms"), 0, None, continued=False), None)
        called.append(processes[pid].called)
        processes.bury(pid)
    assert called == ["cat", *(f"cat#{pid}" for pid in range(2, 10)), "cat", "cat#11"]
    assert [*processes] == [*range(4, 12)]


def test_who_comes_during_a_pause_may_take_the_cpu_afterwards() -> None:
    world = scenario(
        process("long", "cpu 60ms"),
        process("short", "cpu 10ms"),
        policy="sjf",
        script=[("20ms", Pause()), ("30ms", UsePolicy("srtf")), ("40ms", Resume())],
    )
    world.processes[1].arrive_ns = 15 * MS
    assert gantt(simulate(world))[1] == ("short", 20, 30)


def test_a_policy_hears_nothing_of_a_pause() -> None:
    heard: list[tuple[str, int]] = []

    class Listening(RoundRobin):
        def pick(self, cpu: int, now_ns: int) -> Task | None:
            task = super().pick(cpu, now_ns)
            heard.append(("pick", task.pid if task else 0))
            return task

        def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
            heard.append(("stopping", ran_ns // MS))

    world = scenario(process("a", "cpu 30ms"), script=[("5ms", Pause()), ("7ms", Resume()), ("9ms", Pause()), ("20ms", Kill("a")), ("30ms", Resume())])  # fmt: skip
    simulate(world, Listening({"quantum": "20ms"}))
    assert heard == [("pick", 1), ("stopping", 7)]


def test_nobody_is_dispatched_any_more_when_the_operator_quits() -> None:
    """Those who are ready stay so: they never get the CPU that the others have left."""
    assert dispatches(scripted(("8ms", Quit()))) == [(0, 1)]
    assert dispatches(scripted(("8ms", Pause()), ("9ms", Quit()))) == [(0, 1)]


def test_a_policy_is_told_the_time_of_the_instant() -> None:
    heard: list[tuple[Any, ...]] = []

    class Listening(RoundRobin):
        timer_ns = 24 * MS

        def start(self, now_ns: int) -> None:
            heard.append(("start", now_ns // MS))

        def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
            heard.append((reason, task.pid, now_ns // MS))
            super().enqueue(task, reason, now_ns)

        def pick(self, cpu: int, now_ns: int) -> Task | None:
            heard.append(("pick", cpu, now_ns // MS))
            return super().pick(cpu, now_ns)

        def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
            heard.append(("preempts", task.pid, running.pid, now_ns // MS))
            return False

        def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
            heard.append((task.stopped, task.pid, ran_ns // MS, now_ns // MS))

        def timer(self, now_ns: int) -> None:
            heard.append(("timer", now_ns // MS))
            self.timer_ns = None  # type: ignore[assignment]

        def retune(self, now_ns: int) -> None:
            heard.append(("retune", now_ns // MS))

    jobs = [process("a", "cpu 25ms"), process("late", "cpu 5ms", arrive="7ms")]
    simulate(scenario(*jobs, script=[("3ms", Tune("quantum", "20ms"))]), Listening())
    assert heard == [
        ("start", 0), ("admitted", 1, 0), ("pick", 0, 0), ("retune", 3), ("admitted", 2, 7), ("preempts", 2, 1, 7),
        ("expired", 1, 20, 20), ("expired", 1, 20), ("pick", 0, 20), ("timer", 24), ("preempts", 1, 2, 24),
        ("exited", 2, 5, 25), ("pick", 0, 25), ("exited", 1, 5, 30),
    ]  # fmt: skip


def test_what_was_used_of_a_slice_is_on_record_when_the_operator_quits() -> None:
    events = simulate(scenario(process("a", "cpu 30ms"), process("b", "cpu 30ms"), cpus=2, script=[("8ms", Quit())]))
    assert [(event.pid, event.ran_ns) for event in events if isinstance(event, Descheduled)] == [
        (1, 8 * MS),
        (2, 8 * MS),
    ]
    assert isinstance(events[-1], Halted)


def why_at(events: list[Event], t_ms: int) -> str:
    board = Board()
    for event in events:
        if event.t_ns > t_ms * MS:
            break
        board.apply(event)
    explained = why(board.recent, {1: "hog", 2: "late"}, board.policy, idle=False)
    assert explained is not None
    return explained[1]


@pytest.mark.parametrize("ties", ["arrival-first", "requeue-first"])
def test_the_rule_for_ties_is_told_with_whom_the_other_one_would_choose(ties: str) -> None:
    jobs = [process("hog", "cpu 40ms"), process("late", "cpu 10ms", arrive="20ms")]
    said = why_at(simulate(scenario(*jobs, quantum_ns=20 * MS, ties=ties)), 20)
    if ties == "arrival-first":
        assert "arrival-first puts late before hog, requeue-first would choose hog. rr chooses late" in said
    else:
        assert "requeue-first puts hog before late, arrival-first would choose late. rr chooses hog" in said


def test_the_course_of_declared_work() -> None:
    course = BurstPlan(ProcessSpec("a", work=[Segment("cpu", 10), Segment("io", 5)], repeat=3, period_ns=50).segments)
    bursts = []
    for used in (10, 10, 20, 20, 30):
        bursts.append(course.burst_ns)
        course.wait(used)
    assert bursts == [10, 0, 10, 0, 10]


def test_on_real_processes_the_nearest_end_of_a_burst_counts() -> None:
    segments = [Segment("cpu", 100), Segment("io", 5), Segment("cpu", 40), Segment("until", 500), Segment("cpu", 60)]
    course = BurstPlan(segments)
    assert not course.wait(30)  # a wait that nobody declared
    assert course.burst_ns == 100
    assert not course.wait(103)
    assert course.burst_ns == 40
    assert course.wait(138) == 1
    assert course.burst_ns == 60
    late = BurstPlan(segments)
    assert late.wait(142) == 1, "the first wait was too short to be noticed"
    assert late.burst_ns == 60
    assert not late.wait(200), "after the last burst comes the end"
    behind = BurstPlan(
        [Segment("cpu", 100), Segment("until", 500), Segment("cpu", 40), Segment("io", 5), Segment("cpu", 60)]
    )
    assert not behind.wait(139), "this wait is within the next job"
    assert behind.burst_ns == 60


def test_jobs_that_were_late_and_did_not_wait_are_counted_with_the_next_that_does() -> None:
    course = BurstPlan(ProcessSpec("a", work=[Segment("cpu", 10)], repeat=5, period_ns=50).segments)
    assert [course.wait(used) for used in (10, 30, 31, 40)] == [1, 2, 0, 1]


def test_a_process_changes_state_only_in_legal_ways() -> None:
    class Thing:
        state = State.NEW

    for before in State:
        for after in State:
            thing = Thing()
            thing.state = before
            if after in LEGAL[before]:
                move(thing, after)
                assert thing.state is after
            else:
                with pytest.raises(IllegalTransition):
                    move(thing, after)


def test_what_a_stop_that_is_not_confirmed_may_have_used_is_not_told_before_it_is_known() -> None:
    """Its slice of 20 ms is over; the books say 12 ms by then, and in the end it is 13 ms, of which its second turn had
    1 ms."""
    kernel = Kernel(RoundRobin({"quantum": "20ms"}))
    jobs = [process("a", "cpu 13ms"), process("b", "cpu 100ms")]
    arrivals: list[Report] = [Arrived(pid, spec) for pid, spec in enumerate(jobs, 1)]
    events: list[Event] = []

    def instant(happened: Happened, obeyed: Obeyed) -> None:
        kernel.tell(happened)
        kernel.decide()
        events.extend(kernel.settle(obeyed))

    instant(Happened(0, arrivals, {}), Obeyed({1: Started(0, 0)}, {}, {}))
    instant(Happened(20 * MS, [], {1: 20 * MS}), Obeyed({2: Started(20 * MS, 0)}, {}, {}, {1: 12 * MS}))
    instant(Happened(40 * MS, [], {2: 20 * MS}), Obeyed({1: Started(40 * MS, 12 * MS)}, {2: 20 * MS}, {}))
    instant(Happened(41 * MS, [Ended(1, 13 * MS, 0, None)], {1: 13 * MS}), Obeyed({}, {}, {}))
    ran = [event.ran_ns // MS for event in events if isinstance(event, Descheduled) and event.pid == 1]
    assert ran == [12, 1]
    assert exits([*events])["a"].cpu_ns == 13 * MS
    assert exits([*events])["a"].undispatched_ns == 0


def test_who_ends_while_he_is_being_stopped_has_used_what_he_has() -> None:
    kernel = Kernel(RoundRobin({"quantum": "20ms"}))
    arrivals: list[Report] = [Arrived(pid, process(name, "cpu 19ms")) for pid, name in enumerate("ab", 1)]
    kernel.tell(Happened(0, arrivals, {}))
    kernel.decide()
    kernel.settle(Obeyed({}, {}, {}))
    kernel.tell(Happened(20 * MS, [], {1: 20 * MS}))
    kernel.decide()
    kernel.settle(Obeyed({}, {}, {}, {1: 19 * MS}))
    kernel.tell(Happened(21 * MS, [Ended(1, 19 * MS, 0, None)], {2: MS}))
    kernel.decide()
    (ended,) = [event for event in kernel.settle(Obeyed({}, {}, {})) if isinstance(event, Exited)]
    assert (ended.cpu_ns, ended.undispatched_ns) == (19 * MS, 0)


def test_what_was_told_too_much_is_told_less_later() -> None:
    """Alone it goes on from slice to slice, and nobody stops it: that it had but half of the CPU is known in the end."""
    kernel = Kernel(RoundRobin({"quantum": "20ms"}))
    events: list[Event] = []
    arrivals: list[Report] = [Arrived(1, process("a", "cpu 90ms"))]
    for happened, obeyed in (
        (Happened(0, arrivals, {}), Obeyed({1: Started(0, 0)}, {}, {})),
        (Happened(20 * MS, [], {1: 20 * MS}), Obeyed({}, {}, {})),
        (Happened(30 * MS, [Waits(1, None)], {1: 30 * MS}), Obeyed({}, {1: 15 * MS}, {})),
        (Happened(40 * MS, [Woke(1)], {}), Obeyed({1: Started(40 * MS, 15 * MS)}, {}, {})),
        (Happened(50 * MS, [Ended(1, 25 * MS, 0, None)], {}), Obeyed({}, {}, {})),
    ):
        kernel.tell(happened)
        kernel.decide()
        events += kernel.settle(obeyed)
    assert [event.ran_ns // MS for event in events if isinstance(event, Descheduled)] == [20, 0, 5]


def test_slices_add_up_whatever_was_told_too_much() -> None:
    history = History()
    told = [(0, 20, "expired"), (20, 20, "expired"), (40, 3, "exited")]
    history.add(Admitted(0, 1, "a", "a"))
    history.add(Ready(0, 1, "admitted"))
    for start, ran, reason in told:
        history.add(Dispatched(start * MS, 1, 0, 20 * MS, Clause("")))
        history.add(Descheduled((start + 20) * MS, 1, 0, ran * MS, reason))  # type: ignore[arg-type]
    history.add(Exited(60 * MS, 1, 0, None, 30 * MS, 0, 0))
    assert [piece.cpu_ns // MS for piece in history.slices] == [20, 10, 0]


def test_who_has_become_another_program_is_called_by_that_name() -> None:
    kernel = Kernel(RoundRobin({"quantum": "20ms"}))
    kernel.tell(Happened(0, [Arrived(1, process("sh", "cpu 19ms"))], {}))
    kernel.decide()
    kernel.settle(Obeyed({1: Started(0, 0)}, {}, {}))
    happened = Happened(MS, [Told(Became(MS, 1, "cat", "cat")), Asked(Press("cat", "ctrl+d"))], {})
    kernel.tell(happened)
    CommandInterpreter(kernel, PolicyFactory(MachineSpec()).next).obey(happened)
    kernel.decide()
    did = [event for event in kernel.settle(Obeyed({}, {}, {})) if isinstance(event, (Operator, Fault))]
    assert did == [Operator(MS, Clause("pressed", {"pid": 1, "key": "ctrl+d"}))]


def instants(policy: Policy, *told: tuple[Happened, Obeyed]) -> list[Event]:
    """What a kernel under this policy puts on record when a machine tells it this."""
    kernel = Kernel(policy)
    events: list[Event] = []
    for happened, obeyed in told:
        kernel.tell(happened)
        kernel.decide()
        events += kernel.settle(obeyed)
    return events


NOTHING = Obeyed({}, {}, {})


def test_what_a_process_waits_for_may_be_told_after_its_successor_was_let_run() -> None:
    """Only of the one that began to wait at this very instant: what is on record already is not written anew."""
    born: list[Report] = [Arrived(pid, process(name, "cpu 90ms")) for pid, name in enumerate("ab", 1)]
    events = instants(
        RoundRobin(),
        (Happened(0, born, {}), NOTHING),
        (Happened(5 * MS, [Waits(1, None)], {1: 5 * MS}), Obeyed({}, {}, {1: Clause("pipe")})),
        (Happened(9 * MS, [Waits(2, None)], {2: 4 * MS}), Obeyed({}, {}, {1: Clause("futex"), 2: Clause("poll")})),
    )
    assert [event for event in events if isinstance(event, Blocked)] == [
        Blocked(5 * MS, 1, Clause("pipe")),
        Blocked(9 * MS, 2, Clause("poll")),
    ]


def test_who_is_let_run_before_it_is_chosen_must_be_stopped() -> None:
    """A process that the machine has stopped itself needs no order to wait; one that runs already does."""
    for continued in (False, True):
        born: list[Report] = [
            Arrived(pid, process(name, "cpu 90ms"), continued=continued) for pid, name in enumerate("ab", 1)
        ]
        kernel = Kernel(RoundRobin())
        kernel.tell(Happened(0, born, {}))
        assert kernel.decide() == ([Stop(2)] if continued else []) + [Run(1, 0)]
    kernel = Kernel(RoundRobin())
    kernel.tell(Happened(0, [Arrived(1, process("a", "cpu 1ms")), Arrived(2, process("b", "cpu 1ms"))], {}))
    assert kernel.decide() == [Run(1, 0)], "what nothing is said of is stopped"


def test_who_yields_goes_to_the_tail_and_who_is_on_no_cpu_has_nothing_to_yield() -> None:
    born: list[Report] = [Arrived(pid, process(name, "cpu 90ms")) for pid, name in enumerate("abc", 1)]
    events = instants(
        RoundRobin(),
        (Happened(0, born, {}), NOTHING),
        (Happened(5 * MS, [Yielded(1), Yielded(3)], {1: 5 * MS}), NOTHING),
        (Happened(6 * MS, [Yielded(2)], {2: MS}), NOTHING),
        (Happened(7 * MS, [Yielded(3)], {3: MS}), NOTHING),
    )
    assert dispatches(events) == [(0, 1), (5, 2), (6, 3), (7, 1)]
    assert [(event.pid, event.t_ns // MS, event.ran_ns // MS) for event in events if isinstance(event, Descheduled)] == [
        (1, 5, 5), (2, 6, 1), (3, 7, 1),
    ]  # fmt: skip


def test_a_state_that_cannot_be_entered_from_the_present_one_is_refused() -> None:
    born = Process(7, process("a", "cpu 1ms"), 0, 0, True)
    with pytest.raises(IllegalTransition):
        born.enter(State.RUNNING, 5)
    assert (born.state, born.since_ns) == (State.NEW, 0)


def test_a_policy_that_never_picks_ends_the_run_and_that_is_told() -> None:
    class Never(RoundRobin):
        def pick(self, cpu: int, now_ns: int) -> Task | None:
            return None

    events = simulate(scenario(process("a", "cpu 30ms"), process("b", "cpu 1ms", arrive="7ms")), Never())
    assert [(event.t_ns, event.what) for event in events if isinstance(event, Fault)] == [
        (7 * MS, Clause("nothing can happen any more"))
    ]
    assert isinstance(events[-1], Halted)


def test_commands_that_need_real_processes_are_told_to() -> None:
    events = scripted(("1ms", Type("a", "x")), ("2ms", Press("b", "ctrl+c")), ("3ms", Spawn(["ls"])))
    assert [(event.t_ns // MS, event.what) for event in events if isinstance(event, Fault)] == [
        (at, Clause("only on real processes", {"command": command}))
        for at, command in ((1, "type"), (2, "press"), (3, "spawn"))
    ]


def test_a_process_is_named_by_pid_or_by_name_as_long_as_it_lives() -> None:
    """A name may be a number; the pid goes first, if its process lives."""
    jobs = [process("2", "cpu 50ms"), process("b", "cpu 5ms"), process("b", "cpu 50ms")]
    script = [("1ms", Kill("2")), ("2ms", Kill("2")), ("3ms", Kill("b")), ("4ms", Kill("9" * 30)), ("5ms", Kill("b"))]
    events = simulate(scenario(*jobs, script=script))
    assert [event.pid for event in events if isinstance(event, Exited)] == [2, 1, 3]
    faults = [event.what for event in events if isinstance(event, Fault)]
    assert faults == [Clause("no such process", {"who": "9" * 30}), Clause("has ended already", {"who": "b"})]


def test_a_late_stop_is_on_record_as_time_that_nobody_granted() -> None:
    """It ran for 2 ms more before the stop took effect, and that is no time of a slice; nor is what it used before it
    was let run again."""
    born: list[Report] = [Arrived(pid, process(name, "cpu 90ms")) for pid, name in enumerate("ab", 1)]
    events = instants(
        RoundRobin({"quantum": "20ms"}),
        (Happened(0, born, {}), Obeyed({1: Started(MS, 0)}, {}, {})),
        (Happened(21 * MS, [], {1: 20 * MS}), Obeyed({2: Started(21 * MS, 0)}, {1: 22 * MS}, {})),
        (Happened(41 * MS, [], {2: 20 * MS}), Obeyed({1: Started(41 * MS, 25 * MS)}, {2: 20 * MS}, {})),
        (Happened(50 * MS, [Ended(1, 34 * MS, 0, None)], {1: 34 * MS}), NOTHING),
    )
    left = [event for event in events if isinstance(event, Descheduled) and event.pid == 1]
    assert [(event.ran_ns // MS, event.undispatched_ns // MS) for event in left] == [(22, 2), (12, 3)]
    (end,) = [event for event in events if isinstance(event, Exited)]
    assert (end.cpu_ns, end.undispatched_ns) == (34 * MS, 5 * MS)


def test_a_slice_begins_when_the_process_really_started() -> None:
    kernel = Kernel(RoundRobin({"quantum": "20ms"}))
    kernel.tell(Happened(0, [Arrived(1, process("a", "cpu 90ms"))], {}))
    kernel.decide()
    kernel.settle(Obeyed({1: Started(3 * MS, 0)}, {}, {}))
    assert kernel.cpus[0].slice_end_ns == 23 * MS


def test_a_slice_that_is_renewed_is_granted_anew_from_now_on() -> None:
    """The boost at 25 ms lifts both: the running one has the 10 ms of the top from then on, the other one after it."""
    jobs = [process(name, "cpu 60ms") for name in "ab"]
    parameters: dict[str, object] = {"quanta": ["10ms", "20ms"], "boost": "25ms"}
    events = simulate(scenario(*jobs, policy="mlfq", parameters=parameters))
    assert dispatches(events)[:5] == [(0, 1), (10, 2), (20, 1), (35, 2), (45, 1)]


def test_a_run_begins_with_what_it_is_and_ends_with_why() -> None:
    """The parameters as they are in force, the quantum of the scenario among them; the end when the last thing ended."""
    world = scenario(process("a", "cpu 10ms", "io 5ms"), cpus=2, quantum_ns=7 * MS, ties="requeue-first")
    events = simulate(world)
    assert events[0] == Booted(
        t_ns=0, machine="virtual", cpus=2, policy="rr", parameters={"quantum_ns": 7 * MS}, ties="requeue-first",
        scenario="test", sensor=None, recipe=None,
    )  # fmt: skip
    assert events[-1] == Halted(15 * MS, Clause("done"))
    quit_at_3 = simulate(scenario(process("a", "cpu 10ms"), script=[("3ms", Quit())]))
    assert quit_at_3[-1] == Halted(3 * MS, Clause("quit"))
    assert simulate(scenario())[-1] == Halted(0, Clause("done"))


def test_what_there_is_not_in_virtual_time_is_told() -> None:
    """A program, unless it is said how long it would take, and a client. Of no line: the file is not wrong."""
    world = scenario(process("a", "cpu 1ms"), command("ls", "ls", "-l"), command("cc", "cc", estimate_ns=MS))
    world.clients = [ClientSpec("visitor", "ls")]
    assert obstacles(world) == [
        Problem(0, "process ls", Clause("cannot be simulated", {"value": "ls -l"})),
        Problem(0, "client visitor", Clause("no network")),
    ]
    lines = scenario(process("a", "cpu 1ms"), command("ls", "ls"), slice="line")
    assert obstacles(lines) == [Problem(0, "machine.slice", Clause("lines are real", {"value": "line"}))]
    assert obstacles(scenario(process("a", "cpu 1ms"))) == []


def test_a_process_is_admitted_with_all_that_its_file_says_of_it() -> None:
    spec = process(
        "a", "cpu 10ms", "io 4ms", "cpu 5ms", priority=3, nice=-2, tickets=7, period_ns=90 * MS, deadline_ns=60 * MS,
        estimate_ns=8 * MS,
    )  # fmt: skip
    kernel = Kernel(RoundRobin())
    kernel.tell(Happened(5 * MS, [Arrived(4, spec, 9, 4711, parent=2)], {}))
    kernel.decide()
    born = next(event for event in kernel.settle(NOTHING) if isinstance(event, Admitted))
    assert born == Admitted(
        5 * MS, 4, "a", spec.runs, os_pid=4711, parent=2, order=9, demand_ns=15 * MS,
    )  # fmt: skip
    task = kernel.processes[4]
    assert (task.pid, task.name, task.order, task.arrived_ns) == (4, "a", 9, 5 * MS)
    assert (task.priority, task.nice, task.tickets) == (3, -2, 7)
    assert (task.period_ns, task.deadline_ns, task.due_ns) == (90 * MS, 60 * MS, 65 * MS)
    assert (task.demand_ns, task.estimate_ns, task.burst_ns, task.before_ns) == (15 * MS, 8 * MS, 10 * MS, 0)
    plain = Process(1, ProcessSpec("b", command=["x"]), 5, None, False)
    assert (plain.order, plain.burst_ns, plain.due_ns, plain.demand_ns, plain.since_ns) == (1, None, None, None, 5)
    assert Process(1, ProcessSpec("b", period_ns=30), 5, None, False).due_ns == 35


def test_cpu_time_is_told_once_and_never_less_than_nothing() -> None:
    """To the policy and on record; what an estimate told too much is told less the next time."""
    process_ = Process(1, ProcessSpec("a", command=["x"]), 0, None, True)
    process_.cpu_ns = 10
    assert (process_.charge(), process_.charge()) == (10, 0)
    process_.cpu_ns = 7
    assert process_.charge() == 0
    process_.cpu_ns = 12
    assert process_.charge() == 2
    assert [process_.report(used) for used in (10, 10, 7, 12)] == [10, 0, 0, 2]
    assert process_.use_undispatched(15) == 3
    assert (process_.use_undispatched(11), process_.cpu_ns, process_.undispatched_ns) == (0, 11, 3)


def test_a_lesson_may_pause_at_its_steps() -> None:
    """After the decision that a step waits for, or before the next one if it has come true by something else; only while
    that is asked for."""

    def paused(*script: tuple[str, AnyCommand], until: str) -> list[tuple[float, str]]:
        jobs = [process("a", "cpu 20ms", "io 5ms", "cpu 10ms"), process("b", "cpu 30ms")]
        world = scenario(*jobs, script=[*script, *((f"{at}ms", Resume()) for at in range(100, 300, 10))])
        factory = PolicyFactory(world.machine)
        kernel = Kernel(factory.first())
        kernel.pacing.watch = lambda events: any(until in type(event).__name__ for event in events)
        events: list[Event] = []
        run_on(kernel, CommandInterpreter(kernel, factory.next), VirtualMachine(world), events.extend, "test")
        return [
            (event.t_ns / MS, str(event.did.figures["by"]))
            for event in events
            if isinstance(event, Operator) and event.is_pause
        ]

    asked = ("0ms", PauseAtSteps(True))
    assert paused(asked, until="Blocked") == [(20, "lesson")]
    assert paused(asked, until="Dispatched")[:2] == [(0, "lesson"), (20, "lesson")]
    assert paused(until="Dispatched") == []
    assert paused(asked, ("1ms", PauseAtSteps(False)), until="Blocked") == []
    assert paused(asked, ("1ms", Pause()), ("2ms", Step()), until="Blocked") == [(1, "operator"), (20, "lesson")]
    assert paused(asked, until="nothing") == []
