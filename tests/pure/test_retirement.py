"""The dead retire: what is kept of a hundred thousand short lives is a few thousand, and no total is less exact."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.kernel.process import Process, Processes
from sandbox.model.events import (
    Admitted,
    AnyEvent,
    Booted,
    Clause,
    Descheduled,
    Dispatched,
    Exited,
    Ready,
    Terminal,
    Unseen,
    Wrote,
)
from sandbox.model.retirement import KEPT, MAX_KEPT, MIN_KEPT, Dead
from sandbox.model.spec import ProcessSpec
from sandbox.trace.plausible import Plausible
from sandbox.tui.state.tree import ProcessTree
from sandbox.util.units import MS, US
from sandbox.views import intervals
from sandbox.views.board import Board
from sandbox.views.eventlog import EventLog
from sandbox.views.history import History
from sandbox.views.intervals import Track
from sandbox.views.metrics import family_cpu_ns, fold, metrics, processes, result
from sandbox.views.retired import MAX_NAMES, OTHERS

_SHELL = 1
NO_RULE = Clause("turn")


def churn(number: int, kept: int = MIN_KEPT, chain: bool = False, names: int = 3) -> Iterator[AnyEvent]:
    """A shell that the scenario names starts so many others one after another, each of which uses ``k`` µs and ends.
    ``chain``: each is started by the one before it."""
    yield Booted(0, "linux", 1, "rr", {}, "", "churn", kept=kept)
    yield Admitted(0, _SHELL, "shell", "sh", order=0)
    yield Ready(0, _SHELL, "admitted")
    yield Dispatched(0, _SHELL, 0, None, NO_RULE)
    yield Descheduled(MS, _SHELL, 0, MS, "expired")
    yield Ready(MS, _SHELL, "expired")
    for pid, t_ns in zip(range(2, 2 + number), count(2 * MS, MS), strict=False):
        yield Admitted(t_ns, pid, f"p{pid % names}", "true", parent=pid - 1 if chain else _SHELL)
        yield Ready(t_ns, pid, "admitted")
        yield Dispatched(t_ns + 100 * US, pid, 0, MS, NO_RULE)
        cpu_ns = pid % 7 * US
        yield Descheduled(t_ns + 200 * US, pid, 0, cpu_ns, "exited")
        yield Exited(t_ns + 200 * US, pid, pid % 2, None, cpu_ns, 100 * US, 0)


@pytest.mark.parametrize("chain", [False, True])
def test_totals_are_those_of_a_run_that_forgets_nobody(chain: bool) -> None:
    few, all_of_them = fold(churn(5_000, MIN_KEPT, chain)), fold(churn(5_000, MAX_KEPT, chain))
    assert len(few.lives) < 1.2 * MIN_KEPT < len(all_of_them.lives) == 5_001
    one, other = metrics(few), metrics(all_of_them)
    assert one.pop("fairness_jain") == pytest.approx(other.pop("fairness_jain"), rel=1e-12)
    assert one == other
    assert family_cpu_ns(few)[_SHELL] == family_cpu_ns(all_of_them)[_SHELL]
    shell = processes(few)[0]
    assert shell == processes(all_of_them)[0], "whom the scenario names is never forgotten"
    gone = result(few)["retired"]
    assert gone["processes"] + len(few.lives) == 5_001
    assert sum(each["processes"] for each in gone["names"]) == gone["processes"]
    assert sum(each["cpu_ns"] for each in gone["names"]) == gone["cpu_ns"]


def test_f49_the_kernel_knows_of_a_hundred_thousand_lives_a_few() -> None:
    processes = Processes(KEPT)
    for pid in range(1, 100_001):
        processes[pid] = Process(pid, ProcessSpec("true", command=["true"]), 0, 0 if pid == _SHELL else None, True)
        processes.bury(pid)
    assert KEPT <= len(processes) <= 1.2 * KEPT
    assert _SHELL in processes, "whom the scenario names is never forgotten"


def objects() -> int:
    gc.collect()
    return len(gc.get_objects())


@pytest.mark.thorough
def test_f49_thirty_thousand_lives_weigh_no_more_than_ten_thousand() -> None:
    """The log, with its board, its history and its index, and the reader of recordings; all in objects, not in time."""
    log, plausible, tree = EventLog(), Plausible(), ProcessTree()
    after: dict[int, int] = {}
    for number, event in enumerate(churn(30_000, KEPT)):
        assert plausible(event)
        log.add(event)
        if number in (50_000, 149_000):
            tree.grow(log.live.board.rows)
            after[number] = objects()
    first, last = after.values()
    assert last - first < 5_000, "a chapter that is over leaves a handful of objects in memory"
    board, history = log.live.board, log.live.history
    assert len(board.rows) == len(history.lives) == len(log.live.names) == len(board.exited) + 1 <= 1.2 * KEPT
    assert board.retired + len(board.rows) == 30_001 == history.retired.all.processes + len(history.lives)
    assert len(board.transitions.last) == len(board.rows)
    assert max(len(track) for track in history.cpus.values()) <= intervals.MAX_CHANGES


def test_the_past_is_what_it_was() -> None:
    """Whoever has retired since was there then."""
    events = [*churn(7_000)]
    log = EventLog()
    for event in events:
        log.add(event)
    assert len(log._chapters) > 3
    for index in (20_000, 9_000, len(events)):
        then, folded = log.at(index), EventLog()
        for event in events[:index]:
            folded.add(event)
        now = folded.live
        assert [*then.board.rows] == [*now.board.rows]
        assert then.names == now.names
        assert then.board.retired == now.board.retired
        assert metrics(then.history) == metrics(now.history)
    assert b"".join(log.blocks()).count(b"\n") == len(events)
    assert log.next_of(2, 10) is None or log.next_of(2, 10)


def test_what_is_told_of_the_retired_later_harms_nobody() -> None:
    log, plausible = EventLog(), Plausible()
    for event in churn(3 * MIN_KEPT):
        assert plausible(event)
        log.add(event)
    t_ns = log.live.board.now_ns
    late = [Unseen(t_ns, 2, 7 * US), Wrote(t_ns, 2, "console", "late\n"), Terminal(t_ns, 2, 30, 90)]
    assert not plausible(Wrote(t_ns, 4 * MIN_KEPT, "console", "nobody")), "who never was is nobody"
    before_ns = log.live.history.unseen_ns
    for told in late:
        assert plausible(told), "who has retired may have left its console to others"
        log.add(told)
    assert log.live.history.unseen_ns == before_ns + 7 * US


def test_children_are_numbered_on_when_their_siblings_have_retired() -> None:
    log = EventLog()
    for event in churn(3 * MIN_KEPT, names=1):
        log.add(event)
    last = 3 * MIN_KEPT + 2
    log.add(Admitted(log.live.history.now_ns, last, "shell", "sh", parent=_SHELL))
    assert log.live.names[last] == f"shell/{3 * MIN_KEPT + 1}"


def test_who_retires_first() -> None:
    dead = Dead(16)
    gone = [pid for number in range(40) for pid in dead.add(number)]
    assert gone == [*range(len(gone))]
    assert 16 <= 40 - len(gone) <= 18


def test_so_many_names_have_sums_of_their_own() -> None:
    names = fold(churn(5_000, names=4_999)).retired.names
    assert len(names) == MAX_NAMES + 1
    assert names[OTHERS].processes > 1_000


def test_a_board_alone_forgets_the_same_as_a_history_alone() -> None:
    board, history = Board(), History()
    for event in churn(4_000):
        board.apply(event)
        history.add(event)
    assert [*board.rows] == [*history.lives]


def test_a_track_thins_its_older_half_and_keeps_its_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "MAX_CHANGES", 1_000)
    track, whole = Track(), Track()
    for number in range(10_000):
        track.put(number * MS, number % 2 + 1 if number % 3 else 0)
        monkeypatch.setattr(intervals, "MAX_CHANGES", 100_000)
        whole.put(number * MS, number % 2 + 1 if number % 3 else 0)
        monkeypatch.setattr(intervals, "MAX_CHANGES", 1_000)
    assert len(track) <= 1_001
    assert all(track.used_ns(t_ns) == whole.used_ns(t_ns) for t_ns in track.times)
    used = [track.used_ns(number * MS // 2) for number in range(20_000)]
    assert used == sorted(used)
    assert track.used_ns(10_000 * MS) == whole.used_ns(10_000 * MS)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 12), max_size=30), st.integers(1, 4))
def test_a_tree_that_grows_is_the_tree_of_all(parents: list[int], step: int) -> None:
    board, grown = Board(), ProcessTree()
    for pid, parent in enumerate(parents, 1):
        board.apply(Admitted(0, pid, "p", "p", parent=parent if parent < pid else None))
        if pid % step == 0:
            grown.grow(board.rows)
            whole = ProcessTree()
            whole.grow(board.rows)
            whole._arrange()
            assert [*grown.members] == [*whole.members]
            assert (grown._heads, grown._lines, grown._places) == (whole._heads, whole._lines, whole._places)
