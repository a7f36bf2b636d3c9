"""Fair scheduling, as Linux's CFS did it."""

from __future__ import annotations

from sandbox.policies import Clause, Duration, Figure, Parameter, Ranked, ReadyReason, Task
from sandbox.policies.common.weights import weight, weighted


class FairState:
    """``vruntime_ns``: CPU time scaled by the task's weight; ``charged_ns``: the CPU time that is contained in it."""

    __slots__ = ("charged_ns", "vruntime_ns")

    def __init__(self, vruntime_ns: int, charged_ns: int) -> None:
        self.vruntime_ns, self.charged_ns = vruntime_ns, charged_ns


class Fair(Ranked):
    """The process with the least virtual runtime runs, for its weight's share of ``latency``. Virtual runtime is CPU
    time weighted by nice; a process that has slept returns with a credit of at most half a ``latency``.

    Bad when there are deadlines: each gets its share, but not by a certain time; with many ready processes, each waits
    long.
    """

    name = "fair"
    keeps_slice = ()
    latency = Parameter(Duration("100us", "60s"), "24ms", "the time in which every ready process runs once")
    granularity = Parameter(
        Duration("100us", "60s"), "3ms", "the shortest slice, and the lead at which a process preempts another"
    )

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self._load = 0  # the sum of the weights of all READY and running tasks
        self._floor_ns = 0  # the virtual runtime of new tasks

    def rank(self, task: Task) -> int:
        vruntime_ns: int = task.data.vruntime_ns
        return vruntime_ns

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        if task.data is None:
            task.data = FairState(self._floor_ns, task.cpu_ns)
        elif reason == "woke":
            self._limit_credit(task)
        self._load += weight(task)
        super().enqueue(task, reason, now_ns)

    def _limit_credit(self, task: Task) -> None:
        state: FairState = task.data
        least_ns = self._floor_ns - self.latency // 2
        if state.vruntime_ns < least_ns:
            self.note(Clause("credit limited", {"before_ns": state.vruntime_ns, "after_ns": least_ns}), task)
            state.vruntime_ns = least_ns

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        task = super().pick(cpu, now_ns)
        if task is not None and task.data.vruntime_ns > self._floor_ns:
            self._floor_ns = task.data.vruntime_ns
        return task

    def slice(self, task: Task) -> int:
        return max(self.latency * weight(task) // self._load, self.granularity)

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        state: FairState = running.data
        lead_ns = state.vruntime_ns + weighted(running.cpu_ns - state.charged_ns, running) - self.rank(task)
        return lead_ns > weighted(self.granularity, task)

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        self._load -= weight(task)
        task.data.vruntime_ns += weighted(ran_ns, task)
        task.data.charged_ns = task.cpu_ns

    def remove(self, task: Task) -> None:
        self._load -= weight(task)
        super().remove(task)

    def why(self, task: Task) -> Clause:
        return Clause("least virtual runtime", {"vruntime_ns": task.data.vruntime_ns})

    def figures(self, task: Task) -> dict[str, Figure]:
        return {"vruntime_ns": task.data.vruntime_ns, "weight": weight(task)}
