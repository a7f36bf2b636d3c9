"""你自己的调度策略：在你改动之前，它就是轮转（round robin）。

它遵守调度的规律吗？            ossandbox check mine.py
它在虚拟时间里怎样决定？        ossandbox simulate convoy --policy mine.py:Mine
与别的策略相比如何？            ossandbox compare convoy --policies rr,mine.py:Mine
在真实进程上运行：              ossandbox convoy --policy mine.py:Mine
"""

from __future__ import annotations

from sandbox.policies import Clause, Duration, Parameter, Policy, ReadyReason, Task


class Mine(Policy):
    """轮流得到 CPU，每次一个时间片。

    时间片太短或太长时都不好。
    """

    # 参数：值的种类、默认值、它是什么。self.quantum 以纳秒计。
    quantum = Parameter(Duration("1ms", "10s"), "50ms", "the length of a time slice")

    # 如果你的规则会让某个进程在别人来来去去时永远等下去，或有意让 CPU 空闲，请写明：
    # starves = True
    # idles = True

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        """一个任务就绪了，原因是："admitted"（到达）、"woke"（醒来）、"expired"（时间片用完）、"preempted"（被抢占）或
        "yielded"（让出）。"""
        if reason == "preempted":
            self.queue.appendleft(task)
        else:
            self.queue.append(task)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        """有 CPU 空闲，又有任务就绪：从队列中取出下一个任务。

        任务有：pid、name、arrived_ns、cpu_ns（已用的 CPU 时间）、priority、nice、tickets、estimate_ns。
        """
        return self.queue.popleft()

    def slice(self, task: Task) -> int | None:
        """这个任务现在可以运行多久，以纳秒计；None：直到它阻塞。"""
        return self.quantum

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        """刚刚就绪的任务是否从正在运行的任务那里夺走 CPU。"""
        return False

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        """任务离开 CPU，用了这么多 CPU 时间。"""

    def why(self, task: Task) -> Clause:
        """为什么选了它：屏幕在 WHY 中显示的那句话。改动 pick() 时也要改它，否则屏幕讲的就不是你的规则。"""
        return Clause("sentence", {"text": "它等得最久"})
