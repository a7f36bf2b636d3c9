"""The search for an order of turns in which a scenario breaks, beside its run and without disturbing it."""

from __future__ import annotations

import os
import sys

from msgspec.structs import replace

from sandbox import wording
from sandbox.analysis.exploration.messages import PACKAGE, AnyMessage, Explored, ExploreTask, Tried, decode_message
from sandbox.i18n import _
from sandbox.link.client import all_cpus
from sandbox.link.worker import BadTask, Worker
from sandbox.model.spec import Scenario

#: So long it is searched at most.
_LIMIT_S = 60.0
#: So long it may take to clear up before it is killed.
_PATIENCE_S = 2.0


class OrderSearch:
    """One search at a time, and what came of the last one."""

    def __init__(self) -> None:
        self.scenario: Scenario | None = None
        self.tried = Tried(0, 0, False)
        self.result: Explored | None = None
        #: Why there is no result, in words.
        self.problem = ""
        self._worker: Worker[AnyMessage] | None = None

    @property
    def worker(self) -> Worker[AnyMessage] | None:
        """It searches as long as there is one."""
        return self._worker

    def begin(self, scenario: Scenario, width: int) -> None:
        """Search; what came of it is told in lines of so many cells. Raises OSError."""
        self.clear()
        self.scenario = scenario
        self._worker = Worker(PACKAGE, ExploreTask(scenario, _LIMIT_S, _cpus(), width), decode_message)

    def hear(self) -> None:
        """Take in what has come."""
        worker = self._worker
        if worker is None:
            return
        for message in worker.receive():
            match message:
                case Tried():
                    self.tried = message
                case Explored():
                    self.result = message
                case BadTask(faults):
                    self.problem = "; ".join(wording.problem(clause) for _place, clause in faults)
        if worker.closed:
            self._end()
            if self.result is None and not self.problem:
                self.problem = _("the search ended before it was done")

    def stop(self) -> None:
        """End it, with everything that it has started."""
        self.problem = _("the search was stopped")
        self._end()

    def clear(self) -> None:
        """There is no search, and none was there."""
        self._end()
        self.scenario, self.result, self.problem, self.tried = None, None, "", Tried(0, 0, False)

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end(_PATIENCE_S)

    def replayed(self) -> Scenario | None:
        """The scenario that was explored, with the order in which it breaks. Nothing of its lesson fits that run."""
        if self.scenario is None or self.result is None or not self.result.order:
            return None
        order = {"order": [*self.result.order]}
        machine = replace(self.scenario.machine, policy="scripted", quantum_ns=None, parameters=order)
        return replace(self.scenario, machine=machine, lesson=None, concepts=[], steps=[], whatifs=[], script=[])


def _cpus() -> list[int]:
    """All but one, which is left to the screen."""
    every = all_cpus()
    if sys.platform != "linux":
        return every
    mine = min(os.sched_getaffinity(0), default=0)
    return [cpu for cpu in every if cpu != mine] or every
