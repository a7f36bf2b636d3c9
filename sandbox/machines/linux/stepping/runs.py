"""Many runs of one stepped scenario, one after the other, in this process, e.g. to try different orders.

    with SteppedRuns(scenario) as runs:
        events = runs.run(policy)

Any ``policy`` will do; one whose ``pick`` chooses among the ready tasks is the explorer's. At each call of ``pick``
everything is at rest: the ready tasks (which were passed to ``Policy.enqueue``) are all that can go on. A switch away
from a task is a preemption if the task is ready although it has just run (``task.stopped`` is "expired"), and free if
it is blocked, spins (``Blocked.on`` is ``spins``) or has ended. A slice is one step if ``slice`` returns ``TURN_NS``,
as with ``one_line``. The same picks lead to the same events.

Names of tasks: ``a`` is a process of the scenario, ``a/1`` its first child, ``a.1`` its second thread.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import run
from sandbox.kernel.operator import CommandInterpreter
from sandbox.machines.linux.stepping.machine import SteppingMachine
from sandbox.machines.linux.stepping.stage import Stage
from sandbox.machines.linux.stepping.turns import TURN_NS, one_line
from sandbox.model.events import Event
from sandbox.model.spec import Scenario
from sandbox.policies.base import Policy
from sandbox.policies.host.factory import PolicyFactory
from sandbox.util import libc
from sandbox.util.cpus import usable_cpus
from sandbox.util.timeout import NO_LIMIT

__all__ = ["TURN_NS", "SteppedRuns", "SteppingMachine", "one_line"]


class SteppedRuns:
    """Runs a scenario again and again. To be closed, or used as a context manager.

    ``cpu``: the real CPU for all processes, including this one while it waits for a turn (None: the last one that it
    may use); ``states``: whether tasks report their whole state at each line, which makes them a little slower. After
    ``close``, or when this process is killed, no process or file is left.
    """

    def __init__(self, scenario: Scenario, cpu: int | None = None, states: bool = False) -> None:
        """Start the stage. Raises OSError."""
        with suppress(OSError):
            libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
        self.scenario = scenario
        self.stage = Stage(scenario, usable_cpus()[-1] if cpu is None else cpu, states)
        #: The machine of the present or the last run.
        self.machine: SteppingMachine | None = None

    def run(
        self,
        policy: Policy | None = None,
        stop: Callable[[list[Event]], bool] | None = None,
        waits: bool = False,
    ) -> list[Event]:
        """Do one run and return its events.

        ``policy``: None for the scenario's own; ``stop``: called with the events of each instant, returns whether to
        end the run there; ``waits``: whether it is reported at once for whom each process waits, not only when nothing
        can happen any more.
        """
        spec = one_line(self.scenario.machine)
        factory = PolicyFactory(spec, self.scenario.folder, NO_LIMIT)
        kernel = Kernel(policy or factory.first(), 1, spec.ties, spec.kept)
        self.machine = SteppingMachine(self.scenario, self.stage, tells_waits=waits)
        events: list[Event] = []

        def emit(new: list[Event]) -> None:
            events.extend(new)
            if stop is not None and stop(new):
                kernel.quitting = True

        run(kernel, CommandInterpreter(kernel, factory.next), self.machine, emit, self.scenario.name)
        return events

    def close(self) -> None:
        """End all processes of the stage and remove the room."""
        self.stage.close()

    def __enter__(self) -> SteppedRuns:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
