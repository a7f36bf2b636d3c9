"""Events told as a story, and the stories that several tests tell."""

from __future__ import annotations

from typing import Any

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
    Wrote,
)
from sandbox.util.units import MS, parse_duration

HEAD = Clause("head of the ready queue")


class Story:
    """Events told one after the other; ``at`` is the time by then. Processes go by name, their pids count up."""

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
        """What was told since the last time."""
        events, self.events = self.events, []
        return events

    def pid(self, name: str) -> int:
        return self._pids[name]

    def later(self, duration: str) -> Story:
        """Time goes on."""
        self.at += parse_duration(duration)
        return self

    def admit(self, name: str, demand: str | None = None, runs: str = "", parent: str | None = None) -> Story:
        pid = self._pids[name] = len(self._pids) + 1
        self._ran_ns[name] = 0
        order = None if parent else self._order
        self._order += parent is None
        demand_ns = None if demand is None else parse_duration(demand)
        runs = runs or (f"cpu {demand}" if demand else name)
        above = None if parent is None else self._pids[parent]
        self.events.append(Admitted(self.at, pid, name, runs, None, above, order, demand_ns))
        return self._ready(name, "admitted")

    def _ready(self, name: str, reason: ReadyReason) -> Story:
        self.events.append(Ready(self.at, self._pids[name], reason))
        return self

    def run(self, name: str, cpu: int = 0, why: Clause = HEAD) -> Story:
        self._on[name] = cpu, self.at
        self.events.append(Dispatched(self.at, self._pids[name], cpu, self._slice_ns, why))
        return self

    def _off(self, name: str, reason: DescheduledReason) -> None:
        cpu, since = self._on.pop(name)
        self._ran_ns[name] += self.at - since
        self.events.append(Descheduled(self.at, self._pids[name], cpu, self.at - since, reason))

    def expire(self, name: str) -> Story:
        self._off(name, "expired")
        return self._ready(name, "expired")

    def block(self, name: str, rule: str = "sleep", **figures: Any) -> Story:
        self._off(name, "blocked")
        self.events.append(Blocked(self.at, self._pids[name], Clause(rule, figures)))
        return self

    def wake(self, name: str) -> Story:
        return self._ready(name, "woke")

    def exit(self, name: str, code: int | None = 0, signal: int | None = None) -> Story:
        if name in self._on:
            self._off(name, "exited")
        self.events.append(Exited(self.at, self._pids[name], code, signal, self._ran_ns[name], 0, 0))
        return self

    def write(self, name: str, text: str) -> Story:
        self.events.append(Wrote(self.at, self._pids[name], "console", text))
        return self

    def pause(self) -> Story:
        for name in [*self._on]:
            self._off(name, "paused")
            self._ready(name, "preempted")
        return self.operator("paused", by="operator")

    def operator(self, did: str, **figures: Any) -> Story:
        self.events.append(Operator(self.at, Clause(did, figures)))
        return self

    def fault(self, rule: str, **figures: Any) -> Story:
        self.events.append(Fault(self.at, Clause(rule, figures)))
        return self

    def schedule(self, policy: str, **parameters: object) -> Story:
        self.events.append(Scheduling(self.at, policy, dict(parameters), "arrival-first"))
        return self


def shift_change() -> Story:
    """A story with somebody in every state: two that compute, one that waits, one that asks, one that failed."""
    story = Story()
    story.admit("prime", "2s").admit("pi", "1500ms").admit("disk", "160ms", "(cpu 8ms, io 90ms) × 20")
    story.admit("editor", runs="editor.py:ask()").admit("shell", runs="sh -c exit 3")
    story.run("prime").later("50ms").expire("prime")
    story.run("pi").later("50ms").expire("pi")
    story.run("disk").later("8ms").block("disk", for_ns=90 * MS)
    story.run("editor").later("6ms").write("editor", "What schedules processes? ").block("editor", "read console")
    story.run("shell").later("9ms").exit("shell", 3)
    story.run("prime").later("50ms").expire("prime").run("pi").later("40ms").wake("disk").later("10ms").expire("pi")
    return story.run("prime").later("20ms")


def working_day() -> Story:
    """A longer story: a timeline with something to see in it."""
    story = shift_change()
    for _ in range(9):
        story.later("30ms").expire("prime").run("disk").later("8ms").block("disk", for_ns=90_000_000)
        story.run("pi").later("50ms").expire("pi").run("prime").later("50ms").expire("prime")
        story.run("pi").later("20ms").wake("disk").later("30ms").expire("pi").run("prime")
    return story.later("35ms")


def family() -> Story:
    """A server with two children, one of which has a child; somebody else, born in between; one who has ended."""
    story = Story().admit("server").admit("other").run("server").later("1ms")
    story.admit("child", parent="server").admit("late").admit("grandchild", parent="child").admit(
        "second", parent="server"
    )
    return story.admit("gone", parent="late").exit("gone").block("server", "accept").run("other").later("3ms")
