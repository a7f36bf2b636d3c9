"""When a slice is declared expired: early by what a stop takes on a CPU of the processes' own, late by what we took on
one that we share; and that a long stall is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.machines.linux.delay import Delay
from sandbox.machines.linux.switching import slice_timer
from sandbox.machines.linux.switching.slice_timer import SliceTimer
from sandbox.util.units import MS, US, S


class Time:
    """Both clocks in one, and a poller by which time passes."""

    lateness = Delay(50 * US, 200 * US)

    def __init__(self) -> None:
        self.ns = self.woke_ns = 0
        self.overslept_ns = 0
        self.ready = False
        self.waits: list[tuple[int, bool]] = []

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns

    def wait(self, until_ns: int, roughly: bool = False) -> bool:
        self.waits.append((until_ns, roughly))
        self.ns = self.woke_ns = until_ns + self.overslept_ns
        return self.ready

    @property
    def timed_out(self) -> bool:
        return not self.ready


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    it = Time()
    monkeypatch.setattr(slice_timer, "time", it)
    return it


def timer(time: Any, dedicated: bool) -> SliceTimer:
    return SliceTimer(time, time, dedicated)


def switch(it: SliceTimer, time: Time, reaction_ns: int) -> None:
    """A slice expires; the stop is sent so much later."""
    it.begin()
    it.expired(time.ns)
    time.ns += reaction_ns
    it.switched(stopped_ns=time.ns, started_ns=time.ns)


def test_on_dedicated_cpus_a_slice_expires_as_early_as_its_stop_takes(time: Time) -> None:
    it = timer(time, dedicated=True)
    assert it.wake_ns(10 * MS) == 10 * MS - time.lateness.usual_ns
    for _ in range(100):
        switch(it, time, 80 * US)
    assert it.expiry_ns(10 * MS) == pytest.approx(10 * MS - 80 * US, abs=1 * US)


def test_the_first_slices_teach_most(time: Time) -> None:
    it = timer(time, dedicated=True)
    expiries = []
    for _ in range(3):
        switch(it, time, 300 * US)
        expiries.append(10 * MS - it.expiry_ns(10 * MS))
    assert expiries == sorted(expiries)
    assert expiries[0] >= 200 * US


def test_a_reaction_that_something_else_delayed_teaches_nothing(time: Time) -> None:
    it = timer(time, dedicated=True)
    for _ in range(100):
        switch(it, time, 80 * US)
    before_ns = it.expiry_ns(10 * MS)
    switch(it, time, 5 * MS)
    assert it.expiry_ns(10 * MS) == before_ns


def test_on_a_shared_cpu_a_slice_is_owed_what_we_took_of_it(time: Time) -> None:
    it = timer(time, dedicated=False)
    it.switched(stopped_ns=None, started_ns=time.ns)
    time.ns += 300 * US  # only now do we go to sleep
    it.begin()
    assert it.expiry_ns(10 * MS) == it.wake_ns(10 * MS + 300 * US) == 10 * MS + 300 * US
    it.begin()
    assert it.expiry_ns(10 * MS) == 10 * MS + 300 * US, "looking around again takes nothing more"
    it.switched(stopped_ns=time.ns, started_ns=None)
    assert it.expiry_ns(10 * MS) == 10 * MS


def test_a_stall_is_noticed_asleep_and_awake(time: Time) -> None:
    it = timer(time, dedicated=True)
    time.ns = 100 * S
    it.start()
    assert it.sleep(101 * S) == (False, 0)
    time.ready, time.overslept_ns = True, 3 * S
    assert it.sleep(102 * S) == (True, 3 * S)
    time.overslept_ns = 0
    time.ns += 2 * S
    assert it.sleep(time.ns + 1 * MS) == (True, 2 * S)
    time.ns += 900 * MS
    assert it.sleep(time.ns + 1 * MS) == (True, 0), "every machine delays us so much now and then"


def test_the_end_of_a_long_slice_is_waited_for_closely(time: Time) -> None:
    it = timer(time, dedicated=True)
    it.sleep(1 * MS, precisely=True)
    it.sleep(20 * MS)
    assert time.waits == [(1 * MS, False), (20 * MS, True)], "only precise ends tell how late they are"
    time.waits.clear()
    it.sleep(40 * MS, precisely=True)
    (short_ns, roughly), last = time.waits
    assert 39 * MS < short_ns < 40 * MS
    assert (roughly, last) == (True, (40 * MS, False))
    time.waits.clear()
    time.ready = True
    assert it.sleep(60 * MS, precisely=True) == (True, 0)
    assert len(time.waits) == 1, "something has happened before"
