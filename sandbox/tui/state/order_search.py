"""The search for an order of turns in which a scenario fails. It runs in a process of its own, apart from the run."""

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

#: The longest duration of a search.
_LIMIT_S = 60.0
#: The time that a stopped search may take to clean up before it is killed.
_PATIENCE_S = 2.0


class OrderSearch:
    """A search, one at a time, and the result of the last one."""

    def __init__(self) -> None:
        self.scenario: Scenario | None = None
        self.tried = Tried(0, 0, False)
        self.result: Explored | None = None
        #: The reason why there is no result, as text.
        self.problem = ""
        self._worker: Worker[AnyMessage] | None = None

    @property
    def worker(self) -> Worker[AnyMessage] | None:
        """The process that searches; None if no search is running."""
        return self._worker

    def begin(self, scenario: Scenario, width: int) -> None:
        """Start a search. ``width``: the width in cells for the text of the result. Raises OSError."""
        self.clear()
        self.scenario = scenario
        self._worker = Worker(PACKAGE, ExploreTask(scenario, _LIMIT_S, _cpus(), width), decode_message)

    def hear(self) -> None:
        """Process the messages that have arrived from the search."""
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
                    self.problem = wording.clauses(wording.problem(clause) for _place, clause in faults)
        if worker.closed:
            self._end()
            if self.result is None and not self.problem:
                self.problem = _("the search ended before it was done")

    def stop(self) -> None:
        """Stop the search, with every process that it has started."""
        self.problem = _("the search was stopped")
        self._end()

    def clear(self) -> None:
        """Stop the search and forget its result."""
        self._end()
        self.scenario, self.result, self.problem, self.tried = None, None, "", Tried(0, 0, False)

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end(_PATIENCE_S)

    def replayed(self) -> Scenario | None:
        """Return the explored scenario, set to the order in which it fails, without its lesson, which does not fit that
        run; None if no such order was found."""
        if self.scenario is None or self.result is None or not self.result.order:
            return None
        order = {"order": [*self.result.order]}
        machine = replace(self.scenario.machine, policy="scripted", quantum_ns=None, parameters=order)
        return replace(self.scenario, machine=machine, lesson=None, concepts=[], steps=[], whatifs=[], script=[])


def _cpus() -> list[int]:
    """Return all CPUs but one, which is left to the screen."""
    every = all_cpus()
    if sys.platform != "linux":
        return every
    mine = min(os.sched_getaffinity(0), default=0)
    return [cpu for cpu in every if cpu != mine] or every
