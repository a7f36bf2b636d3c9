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


#: The events that come with each time slice.
_OF_SLICES = frozenset((Ready, Dispatched, Descheduled))


class RunObserver:
    """Takes in the events of a run, and keeps what came of it. Faults are told at once.

    ``interruption``: how the run may be ended from outside; ``recorder``: what keeps its events; ``history``: what is
    remembered of it, if not all.
    """

    #: Whether ``show`` is for faults and deadlocks only: then it is not called a million times for nothing.
    shows_faults_only = False

    def __init__(
        self, interruption: Interruption, recorder: Recorder | None = None, history: History | None = None
    ) -> None:
        self.interruption = interruption
        self._recorder = recorder
        self.history = history or History()
        #: Whether it ended because nothing could happen any more.
        self.stuck = False
        #: Whether the policy failed, and another one stood in for it.
        self.failed = False
        #: Whether a process that was asked for never came to be, or a claim does not hold.
        self.incomplete = False
        #: What became of the scenario's clients.
        self.clients: list[dict[str, Any]] = []

    def take_instant(self, events: list[Event]) -> None:
        """``take`` for the events of an instant: most are those of slices, of which there is nothing to say."""
        if self.shows_faults_only and self._recorder is None and _OF_SLICES.issuperset(map(type, events)):
            self.history.add_all(events)
            self.interruption.check()
        else:
            self.take(events)

    def take(self, events: Iterable[Event]) -> None:
        """Take in what has happened. Raises Interrupted."""
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
        """The exit status of a run that has ended with this one, after all that was told."""
        return FAILED if ended == DONE and (self.stuck or self.incomplete) else ended

    def show(self, event: Event) -> None:
        """Tell of an event: here only of faults, and of deadlocks."""
        if isinstance(event, (Fault, Deadlocked)):
            names = {pid: life.admitted.name for pid, life in self.history.lives.items()}
            self.complain(wording.sentence(event, names))

    def complain(self, said: str) -> None:
        """Tell of a fault."""
        complain(said)


class RunPrinter(RunObserver):
    """Prints events as they come, and the result at the end; ``verify``: with how true the slices were; ``claims``:
    with which of these hold; ``aside``: on standard error, since standard output has the recording."""

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
        """A line an event, unless only the result is wanted; what the system recorded is for the result only."""
        if self._verification is not None:
            self._verification.add(event)
        if self._claims is not None:
            self._claims.add(event)
        if self._lines is None:
            super().show(event)
        elif not isinstance(event, Witnessed):
            line = self._lines.line(event)
            with self.interruption.while_waiting():  # for whoever reads us
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
    """Run on real processes and print; returns the exit status."""
    return _with_result(printer, lambda: drive_real(boot, printer, strict))


def run_virtual(scenario: Scenario, printer: RunPrinter) -> int:
    """Run in virtual time and print; returns the exit status."""
    return _with_result(printer, lambda: drive_virtual(scenario, printer))


def _with_result(printer: RunPrinter, drive: Callable[[], int]) -> int:
    """The exit status of a run whose result is printed. Signals are heard until that is done, too: somebody may take
    long to read it."""
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
    """Run on real processes; returns the exit status. Whatever ends it, nothing is left."""
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
            status = HUNG_UP  # the terminal went away, and its signal is still on the way
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
    """What schedules real processes here. Raises OSError."""
    if sys.platform == "linux":
        from sandbox.link.client import KernelProcess

        return KernelProcess(boot, strict)
    from sandbox.link.loopback import LoopbackKernel

    return LoopbackKernel(boot)


def drive_virtual(scenario: Scenario, observer: RunObserver) -> int:
    """Run in virtual time; returns the exit status."""
    from sandbox.machines.simulate import simulate

    with observer.interruption:
        try:
            simulate(scenario, observer.take_instant)
        except Interrupted as interrupted:
            return interrupted.status
    return DONE


def _told_to(clients: ClientThread | None, events: Iterator[Event]) -> Iterator[Event]:
    """The same events, each told to the clients before anybody else."""
    for event in events:
        if clients is not None:
            clients.take(event)
        yield event


def _quote_traceback(what: Clause) -> None:
    if (traceback := what.text("traceback")) is not None:
        quote(traceback)


@contextmanager
def _terminal_may_be_gone() -> Iterator[None]:
    """What is printed in here goes to a terminal that may have been closed."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        abandon_stdout()
