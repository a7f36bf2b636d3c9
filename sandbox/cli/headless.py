"""Runs without a screen: on real processes through the kernel process, or exactly in virtual time."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sandbox import wording
from sandbox.cli.claims import Claims
from sandbox.cli.exits import DONE, FAILED, HUNG_UP, Interrupted, Interruption
from sandbox.i18n import _
from sandbox.model.commands import Farewell
from sandbox.model.events import Clause, Deadlocked, Descheduled, Dispatched, Event, Fault, Ready, Witnessed
from sandbox.model.schemas import RUN, stamped
from sandbox.model.spec import Boot, Scenario
from sandbox.policies.host.failures import cause_of_death
from sandbox.render.output import aside, say, say_document
from sandbox.render.result import EventLines, print_clients, print_result, print_serial
from sandbox.render.stderr import abandon_stdout, complain, quote
from sandbox.views.history import History
from sandbox.views.metrics import result

if TYPE_CHECKING:
    from sandbox.clients.script import ClientThread
    from sandbox.link.client import KernelProcess
    from sandbox.link.loopback import LoopbackKernel
    from sandbox.trace.record import Recorder


#: The events of time slices.
_OF_SLICES = frozenset((Ready, Dispatched, Descheduled))


class RunObserver:
    """Takes in the events of a run, and keeps the results. Faults are printed at once.

    ``interruption``: how signals end the run; ``recorder``: records its events; ``history``: collects its figures; by
    default one that keeps everything.
    """

    #: Whether ``show`` handles only faults and deadlocks, so that events of slices need not be passed to it.
    shows_faults_only = False

    def __init__(
        self, interruption: Interruption, recorder: Recorder | None = None, history: History | None = None
    ) -> None:
        self.interruption = interruption
        self._recorder = recorder
        self.history = history or History()
        #: Whether the run has ended because nothing could happen any more.
        self.stuck = False
        #: Whether the policy has failed and was replaced.
        self.failed = False
        #: Whether a process could not be started, or a claim does not hold.
        self.incomplete = False
        #: The results of the scenario's clients.
        self.clients: list[dict[str, Any]] = []

    def take_instant(self, events: list[Event]) -> None:
        """Take in the events of one instant. A fast path handles those of slices, of which nothing is printed."""
        if self.shows_faults_only and self._recorder is None and _OF_SLICES.issuperset(map(type, events)):
            self.history.add_all(events)
            self.interruption.check()
        else:
            self.take(events)

    def take(self, events: Iterable[Event]) -> None:
        """Take in events. Raises Interrupted."""
        for event in events:
            if self._recorder is not None and (fault := self._recorder.take([event])) is not None:
                self.complain(wording.fault(fault))
            self.history.add(event)
            self.show(event)
            if isinstance(event, Fault):
                self.stuck = self.stuck or event.is_stuck
                self.failed = self.failed or event.successor is not None
                self.incomplete = self.incomplete or event.is_stillbirth
                _quote_traceback(event.what)
        self.interruption.check()

    def status(self, ended: int) -> int:
        """Return the exit status: ``ended``, or FAILED if the events tell of a failure."""
        return FAILED if ended == DONE and (self.stuck or self.incomplete) else ended

    def show(self, event: Event) -> None:
        """Print an event: here only faults and deadlocks."""
        if isinstance(event, (Fault, Deadlocked)):
            self.complain(wording.sentence(event, self.history.names))

    def complain(self, said: str) -> None:
        """Print a fault."""
        complain(said)


class RunPrinter(RunObserver):
    """Prints events as they come, and the result at the end. ``verify``: measure the accuracy of slices; ``claims``:
    check these; ``aside``: print the result on standard error, because the recording is written to standard output."""

    def __init__(
        self,
        quiet: bool,
        as_json: bool,
        seed: int,
        verify: bool = False,
        recorder: Recorder | None = None,
        claims: Claims | None = None,
        aside: bool = False,
    ) -> None:
        super().__init__(Interruption(), recorder, History(keeps_slices=as_json, keeps_tracks=False))
        self._claims, self._aside = claims, aside
        self._as_json, self._seed = as_json, seed
        self._verification = None
        if verify:
            from sandbox.analysis.measurement.verify import Verification

            self._verification = Verification()
        self._lines = None if quiet or as_json else EventLines()
        self.shows_faults_only = self._lines is None and not verify

    def show(self, event: Event) -> None:
        """Print a line for an event, unless only the result is wanted. Records of the system are not printed."""
        if self._verification is not None:
            self._verification.add(event)
        if self._claims is not None:
            self._claims.add(event)
        if self._lines is None:
            super().show(event)
        elif not isinstance(event, Witnessed):
            line = self._lines.line(event)
            with self.interruption.while_waiting():  # printing may block
                say(line)

    def finish(self) -> None:
        """Print the result."""
        if self.history.booted is not None:
            with aside(self._aside):
                self._print_result()

    def _print_result(self) -> None:
        document = result(self.history)
        wording.add_sentences(document)
        document = stamped(RUN, document, self._seed)
        if self.clients:
            document["clients"] = self.clients
        if self._verification is not None and self._verification.witnessed:
            document["verification"] = self._verification.figures()
        verdicts = self._claims.verdicts(self.history) if self._claims is not None else []
        if verdicts:
            document["claims"] = [{"claim": each.claim.text, "held": each.held} for each in verdicts]
        if self._as_json:
            say_document(document)
        else:
            if self._lines is not None:
                say()
            print_result(document)
            print_serial(self.history)
            print_clients(self.clients)
            if "verification" in document:
                from sandbox.analysis.measurement.report import print_verification

                print_verification(document["verification"])
        sys.stdout.flush()
        for each in verdicts:
            if not each.held:
                self.incomplete = True
                self.complain(_("does not hold: {claim}").format(claim=each.claim.text))


def run_real(boot: Boot, printer: RunPrinter, strict: bool = False) -> int:
    """Run on real processes and print. Returns the exit status."""
    return _with_result(printer, lambda: drive_real(boot, printer, strict))


def run_virtual(scenario: Scenario, printer: RunPrinter) -> int:
    """Run in virtual time and print. Returns the exit status."""
    return _with_result(printer, lambda: drive_virtual(scenario, printer))


def _with_result(printer: RunPrinter, drive: Callable[[], int]) -> int:
    """Run and print the result. Returns the exit status. Signals also end the printing, which may block."""
    with printer.interruption:
        status = drive()
        with _terminal_may_be_gone():
            printer.finish()
        try:
            printer.interruption.check()
        except Interrupted as interrupted:
            status = interrupted.status
    return printer.status(status)


def drive_real(boot: Boot, observer: RunObserver, strict: bool = False) -> int:
    """Run on real processes. Returns the exit status. All processes are ended in any case."""
    from sandbox.clients.script import ClientThread  # not for virtual time

    status = DONE

    def wait(*arguments: Any) -> None:
        if clients is not None and clients.leave():
            kernel.send(Farewell())
        observer.interruption.select(*arguments)

    with observer.interruption:
        kernel = _kernel_process(boot, strict)
        clients = ClientThread(boot.scenario.clients) if boot.scenario.clients else None
        try:
            observer.take(_told_to(clients, kernel.events(wait=wait)))
        except Interrupted as interrupted:
            status = interrupted.status
            with _terminal_may_be_gone():
                observer.take(_told_to(clients, kernel.quit()))
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            status = HUNG_UP  # the terminal was closed, and its signal has not arrived yet
            abandon_stdout()
        finally:
            words = kernel.last_words() if not kernel.halted else ""
            kernel.end()
            if clients is not None:
                observer.clients = clients.end()
    with _terminal_may_be_gone():
        if status == DONE and not kernel.halted:
            cause = cause_of_death(words)
            observer.complain(wording.fault(cause))
            _quote_traceback(cause)
            status = FAILED
        elif status == DONE and kernel.unguarded:
            observer.complain(_("the keeper was killed, so the run was ended"))
            status = FAILED
    return status


def _kernel_process(boot: Boot, strict: bool) -> KernelProcess | LoopbackKernel:
    """Start the kernel process that this system uses. Raises OSError."""
    if sys.platform == "linux":
        from sandbox.link.client import KernelProcess

        return KernelProcess(boot, strict)
    from sandbox.link.loopback import LoopbackKernel

    return LoopbackKernel(boot)


def drive_virtual(scenario: Scenario, observer: RunObserver) -> int:
    """Run in virtual time. Returns the exit status."""
    from sandbox.machines.simulate import simulate

    with observer.interruption:
        try:
            simulate(scenario, observer.take_instant)
        except Interrupted as interrupted:
            return interrupted.status
    return DONE


def _told_to(clients: ClientThread | None, events: Iterator[Event]) -> Iterator[Event]:
    """Yield the events, each after the clients have taken it in."""
    for event in events:
        if clients is not None:
            clients.take(event)
        yield event


def _quote_traceback(what: Clause) -> None:
    if (traceback := what.text("traceback")) is not None:
        quote(traceback)


@contextmanager
def _terminal_may_be_gone() -> Iterator[None]:
    """Ignore a closed terminal while printing in this context."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        abandon_stdout()
