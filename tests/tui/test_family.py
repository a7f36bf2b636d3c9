"""Families on every panel: children below their parents, or folded into one line with them."""

from __future__ import annotations

import pytest

from sandbox.model.events import Admitted
from sandbox.tui.config import Config
from sandbox.tui.state.tree import ProcessTree
from sandbox.tui.widgets.choices import Picked
from sandbox.views.board import Row
from tests.support.app import AppDriver, Compare, MakeDriver, prepare
from tests.support.kernel_script import KernelScript, process_tree


def grown(*parents: int) -> ProcessTree:
    """Processes 1, 2, … with these parents; 0: none."""
    rows = {pid: Row(Admitted(0, pid, "p", "p", None, parent or None), None) for pid, parent in enumerate(parents, 1)}
    it = ProcessTree()
    it.grow(rows)
    return it


def shape(it: ProcessTree) -> list[tuple[int, int]]:
    return [(member.pid, member.depth) for member in it.members]


def test_children_stand_below_their_parents_in_order_of_birth() -> None:
    it = grown(0, 0, 1, 1, 3, 2)
    assert shape(it) == [(1, 0), (3, 1), (5, 2), (4, 1), (2, 0), (6, 1)]
    assert [member.children for member in it.members] == [3, 1, 0, 0, 1, 0]


def test_a_fold_holds_all_descendants_and_those_born_later() -> None:
    it = grown(0, 0, 1, 3)
    assert it.fold(3)
    assert shape(it) == [(1, 0), (3, 1), (2, 0)]
    assert it.fold(1), "a fold in a fold"
    assert shape(it) == [(1, 0), (2, 0)]
    assert [it.head(pid) for pid in (1, 2, 3, 4)] == [1, 2, 1, 1]
    rows = {pid: Row(Admitted(0, pid, "p", "p", None, [0, 0, 0, 1, 3, 4][pid] or None), None) for pid in range(1, 6)}
    it.grow(rows)
    assert it.head(5) == 1
    assert it.fold(1)
    assert [it.head(pid) for pid in (1, 3, 4, 5)] == [1, 3, 3, 3], "the inner one is as it was"


@pytest.mark.parametrize(
    ("asked", "folded"),
    [
        ([2], set()),
        ([3], {1}),  # without children: its parent's
        ([3, 3], set()),  # it is folded away: unfolded
        ([None], {1, 4}),
        ([1, None], set()),
    ],
    ids=["without a family", "a child", "a child that is folded away", "all", "all again"],
)
def test_whose_descendants_are_folded(asked: list[int | None], folded: set[int]) -> None:
    it = grown(0, 0, 1, 0, 4)
    assert [it.fold(pid) for pid in asked] == [asked != [2]] * len(asked)
    assert it.folded == folded


def test_who_is_gone_is_left_out_of_a_tree_unless_somebody_below_him_is_not() -> None:
    it = grown(0, 1, 2, 1)
    assert [member.pid for member in it.arranged([1, 2, 3, 4], gone={2, 4})] == [1, 2, 3]
    assert [member.pid for member in it.arranged([1, 2, 3, 4], gone={1, 2, 3, 4})] == []
    assert [member.pid for member in it.arranged([1, 2])] == [1, 2], "as it was before the others were born"


def test_a_thousand_generations_are_a_tree() -> None:
    it = grown(*range(1_000))
    assert [member.depth for member in it.members] == [*range(1_000)]
    assert it.members[0].children == 999
    it.fold(1)
    assert len(it.members) == 1


async def test_f_folds_a_family_on_the_board_alike_in_every_column(make_driver: MakeDriver) -> None:
    driver = make_driver()
    script = process_tree()
    script.expire("other").run("child").later("2ms").block("child", "recv", at="127.0.0.1:5")
    script.run("second").later("1ms").block("second", "recv", at="127.0.0.1:6").run("other")
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, script)
        await pilot.press("down", "f")  # the server
        await driver.settle(pilot)
        assert [line.split() for line in driver.panel("blocked")[:2]] == [["1", "B", "server", "▸2", "accept"], []]
        assert [line.split() for line in driver.panel("ready")[:3]] == [
            ["4", "R", "late", "0", "ms"], ["R", "server", "▸1", "0", "ms"], [],
        ]  # fmt: skip
        assert [title for title in ("BLOCKED 3", "READY 2") if title not in driver.text] == [], "nobody is lost"
        await driver.feed(pilot, script.exit("child", 1).later("1ms"))
        assert driver.panel("done")[0].split() == ["✔", "server", "▸1", "1", "✘"]
        assert driver.panel("blocked")[0].split()[3] == "▸1"
        await driver.feed(pilot, script.expire("other").run("grandchild").later("1ms"))
        assert driver.panel("running")[0].split() == ["cpu0", "5", "▶", "grandchild"], "who runs is always told"
        await pilot.press("down")
        assert driver.app.board_screen.chosen == 2, "who is folded away is not chosen"
        await pilot.press("6")
        await driver.settle(pilot)
        assert driver.panel("memory-list")[1].split()[2:4] == ["server", "▸2"], "one set of folds"
        await pilot.press("1", "up", "f")
        await driver.settle(pilot)
        assert [line.split()[:3] for line in driver.panel("blocked")[:2]] == [
            ["1", "B", "server"],
            ["6", "B", "second"],
        ]
        await pilot.press("down", "f")  # the child, of whom only the child is left: the server's are folded
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 3


def served() -> KernelScript:
    """A server with four clients, each with a child of it; one is done, one was killed."""
    script = KernelScript(quantum="20ms").admit("server").admit("compute", "2s")
    script.run("server").later("3ms").block("server", "accept", at="127.0.0.1:9001").run("compute").later("20ms")
    for port in (51514, 51516, 51518, 51520):
        handler = f"server:{port}"
        script.wake("server").expire("compute").run("server").later("1ms").admit(handler, parent="server")
        script.block("server", "accept", at="127.0.0.1:9001").run(handler).later("1ms")
        script.block(handler, "recv", at=f"127.0.0.1:{port}").run("compute").later("90ms")
        script.wake("server:51514").later("15ms").expire("compute").run("server:51514").later("4ms")
        script.block("server:51514", "recv", at="127.0.0.1:51514").run("compute").later("30ms")
    return script.exit("server:51516").exit("server:51518", signal=15).wake("server:51514").later("9ms")


def labels(driver: AppDriver) -> list[str]:
    return [name for line in driver.panel("timeline")[2:-1] if (name := line[:16].strip())]


async def test_children_stand_below_their_parents_in_the_timeline_and_are_folded_there(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, served())
        unfolded = ["1  server", "3  └ :51514", "4  └ :51516", "5  └ :51518", "6  └ :51520", "2  compute"]
        assert labels(driver) == unfolded
        assert [line.split() for line in driver.panel("blocked")[:2]] == [
            ["1", "B", "server", "accept", ":9001"], ["6", "B", "server:51520", "recv"],
        ]  # fmt: skip
        before = driver.panel("timeline")
        await pilot.press("down", "down", "f")  # the first child: it is folded into its parent
        await driver.settle(pilot)
        assert labels(driver) == ["1  server ▸4", "2  compute"]
        assert driver.app.board_screen.chosen == 1
        await pilot.press("comma", "comma", "comma")
        await driver.settle(pilot)
        assert driver.app.session.view.looks_back
        assert labels(driver) == ["1  server ▸4", "2  compute"], "in the past, too"
        assert driver.panel("blocked")[0].split()[2:4] == ["server", "▸4"], "as many as there were then"
        await pilot.press("down")
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 2
        await pilot.press("up", "f", "end")
        await driver.settle(pilot)
        assert labels(driver) == unfolded
        assert [line[16:] for line in driver.panel("timeline")] == [line[16:] for line in before]


async def test_a_click_on_a_conversation_chooses_who_is_folded_away_until_the_board_is_back(
    make_driver: MakeDriver,
) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, served())
        await pilot.press("down", "f", "4")
        driver.app.board_screen.on_picked(Picked(6))
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 6
        await pilot.press("1")
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 1, "what k would kill is what is marked"


def test_folded(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver()
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=prepare(driver, served(), "down", "f"))


def test_unfolded_small(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver(config=Config("light"))
    assert snap_compare(driver.app, terminal_size=(80, 24), run_before=prepare(driver, served(), "down"))


async def test_the_fold_key_says_when_there_is_nothing_to_fold(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("alone").run("alone"))
        assert "fold" not in driver.panel("keys")[0]
        await pilot.press("f")
        assert driver.toasts() == ["Nobody has children here"]
        await pilot.press("down", "f")
        assert driver.toasts()[-1] == "It has no children, and no parent here"
