"""The user as the scheduler."""

from __future__ import annotations

from collections import deque

from sandbox.model.rules import CHOSEN
from sandbox.policies import Clause, Duration, Parameter, Policy, Task
from sandbox.policies.base import HEAD


class Manual(Policy):
    """You are the scheduler: before each choice between several processes the machine stops, and the one that you
    choose has the CPU for at most one quantum. If there is no user, the commands ``choose NAME`` of the scenario's
    script choose; without them, the process that has been ready for longest runs.

    Bad when there are many choices: a machine makes thousands while a person makes one.
    """

    name = "manual"
    decides = False
    quantum = Parameter(
        Duration("100us", "60s", zero=True), "50ms", "the length of a time slice (0 ms: each runs until it blocks)"
    )

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        #: Tasks that were chosen in advance, for the next choices.
        self._wanted: deque[Task] = deque()
        self._why = HEAD
        #: Whether a note has told that there is no user to ask.
        self._said = False

    @property
    def asks(self) -> bool:
        """Whether the user has to choose: no task that was chosen in advance is READY."""
        return not any(task in self.queue for task in self._wanted)

    def prefer(self, task: Task) -> bool:
        self._wanted.append(task)
        return True

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        several = len(self.queue) > 1
        while several and self._wanted:
            task = self._wanted.popleft()
            if task in self.queue:
                self.queue.remove(task)
                self._why = Clause(CHOSEN)
                return task
            self.note(Clause("cannot be chosen"), task)
        if several and not (self._said or self.kernel.attended):
            self._said = True
            self.note(Clause("nobody to ask"))
        self._why = HEAD if several else Clause("nobody else is ready")
        return super().pick(cpu, now_ns)

    def slice(self, task: Task) -> int | None:
        return self.quantum or None

    def why(self, task: Task) -> Clause:
        return self._why
