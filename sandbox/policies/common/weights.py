"""The weights that Linux gives to nice values. With two competing processes, a step is about 10 % of a CPU."""

from sandbox.policies.base import Task

#: The weight of nice 0, at which CPU time counts in full.
NORMAL = 1024

_OF_NICE = (  # from nice -20 to 19
    *(88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916),
    *(9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277),
    *(1024, 820, 655, 526, 423, 335, 272, 215, 172, 137),
    *(110, 87, 70, 56, 45, 36, 29, 23, 18, 15),
)


def weight(task: Task) -> int:
    """Return the weight of a task's nice value."""
    return _OF_NICE[task.nice + 20]


def weighted(ns: int, task: Task) -> int:
    """Scale CPU time by a task's weight: the heavier the task, the less it counts."""
    return ns * NORMAL // weight(task)
