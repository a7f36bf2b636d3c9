"""The tree of processes, folded and unfolded, and what memory each has."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from sandbox.machines.linux.procfs import MemoryUse, memory_use
from sandbox.model.events import Admitted
from sandbox.tui.config import Config
from tests.support.app import Play, show
from tests.support.kernel_script import Story, family
from tests.support.leaks import LeftCheck

Stage = Callable[..., Play]
Compare = Callable[..., bool]
MIB = 1 << 20


def fake(monkeypatch: pytest.MonkeyPatch, it: Play, story: Story) -> Story:
    """Every process is in the system, under its pid, and has so many times 2 MiB."""
    events = [
        Admitted(event.t_ns, event.pid, event.name, event.runs, event.pid, event.parent, event.order, None)
        if isinstance(event, Admitted) else event
        for event in story.events
    ]  # fmt: skip
    story.events = events
    monkeypatch.setattr(
        "sandbox.machines.linux.procfs.memory_use",
        lambda pid, _: MemoryUse(2 * pid * MIB, pid * MIB, pid * MIB, 3 * pid * MIB // 2),
    )
    return story


async def test_children_stand_below_their_parents_and_can_be_folded(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.open(pilot, "6", family())
        names = [line[:40].replace("–", "").rstrip() for line in it.panel("memory-list")[1:7]]
        assert names == [
            "    1 B server ▾3", "    3 R └ child ▾1", "    5 R   └ grandchild", "    6 R └ second", "    2 ▶ other", "    4 R late",
        ]  # fmt: skip
        await pilot.press("down", "down", "down", "f")  # the child
        await it.settle(pilot)
        assert it.panel("memory-list")[2].startswith("    3 R └ child ▸1")
        assert it.panel("memory-list")[3].startswith("    6 R └ second"), "only what was below has moved up"
        await pilot.press("f")
        await it.settle(pilot)
        assert it.panel("memory-list")[3].startswith("    5 R   └ grandchild")
        await pilot.click("#memory-list", offset=(10, 2))
        await it.settle(pilot)
        assert it.app.board_screen.chosen == 1
        await pilot.press("f")
        await it.settle(pilot)
        assert [line[:11] for line in it.panel("memory-list")[1:4]] == ["    1 B ser", "    2 ▶ oth", "    4 R lat"]


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


def test_memory(stage: Stage, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    it = stage()
    story = fake(monkeypatch, it, family())
    assert snap_compare(it.app, terminal_size=(120, 40), run_before=show(it, story, "6", "down", sees="13 MB"))


def test_memory_small(stage: Stage, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    it = stage(config=Config("light"))
    story = fake(monkeypatch, it, family())
    assert snap_compare(it.app, terminal_size=(80, 24), run_before=show(it, story, "6", "down", sees="13 MB"))
