"""The link to the kernel process: everything arrives, whatever its size and whoever is slow; the end is bounded."""

from __future__ import annotations

import os
import signal
import time

import pytest

from sandbox.link import heart
from sandbox.link.client import KernelProcess, use_all_cpus
from sandbox.link.wire import Lines
from sandbox.model.commands import Kill, Spawn, Type
from sandbox.model.events import Admitted, Event, Exited, Halted, Operator
from sandbox.model.spec import Boot
from sandbox.util.units import MS
from sandbox.views.board import Board
from tests.support.procs import state
from tests.support.real import watch
from tests.support.run import until
from tests.support.scenarios import process, scenario

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]


def test_lines_come_whole_however_they_are_cut() -> None:
    data = b"one\n\ntwo\nthr"
    for cut in range(len(data)):
        lines = Lines()
        assert lines.feed(data[:cut]) + lines.feed(data[cut:]) == [b"one", b"", b"two"]
        assert lines.feed(b"ee\n") == [b"three"]


def test_a_scenario_larger_than_the_socket_takes_arrives() -> None:
    long = "x" * 200_000
    world = scenario(process("a", "cpu 1ms"), policy="fcfs")
    world.title = long
    with watch(world, stay=False) as run:
        run.finish()
        assert run.ended("a").status == 0


def test_commands_larger_than_the_socket_takes_arrive_in_order() -> None:
    with watch(scenario(process("a", "cpu 60s"))) as run:
        run.dispatched("a")
        for number in range(20):
            run.link.send(Type("a", f"{number} {'y' * 50_000}"))
        run.link.send(Kill("a"))
        run.ended("a")
        did = [event.did for event in run.all(Operator)]
        typed = [str(each.figures["text"]).split()[0] for each in did if each.rule == "typed"]
        assert typed == [str(number) for number in range(20)]
        assert did[-1].rule == "killed"


def test_a_reader_who_sleeps_loses_nothing() -> None:
    world = scenario(process("a", "cpu 300ms"), process("b", "cpu 300ms"), quantum_ns=MS)
    link = KernelProcess(Boot(world))
    try:
        give_up = time.monotonic() + 30
        while not link.closed:  # now and then it says that it is there, and reads next to nothing
            assert time.monotonic() < give_up
            time.sleep(0.2)
            link.beat()
            events = link.receive()
            if any(isinstance(event, Halted) for event in events):
                break
        assert link.halted
    finally:
        link.end()


def test_a_frame_of_two_seconds_is_no_reason_to_pause() -> None:
    """Heartbeats go by themselves while the main thread is busy; when it is gone for good they stop."""
    use_all_cpus()
    link = KernelProcess(Boot(scenario(process("a", "cpu 4s")), stay=True), beats=True)
    try:
        over = time.monotonic() + 2.5
        while time.monotonic() < over:
            pass
        events = [event for event in link.receive() if isinstance(event, Operator)]
        assert not [event for event in events if event.is_pause]
    finally:
        link.end()


def test_a_heart_beats_for_whoever_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heart, "_MAX_AWAY_S", 0.6)
    beats: list[float] = []
    it = heart.Heart(lambda: beats.append(time.monotonic()))
    time.sleep(2)
    assert 1 <= len(beats) <= 3, "its main thread has not been heard of since"
    it.is_there()
    time.sleep(0.5)
    it.stop()
    number = len(beats)
    assert number >= 2
    time.sleep(0.4)
    assert len(beats) == number


def test_whoever_stops_listening_hears_the_rest_later() -> None:
    use_all_cpus()
    link = KernelProcess(Boot(scenario(process("a", "cpu 40ms"), process("b", "cpu 40ms"), quantum_ns=MS)))
    try:
        heard: list[Event] = []
        while not heard or not isinstance(heard[-1], Halted):
            heard.append(next(link.events(20)))  # one at a time, though they come many at once
        board = Board()
        for event in heard:
            board.apply(event)  # none is missing: else it could not have happened
        assert len(board.exited) == 2
    finally:
        link.end()


def test_the_last_words_of_a_kernel_process_that_cannot_go_on() -> None:
    use_all_cpus()
    link = KernelProcess(Boot(scenario(process("a", "cpu 60s")), sensor="nonsense"))
    try:
        events = list(link.events(20))
        assert link.closed
        assert not link.halted
        assert not any(isinstance(event, Admitted) for event in events)
        assert "nonsense" in link.last_words()
    finally:
        link.end()


def test_to_end_twice_is_to_end_once() -> None:
    use_all_cpus()
    link = KernelProcess(Boot(scenario(process("a", "cpu 60s")), stay=True))
    os_pid = link.os_pid
    link.end()
    assert state(os_pid) == ""
    with pytest.raises(ValueError, match="closed"):
        link.last_words()


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_the_end_is_bounded_and_leaves_nothing(number: int) -> None:
    with watch(scenario(process("a", "cpu 60s"), process("b", "cpu 60s"))) as run:
        children = [run.os_pid("a"), run.os_pid("b")]
        os.kill(run.link.os_pid, number)
        run.link.end()
        until(lambda: not any(map(state, children)), "the children are gone", 5)
        run.link.halted = True  # watch() need not look for it


def test_the_terminals_process_keeps_off_the_mini_cpus_and_gets_them_back() -> None:
    use_all_cpus()
    everything = os.sched_getaffinity(0)
    with watch(scenario(process("a", "cpu 60s"))) as run:
        run.dispatched("a")
        mine, its = os.sched_getaffinity(0), os.sched_getaffinity(run.os_pid("a"))
        assert len(its) == 1
        assert not (mine & its) or len(everything) == 1
    assert os.sched_getaffinity(0) == everything


def test_what_is_started_later_has_a_parent_and_an_end() -> None:
    with watch(scenario()) as run:
        run.link.send(Spawn(["sh", "-c", "exit 5"]))
        assert run.ended("exit").code == 5  # a line for the shell is called by its first word
        assert [event.status for event in run.all(Exited)] == [5]
