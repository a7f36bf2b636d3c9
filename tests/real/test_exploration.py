"""Orders of turns on real processes: what breaks is found, what is right is proved, and what was found can be replayed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sandbox.analysis.exploration import messages, report
from sandbox.analysis.exploration.explore import Alone, Exploration, Limits
from sandbox.analysis.exploration.report import Findings
from sandbox.analysis.exploration.runner import RealRunner
from sandbox.link.worker import Worker
from sandbox.model.spec import Scenario
from sandbox.policies import names
from sandbox.scenario import find, load
from tests.support.files import write_scenario
from tests.support.racy import PROGRAMS, Program
from tests.support.racy_more import MORE
from tests.support.run import ossandbox

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

#: Three lines, and a file beside them.
ADD = """
def add():
    x = int(open("x").read())
    x = x + 1
    open("x", "w").write(str(x))

def check():
    add()
    assert open("x").read() == "2"
"""
LOST = """
claims = ['a.x = 2']
[machine]
slice = "line"
[[process]]
name = "a"
python = "add.py:add"
[[process]]
name = "b"
python = "add.py:add"
"""


def explored(scenario: Scenario, limits: Limits) -> Findings:
    with RealRunner(scenario) as runner:
        exploration = Exploration(Alone(runner), limits)
        exploration.explore()
    return Findings(scenario, exploration)


@pytest.fixture
def lost_update(tmp_path: Path) -> Scenario:
    (tmp_path / "add.py").write_text(ADD)
    (tmp_path / "x").write_text("0")
    return load(write_scenario(tmp_path, LOST))


def test_all_20_orders_of_a_lost_update_are_known_by_what_is_in_the_file(lost_update: Scenario) -> None:
    found = explored(lost_update, Limits(None, everything=True))
    numbers = report.tally(found.exploration)
    assert (numbers.there, numbers.tried) == (20, 20)
    assert found.exploration.search.runs < 20
    assert found.exploration.search.all_known
    assert not found.exploration.search.diverged


MAPPED = """
import mmap

def add():
    with open("x", "r+b") as file:
        memory = mmap.mmap(file.fileno(), 1)
    x = memory[0]
    memory[0] = x + 1
"""


def test_each_run_finds_a_mapped_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "add.py").write_text(MAPPED)
    (tmp_path / "x").write_bytes(b"\0")
    found = explored(
        load(write_scenario(tmp_path, LOST.replace("claims = ['a.x = 2']", ""))), Limits(2, everything=True)
    )
    assert {value for outcome in found.exploration.search.outcomes for _, value in outcome.shared} == {
        r"b'\x01'",
        r"b'\x02'",
    }


def test_the_shortest_order_is_told_line_by_line() -> None:
    scenario = load(find("tickets"))
    found = explored(scenario, Limits(orders=30))
    run = found.exploration.search.found
    assert run is not None
    assert run.preemptions == 1
    assert [what.figures["claim"] for what in run.outcome.broken] == ["tickets.sold = 1", "tickets.left = 0"]
    lines = [*report.lines(found)]
    assert any("▶" in line and "if left.value > 0:" in line for line in lines)
    assert any("left 1 → 0" in line for line in lines)


@pytest.mark.thorough
@pytest.mark.parametrize("program", PROGRAMS + MORE, ids=lambda program: program.name)
def test_programs_are_judged_right(program: Program, tmp_path: Path) -> None:
    limits = Limits(orders=program.orders, seconds=40) if program.broken else Limits(seconds=40)
    found = explored(load(program.write(tmp_path)), limits)
    right = ("proved", "holds", "limit") if program.slow else ("proved", "holds")
    assert found.verdict in (("breaks",) if program.broken else right)
    if found.exploration.search.found is not None:
        assert found.exploration.search.found.outcome.broken[0].rule in program.broken


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["threads-locked", "handed-over", "barrier"])
def test_of_threads_pipes_and_barriers_the_state_is_known(name: str, tmp_path: Path) -> None:
    program = next(each for each in PROGRAMS + MORE if each.name == name)
    found = explored(load(program.write(tmp_path)), Limits(seconds=50))
    assert found.verdict == "proved"
    assert found.exploration.search.graph.infers


WAITS = """
def wait(flag, lock):
    while not flag.value:
        pass

def main():
    together((wait, context.RawValue("i", 0), context.Lock()))
"""


@pytest.mark.thorough
def test_an_order_that_ends_in_spinning_soon_says_so(tmp_path: Path) -> None:
    file = Program("waits", WAITS).write(tmp_path)
    Path(file).write_text(Path(file).read_text().replace("[machine]", '[machine]\npolicy = "scripted"'))
    done = ossandbox("run", file, timeout=60)
    assert "goes round and round" in done.stdout
    assert done.stdout.count("\n") < 2_000


@pytest.mark.thorough
def test_a_fork_has_the_outputs_that_an_exam_asks_for() -> None:
    found = explored(load(find("forks")), Limits(everything=True))
    outcomes = found.exploration.search.outcomes
    printed = {"".join("".join(text for _, text in outcome.printed).split()) for outcome in outcomes}
    assert printed == {"abc", "bac"}
    assert found.verdict == "proved"


@pytest.mark.thorough
@pytest.mark.skipif("scripted" not in names(), reason="nobody takes an order of turns")
def test_what_was_found_can_be_replayed(tmp_path: Path) -> None:
    file = tmp_path / "again.toml"
    done = ossandbox("explore", "tickets", "--json", "-o", str(file), "--orders", "40", timeout=60)
    assert done.returncode == 1
    order = json.loads(done.stdout)["found"]["order"]
    for _ in range(20):
        again = ossandbox("run", str(file), "--json", timeout=60)
        result = json.loads(again.stdout)
        assert again.returncode == 1
        assert [each["held"] for each in result["claims"]] == [False, False]
        assert not result["faults"]
    assert sum(each["switches"] for each in result["processes"]) < len(order)


@pytest.mark.thorough
def test_beside_a_screen_it_tells_how_far_it_is_and_leaves_nothing_where_it_is_ended() -> None:
    task = messages.ExploreTask(load(find("tickets")), 60, [max(os.sched_getaffinity(0))], 80)
    with Worker(messages.PACKAGE, task, messages.decode_message) as worker:
        told = [*worker.messages(60)]
    last = told[-1]
    assert isinstance(last, messages.Explored)
    assert last.order
    assert last.lines[0].startswith("✘ ")
    with Worker(messages.PACKAGE, task, messages.decode_message) as worker:
        assert isinstance(next(worker.messages(60)), messages.Tried)
        worker.end(5)


@pytest.mark.thorough
def test_who_never_comes_to_an_end_does_not_hold_up_the_search(tmp_path: Path) -> None:
    (tmp_path / "add.py").write_text("import time\ndef add():\n    time.sleep(1000)\n")
    done = ossandbox("explore", write_scenario(tmp_path, LOST), "--for", "2s", timeout=60)
    assert done.returncode == 3
    assert "no run came to its end" in done.stdout
