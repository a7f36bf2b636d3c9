"""Output without end, and nobody who reads it: memory stays bounded, nothing stands still, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from sandbox.model.commands import Kill, Quit
from sandbox.model.events import Dispatched, Wrote
from sandbox.util.units import MS
from tests.support.procs import cpu_ticks, resident_kib
from tests.support.real import Watch, watch
from tests.support.scenarios import command, process, scenario

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]

#: A kernel process of so little growth has not kept what it was given.
_FLAT_KIB = 6_000


def test_f19_endless_output() -> None:
    with watch(scenario(command("yes", "yes"), process("hog", "cpu 60s"), quantum_ns=5 * MS)) as run:
        hog, kernel = run.os_pid("hog"), run.link.os_pid
        taken = turns = 0

        def take(seconds: float) -> None:
            nonlocal taken, turns
            give_up = time.monotonic() + seconds
            while time.monotonic() < give_up:
                run.step()
                taken += sum(len(event.text) for event in run.all(Wrote))
                turns += sum(event.pid == 2 for event in run.all(Dispatched))
                del run.events[2:]  # the births are kept

        take(1)
        resident, used, turns_before = resident_kib(kernel), cpu_ticks(hog), turns
        take(3)
        assert taken > 1_000_000, "the output comes"
        assert resident_kib(kernel) - resident < _FLAT_KIB
        assert turns - turns_before > 30, "the other process has its turns"
        assert cpu_ticks(hog) - used > 10, "and its share of the CPU"
        run.link.send(Kill("yes"))
        run.ended("yes")
        assert set(run.wrote("yes").split("\n")) <= {"y", ""}


def test_f19_the_tail_is_kept() -> None:
    line = "sh -c 'yes | head -c 3000000; echo END'"
    with watch(scenario(command("much", "sh", "-c", line), process("hog", "cpu 200ms")), stay=False) as run:
        run.finish()
        text = run.wrote("much")
        assert text.endswith("END\n")
        assert len(text) == 3_000_000 + len("END\n")


def test_f19_a_flood_while_nobody_reads() -> None:
    """The terminal's process is alive and says so, but does not come to reading."""
    world = scenario(command("count", "seq", "1", "100000000"), process("hog", "cpu 60s"), quantum_ns=5 * MS)
    with watch(world) as run:
        run.until(lambda: run.all(Wrote), "the output comes")
        hog, kernel = run.os_pid("hog"), run.link.os_pid
        wait_until_it_waits(run, run.os_pid("count"))
        resident, used = resident_kib(kernel), cpu_ticks(hog)
        beat_without_reading(run, 2)
        assert resident_kib(kernel) - resident < _FLAT_KIB
        assert cpu_ticks(hog) - used > 30, "the other process goes on"
        before = len(run.wrote("count"))
        run.until(lambda: len(run.wrote("count")) > before + 3_000_000, "it goes on once somebody reads")
        run.link.send(Quit())
        run.finish()
        numbers = run.wrote("count").split("\n")[:-1]
        assert numbers[:-1] == [str(number) for number in range(1, len(numbers))], "a number is missing"


def wait_until_it_waits(run: Watch, os_pid: int) -> None:
    """Until one that writes uses no more CPU, because nobody takes what it writes."""
    give_up, used = time.monotonic() + 10, -1
    while used != cpu_ticks(os_pid):
        assert time.monotonic() < give_up, "it writes on and on"
        used = cpu_ticks(os_pid)
        beat_without_reading(run, 0.5)


def beat_without_reading(run: Watch, seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        run.link.beat()
        time.sleep(0.1)


_SEQ = "seq 1 150000"
_DD = "dd if=/dev/zero iflag=fullblock bs=64k count=16 status=none | tr '\\0' x"
_PERL = "perl -e '$| = 1; print \"line $_\\n\" for 1 .. 40000'"
_PYTHON = f"{sys.executable} -S -c \"print('x' * 2_000_000); print('END')\""


@pytest.mark.parametrize("line", [_SEQ, _DD, _PERL, _PYTHON], ids=["seq", "dd", "perl", "python"])
def test_f20_slicing_cuts_no_output(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is stopped again and again writes what it writes when nobody stops it."""
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")  # with it one stop would end a long print
    whole = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
    world = scenario(command("it", "sh", "-c", line), process("spin", "cpu 60s"), quantum_ns=1 * MS)
    with watch(world) as run:
        run.ended("it")
        assert run.wrote("it") == whole
