"""The rule names of clauses on which code depends; all other rules are only shown to readers."""

from __future__ import annotations

#: Rules of ``Fault.what`` for a process that could not be created.
STILLBIRTHS = (
    "could not be started", "port is taken", "port is taken by", "is exposed", "nobody listens",
    "ended before its arrival", "no birth",
)  # fmt: skip
#: Rules of ``Fault.what`` for a run that ends because nothing more can happen in it.
STUCK = (
    "waits for somebody to type", "waits for the other end of a pipe", "waits for a signal",
    "nothing can happen any more", "deadlock", "spins for ever",
)  # fmt: skip
#: Rules of ``Dispatched.why`` and ``PolicyNote.note``, then of ``Blocked.on``.
HEAD_OF_QUEUE, MISSED_DEADLINE = "head of the ready queue", "missed its deadline"
POLL, READ_CONSOLE = "poll", "read console"
#: A rule of ``Dispatched.why``: a person has chosen; and one of ``Fault.what``: the process with the next turn cannot
#: run.
CHOSEN, ORDER = "you chose", "order cannot be kept"
#: Rule of a problem: the scenario has stepped programs, which virtual time does not have.
LINES_ARE_REAL = "lines are real"
#: Causes of a wait that a key pressed at the console may end.
AT_A_CONSOLE = (READ_CONSOLE, POLL)
#: Causes of a wait that ends when the process, which is stopped, is continued.
STOPPED = ("stopped", "stopped itself")
#: Causes of a wait that another process has to end.
FOR_CHILD = "wait for child"
FOR_OTHERS = (
    *(FOR_CHILD, "read pipe", "write pipe", "open fifo", "recv", "send", "accept", "receive message", "send message"),
    *("read terminal", "write terminal", "lock", "eventfd", "futex", "mutex", "condition", "semaphore"),
    *("lock or semaphore", "barrier", "join"),
)


class PausedBy:
    """Values of the figure ``by`` of a pause on which code depends. ``CHOICE``: a person has to choose a process."""

    CHOICE = "choice"


class Did:
    """Rules of ``Operator.did`` on which code depends."""

    PAUSED, RESUMED, STEPPED, CHOSE = "paused", "resumed", "stepped", "chose"
    QUIT, KILLED, TUNED = "quit", "killed", "set"
    CHANGED_POLICY, RELOADED = "policy", "reloaded"
