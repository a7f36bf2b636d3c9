"""The tree of processes, folded and unfolded, and what memory each has."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sandbox.machines.linux.procfs_counts import MemoryUse, memory_use
from sandbox.model.events import Admitted
from sandbox.tui.config import Config
from tests.support.app import AppDriver, Compare, MakeDriver, prepare
from tests.support.kernel_script import KernelScript, process_tree
from tests.support.leaks import LeftCheck

MIB = 1 << 20


def fake(monkeypatch: pytest.MonkeyPatch, driver: AppDriver, script: KernelScript) -> KernelScript:
    """Every process is in the system, under its pid, and has so many times 2 MiB."""
    events = [
        Admitted(event.t_ns, event.pid, event.name, event.runs, event.pid, event.parent, event.order, None)
        if isinstance(event, Admitted) else event
        for event in script.events
    ]  # fmt: skip
    script.events = events
    monkeypatch.setattr(
        "sandbox.machines.linux.procfs_counts.memory_use",
        lambda pid, _: MemoryUse(2 * pid * MIB, pid * MIB, pid * MIB, 3 * pid * MIB // 2),
    )
    return script


async def test_children_stand_below_their_parents_and_can_be_folded(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "6", process_tree())
        names = [line[:40].replace("–", "").rstrip() for line in driver.panel("memory-list")[1:7]]
        assert names == [
            "    1 B server ▾3", "    3 R └ child ▾1", "    5 R   └ grandchild", "    6 R └ second", "    2 ▶ other", "    4 R late",
        ]  # fmt: skip
        await pilot.press("down", "down", "down", "f")  # the child
        await driver.settle(pilot)
        assert driver.panel("memory-list")[2].startswith("    3 R └ child ▸1")
        assert driver.panel("memory-list")[3].startswith("    6 R └ second"), "only what was below has moved up"
        await pilot.press("f")
        await driver.settle(pilot)
        assert driver.panel("memory-list")[3].startswith("    5 R   └ grandchild")
        await pilot.click("#memory-list", offset=(10, 2))
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 1
        await pilot.press("f")
        await driver.settle(pilot)
        assert [line[:11] for line in driver.panel("memory-list")[1:4]] == ["    1 B ser", "    2 ▶ oth", "    4 R lat"]


@pytest.mark.real
def test_what_the_system_counts(leftcheck: LeftCheck) -> None:
    program = "kept = bytearray(30_000_000); print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = memory_use(child.pid, os.getpid())
        assert found is not None
        assert found.resident == found.shared + found.private
        assert found.private > 28_000_000
        assert found.proportional is None or found.private <= found.proportional <= found.resident
        child.kill()
    assert memory_use(child.pid, os.getpid()) is None
    assert memory_use(os.getppid(), os.getpid()) is None, "it is none of ours"


def test_memory(make_driver: MakeDriver, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = make_driver()
    script = fake(monkeypatch, driver, process_tree())
    assert snap_compare(
        driver.app, terminal_size=(120, 40), run_before=prepare(driver, script, "6", "down", sees="13 MB")
    )


def test_memory_small(make_driver: MakeDriver, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = make_driver(config=Config("light"))
    script = fake(monkeypatch, driver, process_tree())
    assert snap_compare(
        driver.app, terminal_size=(80, 24), run_before=prepare(driver, script, "6", "down", sees="13 MB")
    )


async def test_it_says_that_all_have_left(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        script = KernelScript().admit("a").run("a")
        await driver.open(pilot, "6", script)
        assert "Nobody is in memory." not in driver.text
        await driver.feed(pilot, script.exit("a"))
        assert "Nobody is in memory." in driver.text
