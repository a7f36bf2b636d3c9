"""Deadlock is found by the graph alone; whether rightly, brute force says: it tries every set of threads."""

import random
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, combinations

import pytest

from sandbox.kernel.deadlock import find

Graph = dict[int, list[frozenset[int]]]
Set = frozenset[int]


def waits(**groups: str | list[str]) -> dict[str, list[frozenset[str]]]:
    """``a="b c"``: a waits for b or c; ``a=["b", "c"]``: for b and for c."""
    lists = {name: [said] if isinstance(said, str) else said for name, said in groups.items()}
    return {name: [frozenset(group.split()) for group in each] for name, each in lists.items()}


def names(nodes: Iterable[str]) -> str:
    return " ".join(sorted(nodes))


@pytest.mark.parametrize(
    ("graph", "stuck", "core"),
    [
        (waits(a="b", b="a"), "a b", "a b"),
        (waits(a="b", b="c"), "", ""),  # c goes on
        (waits(a="b", b="a", c="a"), "a b c", "a b"),  # behind the knot
        (waits(a="b c", b="a"), "", ""),  # any: c lets a go on
        (waits(a=["b", "c"], b="a"), "a b", "a b"),  # all: c is not enough
        (waits(a="a"), "a", "a"),  # reads a pipe of which nobody else has the other end
        (waits(a="b c", b="a", c="d", d="c"), "a b c d", "c d"),  # a and b would go on if c did
        (waits(a="b", b=["a", "c"], c="d", d="c"), "a b c d", "a b c d"),  # two knots
        (waits(a="b", b=[""]), "", ""),  # abandoned is no deadlock
        (waits(), "", ""),
    ],
)
def test_who_can_never_go_on(graph: dict[str, list[frozenset[str]]], stuck: str, core: str) -> None:
    found = find(graph)
    assert (names(found.stuck), names(found.core)) == (stuck, core)


def test_who_waits_for_somebody_that_is_no_more_is_abandoned() -> None:
    found = find(waits(a="b", b=[""], c="d", d="c e", e="b"))
    assert names(found.abandoned) == "a b c d e"
    assert not found.stuck


def _subsets(nodes: Collection[int]) -> Iterator[Set]:
    sizes = range(1, len(nodes) + 1)
    return map(frozenset, chain.from_iterable(combinations(nodes, size) for size in sizes))


def _is_closed(some: Set, graph: Graph) -> bool:
    """Whether each of these waits for a group that lies within."""
    return all(any(group <= some for group in graph[node]) for node in some)


def _is_connected(some: Set, graph: Graph) -> bool:
    """Whether each of these reaches each, over groups that lie within; one alone has to wait for itself."""

    def reached(node: int) -> set[int]:
        found: set[int] = set()
        todo = [node]
        while todo:
            for group in graph[todo.pop()]:
                if group <= some:
                    todo += group - found
                    found |= group
        return found

    return all(reached(node) == some for node in some)


def _by_brute_force(graph: Graph) -> tuple[Set, Set, Set]:
    nodes = sorted(graph)
    nobody: Set = frozenset()
    lost = nobody.union(*(some for some in _subsets(nodes) if _is_closed(some, graph)))
    filled = {node: [group for group in groups if group] for node, groups in graph.items()}
    closed = (some for some in _subsets(sorted(lost)) if _is_closed(some, filled))
    core = nobody.union(*(some for some in closed if _is_connected(some, filled)))
    stuck, more = core, True
    while more:
        behind = {node for node in lost if any(group <= lost and group & stuck for group in graph[node])}
        more = not behind <= stuck
        stuck |= behind
    return stuck, core, lost - stuck


@pytest.mark.parametrize("seed", range(40))
def test_brute_force_finds_the_same(seed: int) -> None:
    random_ = random.Random(seed)
    for _ in range(40):
        number = random_.randint(1, 7)
        nodes = range(number + random_.randint(0, 1))  # one may run
        graph = {
            node: [
                frozenset(random_.sample(nodes, min(len(nodes), random_.choice((0, 1, 1, 1, 2, 2, 3)))))
                for _ in range(random_.choice((1, 1, 1, 2, 3)))
            ]
            for node in range(number)
        }
        assert tuple(find(graph)) == _by_brute_force(graph), graph


def test_a_thousand_that_wait_for_one_another_cost_little() -> None:
    everybody = frozenset(range(1_000))
    assert find({node: [everybody] for node in everybody}).core == everybody
    ring = {node: [frozenset({(node + 1) % 1_000})] for node in range(1_000)}
    assert find(ring).core == everybody
