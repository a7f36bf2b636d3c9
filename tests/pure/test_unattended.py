"""A run that nobody attends ends when what is left would wait for ever."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.machines.clock import Clock
from sandbox.machines.commands import Commands
from sandbox.machines.linux.blocking.block_reason import READS_CONSOLE
from sandbox.machines.linux.blocking.prospects import Prospect
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.unattended import UnattendedRun
from sandbox.machines.reports import Reports
from sandbox.model.commands import Farewell, Quit, parse_command
from sandbox.model.events import Clause
from sandbox.model.spec import At, ClientSpec, MachineSpec, ProcessSpec, Scenario
from sandbox.util.units import MS, S


class World:
    """A machine's table and what it reports; no process is real."""

    def __init__(self, *clients: ClientSpec, script: list[At] | None = None) -> None:
        self.table = ProcessTable()
        self.blocked: dict[int, Any] = {}
        self.reports = Reports(Clock())
        self.said: list[Any] = []
        link: Any = SimpleNamespace(read=lambda: self.said, check=list)
        scenario = Scenario("test", "test", MachineSpec(), [], clients=list(clients), script=script or [])
        self.commands = Commands(link, scenario.script, Clock(), self.reports)
        #: The alarms that are visible, each with when it rings; None: the system does not tell.
        self.alarms: set[tuple[str, str]] | None = {("a stranger's", "100")}
        self.run = UnattendedRun(
            scenario, self.table, self.blocked, self.commands, self.reports, self.prospect, alarms=lambda: self.alarms
        )

    @staticmethod
    def prospect(child: Any) -> Prospect:
        rules = {
            "read console": Prospect.PERSON,
            "poll": Prospect.POLLS,
            "wait for child": Prospect.BOARD,
            "open fifo": Prospect.PARTNER,
            "signal": Prospect.SIGNAL,
            "sigwait": Prospect.ALARM,
        }
        return rules.get(child.blocked_on.rule, Prospect.OPEN)

    def add(
        self,
        name: str,
        program: str | None = None,
        on: Clause | None = None,
        parent: Any = None,
        held: bool = False,
    ) -> Any:
        child: Any = SimpleNamespace(spec=ProcessSpec(name, program=program), blocked_on=on, parent=parent, held=held)
        child.wait_number, child.used_ns, child.console = 1, 0, SimpleNamespace(written=0)
        child.cpu_ns = lambda: child.used_ns
        self.table.admit(child)
        child.os_pid = 100 + child.pid
        if on is not None:
            self.blocked[child.pid] = child
        return child

    def rules(self, *times_ns: int) -> list[str]:
        """What is reported when it is checked at these times."""
        return [each.event.what.rule if hasattr(each, "event") else _kind(each) for each in self.told(*times_ns)]

    def told(self, *times_ns: int) -> list[Any]:
        """The reports when it is checked at these times."""
        for now_ns in times_ns:
            self.run.check(now_ns)
        return [*self.reports.take(0).reports]


def _kind(report: Any) -> str:
    return type(report.command).__name__


HOPELESS = ["waits for somebody to type", "Quit"]


def test_when_all_wait_for_somebody_to_type() -> None:
    world = World()
    world.add("editor", on=READS_CONSOLE)
    assert world.rules(0, S // 2, S) == []
    assert world.rules(S + 1) == HOPELESS


def test_when_all_were_stopped_by_somebody_who_is_gone() -> None:
    world = World()
    world.add("shell", on=Clause("wait for child"))
    assert world.rules(0, 10 * S) == [], "the child may be about to end"
    world.add("job", on=Clause("stopped", {"signal": "SIGSTOP"}), held=True)
    assert world.rules(11 * S) == []
    assert world.rules(11 * S + 1) == ["nothing can happen any more", "Quit"]


@pytest.mark.parametrize("what", ["runs", "arrives", "sleeps"])
def test_not_while_something_may_still_happen(what: str) -> None:
    world = World()
    world.add("editor", on=READS_CONSOLE)
    other = world.add("other", on=Clause("sleep") if what == "sleeps" else None)
    if what == "runs":
        world.table.running[other.pid] = other
    elif what == "arrives":
        world.table.arriving.append(other)
    assert world.rules(0, 10 * S) == []
    world.table.running.clear()
    world.table.arriving.clear()
    world.blocked.pop(other.pid, None)
    del world.table.by_pid[other.pid]
    assert world.rules(11 * S) == [], "the time counts from now on"
    assert world.rules(12 * S) == HOPELESS


def test_not_while_the_script_has_something_to_say() -> None:
    world = World(script=[At(60 * S, parse_command("kill editor"))])
    world.add("editor", on=READS_CONSOLE)
    assert world.rules(0, 10 * S) == []


def test_whoever_waits_for_one_who_waits_for_somebody_to_type_waits_for_that_too() -> None:
    world = World()
    world.add("sh", on=Clause("wait for child"))
    assert world.rules(0, 10 * S) == [], "a knot is none of a person's business"
    world.add("editor", on=READS_CONSOLE)
    assert world.rules(11 * S, 11 * S + 1) == HOPELESS


def test_whoever_opens_a_pipe_whose_other_end_nobody_opens_waits_for_somebody() -> None:
    world = World()
    world.add("sh", on=Clause("wait for child"))
    cat = world.add("cat", on=Clause("open fifo"))
    writer = world.add("writer", on=Clause("sleep"))
    assert world.rules(0, 10 * S) == [], "the writer may open it"
    del world.blocked[writer.pid], world.table.by_pid[writer.pid]
    fault, quits = world.told(10 * S, 11 * S + 1)
    assert fault.event.what == Clause("waits for the other end of a pipe", {"names": cat.spec.name})
    assert _kind(quits) == "Quit"


def test_one_that_waits_for_a_signal_may_have_set_an_alarm() -> None:
    world = World()
    child = world.add("p", on=Clause("signal"))
    assert world.rules(0, 59 * S) == []
    child.wait_number += 1
    assert world.rules(60 * S, 119 * S) == [], "it has heard one, and waits again"
    assert world.rules(121 * S) == ["waits for a signal", "Quit"]


WAITS = [("read console", HOPELESS[0]), ("open fifo", "waits for the other end of a pipe")]


@pytest.mark.parametrize(("on", "rule"), WAITS)
def test_an_alarm_that_is_set_may_end_any_wait_and_has_a_minute_for_that(on: str, rule: str) -> None:
    world = World()
    world.alarms = {("a stranger's", "200"), ("its", "130")}
    world.add("p", on=Clause(on))
    assert world.rules(0, 2 * S, 59 * S) == []
    assert world.rules(61 * S) == [rule, "Quit"]


@pytest.mark.parametrize(("on", "rule"), WAITS)
def test_an_alarm_that_has_rung_without_effect_is_of_others(on: str, rule: str) -> None:
    world = World()
    world.alarms = {("somebody's", "1")}
    world.add("p", on=Clause(on))
    assert world.rules(0, 2 * S) == []
    world.alarms = {("somebody's", "2")}
    assert world.rules(3 * S) == [rule, "Quit"]


def test_alarms_that_cannot_be_seen_have_a_minute_if_the_other_end_of_a_pipe_is_missing() -> None:
    world = World()
    world.alarms = None
    world.add("p", on=Clause("open fifo"))
    assert world.rules(0, 59 * S) == []
    assert world.rules(61 * S) == ["waits for the other end of a pipe", "Quit"]


def test_who_handles_its_alarm_is_waited_for_unless_none_is_set() -> None:
    world = World()
    world.alarms = None
    world.add("p", on=Clause("sigwait"))
    assert world.rules(0, 59 * S, 600 * S) == []
    world.alarms = set()
    assert world.rules(601 * S) == ["waits for a signal", "Quit"]


def test_one_that_looks_for_keys_again_and_again_waits_for_them() -> None:
    world = World()
    editor = world.add("editor", on=Clause("poll"))
    assert world.rules(0, 4 * S) == []
    del world.blocked[editor.pid]
    world.table.running[editor.pid] = editor
    assert world.rules(4 * S + 1) == [], "it is awake in between"
    world.table.running.clear()
    world.blocked[editor.pid] = editor
    editor.wait_number += 1
    assert world.rules(5 * S + 1, 6 * S + 2) == HOPELESS


@pytest.mark.parametrize("what", ["writes", "computes"])
def test_not_one_that_does_something_in_between(what: str) -> None:
    world = World()
    editor = world.add("editor", on=Clause("poll"))
    for second in range(30):
        editor.console.written += what == "writes"
        editor.used_ns += S // 2 * (what == "computes")
        assert world.rules(second * S) == []


def test_when_all_clients_have_left_and_servers_only_are_there() -> None:
    world = World(ClientSpec("alice", connect="server"))
    server = world.add("server", "forking-server", on=Clause("accept"))
    world.add("server-1", on=Clause("recv"), parent=server)
    assert world.rules(0, 10 * S) == [], "alice may still come"
    world.said = [Farewell()]
    world.commands.read()
    assert world.rules(10 * S, 10 * S + 200 * MS) == []
    assert world.rules(10 * S + 201 * MS) == ["Quit"]


def test_not_while_anybody_else_is_there() -> None:
    world = World(ClientSpec("alice", connect="server"))
    world.add("server", "forking-server", on=Clause("accept"))
    world.add("hog")
    world.said = [Farewell()]
    world.commands.read()
    assert world.rules(0, 10 * S) == []


def test_the_farewell_is_none_of_the_kernels_business() -> None:
    world = World()
    world.said = [Farewell(), Quit()]
    world.commands.read()
    assert world.rules() == ["Quit"]
    assert world.commands.farewell
