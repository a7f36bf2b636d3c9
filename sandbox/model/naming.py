"""What processes are called on the board and in an order of turns: no two of them the same."""

from __future__ import annotations


def distinct(name: str, pid: int, parent: str | None, same: bool, ordinal: int | None) -> str:
    """The name of a process whose own ``name`` somebody else has: a child that goes by its parent's is ``server/2``,
    the second of its children, as in claims; others are ``cat#7``, by their pid. ``parent``: what that one is called;
    ``same``: whether both have the same name of their own."""
    if parent is not None and same and ordinal is not None:
        return f"{parent}/{ordinal}"
    return f"{name}#{pid}"


class _Called:
    """A process, as far as its name goes."""

    __slots__ = ("called", "children", "name", "ordinal", "parent")

    def __init__(self, name: str, parent: int | None, ordinal: int | None) -> None:
        self.name = self.called = name
        self.parent, self.ordinal, self.children = parent, ordinal, 0


class Names:
    """The names of all that are known, in the order of their births."""

    def __init__(self) -> None:
        self._known: dict[int, _Called] = {}
        self._taken: dict[str, int] = {}

    def born(self, pid: int, name: str, parent: int | None = None) -> str:
        """A process has come: what it is called from now on."""
        above, ordinal = self._known.get(parent or 0), None
        if above is not None:
            above.children += 1
            ordinal = above.children
        self._known[pid] = _Called(name, parent, ordinal)
        return self.became(pid, name)

    def became(self, pid: int, name: str) -> str:
        """It goes by another name of its own: what it is called from now on."""
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
        """It is remembered no longer."""
        one = self._known.pop(pid, None)
        if one is not None and self._taken.get(one.called) == pid:
            del self._taken[one.called]
