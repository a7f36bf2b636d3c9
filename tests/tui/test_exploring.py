"""The search for an order of turns in which the scenario breaks, from a key of the app."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from sandbox.analysis.exploration.messages import AnyMessage, Explored, ExploreTask, Tried
from sandbox.model.commands import Pause
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario
from tests.support.app import MakeDriver, blank_scenario, until
from tests.support.kernel_script import KernelScript


class FakeSearch:
    """A worker that says what the test has it say."""

    def __init__(self, task: ExploreTask) -> None:
        self.task = task
        self.closed = self.ended = False
        self._said: list[AnyMessage] = []
        self._ours, self._theirs = socket.socketpair()

    def says(self, *messages: AnyMessage) -> None:
        self._said += messages
        self._theirs.send(b"!" * 9)

    def fileno(self) -> int:
        return self._ours.fileno()

    def receive(self) -> list[AnyMessage]:
        self._ours.recv(99)
        said, self._said = self._said, []
        self.closed = any(isinstance(message, Explored) for message in said)
        return said

    def end(self, grace_s: float = 0) -> None:
        self.ended = True
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeSearch]]:
    begun: list[FakeSearch] = []

    def start(package: str, task: ExploreTask, decode: object) -> FakeSearch:
        begun.append(FakeSearch(task))
        return begun[-1]

    monkeypatch.setattr("sandbox.tui.state.order_search.Worker", start)
    yield begun
    assert all(search.ended for search in begun), "none is left when the app has been left"


def stepping(folder: Path) -> Scenario:
    (folder / "count.py").write_text("x = 1\n")
    processes = [ProcessSpec(name, python="count.py") for name in "ab"]
    return replace(blank_scenario(), machine=MachineSpec(slice="line"), processes=processes, folder=str(folder))


@pytest.mark.skipif(sys.platform != "linux", reason="orders are tried on real processes")
@pytest.mark.parametrize("size", [(120, 40), (80, 24), (100, 28)])
async def test_a_key_searches_and_opens_what_breaks(
    make_driver: MakeDriver, tmp_path: Path, searches: list[FakeSearch], size: tuple[int, int]
) -> None:
    driver = make_driver(stepping(tmp_path))
    async with driver.app.run_test(size=size) as pilot:
        await driver.feed(pilot, KernelScript("rr").admit("a").admit("b"))
        assert "x explore" in driver.panel("keys")[0]
        await pilot.press("x")
        await until(lambda: searches, pilot)
        assert searches[0].task.cpus
        searches[0].says(Tried(12, 1, False))
        await until(lambda: "12 runs, orders of 1 preemptions   esc stops" in driver.text, pilot)
        await pilot.press("x")
        assert len(searches) == 1, "it is on its way"
        lines = ["a: x = 1".ljust(searches[0].task.width, "-")] * size[1]  # more than there is room for
        searches[0].says(Tried(14, 1, True), Explored("18 of all 20 orders break it", lines, ["a", "b", "a"]))
        await until(lambda: "open this order" in driver.text and lines[0] in driver.text, pilot)
        await pilot.press("escape")
        await until(lambda: "18 of all 20 orders break it   x shows it" in driver.text, pilot)
        await pilot.press("x", "enter")
        await until(lambda: len(driver.links) == 2, pilot)
        opened = driver.app.session.scenario
        assert (opened.machine.policy, opened.machine.parameters) == ("scripted", {"order": ["a", "b", "a"]})
        assert Pause() in driver.sent, "before the first turn"
        assert driver.app.board_screen.front.id == "program"
        assert "x shows it" not in driver.text, "that was of another scenario"


async def test_it_can_be_stopped_and_who_types_is_not_disturbed(
    make_driver: MakeDriver, tmp_path: Path, searches: list[FakeSearch]
) -> None:
    driver = make_driver(stepping(tmp_path))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript("rr").admit("a").admit("b"))
        await pilot.press("x")
        await until(lambda: searches, pilot)
        searches[0].says(Tried(3, 0, False))
        await until(lambda: "3 runs" in driver.text, pilot)
        await pilot.press("escape")
        await until(lambda: "stopped, after 3 runs" in driver.text, pilot)
        assert searches[0].ended
        await pilot.press("escape")
        await until(lambda: "stopped" not in driver.text, pilot)
        await pilot.press("x", "slash", "b")
        searches[1].says(Explored("proved: no order at all breaks it", ["proved"], []))
        await until(lambda: "✔ proved: no order at all breaks it   x shows it" in driver.text, pilot)
        assert driver.app.screen is driver.app.board_screen


async def test_where_a_turn_is_a_time_there_is_nothing_to_search(
    make_driver: MakeDriver, searches: list[FakeSearch]
) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript("rr").admit("a"))
        assert "explore" not in driver.panel("keys")[0]
        await pilot.press("x")
        await driver.settle(pilot)
        assert "slice" in driver.toasts()[0]
        assert not searches
