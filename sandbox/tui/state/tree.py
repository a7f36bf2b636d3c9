"""The process tree as all panels list it: children below their parents, or folded into the parent's line."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from itertools import takewhile
from typing import NamedTuple

from sandbox.views.board import Row


class Member(NamedTuple):
    """A process in the tree. ``children``: the number of its descendants; ``hidden``: they are folded away."""

    pid: int
    depth: int
    children: int
    hidden: bool

    @property
    def mark(self) -> str:
        """The text after its name: the number of descendants listed below or folded away; "" if it has none."""
        return folded(self.children) if self.hidden else f" ▾{self.children}" if self.children else ""


def folded(number: int) -> str:
    """Return the text after the name of a process with a number of others folded into its line; "" for 0."""
    return f" ▸{number}" if number else ""


def own_name(name: str, parent: str) -> str:
    """Return the part of a child's name that differs from its parent's: ``:51514`` of ``server:51514``, ``/1`` of
    ``boss/1``; otherwise the name."""
    return name.removeprefix(parent) if name.startswith((f"{parent}:", f"{parent}/")) else name


class ProcessTree:
    """The parents of all processes of a run, and which processes have their descendants folded away."""

    def __init__(self) -> None:
        #: Pids of the processes whose descendants are folded into their lines.
        self.folded: set[int] = set()
        #: The members in order, and the index of each by pid.
        self._members: list[Member] = []
        self._places: dict[int, int] = {}
        #: The parent of each process (0: none that is remembered), in order of birth.
        self._parents: dict[int, int] = {}
        self._youngest = 0
        self._heads: dict[int, int] = {0: 0}
        self._lines: dict[int, list[int]] = {}

    def grow(self, rows: dict[int, Row]) -> None:
        """Add processes born since the last call, and drop forgotten ones. ``rows``: all processes of the board."""
        if len(rows) == len(self._parents) and next(reversed(rows), 0) == self._youngest:
            return
        born = [*takewhile(lambda pid: pid != self._youngest, reversed(rows))]
        self._youngest = next(reversed(rows), 0)
        if not self.folded and len(born) + len(self._parents) == len(rows):
            if all(self._append(pid, rows[pid].admitted.parent or 0) for pid in reversed(born)):
                return  # frequent: a shell starts one process after another, and the lines above stay as they are
        parents = self._parents = {}
        for pid, row in rows.items():
            parent = row.admitted.parent or 0
            parents[pid] = parent if parent in parents else 0
        self.folded &= parents.keys()
        self._arrange()

    def _append(self, pid: int, parent: int) -> bool:
        """Append a newborn process. Returns False if its place is not the last one."""
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
        """The processes that are not folded away, whether ended or not, each below its parent."""
        return self._members

    @property
    def has_children(self) -> bool:
        """Whether any process has children."""
        return any(self._parents.values())

    def head(self, pid: int) -> int:
        """Return the pid of the process whose line contains a process: its own, unless it is folded away. Unknown
        numbers are returned unchanged."""
        return self._heads.get(pid, pid)

    def line(self, head: int) -> Sequence[int]:
        """Return the pids of all processes in the line of ``head``, itself first."""
        return self._lines[head]

    def fold(self, pid: int | None) -> bool:
        """Toggle folding of a process's descendants; of a process without descendants, of its parent's; of None, of all
        processes. Returns False if there is nothing to fold."""
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
        """Return the members for these pids (in order of birth), without those folded away, each below its parent. A
        newborn moves others down, but none changes places. Members in ``gone`` are left out, unless a descendant is not
        gone."""
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
