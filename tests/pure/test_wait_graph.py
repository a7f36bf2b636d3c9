"""The graph of waits: what of the board is in it, and where its parts stand, so that no line leads astray."""

from __future__ import annotations

import random

import pytest

from sandbox import wording
from sandbox.model.events import Deadlocked, Edge, Waits
from sandbox.tui.panels.waits.layout import DOWN, LEFT, RIGHT, UP, Net, Plan, layout, net_of
from sandbox.views.board import Board
from sandbox.views.waits import Wait, WaitGraph, wait_graph
from tests.support.kernel_script import KernelScript

_STEPS = {LEFT: (-1, 0), RIGHT: (1, 0), UP: (0, -1), DOWN: (0, 1)}
_BACK = {LEFT: RIGHT, RIGHT: LEFT, UP: DOWN, DOWN: UP}


def wait(pid: int, resource: str, *holders: int, knot: tuple[int, ...] = (), any_of: bool = False) -> Wait:
    return Wait(pid, resource, holders, "seen", any_of, 0, frozenset(knot))


def ring(number: int) -> list[Wait]:
    return [wait(pid, f"fork-{pid}", pid % number + 1, knot=(pid % number + 1,)) for pid in range(1, number + 1)]


def star(number: int) -> list[Wait]:
    return [wait(pid, "log.txt", number) for pid in range(1, number)]


def pairs(number: int) -> list[Wait]:
    return [wait(pid, f"lock-{pid}", pid + 1 if pid % 2 else pid - 1) for pid in range(1, number + 1)]


def planned(waits: list[Wait], width: int = 116, height: int = 19) -> Plan:
    graph = WaitGraph(tuple(waits))
    names = {pid: len(f"({pid} B eater-{pid})") for pid in graph.pids}
    plan = layout(graph, names, {each.resource: len(each.resource) for each in waits}, (width, height))
    assert plan is not None
    assert plan.height <= height
    return plan


def led_to(plan: Plan, net: Net) -> set[int]:
    """Whom the lines of a net reach, walked cell by cell from each of its resources."""
    reached: set[int] = set()
    heads = {head.at: head for head in plan.heads if head.net == net}
    for link in plan.links:
        if net_of(link.wait) == net and link.drops:
            end = link.end if link.beside is None else (link.end[0] - 1, link.end[1])
            todo, seen = [end], {end}
            while todo:
                x, y = todo.pop()
                if (x, y) in heads:
                    into = (x, y - 1 if heads[x, y].up else y + 1)
                    reached |= {pid for pid, place in plan.nodes.items() if place.contains_point(into)}
                for way, (by_x, by_y) in _STEPS.items():
                    there = x + by_x, y + by_y
                    if plan.cells.get((x, y), {}).get(net, 0) & way and there not in seen:
                        assert plan.cells.get(there, {}).get(net, 0) & _BACK[way], "a line ends nowhere"
                        seen.add(there)
                        todo.append(there)
    return reached


def check(plan: Plan, width: int = 116) -> None:
    """Nothing lies on another thing, and each wait leads to its holders and to nobody else."""
    taken: set[tuple[int, int]] = set()
    places = [*plan.nodes.values(), *(link.label.grow((0, 2, 0, 2)) for link in plan.links)]
    for place in places:
        cells = {(x, place.y) for x in range(place.x, place.right)}
        assert not cells & taken
        assert place.right <= width
        taken |= cells
    for link in plan.links:
        beside = set() if link.beside is None else {link.beside}
        routed = led_to(plan, net_of(link.wait)) if link.drops else set()
        assert beside | routed == {*link.wait.holders}
        if link.beside is not None:
            assert plan.nodes[link.beside].offset == (link.end[0] + 1, link.end[1])


@pytest.mark.parametrize("waits", [ring(3), ring(12), ring(30), star(30), pairs(30)], ids=len)
def test_each_wait_leads_to_its_holders_and_thirty_fit(waits: list[Wait]) -> None:
    check(planned(waits))


@pytest.mark.parametrize("seed", range(12))
def test_so_do_those_of_any_graph(seed: int) -> None:
    dice = random.Random(seed)
    number = dice.randint(3, 16)
    pids, waits = range(1, number + 1), []
    for pid in dice.sample(pids, dice.randint(1, number)):
        for thread in range(dice.choice([1, 1, 1, 2])):
            holders = dice.sample(pids, dice.choice([0, 1, 1, 1, 2, 3]))
            waits.append(wait(pid, f"r{thread}-{min(holders, default=0)}", *holders, any_of=True))
    check(planned(waits, height=200))


def test_what_does_not_fit_is_no_picture() -> None:
    graph = WaitGraph(tuple(ring(30)))
    assert layout(graph, dict.fromkeys(graph.pids, 12), {each.resource: 7 for each in graph.waits}, (116, 8)) is None
    assert layout(graph, dict.fromkeys(graph.pids, 12), {each.resource: 7 for each in graph.waits}, (20, 40)) is None


def dinner() -> KernelScript:
    """A parent waits for three children; two of them for each other, and one of these on a second thread for a lock that
    somebody has who does not tell."""
    script = KernelScript().admit("dinner")
    for name in ("ann", "bob", "eve"):
        script.admit(name, parent="dinner")
    for name in ("dinner", "ann", "bob"):
        script.run(name).later("1ms").block(name, "lock or semaphore")
    told = [Waits(script.at, 1, "end of a child", [2, 3, 4], "seen", any=True)]
    told += [Waits(script.at, 2, "fork", [3], "said"), Waits(script.at, 3, "noodles", [2], "said")]
    script.events += told
    return script


def board_of(script: KernelScript) -> Board:
    board = Board()
    for event in script.events:
        board.apply(event)
    return board


def test_the_graph_is_of_one_moment() -> None:
    script = dinner()
    board = board_of(script)
    graph = wait_graph(board)
    assert [(each.pid, each.resource, each.holders) for each in graph.waits] == [
        (1, "end of a child", (2, 3, 4)),
        (2, "fork", (3,)),
        (3, "noodles", (2,)),
    ]
    assert not graph.core
    board.apply(Deadlocked(script.at, [2, 3], [2, 3], [Edge(2, 3, "fork"), Edge(3, 2, "noodles"), Edge(3, 4, "seat")]))
    graph = wait_graph(board)
    assert graph.core == {2, 3}
    assert graph.chains()[0] == [2, 3, 4], "the knot is first"
    assert [each.resource for each in graph.of(3)] == ["noodles", "seat"], "another thread waits, too"
    for event in script.take()[-1:] + script.wake("ann").take():
        board.apply(event)
    assert [each.pid for each in wait_graph(board).waits] == [1, 3, 3], "who goes on waits no more"
    ring = [Edge(2, 2, "fork"), Edge(2, 2, "seat")]
    board.apply(Deadlocked(script.at, [2], [2], ring, lively=[2]))
    assert [each.resource for each in wait_graph(board).of(2)] == ["fork", "seat"], "but for other threads of it"


def test_a_family_that_is_folded_waits_as_one() -> None:
    board = board_of(dinner())
    assert wait_graph(board, lambda pid: 1).waits == (), "what they do among each other is not seen"
    board.apply(Deadlocked(board.now_ns, [2, 3], [2, 3], [Edge(2, 3, "fork"), Edge(3, 2, "noodles")]))
    graph = wait_graph(board, lambda pid: 1)
    assert [(each.pid, each.holders) for each in graph.waits] == [(1, (1,)), (1, (1,))], "but for a knot"
    graph = wait_graph(board, lambda pid: 2 if pid == 3 else pid)
    assert [(each.pid, each.holders) for each in graph.waits] == [(1, (2, 4)), (2, (2,)), (2, (2,))]


def test_things_are_named_in_few_words_and_in_sentences() -> None:
    names = {1: "ann", 2: "bob", 3: "eve"}
    assert wording.thing("pipe:[1234]") == "pipe 1234"
    assert wording.thing("mutex 7ffca1b2c3d4") == "mutex …c3d4"
    assert wording.thing("noodles") == "noodles"
    ends = ("end of a child", "end of bob", "end of thread 77")
    assert [wording.thing(end) for end in ends] == ["a child's end", "its end", "end of thread 77"]
    some = Waits(0, 1, "pipe:[7]", [2, 3], "seen", any=True)
    assert wording.share(some) == " 1/2"
    assert wording.share(Waits(0, 1, "log", [2, 3], "seen")) == " 2/2"
    assert wording.thing_named([some], names) == [
        "pipe:[7]: 2 bob, 3 eve can give it, as the system tells",
        "waiting for it: 1 ann",
    ]
    assert "whoever had it has ended" in wording.thing_named([Waits(0, 1, "fork", [], "said")], names)[0]
