"""Tests whether real processes can run here, by running one."""

from __future__ import annotations

import os

from sandbox import wording
from sandbox.link.client import KernelProcess, use_all_cpus
from sandbox.model.events import Clause, Exited, Fault
from sandbox.model.spec import Boot, MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.policies.host.failures import cause_of_death
from sandbox.util.refusals import refused
from sandbox.util.units import MS

#: The test has failed if the process has not ended after this time.
_PATIENCE_S = 10.0


class Birth:
    """Starts a kernel process that runs a process. Meanwhile other things can be examined; ``outcome`` returns the
    result. To be used as a context."""

    def __init__(self) -> None:
        probe = ProcessSpec("probe", work=[Segment("cpu", MS)])
        boot = Boot(Scenario("doctor", "doctor", MachineSpec(), [probe], folder=os.sep))
        self._link: KernelProcess | None = None
        self._obstacle = ""
        try:
            self._link = KernelProcess(boot)
        except OSError as error:
            self._obstacle = refused(error)
        use_all_cpus()  # other examinations are independent of the run

    def __enter__(self) -> Birth:
        return self

    def __exit__(self, *_: object) -> None:
        if self._link is not None:
            self._link.end()
            self._link = None

    def outcome(self) -> tuple[list[Clause], str | None]:
        """Wait for the run. Returns what it had to do without, and why a process of 1 ms could not be started,
        scheduled and ended, or None. To be called once."""
        link = self._link
        if link is None:
            return [], self._obstacle
        with self:
            events = list(link.events(_PATIENCE_S))
            words = link.last_words()
        faults = [event for event in events if isinstance(event, Fault)]
        stillbirths = [wording.fault(fault.what) for fault in faults if fault.is_stillbirth]
        if stillbirths:
            return [], stillbirths[0]
        if not link.halted or not any(isinstance(event, Exited) for event in events):
            return [], wording.fault(cause_of_death(words))
        return [fault.what for fault in faults], None
