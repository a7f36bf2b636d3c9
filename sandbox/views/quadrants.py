"""Classification of processes as synchronous or asynchronous and blocking or non-blocking, by their measured
behaviour, never by their name.

*Blocking*: the process waits in a call and uses no CPU. *Synchronous*: it does nothing else until it has its answer. A
process that waits for a child, a line or a message is both. A process that computes is synchronous and does not block,
and so is one that polls its socket. A process that has started a child and goes on while the child runs is asynchronous
and does not block. A process that waits for the first answer of several is asynchronous and blocks.
"""

from __future__ import annotations

from typing import NamedTuple

from sandbox.model.clause import Clause
from sandbox.model.states import WAITS, State
from sandbox.util.units import MS
from sandbox.views.board import Board, Row
from sandbox.views.history import History, Life

#: A process with sockets is taken to poll them if it has used more CPU time than both 100 ms and 20 times the time it
#: was blocked.
_ASKS_NS, _HARDLY = 100 * MS, 20


class Seat(NamedTuple):
    """The class of a process. ``why``: the reason, a rule with its figures; ``on``: the cause of its wait, if any."""

    synchronous: bool
    blocking: bool
    why: Clause
    on: Clause | None = None


def seats(board: Board, history: History, now_ns: int) -> dict[int, Seat]:
    """Return the seats of all living processes at ``now_ns``, by pid, in order of birth."""
    children: dict[int, list[Row]] = {}
    living = [row for row in board.rows.values() if row.state not in (State.NEW, State.EXITED)]
    for row in living:
        children.setdefault(row.admitted.parent or 0, []).append(row)
    sockets = {listener.pid: listener.at for listener in board.network.listeners.values()}
    sockets |= {end.pid: end.peer for end in board.network.connections.values() if end.pid is not None}
    return {
        row.pid: _waiting(row, history.lives[row.pid], now_ns)
        if row.state in WAITS
        else _going(history.lives[row.pid], children.get(row.pid, []), sockets.get(row.pid), now_ns)
        for row in living
    }


def _waiting(row: Row, life: Life, now_ns: int) -> Seat:
    figures = {"blocked_ns": life.blocked_ns(now_ns)}
    if row.waits is not None and row.waits.for_first_of_several:
        return Seat(False, True, Clause("waits for the first of several", {**figures}), row.on)
    return Seat(True, True, Clause("waits in a call", {**figures}), row.on)


def _going(life: Life, children: list[Row], socket: str | None, now_ns: int) -> Seat:
    """Return the seat of a process that is RUNNING or READY."""
    cpu_ns = life.track.used_ns(now_ns)
    if children:
        eldest = children[0]
        since_ns = cpu_ns - life.track.used_ns(eldest.admitted.t_ns)
        figures = {"child": eldest.pid, "number": len(children), "cpu_ns": since_ns}
        return Seat(False, False, Clause("goes on meanwhile", {**figures}))
    times = {"cpu_ns": cpu_ns, "blocked_ns": life.blocked_ns(now_ns)}
    if socket is not None and cpu_ns > max(_ASKS_NS, _HARDLY * times["blocked_ns"]):
        return Seat(True, False, Clause("asks again and again", {"at": socket, **times}))
    return Seat(True, False, Clause("computes", {**times}))
