"""Round robin."""

from sandbox.policies import Duration, Parameter, Policy, Task


class RoundRobin(Policy):
    """There is one ready queue; each process in turn runs for at most one quantum and goes to the tail.

    Bad when the quantum is far too short (switching costs more than the work) or far too long (it becomes first come,
    first served), and when all processes are equally long: they all end late.
    """

    name = "rr"
    quantum = Parameter(Duration("100us", "60s"), "50ms", "the length of a time slice")

    def slice(self, task: Task) -> int:
        return self.quantum
