"""Stride scheduling."""

from fractions import Fraction

from sandbox.policies import Clause, Duration, Figure, Parameter, Ranked, ReadyReason, Task

#: The stride of a process is this, divided by its tickets.
_STRIDE_OF_ONE_TICKET = 10_000


class Stride(Ranked):
    """The process with the lowest pass runs for one slice, and its pass grows by its stride, 10000 / tickets: CPU time
    is shared in proportion to tickets, exactly. Of equal ones, the first in the scenario runs.

    Bad when processes come and go: no initial pass of a new process is fair to all (here: that of the process that was
    picked last, so that none catches up on time for which it was absent).
    """

    # Passes are exact fractions: rounding would break ties between equal passes, which the scenario's order decides.

    name = "stride"
    needs = ("tickets",)
    quantum = Parameter(Duration("100us", "60s"), "10ms", "the length of a time slice")

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self._latest = Fraction()  # the pass of the last task that was picked

    def rank(self, task: Task) -> tuple[Fraction, int]:
        return task.data, task.order

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        if task.data is None:
            task.data = self._latest
        elif reason == "woke" and task.data < self._latest:
            self.note(Clause("caught up", {"before": _shown(task.data), "after": _shown(self._latest)}), task)
            task.data = self._latest
        super().enqueue(task, reason, now_ns)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        task = super().pick(cpu, now_ns)
        if task is not None:
            self._latest = max(self._latest, task.data)
        return task

    def slice(self, task: Task) -> int:
        return self.quantum

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        task.data += Fraction(_STRIDE_OF_ONE_TICKET * ran_ns, task.tickets * self.quantum)

    def why(self, task: Task) -> Clause:
        return Clause("lowest pass", self.figures(task))

    def figures(self, task: Task) -> dict[str, Figure]:
        return {"pass": _shown(task.data), "stride": round(_STRIDE_OF_ONE_TICKET / task.tickets, 3)}


def _shown(passed: Fraction) -> float:
    return round(float(passed), 3)
