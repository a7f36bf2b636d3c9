"""What the system leaves of real processes: zombies, orphans, the stopped; and signals that the operator sends."""

from __future__ import annotations

import signal

import pytest

from sandbox.model.commands import Quit, Signal
from sandbox.model.events import Adopted, Blocked, Exited, Operator, Reaped, Zombie
from tests.support.real import run_real, watch
from tests.support.scenarios import command, quick_python, scenario

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]


def parent(lives: float, waits: float, then: str) -> list[str]:
    """A program that forks a child."""
    child = f"if os.fork() == 0: time.sleep({lives}); os._exit(3)"
    return quick_python("import os, time", child, f"time.sleep({waits})", then)


def test_a_zombie_is_told_of_and_its_end_too() -> None:
    events = run_real(scenario(command("asks", *parent(0.05, 0.4, "os.wait(); time.sleep(0.2)"))))
    assert [(e.pid, e.parent) for e in events if isinstance(e, Zombie)] == [(2, 1)]
    assert [(e.pid, e.by) for e in events if isinstance(e, Reaped)] == [(2, 1)]
    assert not [e for e in events if isinstance(e, Adopted)]


def test_an_orphan_is_adopted() -> None:
    events = run_real(scenario(command("ends", *parent(0.4, 0.1, ""))))
    assert [(e.pid, e.by) for e in events if isinstance(e, Adopted)] == [(2, None)]
    assert not [e for e in events if isinstance(e, Zombie)]


@pytest.mark.parametrize("does", ["while True: pass", "import time; time.sleep(60)"])
def test_who_is_stopped_by_a_signal_goes_on_by_another(does: str) -> None:
    begins = quick_python("print('begins', flush=True)", does)
    with watch(scenario(command("it", *begins), command("other", *quick_python("while True: pass")))) as run:
        run.until(lambda: "begins" in run.wrote("it"), "it has begun")
        run.link.send(Signal("it", "STOP"))
        run.until(lambda: [e for e in run.all(Blocked) if e.pid == 1 and e.is_stop], "it is stopped")
        run.link.send(Signal("it", "CONT"))
        run.link.send(Signal("it", "INT"))
        [over] = run.until(lambda: [e for e in run.all(Exited) if e.pid == 1], "it has ended")
        assert over.signal == signal.SIGINT or over.code == 1
        did = [event.did.figures.get("signal") for event in run.all(Operator) if event.did.rule == "signalled"]
        assert did == ["SIGSTOP", "SIGCONT", "SIGINT"]
        run.link.send(Quit())
