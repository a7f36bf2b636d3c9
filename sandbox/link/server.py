"""The kernel process: ``python -m sandbox.kernel sandbox.link.server FD``, started by ``sandbox.link.client``.

It is single-threaded, knows no screen, and imports nothing but the standard library and msgspec. This module connects
the kernel to a machine.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import time
import traceback
from collections.abc import Sequence

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import Emit, run
from sandbox.kernel.machine import Machine
from sandbox.kernel.operator import CommandInterpreter
from sandbox.kernel.pacing import LESSON
from sandbox.link.wire import Lines, decode_boot, decode_command
from sandbox.model.commands import Command, Pause, Quit, Resume
from sandbox.model.events import (
    Blocked,
    Descheduled,
    Described,
    Dispatched,
    Event,
    Fault,
    Operator,
    Queues,
    Ready,
    encode_all,
)
from sandbox.model.spec import Boot, MachineSpec, Step
from sandbox.policies.host.factory import PolicyFactory
from sandbox.util import libc
from sandbox.util.refusals import refused
from sandbox.util.timeout import ALARM
from sandbox.util.units import MS, S
from sandbox.views.tracker import LessonTracker

#: The machine pauses if there is no heartbeat for this time, because the terminal's process is stopped then.
_SILENCE_NS = 1 * S
#: How long events are held back to be sent together: those of slices, which are many, and others that follow soon after
#: the last ones were sent. Then, when to try again while the socket is full.
_GATHER_NS, _PAUSE_NS = 20 * MS, 4 * MS
_AGAIN_NS = 2 * MS
_SLICES = frozenset((Ready, Dispatched, Descheduled))
_ANSWERS = frozenset((Operator, Described, Queues, Fault))
#: No more output of consoles is read while more bytes than this wait to be sent.
_BEHIND_BYTES = 1 << 20
#: Descriptors that are received with the first message.
_MAX_ALONG = 2
#: The time limit of calls to a policy in another process, which shares the CPUs. No command is read meanwhile, and a
#: kernel process that reads none for two seconds counts as hanging.
_REMOTE_S = 1.0


class LinkServer:
    """The kernel process's end of the link."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._lines = Lines()
        #: Events that are held back, and bytes that the socket has not accepted yet.
        self._gathered: list[Event] = []
        self._unsent = bytearray()
        self._early: list[Command] = []
        self._heard_ns = time.monotonic_ns()
        self._paused = False
        self._send_ns = self._sent_ns = 0
        self.lost = False
        self._keeper = os.getppid()
        #: Descriptors that were received with the first message.
        self.along: list[int] = []

    def first_line(self) -> Boot:
        """Wait for the first message, which says what to run. Commands that follow it are kept."""
        lines: list[bytes] = []
        while not lines:
            data = self._first_bytes()
            if not data:
                raise SystemExit(1)
            lines = self._lines.feed(data)
        self._socket.setblocking(False)
        self._early = _commands(lines[1:])
        return decode_boot(lines[0])

    def _first_bytes(self) -> bytes:
        if sys.platform == "win32":
            return self._socket.recv(1 << 18)
        data, along, _, _ = socket.recv_fds(self._socket, 1 << 18, _MAX_ALONG)
        self.along += along
        return data

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> list[Command]:
        """Return the commands that have arrived; Quit once the other end is closed."""
        try:
            data = self._socket.recv(1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.lost = True
            return [Quit()]
        self._heard_ns = time.monotonic_ns()
        commands = _commands(self._lines.feed(data))
        if self._paused:
            self._paused = False
            commands.insert(0, Resume("silence"))
        return commands

    def dismissed(self) -> bool:
        """Whether the other end is closed or has sent Quit. Commands that are read here are kept for ``check``."""
        self._early += self.read()
        return any(isinstance(command, Quit) for command in self._early)

    def ask(self, command: Command) -> None:
        """Add a command of our own, which ``check`` returns at once."""
        self._early.append(command)

    def check(self) -> list[Command]:
        """Return the commands that were kept, and Pause if the heartbeat is missing. Sends events that are due."""
        if (now_ns := time.monotonic_ns()) >= self._send_ns and (self._gathered or self._unsent):
            self._flush()
            self._sent_ns = now_ns
        commands, self._early = self._early, []
        if os.getppid() != self._keeper:  # the keeper was killed: do not go on without it
            return [*commands, Quit()]
        if not self._paused and time.monotonic_ns() - self._heard_ns >= _SILENCE_NS:
            self._paused = True
            commands.append(Pause("silence"))
        return commands

    @property
    def next_check_ns(self) -> int | None:
        """When to call ``check`` next (CLOCK_MONOTONIC); None: not by itself."""
        if self._early:
            return self._heard_ns
        silent_ns = None if self._paused else self._heard_ns + _SILENCE_NS
        if not (self._gathered or self._unsent):
            return silent_ns
        return self._send_ns if silent_ns is None or self._send_ns < silent_ns else silent_ns

    @property
    def behind(self) -> bool:
        return len(self._unsent) > _BEHIND_BYTES

    def emit(self, events: list[Event]) -> None:
        """Send events. Those of slices are held back for a while to be sent together; others are sent at once, or a
        little later if they follow soon after others and are no answers to commands. What the socket does not accept is
        kept."""
        now_ns = time.monotonic_ns()
        if not (self._unsent or self._gathered):
            self._send_ns = now_ns + _GATHER_NS
        self._gathered += events
        if not _SLICES.issuperset(kinds := {*map(type, events)}):
            at_once = not _ANSWERS.isdisjoint(kinds)
            self._send_ns = 0 if at_once else min(self._send_ns, self._sent_ns + _PAUSE_NS)
        if now_ns >= self._send_ns:
            self._flush()
            self._sent_ns = now_ns

    def finish(self) -> None:
        """Send all that is left, waiting for the socket."""
        self._encode()
        if not self.lost:
            self._socket.settimeout(1)
            try:
                self._socket.sendall(self._unsent)
            except OSError:
                pass

    def _encode(self) -> None:
        self._unsent += encode_all(self._gathered)
        self._gathered.clear()

    def _flush(self) -> None:
        if self._gathered:
            self._encode()
        while self._unsent and not self.lost:
            try:
                del self._unsent[: self._socket.send(self._unsent)]
            except BlockingIOError:
                self._send_ns = time.monotonic_ns() + _AGAIN_NS
                return
            except OSError:
                self.lost = True


def _commands(lines: list[bytes]) -> list[Command]:
    return [decode_command(line) for line in lines if line]


class StepWatch:
    """Finds the events that the steps of a lesson wait for. ``steps``: those of the scenario."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._story = LessonTracker(steps=[step.until for step in steps])
        self._events: list[Event] = []
        self._seen = 0

    def early(self, events: list[Event]) -> bool:
        """Whether the events of an instant so far complete a step that pauses. Events from the first Blocked on are
        left for ``late``, because the reason of a wait may be filled in at the end of the instant."""
        waits = next((index for index, event in enumerate(events) if isinstance(event, Blocked)), len(events))
        return self._see(events, waits)

    def late(self, events: list[Event]) -> bool:
        """Whether all events of an instant complete a step that pauses."""
        return self._see(events, len(events))

    def _see(self, events: list[Event], upto: int) -> bool:
        if events is not self._events:
            self._events, self._seen = events, 0
        done = len(self._story.reached)
        for event in events[self._seen : upto]:
            self._story.add(event)
        self._seen = max(self._seen, upto)
        return any(step.pause for step in self._steps[done : len(self._story.reached)])


def _pausing_at_steps(steps: Sequence[Step], kernel: Kernel, link: LinkServer) -> Emit:
    """Return a function that sends events, and let the machine pause at the event that a lesson's step waits for. If
    the app did that, the process could run for a whole slice before the pause."""
    watch = StepWatch(steps)
    kernel.pacing.watch = watch.early

    def emit(events: list[Event]) -> None:
        link.emit(events)
        if watch.late(events) and kernel.pacing.at_steps:
            link.ask(Pause(LESSON))

    return emit


def main(fd: str) -> None:
    """Run one scenario on real processes until its end, or until the link is closed. If the system denies something
    that is needed, the last line of standard error says what."""
    try:
        _serve(fd)
    except OSError as error:
        traceback.print_exc()
        print(refused(error), file=sys.stderr)
        raise SystemExit(1) from error


def _machine(boot: Boot, link: LinkServer) -> tuple[Machine, MachineSpec]:
    """Return the machine, and its specification as policies see it."""
    spec = boot.scenario.machine
    if boot.virtual:
        from sandbox.machines.paced import PacedMachine

        return PacedMachine(boot.scenario, link), spec
    if sys.platform != "linux":
        return _by_signals(boot, link), spec
    from sandbox.machines.linux import cpus

    given = cpus.assign_cpus(spec.cpus, boot.claimed, boot.others)
    given.keep_engine_off()
    if spec.stepped:
        return _stepping(boot, given.mini[0], link)
    from sandbox.machines.linux import machine

    return machine.LinuxMachine(boot, given, link), spec


def _by_signals(boot: Boot, link: LinkServer) -> Machine:
    """Return the machine for UNIX systems other than Linux."""
    if sys.platform == "win32":
        raise NotImplementedError
    from sandbox.machines.posix import machine

    return machine.PosixMachine(boot, link)


def _stepping(boot: Boot, cpu: int, link: LinkServer) -> tuple[Machine, MachineSpec]:
    """Return the machine on which a slice is a line of the program, and its specification."""
    from sandbox.machines.linux.stepping import machine, stage
    from sandbox.machines.linux.stepping.turns import one_line

    if sys.platform != "linux":
        raise NotImplementedError

    libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
    is_replay = boot.scenario.machine.policy == "scripted"  # of an order that was found by way of states
    there = stage.Stage(boot.scenario, cpu, tells_states=is_replay)
    attended = boot.attended or boot.stay
    return machine.SteppingMachine(boot.scenario, there, link, attended, alone=True), one_line(boot.scenario.machine)


def _serve(fd: str) -> None:
    from sandbox.machines.linux import kernel_process

    if sys.platform != "linux":
        raise NotImplementedError

    descriptor = int(fd)
    os.set_inheritable(descriptor, False)
    kernel_process.prepare()
    link = LinkServer(socket.socket(fileno=descriptor))
    serve(link, link.first_line())


def _policies(boot: Boot, spec: MachineSpec, link: LinkServer) -> PolicyFactory:
    if boot.guest is None:
        return PolicyFactory(spec, boot.scenario.folder, ALARM)
    from sandbox.policies.host.remote import Line, RemoteFactory

    ALARM.be_patient(_REMOTE_S)
    return RemoteFactory(spec, boot.guest, Line(*link.along), ALARM)


def serve(link: LinkServer, boot: Boot) -> None:
    """Run what the other end has asked for, and send it all events."""
    machine, spec = _machine(boot, link)
    factory = _policies(boot, spec, link)
    policy, refusal = factory.first_or_stand_in()
    kernel = Kernel(policy, spec.cpus, spec.ties, spec.kept)
    kernel.attended = boot.attended
    operator = CommandInterpreter(kernel, factory.next)
    if refusal is not None:
        kernel.failed(refusal)
    gc.disable()  # a collection would take longer than a switch
    emit = _pausing_at_steps(boot.scenario.steps, kernel, link) if boot.scenario.steps else link.emit
    try:
        run(kernel, operator, machine, emit, boot.scenario.name, boot.stay)
    finally:
        link.finish()
