"""A first birth, as every run begins: whether real processes can run here is tried by running one."""

from __future__ import annotations

import os

from sandbox import wording
from sandbox.link.client import KernelProcess
from sandbox.model.events import Clause, Exited, Fault
from sandbox.model.spec import Boot, MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.policies.host.failures import cause_of_death
from sandbox.util.refusals import refused
from sandbox.util.units import MS

#: What has not ended after so long does not run here.
_PATIENCE_S = 10.0


def birth() -> tuple[list[Clause], str | None]:
    """What was done without, and what kept a process of 1 ms from being born, scheduled and ended; None: nothing."""
    probe = ProcessSpec("probe", work=[Segment("cpu", MS)])
    boot = Boot(Scenario("doctor", "doctor", MachineSpec(), [probe], folder=os.sep))
    try:
        link = KernelProcess(boot)
    except OSError as error:
        return [], refused(error)
    try:
        events = list(link.events(_PATIENCE_S))
        words = link.last_words()
    finally:
        link.end()
    faults = [event for event in events if isinstance(event, Fault)]
    stillbirths = [wording.fault(fault.what) for fault in faults if fault.is_stillbirth]
    if stillbirths:
        return [], stillbirths[0]
    if not link.halted or not any(isinstance(event, Exited) for event in events):
        return [], wording.fault(cause_of_death(words))
    return [fault.what for fault in faults], None
