"""Runs without a screen: on real processes through the kernel process, or exactly in virtual time."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sandbox import policies, wording
from sandbox.events import Clause, Event, Fault
from sandbox.history import History
from sandbox.interruption import Interrupted, Interruption, ignore_signals
from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import run
from sandbox.link import KernelProcess
from sandbox.machines.virtual import VirtualMachine
from sandbox.metrics import result
from sandbox.report import EventLines, abandon_stdout, complain, print_result, print_serial
from sandbox.spec import Scenario
from sandbox.wire import Boot

DONE, FAILED, BAD_INPUT, HUNG_UP, INTERRUPTED = 0, 1, 2, 129, 130

_STUCK = ("waits for somebody to type", "nothing can happen any more")


class Output:
    """Prints events as they come, and the result at the end."""

    def __init__(self, quiet: bool, as_json: bool) -> None:
        self.history = History()
        self.stuck = False
        self.interruption = Interruption()
        self._as_json = as_json
        self._lines = None if quiet or as_json else EventLines()

    def take(self, events: Iterable[Event]) -> None:
        """Print these events and keep what they say. Raises Interrupted."""
        for event in events:
            self.history.add(event)
            if isinstance(event, Fault):
                self.stuck = self.stuck or event.what.rule in _STUCK
                if self._lines is None:
                    complain(
                        wording.sentence(event, {pid: life.admitted.name for pid, life in self.history.lives.items()})
                    )
            if self._lines is not None:
                line = self._lines.line(event)
                with self.interruption.while_waiting():  # for whoever reads us
                    print(line)
        self.interruption.check()

    def finish(self) -> None:
        """Print the result."""
        if self.history.booted is None:
            return
        document = result(self.history)
        if self._as_json:
            print(json.dumps(document))
        else:
            if self._lines is not None:
                print()
            print_result(document)
            print_serial(self.history)
        sys.stdout.flush()


def run_real(scenario: Scenario, sensor: str, output: Output, strict: bool = False) -> int:
    """Run on real processes; returns the exit status. Whatever ends it, nothing is left."""
    status = DONE
    kernel = KernelProcess(Boot(scenario, sensor=sensor), strict)
    with output.interruption:
        try:
            output.take(kernel.events(wait=output.interruption.select))
        except Interrupted as interrupted:
            status = interrupted.status
            with _heard_or_not():
                output.take(kernel.quit())
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            status = HUNG_UP  # the terminal went away, and its signal is still on the way
            abandon_stdout()
        finally:
            ignore_signals()
            words = kernel.last_words() if not kernel.halted else ""
            kernel.end()
    with _heard_or_not():
        if status == DONE and not kernel.halted:
            reason = words.splitlines()[-1] if words else "it was killed"
            complain(wording.fault(Clause("kernel process died", {"reason": reason})))
            status = FAILED
        output.finish()
    return FAILED if output.stuck and status == DONE else status


def run_virtual(scenario: Scenario, output: Output) -> int:
    """Run in virtual time; returns the exit status."""
    spec = scenario.machine
    kernel = Kernel(policies.build(spec, scenario.folder), spec.cpus, spec.ties)
    status = DONE
    with output.interruption:
        try:
            run(kernel, VirtualMachine(scenario), output.take, scenario.name)
        except Interrupted as interrupted:
            status = interrupted.status
    output.finish()
    return FAILED if output.stuck and status == DONE else status


@contextmanager
def _heard_or_not() -> Iterator[None]:
    """What is said in here is said to a terminal that may be gone by now."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        abandon_stdout()
