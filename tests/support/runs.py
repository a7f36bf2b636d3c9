"""Runs that are on record: every policy in worlds where much happens at once, and on a machine as real ones are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from sandbox.analysis.conformance.trial import enter
from sandbox.analysis.conformance.workloads import worlds as generated_worlds
from sandbox.kernel import loop
from sandbox.kernel.kernel import Kernel
from sandbox.kernel.machine import (
    Arrived,
    Ended,
    Happened,
    Lived,
    Machine,
    Obeyed,
    Order,
    Report,
    Run,
    Started,
    Stop,
    Told,
    Waits,
    Woke,
)
from sandbox.kernel.operator import CommandInterpreter
from sandbox.machines.virtual import VirtualMachine
from sandbox.model.commands import (
    Choose,
    Command,
    Describe,
    Keys,
    Kill,
    Look,
    Pause,
    Predict,
    Press,
    Quit,
    Reload,
    Resume,
    Signal,
    Spawn,
    Step,
    Tune,
    Type,
    UsePolicy,
)
from sandbox.model.events import Became, Clause, Deadlocked, Described, Edge, Event, Fault, Unseen
from sandbox.model.events import Waits as WaitsFor
from sandbox.model.retirement import KEPT
from sandbox.model.spec import ProcessSpec, Scenario
from sandbox.policies import BUILT_IN
from sandbox.policies.base import Policy
from sandbox.policies.host.factory import PolicyFactory
from sandbox.util.units import MS, US
from sandbox.views.metrics import fold, one_after_another, result
from tests.support.scenarios import command, process, scenario, simulate

FILE = Path(__file__).parents[1] / "vectors" / "runs.json"
#: Each policy as it is, and with parameters that change what it does.
POLICIES: dict[str, tuple[str, dict[str, Any]]] = {name: (name, {}) for name in BUILT_IN} | {
    "sjf, estimates": ("sjf", {"knows": "estimate", "alpha": 0.25, "guess": "7ms"}),
    "srtf, estimates": ("srtf", {"knows": "estimate", "guess": "15ms"}),
    "hrrn, estimates": ("hrrn", {"knows": "estimate", "guess": "15ms"}),
    "priority, aging": ("priority", {"aging": "15ms", "quantum": "10ms"}),
    "priority, larger": ("priority", {"larger": True, "inherit": True, "aging": "40ms"}),
    "priority, patient": ("priority", {"preemptive": False, "inherit": True}),
    "mlfq, boosts": ("mlfq", {"quanta": ["5ms", "10ms", "15ms"], "boost": "45ms", "io_bump": True}),
    "mlfq, stays": ("mlfq", {"quanta": ["5ms", "5ms", "30ms"], "allotments": [2, 1], "stay": True}),
    "feedback, thrice": ("feedback", {"quantum": "3ms", "base": 3}),
    "fair, short": ("fair", {"latency": "9ms", "granularity": "1ms"}),
    "eevdf, long": ("eevdf", {"quantum": "12ms"}),
    "edf, admission": ("edf", {"admission": True}),
    "manual, no end": ("manual", {"quantum": "0ms"}),
    "scripted, order": ("scripted", {"order": ["b", "a", "d", "x", "b", "c", "a"], "then": "srtf", "quantum": "7ms"}),
    "scripted, then mlfq": ("scripted", {"order": ["c", "c", "b"], "then": "mlfq"}),
    "scripted, waiting": (
        "scripted",
        {"order": ["a", "b", "b", "b", "a", "a", "d"], "then": "fair", "quantum": "15ms"},
    ),
    "scripted, then hrrn": ("scripted", {"order": ["a"], "then": "hrrn"}),
    "scripted, then manual": ("scripted", {"order": ["a", "b"], "then": "manual", "quantum": "0ms"}),
}
LOOKS: list[tuple[str, Command]] = [(f"{ms}ms", Look(3)) for ms in (0, 17, 33, 52, 80, 121)]


def mixed() -> list[ProcessSpec]:
    """Short and long bursts, arrivals at one instant, waits at the beginning, at the end, and one after another."""
    return [
        process("a", "cpu 30ms", "io 10ms", "cpu 5ms", priority=3, nice=5, tickets=50),
        process("b", "cpu 12ms", "io 20ms", repeat=3, priority=1, nice=-5, tickets=200, estimate_ns=20 * MS),
        process("c", "io 10ms", "cpu 20ms", "io 3ms", "io 4ms", "cpu 20ms", "io 5ms", arrive="10ms", priority=2),
        process("d", "cpu 3ms", "io 7ms", repeat=6, arrive="10ms", priority=1, tickets=7, nice=19),
        process("e", "cpu 40ms", arrive="30ms", priority=0, nice=-20, estimate_ns=5 * MS),
    ]


def tiny() -> list[ProcessSpec]:
    """All within a few nanoseconds."""
    specs = [
        process("a", "cpu 3ns", "io 1ns", "cpu 1ns", "io 2ns", "cpu 2ns"),
        process("b", "cpu 1ns", "io 1ns", repeat=4),
    ]
    specs += [
        process("c", "cpu 2ns", "io 1ns", "cpu 1ns", arrive="1ns", priority=-1),
        process("d", "cpu 1ns", arrive="3ns"),
    ]
    return specs


def jobs() -> list[ProcessSpec]:
    """Periods and deadlines: kept, missed, and so late that the next job is released already."""
    return [
        process("a", "cpu 10ms", repeat=5, period_ns=40 * MS, priority=1),
        process("b", "cpu 22ms", repeat=4, period_ns=30 * MS, deadline_ns=25 * MS, priority=2, nice=3),
        process("c", "cpu 4ms", "io 6ms", "cpu 4ms", repeat=3, period_ns=50 * MS, deadline_ns=20 * MS, arrive="5ms"),
        process("d", "cpu 60ms", deadline_ns=100 * MS, arrive="5ms", tickets=300, nice=-5),
        process("e", "cpu 15ms", repeat=2, priority=-1),
        command("f", "cc", "-c", "f.c", estimate_ns=9 * MS, priority=1),
    ]


def orders() -> list[tuple[str, Command]]:
    """An operator who does everything that there is to do."""
    return [
        ("2ms", Describe()),
        ("4ms", Type("a", "hello")),
        ("5ms", Pause()),
        ("6ms", Step()),
        ("7ms", Step()),
        ("8ms", Choose("c")),
        ("9ms", Resume()),
        ("14ms", Tune("quantum", "6ms")),
        ("15ms", Tune("quantum", "never")),
        ("16ms", Tune("nothing", "1")),
        ("19ms", Signal("b", "USR1")),
        ("20ms", Spawn(["ls", "-l"])),
        ("21ms", Press("b", "ctrl+c")),
        ("22ms", Keys("b", "x")),
        ("24ms", Predict(on=True)),
        ("26ms", Resume()),
        ("28ms", Step()),
        ("30ms", Predict(on=False)),
        ("31ms", Kill("d")),
        ("36ms", Kill("nobody")),
        ("38ms", UsePolicy("priority")),
        ("40ms", Tune("aging", "4ms")),
        ("45ms", Choose("a")),
        ("50ms", UsePolicy("mlfq")),
        ("53ms", Tune("quanta", "2ms, 3ms")),
        ("55ms", Look(2)),
        ("60ms", UsePolicy("nothing")),
        ("61ms", Pause()),
        ("62ms", Kill("2")),
        ("63ms", Resume()),
        ("64ms", Reload()),
        ("66ms", UsePolicy("eevdf")),
        ("70ms", UsePolicy("rr")),
        ("75ms", Kill("b")),
        ("500ms", Resume()),
        ("600ms", Resume()),
        ("700ms", Quit()),
    ]


def choices() -> list[tuple[str, Command]]:
    """A user who is asked, and steps, chooses, and predicts."""
    asked: list[Command] = [
        Choose("b"),
        Step(),
        Choose("1"),
        Resume(),
        Look(4),
        Choose("d"),
        Pause(),
        Choose("c"),
        Step(),
    ]
    asked += [Predict(on=True), Step(), Resume(), Choose("e"), Predict(on=False), UsePolicy("rr"), UsePolicy("manual")]
    asked += [Pause("lesson"), Resume("lesson"), Resume("other"), Resume(), Step(), Step(), Tune("quantum", "4ms")]
    turns = [(f"{4 * number}ms", command) for number, command in enumerate(asked, 1)]
    return [*turns, *((f"{200 + 10 * number}ms", Resume()) for number in range(60))]


def worlds() -> Iterator[tuple[str, Scenario]]:
    """Each with its name."""
    for label, (policy, parameters) in POLICIES.items():
        yield f"mixed / {label}", scenario(*mixed(), script=LOOKS, policy=policy, parameters=parameters)
        two = {"cpus": 2, "switch_cost_ns": 100 * US, "policy": policy, "parameters": parameters, "seed": 5}
        yield f"jobs / {label}", scenario(*jobs(), script=LOOKS, **cast(Any, two))
        yield f"tiny / {label}", scenario(*tiny(), policy=policy, parameters=parameters, cpus=2)
        yield f"orders / {label}", scenario(*mixed(), script=orders(), policy=policy, parameters=parameters, seed=3)


class LikeReal:
    """A machine as real ones are, but the same each time: a stop takes effect late, the reason of a wait follows, others
    take CPUs away, children come and go unseen, and processes wait for each other."""

    kind: Literal["linux"] = "linux"
    sensor, recipe = "a sensor", "a recipe"

    def __init__(self, world: Scenario) -> None:
        self._virtual = VirtualMachine(world)
        self._numbers = count(1)
        self._late_ns: dict[int, int] = {}
        self._reasons: dict[int, Clause] = {}
        self._alive: list[int] = []
        self._blocked: list[int] = []
        self._on_cpus: dict[int, int] = {}
        self._used: dict[int, int] = {}

    @property
    def expects(self) -> bool:
        return self._virtual.expects

    def start(self) -> None:
        self._virtual.start()

    def halt(self) -> list[Event]:
        return [Fault(self._virtual.now_ns + MS, Clause("a last word"))]

    def wait(self, deadline_ns: int | None) -> Happened:
        happened = self._virtual.wait(deadline_ns)
        now_ns, number = happened.now_ns, next(self._numbers)
        used = {pid: cpu_ns + self._late_ns.get(pid, 0) for pid, cpu_ns in happened.used.items()}
        reports = [self._as_told(report, number) for report in happened.reports]
        for report in happened.reports:
            if isinstance(report, Arrived):
                self._alive.append(report.pid)
            elif isinstance(report, Ended):
                self._alive.remove(report.pid)
            if isinstance(report, Waits):
                self._blocked.append(report.pid)
            elif isinstance(report, Woke | Ended) and report.pid in self._blocked:
                self._blocked.remove(report.pid)
        self._used |= used
        stolen = {pid: number % 4 * 10 * US for pid in used if number % 3}
        return Happened(now_ns, [*self._hearsay(number, now_ns), *reports], used, stolen)

    def _as_told(self, report: Report, number: int) -> Report:
        if isinstance(report, Waits) and number % 2:
            self._reasons[report.pid] = report.on or Clause("unknown")
            return Waits(report.pid, None)
        if isinstance(report, Ended):
            return msgspec.structs.replace(report, cpu_ns=report.cpu_ns + self._late_ns.get(report.pid, 0) + 20 * US)
        if isinstance(report, Arrived) and number % 2:
            return msgspec.structs.replace(report, continued=True, os_pid=1000 + report.pid)
        return report

    def _hearsay(self, number: int, now_ns: int) -> Iterator[Report]:
        pid = self._alive[number % len(self._alive)] if self._alive else 0
        others = [each for each in self._alive if each != pid]
        if self._blocked and number % 3:
            waiter = self._blocked[number % len(self._blocked)]
            yield Told(WaitsFor(now_ns, waiter, "lock", [*self._alive[number % 2 :][: number % 4], 999], "seen"))
        if pid and number % 5 == 2:
            spec = ProcessSpec(f"child{number % 2}", command=["true"])
            born = Arrived(100 + number, spec, None, 2000 + number, (pid, 99 + number, None)[number % 3])
            yield Lived(born, Ended(100 + number, 30 * US, number % 3, None), now_ns - 3 * US, now_ns - 1 * US)
        if number % 17 == 3:
            yield Told(Fault(now_ns + 5, Clause("something", {"number": number}), pid or None))
        if pid and number % 7 == 3:
            yield Told(Unseen(now_ns, pid, 40 * US))
        if pid and number % 11 == 5:
            yield Told(Became(now_ns, pid, f"b{number}", "b"))
        if len(others) > 1 and number % 13 == 6:
            edges = [Edge(pid, others[0], "lock", "x.py:1"), Edge(others[0], pid, "pipe")]
            yield Told(Deadlocked(now_ns, [pid, *others], [pid, others[0]], edges, number % 2 == 0))

    def obey(self, orders: list[Order]) -> Obeyed:
        obeyed = self._virtual.obey(orders)
        started: dict[int, Started] = dict(obeyed.started)
        exact: dict[int, int] = {}
        least: dict[int, int] = {}
        stolen: dict[int, int] = {}
        reasons, self._reasons = self._reasons, {}
        for order in orders:
            number = next(self._numbers)
            if isinstance(order, Run):
                before = self._on_cpus.get(order.cpu)
                self._on_cpus[order.cpu] = order.pid
                if number % 2:
                    late = self._late_ns[order.pid] = self._late_ns.get(order.pid, 0) + 3 * US
                    started[order.pid] = Started(self._virtual.now_ns + 2 * US, self._used.get(order.pid, 0) + late)
                if before in self._alive and before is not None and before != order.pid and before in self._used:
                    self._late_ns[before] = self._late_ns.get(before, 0) + number % 3 * 4 * US
                    told = least if number % 5 == 0 else exact
                    told[before] = self._used[before] + number % 3 * 4 * US - (told is least) * 9 * US
                    stolen[before] = number % 2 * 5 * US
            elif isinstance(order, Stop):
                exact[order.pid] = self._used.get(order.pid, 0) + 11 * US
        return Obeyed(started, exact, reasons, least, stolen)


def like_real(world: Scenario, policy: Policy | None = None) -> list[Event]:
    """All events of a run of this world on a machine like a real one; by this policy, if one is given."""
    return _run(world, LikeReal(world), policy, kept=4)


def attended(world: Scenario) -> list[Event]:
    """All events of a run of this world in virtual time, with a user who can be asked."""
    return _run(world, VirtualMachine(world), attended=True)


def _run(
    world: Scenario, machine: Machine, policy: Policy | None = None, kept: int = KEPT, attended: bool = False
) -> list[Event]:
    events: list[Event] = []
    factory = PolicyFactory(world.machine)
    kernel = Kernel(policy or factory.first(), world.machine.cpus, world.machine.ties, kept)
    kernel.attended = attended
    loop.run(kernel, CommandInterpreter(kernel, factory.next), machine, events.extend, world.name)
    return events


def runs() -> Iterator[tuple[str, Callable[[], list[Event]]]]:
    """All that are on record, each with its name."""
    for name, world in worlds():
        yield name, partial(simulate, world)
        if not name.startswith(("orders", "tiny")):
            yield f"like real: {name}", partial(like_real, world)
    for label in ("manual", "manual, no end", "scripted, then manual", "priority", "rr", "mlfq, boosts"):
        policy, parameters = POLICIES[label]
        for cpus in (1, 2):
            world = scenario(*mixed(), script=choices(), policy=policy, parameters=parameters, cpus=cpus)
            yield f"attended, {cpus} CPUs / {label}", partial(attended, world)


def generated(label: str) -> list[list[Event]]:
    """All events of generated worlds under a policy; in some it takes over in the middle."""
    policy, parameters = POLICIES[label]
    return [simulate(enter(world, policy, parameters)) for world in generated_worlds(11, 60)[:60]]


def mark(value: object) -> str:
    """Two characters that are others for nearly every other value."""
    if isinstance(value, Described):  # where its file is, and how its docstring is indented, depends on the computer
        value = msgspec.structs.replace(value, file=Path(value.file or "").name, says=value.says.partition("\n")[0])
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:2]


def document(events: list[Event]) -> dict[str, Any]:
    """All figures of a run."""
    history = fold(events)
    return cast(dict[str, Any], _rounded({**result(history), "one after another": one_after_another(history)}))


def _rounded(figure: object) -> object:
    """The last digits of a sum of fractions depend on the version of Python."""
    if isinstance(figure, dict):
        return {name: _rounded(each) for name, each in figure.items()}
    return round(figure, 12) if isinstance(figure, float) else figure


def marks(events: list[Event]) -> dict[str, str]:
    """The marks of all events, and of all figures."""
    flat = document(events)
    metrics = flat.pop("metrics")
    halfway = document(events[: len(events) // 2])
    return {
        "events": "".join(map(mark, events)),
        "document": " ".join(f"{name}:{mark(flat[name])}" for name in sorted(flat)),
        "halfway": " ".join(f"{name}:{mark(halfway[name])}" for name in sorted(halfway)),
        "metrics": " ".join(f"{name}:{mark(metrics[name])}" for name in sorted(metrics)),
    }


def on_record() -> dict[str, dict[str, str]]:
    return cast(dict[str, dict[str, str]], json.loads(FILE.read_text("utf-8")))


def main() -> None:
    """``python -m tests.support.runs``: puts the present runs on record, after a change that is meant."""
    found = {name: marks(run()) for name, run in runs()}
    found |= {f"generated / {label}": {"worlds": "".join(map(mark, generated(label)))} for label in POLICIES}
    FILE.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
