"""Rules of clauses that code goes by; all others are for who reads them."""

from __future__ import annotations

#: Rules of ``Fault.what`` that tell of a process that never came to be.
STILLBIRTHS = (
    "could not be started", "port is taken", "port is taken by", "is exposed", "nobody listens",
    "ended before its arrival", "no birth",
)  # fmt: skip
#: Those after which a run ends, because nothing can happen in it any more.
STUCK = ("waits for somebody to type", "nothing can happen any more", "deadlock")
#: Further rules that code goes by: of ``Dispatched.why``, ``PolicyNote.note`` and ``Blocked.on``.
HEAD_OF_QUEUE, MISSED_DEADLINE = "head of the ready queue", "missed its deadline"
POLL, READ_CONSOLE = "poll", "read console"
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


class Did:
    """Rules of ``Operator.did`` that code goes by."""

    PAUSED, RESUMED, STEPPED = "paused", "resumed", "stepped"
    QUIT, KILLED, TUNED = "quit", "killed", "set"
    CHANGED_POLICY, RELOADED = "policy", "reloaded"
