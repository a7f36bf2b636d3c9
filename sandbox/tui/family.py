"""Processes as a tree: children below who started them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from sandbox.board import Row
from sandbox.kernel.states import State


class Member(NamedTuple):
    """A process in the tree. ``children``: how many living descendants it has; ``hidden``: they are folded away."""

    pid: int
    depth: int
    children: int
    hidden: bool


def tree(rows: Mapping[int, Row], folded: Collection[int]) -> list[Member]:
    """Who lives, and the ancestors of those, everyone below his parent, in order of birth: one that is born moves
    others down, and nobody changes places."""
    children: dict[int, list[int]] = {}
    counts: dict[int, int] = {}
    for pid in reversed([*rows]):  # children are younger than their parents
        lives = rows[pid].state is not State.EXITED
        if lives or pid in counts:
            parent = rows[pid].admitted.parent or 0
            children.setdefault(parent if parent in rows else 0, []).append(pid)
            counts[parent] = counts.get(parent, 0) + counts.get(pid, 0) + lives
    found: list[Member] = []
    to_do = [(pid, 0) for pid in children.get(0, [])]
    while to_do:
        pid, depth = to_do.pop()
        hidden = pid in folded and pid in counts
        found.append(Member(pid, depth, counts.get(pid, 0), hidden))
        if not hidden:
            to_do += [(child, depth + 1) for child in children.get(pid, [])]
    return found
