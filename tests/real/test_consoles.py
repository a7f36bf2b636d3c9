"""Consoles: what is typed reaches who reads, keys with ctrl mean what they mean on any terminal, colours come through."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from itertools import groupby

import pytest

from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs import HALTED, read_state
from sandbox.model.commands import Press, Type, parse_command
from sandbox.model.events import Blocked, Clause, Operator
from sandbox.model.spec import ProcessSpec
from sandbox.model.values import BadValue
from sandbox.views.console import ConsoleText, Look
from tests.support.leaks import LeftCheck
from tests.support.real import Watch, watch
from tests.support.scenarios import command, process, quick_python, scenario

READS = Clause("read console")

ASKS = ["try: print('got', input('? '))", "except BaseException as end: print(type(end).__name__)"]
HANDLES = ["import os, signal, time", "signal.signal(signal.SIGTSTP, lambda *_: os.write(1, b'told\\n'))", "input()"]


def waits(run: Watch, name: str) -> None:
    run.until(lambda: any(event.on == READS for event in run.all(Blocked, name)), f"{name} reads its console")


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
def test_keys_reach_who_reads() -> None:
    names = ("interrupted", "ended", "told")
    world = scenario(
        command("interrupted", *quick_python(*ASKS)),
        command("ended", *quick_python(*ASKS)),
        command("told", *quick_python(*HANDLES)),
        command("shell", "sh", "-c", "cat; echo over"),
        process("hog", "cpu 60s"),
    )
    with watch(world) as run:
        for name in (*names, "cat"):
            waits(run, name)
        run.link.send(Press("interrupted", "ctrl+c"))
        run.link.send(Press("ended", "ctrl+d"))
        run.link.send(Type("shell", "heard by its child"))
        run.until(lambda: "KeyboardInterrupt" in run.wrote("interrupted"), "ctrl+c interrupts it")
        run.until(lambda: "EOFError" in run.wrote("ended"), "ctrl+d ends its input")
        run.link.send(Press("told", "ctrl+z"))
        run.until(lambda: "told" in run.wrote("told"), "ctrl+z is told to it")
        run.until(lambda: run.wrote("shell").count("heard by its child") == 2, "echoed, and said again by cat")
        run.link.send(Press("cat", "ctrl+d"))
        run.until(lambda: "over" in run.wrote("shell"), "the shell goes on after its child")
        assert run.all(Blocked, "told")
        pressed = [event.did for event in run.all(Operator) if event.did.rule == "pressed"]
        keys = [did.figures["key"] for did in pressed]
        assert [key for key, _ in groupby(keys)] == ["ctrl+c", "ctrl+d", "ctrl+z", "ctrl+d"]


@pytest.mark.real
@pytest.mark.parametrize("pressed", [True, False])
def test_a_stop_from_the_console_outlives_one_of_ours(leftcheck: LeftCheck, pressed: bool) -> None:
    program = [*HANDLES[:2], "print('ready', flush=True)", "time.sleep(0.2)", "print('over', flush=True)"]
    with subprocess.Popen(quick_python(*program), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        child = Child(process.pid, ProcessSpec("told"), forked=False)
        child.stop()
        give_up = time.monotonic() + 5
        while read_state(child.stat_fd)[0] not in HALTED and time.monotonic() < give_up:
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGTSTP)
        if pressed:
            child.hear_stops()
        child.resume()
        told = process.stdout.read().split()
        assert told == (["told", "over"] if pressed else ["over"]), "the system forgets it, unless somebody remembers"
        child.close()


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
def test_colours_come_through_and_nothing_else_does() -> None:
    text = r"\033[1;31mred\033[m \033]0;title\007\033[2J 10%%\r\033[K100%%\n"
    with watch(scenario(command("paint", "printf", text)), stay=False) as run:
        run.finish()
        assert run.wrote("paint") == "\x1b[1;31mred\x1b[m  10%\r\x1b[K100%\n"
        output = ConsoleText()
        output.write("\x1b[1;31m" + run.wrote("paint"))
        assert [*output.lines(0, 1)] == [(("100%", Look()),)]


def test_a_script_presses_keys() -> None:
    assert parse_command("press editor ctrl+c") == Press("editor", "ctrl+c")
    assert [Press("x", key).character for key in ("ctrl+c", "ctrl+d", "ctrl+z")] == ["\x03", "\x04", "\x1a"]
    with pytest.raises(BadValue):
        parse_command("press editor ctrl+x")
