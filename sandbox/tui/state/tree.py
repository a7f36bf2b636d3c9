"""Processes as a tree: children below who started them, or folded into its line, alike on every panel."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from itertools import takewhile
from typing import NamedTuple

from sandbox.views.board import Row


class Member(NamedTuple):
    """A process in the tree. ``children``: how many descendants it has; ``hidden``: they are folded away."""

    pid: int
    depth: int
    children: int
    hidden: bool

    @property
    def mark(self) -> str:
        """What stands behind its name: how many there are below, or are folded away."""
        return folded(self.children) if self.hidden else f" ▾{self.children}" if self.children else ""


def folded(number: int) -> str:
    """What stands behind the name of a process into whose line a number of others are folded."""
    return f" ▸{number}" if number else ""


def own_name(name: str, parent: str) -> str:
    """What tells a child from its parent: ``:51514`` of ``server:51514``; all of its name if it has another."""
    return name.removeprefix(parent) if name.startswith(f"{parent}:") else name


class ProcessTree:
    """Who started whom in a run, and whose descendants are folded away."""

    def __init__(self) -> None:
        #: Into whose lines descendants are folded.
        self.folded: set[int] = set()
        #: The members, and by pid where among them each stands.
        self._members: list[Member] = []
        self._places: dict[int, int] = {}
        #: Who started each process (0: nobody here), in order of birth.
        self._parents: dict[int, int] = {}
        self._youngest = 0
        self._heads: dict[int, int] = {0: 0}
        self._lines: dict[int, list[int]] = {}

    def grow(self, rows: dict[int, Row]) -> None:
        """Take in who was born since the last time, and who is remembered no longer; ``rows`` are all that are."""
        if len(rows) == len(self._parents) and next(reversed(rows), 0) == self._youngest:
            return
        born = [*takewhile(lambda pid: pid != self._youngest, reversed(rows))]
        self._youngest = next(reversed(rows), 0)
        if not self.folded and len(born) + len(self._parents) == len(rows):
            if all(self._append(pid, rows[pid].admitted.parent or 0) for pid in reversed(born)):
                return  # a shell starts one after another: what is above stays as it is
        parents = self._parents = {}
        for pid, row in rows.items():
            parent = row.admitted.parent or 0
            parents[pid] = parent if parent in parents else 0
        self.folded &= parents.keys()
        self._arrange()

    def _append(self, pid: int, parent: int) -> bool:
        """Take in one that was born, if its place is the last one."""
        parents, above = self._parents, []
        parents[pid] = parent = parent if parent in parents else 0
        self._heads[pid], self._lines[pid] = pid, [pid]
        last = self._members[-1].pid if self._members else 0
        while last not in (0, parent):
            last = parents[last]
        if last != parent:
            return False
        while last:
            above.append(last)
            last = parents[last]
        for each in above:
            place = self._places[each]
            self._members[place] = self._members[place]._replace(children=self._members[place].children + 1)
        self._places[pid] = len(self._members)
        self._members.append(Member(pid, len(above), 0, hidden=False))
        return True

    @property
    def members(self) -> Sequence[Member]:
        """All that are not folded away, dead or alive, each below who started it."""
        return self._members

    @property
    def has_children(self) -> bool:
        """Whether any process here has started another one."""
        return any(self._parents.values())

    def head(self, pid: int) -> int:
        """Whose line a process is part of: its own, unless it is folded away. What is no pid stays what it is."""
        return self._heads.get(pid, pid)

    def line(self, head: int) -> Sequence[int]:
        """All that are part of a process's line, itself first."""
        return self._lines[head]

    def fold(self, pid: int | None) -> bool:
        """Fold away the descendants of a process, or unfold them; of one without descendants, those of its parent; of
        None, all. False: there are none."""
        parents = {*self._parents.values()} - {0}
        if pid is None:
            self.folded = set() if self.folded else parents
        else:
            head = self.head(pid)
            parents &= {head if head != pid or pid in parents else self._parents.get(pid, 0)}
            self.folded ^= parents
        self._arrange()
        return bool(parents)

    def arranged(self, pids: Collection[int], gone: Container[int] = ()) -> list[Member]:
        """Of these (in order of birth) those that are not folded away, each below the one that started it: a new one
        moves others down, and none changes places. Those that are ``gone`` are left out, unless one below is not."""
        children: dict[int, list[int]] = {}
        counts: dict[int, int] = {}
        for pid in reversed([*pids]):  # children are younger than their parents
            lives = pid not in gone
            if lives or pid in counts:
                parent = self._parents.get(pid, 0)
                children.setdefault(parent, []).append(pid)
                counts[parent] = counts.get(parent, 0) + counts.get(pid, 0) + lives
        found: list[Member] = []
        to_do = [(pid, 0) for pid in children.get(0, [])]
        while to_do:
            pid, depth = to_do.pop()
            hidden = pid in self.folded and pid in counts
            found.append(Member(pid, depth, counts.get(pid, 0), hidden))
            if not hidden:
                to_do += [(child, depth + 1) for child in children.get(pid, [])]
        return found

    def _arrange(self) -> None:
        heads = self._heads = {0: 0}
        lines: dict[int, list[int]] = {}
        for pid, parent in self._parents.items():
            folded = parent in self.folded or heads[parent] != parent
            heads[pid] = heads[parent] if folded else pid
            lines.setdefault(heads[pid], []).append(pid)
        self._lines = lines
        self._members = self.arranged(self._parents)
        self._places = {member.pid: place for place, member in enumerate(self._members)}
