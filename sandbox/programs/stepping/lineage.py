"""Numbers the processes and threads that a process starts, in the order in which the program starts them.

The system's numbers show that order as well, but may begin anew at any time.
"""

from __future__ import annotations

import _thread


class Lineage:
    """The births of a process, and its own.

    ``rank``: the ordinal numbers of the births of its ancestors and of itself, each among those of the same parent;
    ``awaited``: how many processes and threads were started since a thread last came to a line, which the machine
    awaits.
    """

    def __init__(self) -> None:
        self.rank: tuple[int, ...] = ()
        self.awaited = 0
        self._born = 0
        #: The ordinal numbers of its threads, by ident.
        self._threads: dict[int, int] = {}

    def bear(self) -> int:
        """Count a process or thread that is being started, and return its ordinal number."""
        self.awaited += 1
        self._born += 1
        return self._born

    def take(self) -> int:
        """Return how many are awaited, and forget them."""
        awaited, self.awaited = self.awaited, 0
        return awaited

    def forked(self) -> None:
        """Note that this is the next child, which was just forked."""
        self.rank, self._born, self.awaited = (*self.rank, self._born + 1), 0, 0
        self._threads.clear()

    # Threads

    def thread_begins(self, number: int) -> None:
        """Note the ordinal number of the calling thread."""
        self._threads[_thread.get_ident()] = number

    def thread_ends(self) -> None:
        """Forget the calling thread."""
        self._threads.pop(_thread.get_ident(), None)

    @property
    def rank_here(self) -> tuple[int, ...]:
        """The rank of the calling thread."""
        number = self._threads.get(_thread.get_ident())
        return self.rank if number is None else (*self.rank, number)
