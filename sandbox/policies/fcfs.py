"""First come, first served."""

from sandbox.policies import Policy


class FirstComeFirstServed(Policy):
    """The process that became ready first runs until it blocks or ends.

    Bad when a long process is ahead of short ones: all of them wait for it (the convoy effect).
    """

    name = "fcfs"
