"""Deadlock is found by the graph alone; whether rightly, brute force says: it tries every set of threads."""

import random
from itertools import chain, combinations

import pytest

from sandbox.kernel.deadlock import find


def waits(**groups):
    """``a="b c"``: a waits for b or c; ``a=["b", "c"]``: for b and for c."""
    lists = {name: [said] if isinstance(said, str) else said for name, said in groups.items()}
    return {name: [frozenset(group.split()) for group in each] for name, each in lists.items()}


def names(nodes):
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
def test_who_can_never_go_on(graph, stuck, core):
    found = find(graph)
    assert (names(found.stuck), names(found.core)) == (stuck, core)


def test_who_waits_for_somebody_that_is_no_more_is_abandoned():
    found = find(waits(a="b", b=[""], c="d", d="c e", e="b"))
    assert names(found.abandoned) == "a b c d e"
    assert not found.stuck


def _subsets(nodes):
    return (frozenset(some) for some in chain.from_iterable(combinations(nodes, size) for size in range(1, len(nodes) + 1)))


def _is_closed(some, graph):
    """Whether each of these waits for a group that lies within."""
    return all(any(group <= some for group in graph[node]) for node in some)


def _is_connected(some, graph):
    """Whether each of these reaches each, over groups that lie within; one alone has to wait for itself."""

    def reached(node):
        found, todo = set(), [node]
        while todo:
            for group in graph[todo.pop()]:
                if group <= some:
                    todo += group - found
                    found |= group
        return found

    return all(reached(node) == some for node in some)


def _by_brute_force(graph):
    nodes = sorted(graph)
    lost = frozenset().union(*(some for some in _subsets(nodes) if _is_closed(some, graph)))
    filled = {node: [group for group in groups if group] for node, groups in graph.items()}
    closed = (some for some in _subsets(sorted(lost)) if _is_closed(some, filled))
    core = frozenset().union(*(some for some in closed if _is_connected(some, filled)))
    stuck, more = core, True
    while more:
        behind = {node for node in lost if any(group <= lost and group & stuck for group in graph[node])}
        more = not behind <= stuck
        stuck |= behind
    return stuck, core, lost - stuck


@pytest.mark.parametrize("seed", range(40))
def test_brute_force_finds_the_same(seed):
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


def test_a_thousand_that_wait_for_one_another_cost_little():
    everybody = frozenset(range(1_000))
    assert find({node: [everybody] for node in everybody}).core == everybody
    ring = {node: [frozenset({(node + 1) % 1_000})] for node in range(1_000)}
    assert find(ring).core == everybody
