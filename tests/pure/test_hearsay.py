"""What the machine tells for the record: lives that were over when they were heard of, and who had the CPU."""

from __future__ import annotations

from sandbox.kernel.hearsay import record
from sandbox.kernel.journal import Journal
from sandbox.kernel.machine import Arrived, Ended, Happened, Lived, Told
from sandbox.kernel.process import Process, Processes
from sandbox.model.events import Admitted, Became, Descheduled, Exited, Ready
from sandbox.model.retirement import KEPT
from sandbox.model.spec import ProcessSpec
from sandbox.model.states import RUNNING
from sandbox.trace.plausible import Plausible
from sandbox.util.units import MS
from tests.support.scenarios import process, scenario, simulate


def lived(pid: int, born_ms: int, ended_ms: int, cpu_ms: int) -> Lived:
    spec = ProcessSpec("true", command=["true"])
    return Lived(Arrived(pid, spec, None, 100 + pid, 1), Ended(pid, cpu_ms * MS, 0, None), born_ms * MS, ended_ms * MS)


def test_lives_are_put_down_in_the_order_of_their_births_and_ends() -> None:
    """Within the time that passed since the last instant."""
    processes = Processes(KEPT)
    journal = Journal()
    tells = [lived(2, 11, 19, 3), lived(3, 12, 14, 1), lived(4, 5, 99, 2)]
    record(Happened(20 * MS, [*tells], {}), 10 * MS, processes, journal)
    events = journal.take()
    assert [(event.t_ns // MS, event.pid, type(event)) for event in events if isinstance(event, (Admitted, Exited))] == [
        (10, 4, Admitted), (11, 2, Admitted), (12, 3, Admitted), (14, 3, Exited), (19, 2, Exited), (20, 4, Exited),
    ]  # fmt: skip
    ends = {event.pid: event for event in events if isinstance(event, Exited)}
    assert (ends[2].cpu_ns, ends[2].undispatched_ns, ends[2].waiting_ns) == (3 * MS, 3 * MS, 8 * MS)
    assert sum(isinstance(event, Ready) for event in events) == 3
    booted = simulate(scenario(process("a", "cpu 1ms")))[0]
    plausible = Plausible()
    assert all(plausible(event) for event in (booted, *events)), "a recording of it can be loaded"


def test_those_of_one_moment_are_put_down_in_the_order_in_which_they_were_told() -> None:
    journal = Journal()
    record(Happened(20 * MS, [lived(2, 11, 19, 3), lived(3, 11, 19, 1)], {}), 10 * MS, Processes(KEPT), journal)
    events = journal.take()
    assert [event.pid for event in events if isinstance(event, (Admitted, Exited))] == [2, 3, 2, 3]


def known(process: Process) -> Processes:
    processes = Processes(KEPT)
    processes.admit(process, None)
    return processes


def test_a_new_name_is_the_names_from_then_on() -> None:
    parent = Process(1, ProcessSpec("sh", command=["sh"]), 0, None, continued=False)
    record(Happened(5, [Told(Became(5, 1, "sleep", "sleep 1"))], {}), 0, known(parent), Journal())
    assert parent.name == parent.called == "sleep"


def test_what_is_found_out_while_the_machine_looks_round_belongs_to_that_instant() -> None:
    """Else the time of a recording would go back with the next event."""
    parent, journal = Process(1, ProcessSpec("sh", command=["sh"]), 0, None, continued=False), Journal()
    record(Happened(5, [Told(Became(7, 1, "sleep", "sleep 1"))], {}), 0, known(parent), journal)
    assert [event.t_ns for event in journal.take()] == [5]


def test_stolen_time_goes_on_record_when_the_process_leaves_its_cpu() -> None:
    """Before that, with it, or at the same instant afterwards."""
    parent = Process(1, ProcessSpec("hog", command=["hog"]), 0, None, continued=False)
    journal = Journal()
    parent.state = RUNNING
    record(Happened(5 * MS, [], {}, {1: 2 * MS}), 0, known(parent), journal)
    journal.amend_stolen({1: parent}, {1: 1 * MS})
    journal.descheduled(9 * MS, parent, 0, "expired")
    journal.amend_stolen({1: parent}, {1: 4 * MS, 2: 0})
    (event,) = journal.take()
    assert isinstance(event, Descheduled)
    assert event.stolen_ns == 7 * MS
    assert parent.stolen_ns == 0
