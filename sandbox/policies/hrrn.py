"""Highest response ratio next."""

from sandbox.policies import Clause, Figure, Task
from sandbox.policies.base import HEAD
from sandbox.policies.common.bursts import BurstEstimator


class HighestResponseRatioNext(BurstEstimator):
    """The process with the highest (time waited + next burst) / next burst runs until it blocks or ends: short
    processes go first, but the ratio of a long one grows while it waits.

    Bad when fast responses are needed (nothing is ever preempted), or when estimates are wrong. All ratios change with
    time, so each decision has to examine every ready process.
    """

    # Each ratio is a line over time, steeper for a shorter burst, and the highest one is wanted where all are cut by
    # ``now``. Of equal bursts the one that has waited longest is highest, but of n different ones any may be next: an
    # order kept between decisions has n² exchanges to follow, and an upper envelope, which would find it in log n, is
    # of no use once a line of it is taken away. To look at all is exact, and a thousand take some 0.3 ms.

    name = "hrrn"
    chosen = HEAD

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        best: Task | None = None
        best_waited_ns, best_burst_ns = 0, 1
        for task in self.queue:
            waited_ns, burst_ns = now_ns - task.since_ns, max(self.expected_ns(task), 1)
            # waited / burst, compared without rounding
            if best is None or waited_ns * best_burst_ns > best_waited_ns * burst_ns:
                best, best_waited_ns, best_burst_ns = task, waited_ns, burst_ns
        if best is not None:
            self.queue.remove(best)
            ratio = round(1 + best_waited_ns / best_burst_ns, 3)
            figures: dict[str, Figure] = {"ratio": ratio, "waited_ns": best_waited_ns, "burst_ns": best_burst_ns}
            self.chosen = Clause("highest response ratio", figures)
        return best

    def why(self, task: Task) -> Clause:
        return self.chosen
