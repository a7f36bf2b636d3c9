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
from sandbox.model.commands import Keys, Press, Resize, Signal, Type, parse_command
from sandbox.model.events import Admitted, Blocked, Clause, Operator, Terminal, Wrote
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
def test_who_is_interrupted_before_its_first_turn_says_nothing_of_our_code() -> None:
    world = scenario(process("hog", "cpu 300ms"), process("late", "cpu 10ms"), policy="fcfs")
    with watch(world) as run:
        run.until(lambda: run.all(Admitted, "late"), "it is there")
        run.link.send(Press("late", "ctrl+c"))
        assert run.ended("late").signal == signal.SIGINT
        assert run.wrote("late").strip() in ("", "^C")


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
@pytest.mark.usefixtures("leftcheck")
def test_where_ctrl_z_stops_nothing_it_is_said_once() -> None:
    world = scenario(
        command("plain", "sleep", "60"),
        command("signalled", "sleep", "60"),
        command("shell", "sh", "-c", "sleep 60; echo over"),
        command("told", *quick_python(*HANDLES)),
        command("raw", "sh", "-c", "stty raw; echo raw; sleep 60"),
        command("jobs", "bash", "--norc", "-i"),
    )
    with watch(world) as run:
        run.until(lambda: run.wrote("jobs"), "a shell with job control")
        run.link.send(Type("jobs", "sleep 60"))
        run.until(lambda: len({event.pid for event in run.all(Blocked, "sleep")}) == 3, "all that sleep")
        run.until(lambda: "raw" in run.wrote("raw"), "its keys are not signals")
        waits(run, "told")
        for name in ("plain", "plain", "shell", "told", "raw", "jobs"):
            run.link.send(Press(name, "ctrl+z"))
        run.link.send(Signal("signalled", "TSTP"))
        run.until(lambda: len(run.faults("not suspended")) == 3, "it is said")
        run.until(lambda: "Stopped" in run.wrote("jobs"), "its job is stopped")
        run.until(lambda: "told" in run.wrote("told"), "it handles the signal")
        said = [(event.pid, event.what.figures["by"]) for event in run.faults("not suspended")]
        admitted = [run.admitted(name).pid for name in ("plain", "shell", "signalled")]
        assert said == [*zip(admitted, ("ctrl+z", "ctrl+z", "TSTP"), strict=True)]


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


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
def test_a_password_is_told_to_who_asks_for_it_and_to_nobody_else() -> None:
    asks = quick_python("import getpass", "print('got', getpass.getpass()[::-1])")
    world = scenario(command("canonical", *asks), command("raw", "bash", "-c", "read -sn 6; echo got ${REPLY:1:3}"))
    with watch(world) as run:
        for name, reason in (("canonical", Clause("read console", {"echo": "off"})), ("raw", READS)):
            run.until(lambda n=name, r=reason: any(e.on == r for e in run.all(Blocked, n)), f"{name} asks")  # type: ignore[misc]
            run.link.send(Type(name, "s3cret"))
            run.ended(name)
        assert ("got terc3s" in run.wrote("canonical"), "got 3cr" in run.wrote("raw")) == (True, True)
        assert [event.did.rule for event in run.all(Operator)] == ["typed unseen"] * 2
        assert "s3cret" not in repr(run.events)


SIZED = [
    "import os, signal, time",
    "say = lambda *_: print('size', *os.get_terminal_size(0), flush=True)",
    "signal.signal(signal.SIGWINCH, say)",
    "say()",
    "while True: input()",
]
KEYED = [
    "import os, sys, termios, tty",
    "tty.setraw(0)",
    "os.write(1, b'\\x1b[2Jraw\\n')",
    "while (key := os.read(0, 16)) != b'q': os.write(1, repr(key).encode())",
    "termios.tcsetattr(0, termios.TCSANOW, termios.tcgetattr(0))",
]
SECRET = ["import getpass", "print(len(getpass.getpass('password: ')))"]


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
def test_a_console_is_a_terminal() -> None:
    world = scenario(
        command("sized", *quick_python(*SIZED)),
        command("keyed", *quick_python(*KEYED)),
        command("secret", *quick_python(*SECRET)),
        process("hog", "cpu 60s"),
    )
    with watch(world) as run:
        run.until(lambda: "size 80 24" in run.wrote("sized"), "it begins as all terminals do")
        run.link.send(Resize("sized", 10, 40))
        run.until(lambda: "size 40 10" in run.wrote("sized"), "its program is told")
        assert [(event.rows, event.columns) for event in run.all(Terminal, "sized")] == [(10, 40)]
        run.until(lambda: "raw" in run.wrote("keyed"), "it reads keys")
        (raw,) = {event.raw for event in run.all(Wrote, "keyed") if "raw" in event.text}
        assert raw == "\x1b[2Jraw\n", "no carriage return comes from nowhere"
        for key in ("\x03", "\x1b[A", "\r", "é"):
            run.link.send(Keys("keyed", key))
            expected = repr(key.encode())
            run.until(lambda: expected in run.wrote("keyed"), f"{expected} is one of them")  # noqa: B023
        run.until(lambda: run.all(Terminal, "keyed"), "that it does so is told")
        assert [(event.canonical, event.echo) for event in run.all(Terminal, "keyed")] == [(False, False)]
        run.until(lambda: any(not event.echo for event in run.all(Terminal, "secret")), "nothing is echoed")
        run.link.send(Type("secret", "abc"))
        run.until(lambda: "3" in run.wrote("secret"), "it was heard")
        assert "abc" not in run.wrote("secret")
        assert "typed unseen" in [event.did.rule for event in run.all(Operator)]
        run.link.send(Keys("keyed", "q"))
