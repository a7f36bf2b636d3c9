"""Rules of clauses that code goes by; all others are for who reads them."""

from __future__ import annotations

#: Rules of ``Fault.what`` that tell of a process that never came to be.
STILLBIRTHS = (
    "could not be started", "port is taken", "port is taken by", "is exposed", "nobody listens",
    "ended before its arrival", "no birth",
)  # fmt: skip
#: Those after which a run ends, because nothing can happen in it any more.
STUCK = ("waits for somebody to type", "nothing can happen any more", "deadlock", "spins for ever")
#: Further rules that code goes by: of ``Dispatched.why``, ``PolicyNote.note`` and ``Blocked.on``.
HEAD_OF_QUEUE, MISSED_DEADLINE = "head of the ready queue", "missed its deadline"
POLL, READ_CONSOLE = "poll", "read console"
#: Of ``Dispatched.why``: a person has chosen; and of ``Fault.what``: whoever has the next turn cannot run.
CHOSEN, ORDER = "you chose", "order cannot be kept"
#: Of a problem: the scenario has programs that step, of which there are none in virtual time.
LINES_ARE_REAL = "lines are real"
#: Causes of a wait in which somebody may press a key.
AT_A_CONSOLE = (READ_CONSOLE, POLL)
#: Causes of a wait that ends when somebody continues the process: it is stopped.
STOPPED = ("stopped", "stopped itself")
#: Causes of a wait whose end is another process's doing.
FOR_CHILD = "wait for child"
FOR_OTHERS = (
    *(FOR_CHILD, "read pipe", "write pipe", "open fifo", "recv", "send", "accept", "receive message", "send message"),
    *("lock", "eventfd", "futex", "mutex", "condition", "semaphore", "lock or semaphore", "barrier", "join"),
)


class PausedBy:
    """Who pauses a machine, as far as code goes by it: who asks whose turn it shall be."""

    CHOICE = "choice"


class Did:
    """Rules of ``Operator.did`` that code goes by."""

    PAUSED, RESUMED, STEPPED, CHOSE = "paused", "resumed", "stepped", "chose"
    QUIT, KILLED, TUNED = "quit", "killed", "set"
    CHANGED_POLICY, RELOADED = "policy", "reloaded"
