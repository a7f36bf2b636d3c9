"""Unique display names for processes, used on the board and in orders of turns."""

from __future__ import annotations

from collections.abc import Iterable


def distinct(name: str, pid: int, parent: str | None, same: bool, ordinal: int | None) -> str:
    """Return a unique name for a process whose own ``name`` is taken: the second child of a parent with the same name
    is ``server/2``, as in claims; any other process is named by its pid, as in ``cat#7``. ``parent``: the parent's
    unique name; ``same``: whether parent and child have the same own name; ``ordinal``: the child's number."""
    if parent is not None and same and ordinal is not None:
        return f"{parent}/{ordinal}"
    return f"{name}#{pid}"


class _Called:
    """The naming data of one process."""

    __slots__ = ("called", "children", "name", "ordinal", "parent")

    def __init__(self, name: str, parent: int | None, ordinal: int | None) -> None:
        self.name = self.called = name
        self.parent, self.ordinal, self.children = parent, ordinal, 0


class Names:
    """The unique names of all known processes, assigned in the order of their births."""

    def __init__(self) -> None:
        self._known: dict[int, _Called] = {}
        self._taken: dict[str, int] = {}

    def born(self, pid: int, name: str, parent: int | None = None) -> str:
        """Add a new process, and return its unique name."""
        above, ordinal = self._known.get(parent or 0), None
        if above is not None:
            above.children += 1
            ordinal = above.children
        self._known[pid] = _Called(name, parent, ordinal)
        return self.became(pid, name)

    def became(self, pid: int, name: str) -> str:
        """Give a process another own name, and return its unique name from now on."""
        one = self._known[pid]
        if self._taken.get(one.called) == pid:
            del self._taken[one.called]
        one.name = name
        if name in self._taken:
            above = self._known.get(one.parent or 0)
            called = None if above is None else above.called
            name = distinct(name, pid, called, above is not None and above.name == name, one.ordinal)
        one.called = name
        self._taken[name] = pid
        return name

    def forget(self, pid: int) -> None:
        """Forget a process and release its name."""
        one = self._known.pop(pid, None)
        if one is not None and self._taken.get(one.called) == pid:
            del self._taken[one.called]


def of_births(births: Iterable[tuple[int, str, int | None]]) -> dict[int, str]:
    """Return the unique names, by pid, of processes at their births. ``births``: the pid, own name and parent's pid of
    each, in the order of birth."""
    names = Names()
    return {pid: names.born(pid, name, parent) for pid, name, parent in births}
