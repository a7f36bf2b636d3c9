"""When events are sent: at once, or with those that follow."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from sandbox.link import server
from sandbox.link.server import LinkServer
from sandbox.model.events import Clause, Dispatched, Event, Operator, Ready, Wrote, decode
from sandbox.util.units import MS


class Link:
    """Both ends, and a clock that stands still."""

    def __init__(self) -> None:
        self.ns = 1_000 * MS
        self.ours, theirs = socket.socketpair()
        self.server = LinkServer(theirs)
        theirs.setblocking(False)
        self.ours.setblocking(False)

    def monotonic_ns(self) -> int:
        return self.ns

    def emit(self, *events: Event) -> list[str]:
        """What arrives at once."""
        self.server.emit([*events])
        return self.arrived()

    def arrived(self) -> list[str]:
        try:
            return [type(decode(line)).__name__ for line in self.ours.recv(1 << 16).splitlines()]
        except BlockingIOError:
            return []


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> Iterator[Link]:
    it = Link()
    monkeypatch.setattr(server, "time", it)
    yield it
    it.ours.close()
    it.server._socket.close()


def wrote() -> Event:
    return Wrote(0, 1, "console", "…")


def test_slices_wait_for_each_other_and_take_others_with_them(link: Link) -> None:
    assert link.emit(Ready(0, 1, "admitted"), Dispatched(0, 1, 0, MS, Clause("head"))) == []
    due_ns = link.server.next_check_ns
    assert due_ns is not None
    assert link.ns < due_ns <= link.ns + 20 * MS
    assert link.emit(wrote()) == ["Ready", "Dispatched", "Wrote"]


def test_one_on_the_heels_of_another_waits_a_little_and_an_answer_does_not(link: Link) -> None:
    assert link.emit(wrote()) == ["Wrote"]
    assert link.emit(wrote()) == []
    due_ns = link.server.next_check_ns
    assert due_ns is not None
    link.ns = due_ns
    link.server.check()
    assert link.arrived() == ["Wrote"]
    assert link.emit(wrote()) == []
    assert link.emit(Operator(0, Clause("paused"))) == ["Wrote", "Operator"]
    link.ns += 100 * MS
    assert link.emit(wrote()) == ["Wrote"]


def test_what_waits_is_sent_at_the_end(link: Link) -> None:
    assert link.emit(Ready(0, 1, "admitted")) == []
    link.server.finish()
    assert link.arrived() == ["Ready"]
