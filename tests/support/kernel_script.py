"""What a kernel process says, written as a script, and the scripts that several tests use."""

from __future__ import annotations

from typing import Any, Self

from sandbox.model.events import (
    Admitted,
    AnyEvent,
    Blocked,
    Booted,
    Clause,
    Descheduled,
    DescheduledReason,
    Dispatched,
    Exited,
    Fault,
    Operator,
    Ready,
    ReadyReason,
    Scheduling,
    Terminal,
    Wrote,
)
from sandbox.util.text import clean_console
from sandbox.util.units import MS, parse_duration

HEAD = Clause("head of the ready queue")


class KernelScript:
    """Events one after the other; ``at`` is the time by then. Processes go by name, their pids count up."""

    def __init__(self, policy: str = "rr", quantum: str | None = "50ms", cpus: int = 1, scenario: str = "test") -> None:
        parameters: dict[str, object] = {} if quantum is None else {"quantum_ns": parse_duration(quantum)}
        self.at = 0
        self.events: list[AnyEvent] = [Booted(0, "linux", cpus, policy, parameters, "arrival-first", scenario, "poll")]
        self._slice_ns = None if quantum is None else parse_duration(quantum)
        self._pids: dict[str, int] = {}
        self._ran_ns: dict[str, int] = {}
        self._on: dict[str, tuple[int, int]] = {}
        self._order = 0

    def take(self) -> list[AnyEvent]:
        """The events since the last call."""
        events, self.events = self.events, []
        return events

    def pid(self, name: str) -> int:
        return self._pids[name]

    def later(self, duration: str) -> Self:
        self.at += parse_duration(duration)
        return self

    def admit(self, name: str, demand: str | None = None, runs: str = "", parent: str | None = None) -> Self:
        pid = self._pids[name] = len(self._pids) + 1
        self._ran_ns[name] = 0
        order = None if parent else self._order
        self._order += parent is None
        demand_ns = None if demand is None else parse_duration(demand)
        runs = runs or (f"cpu {demand}" if demand else name)
        above = None if parent is None else self._pids[parent]
        self.events.append(Admitted(self.at, pid, name, runs, None, above, order, demand_ns))
        return self._ready(name, "admitted")

    def spawn(self, name: str, runs: str) -> Self:
        """As if somebody had asked for it."""
        pid = self._pids[name] = len(self._pids) + 1
        self._ran_ns[name] = 0
        self.events.append(Admitted(self.at, pid, name, runs, None, None, None, None))
        return self._ready(name, "admitted")

    def _ready(self, name: str, reason: ReadyReason) -> Self:
        self.events.append(Ready(self.at, self._pids[name], reason))
        return self

    def run(self, name: str, cpu: int = 0, why: Clause = HEAD) -> Self:
        self._on[name] = cpu, self.at
        self.events.append(Dispatched(self.at, self._pids[name], cpu, self._slice_ns, why))
        return self

    def _off(self, name: str, reason: DescheduledReason) -> None:
        cpu, since = self._on.pop(name)
        self._ran_ns[name] += self.at - since
        self.events.append(Descheduled(self.at, self._pids[name], cpu, self.at - since, reason))

    def expire(self, name: str) -> Self:
        self._off(name, "expired")
        return self._ready(name, "expired")

    def block(self, name: str, rule: str = "sleep", **figures: Any) -> Self:
        self._off(name, "blocked")
        self.events.append(Blocked(self.at, self._pids[name], Clause(rule, figures)))
        return self

    def wake(self, name: str) -> Self:
        return self._ready(name, "woke")

    def exit(self, name: str, code: int | None = 0, signal: int | None = None) -> Self:
        if name in self._on:
            self._off(name, "exited")
        self.events.append(Exited(self.at, self._pids[name], code, signal, self._ran_ns[name], 0, 0))
        return self

    def write(self, name: str, text: str) -> Self:
        self.events.append(Wrote(self.at, self._pids[name], "console", text))
        return self

    def send(self, name: str, raw: str) -> Self:
        """It sends its terminal more than lines."""
        text = clean_console(raw).replace("\r\n", "\n")
        self.events.append(Wrote(self.at, self._pids[name], "console", text, raw))
        return self

    def set_terminal(
        self, name: str, canonical: bool = True, echo: bool = True, size: tuple[int, int] = (24, 80)
    ) -> Self:
        """Its terminal is set in another way."""
        self.events.append(Terminal(self.at, self._pids[name], *size, canonical, echo))
        return self

    def pause(self) -> Self:
        for name in [*self._on]:
            self._off(name, "paused")
            self._ready(name, "preempted")
        return self.operator("paused", by="operator")

    def operator(self, did: str, **figures: Any) -> Self:
        self.events.append(Operator(self.at, Clause(did, figures)))
        return self

    def fault(self, rule: str, **figures: Any) -> Self:
        self.events.append(Fault(self.at, Clause(rule, figures)))
        return self

    def schedule(self, policy: str, **parameters: object) -> Self:
        self.events.append(Scheduling(self.at, policy, dict(parameters), "arrival-first"))
        return self


def every_state() -> KernelScript:
    """A process in every state: two that compute, one that waits, one that asks, one that failed."""
    script = KernelScript()
    script.admit("prime", "2s").admit("pi", "1500ms").admit("disk", "160ms", "(cpu 8ms, io 90ms) × 20")
    script.admit("editor", runs="editor.py:ask()").admit("shell", runs="sh -c exit 3")
    script.run("prime").later("50ms").expire("prime")
    script.run("pi").later("50ms").expire("pi")
    script.run("disk").later("8ms").block("disk", for_ns=90 * MS)
    script.run("editor").later("6ms").write("editor", "What schedules processes? ").block("editor", "read console")
    script.run("shell").later("9ms").exit("shell", 3)
    script.run("prime").later("50ms").expire("prime").run("pi").later("40ms").wake("disk").later("10ms").expire("pi")
    return script.run("prime").later("20ms")


def long_run() -> KernelScript:
    """A longer one: a timeline with something to see in it."""
    script = every_state()
    for _ in range(9):
        script.later("30ms").expire("prime").run("disk").later("8ms").block("disk", for_ns=90_000_000)
        script.run("pi").later("50ms").expire("pi").run("prime").later("50ms").expire("prime")
        script.run("pi").later("20ms").wake("disk").later("30ms").expire("pi").run("prime")
    return script.later("35ms")


def process_tree() -> KernelScript:
    """A server with two children, one of which has a child; another process, born in between; one that has ended."""
    script = KernelScript().admit("server").admit("other").run("server").later("1ms")
    script.admit("child", parent="server").admit("late").admit("grandchild", parent="child").admit(
        "second", parent="server"
    )
    return script.admit("gone", parent="late").exit("gone").block("server", "accept").run("other").later("3ms")
