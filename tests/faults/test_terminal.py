"""What a terminal can do to a program: hang up, interrupt it, suspend it; and what its children cannot do to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.files import BUSY, toml_list, write_scenario
from tests.support.procs import all_stopped, children, command_line, cpu_ticks, descendants, gone, resident_kib, state
from tests.support.run import OSSANDBOX, ROOT, LoggedRun, kernel_below, until
from tests.support.scenarios import quick_python
from tests.support.terminal import Terminal, terminal

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]

HEADLESS, APP = ("run",), ()
both = pytest.mark.parametrize("words", [pytest.param(HEADLESS, id="run"), pytest.param(APP, id="app")])


def polite_world(folder: Path) -> str:
    """A busy scenario with a process that says good-bye, given the chance: its file."""
    polite = quick_python(
        "import os, signal, sys, time",
        "def bye(number, frame):",
        f"    open({str(folder / 'bye')!r}, 'w').close()",
        "    sys.exit(0)",
        "signal.signal(signal.SIGTERM, bye)",
        f"open({str(folder / 'ready')!r}, 'w').close()",
        "time.sleep(60)",
    )
    return write_scenario(folder, BUSY + f'[[process]]\nname = "polite"\ncommand = {toml_list(polite)}\n')


def run_until_all_is_there(run: Terminal, folder: Path) -> list[int]:
    """The scheduled processes, once all run and the screen shows them."""
    run.read_until((folder / "ready").exists, "the polite process is ready")
    run.read_until(lambda: run.shows("spin"), "the processes are shown")
    scheduled = run.scheduled
    assert len(scheduled) == 5
    return [run.kernel, *scheduled]


@both
def test_f07_the_terminal_hangs_up(tmp_path: Path, words: tuple[str, ...]) -> None:
    with terminal(*words, polite_world(tmp_path)) as run:
        everybody = run_until_all_is_there(run, tmp_path)
        run.hang_up()
        assert run.wait() == 128 + signal.SIGHUP
        assert gone(*everybody)
        assert (tmp_path / "bye").exists(), "a hang-up is a quit: processes are asked first"


def test_f07_the_terminal_goes_away_and_no_signal_tells_of_it(tmp_path: Path) -> None:
    master, slave = os.openpty()
    command = [sys.executable, "-m", "sandbox", polite_world(tmp_path)]
    app = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, cwd=ROOT)
    os.close(slave)
    try:
        os.set_blocking(master, False)

        def ready() -> bool:
            with contextlib.suppress(BlockingIOError):
                os.read(master, 1 << 16)
            return (tmp_path / "ready").exists()

        until(ready, "the polite process is ready")
        everybody = descendants(app.pid)
        os.close(master)
        assert app.wait(20) == 128 + signal.SIGHUP
        assert gone(*everybody)
        assert (tmp_path / "bye").exists()
    finally:
        app.kill()
        app.wait()


def ends_cleanly(words: tuple[str, ...], folder: Path, act: Callable[[Terminal], None]) -> int:
    """Its exit status; nothing is left and the terminal is as it was."""
    with terminal(*words, polite_world(folder)) as run:
        everybody = run_until_all_is_there(run, folder)
        act(run)
        status = run.wait()
        assert gone(*everybody)
        assert (folder / "bye").exists(), "processes are asked first"
        assert run.modes == run.attributes
        entered, left = run.written.rfind(b"\x1b[?1049h"), run.written.rfind(b"\x1b[?1049l")
        assert left >= entered, "the alternative screen is left"
        if words == APP:
            assert entered >= 0
            for mode in (b"1000", b"1003", b"1006", b"2004"):  # the mouse's reports, and pastes in brackets
                assert run.written.rfind(b"\x1b[?%bl" % mode) > run.written.rfind(b"\x1b[?%bh" % mode), mode
            assert b"\x1b[?25h" in run.written[left:] or run.written.rfind(b"\x1b[?25h") > entered, "no cursor"
    return status


SIMPLE = 'title = "simple"\n[[process]]\nname = "spin"\nwork = ["cpu 5s"]\ncount = 2\n'


@contextlib.contextmanager
def below_a_shell(*words: str) -> Iterator[tuple[Terminal, int]]:
    """The app, below a shell without line editing, once it shows processes; and its os_pid."""
    shell = ["sh", "-c", 'stty -ixon; "$@"; echo status $?; cat', "sh", *OSSANDBOX, *words]
    with terminal(command=shell) as run:
        run.read_until(lambda: run.shows("spin"), "the processes are shown")
        [app] = children(run.os_pid)
        yield run, app


@pytest.mark.parametrize(
    ("mode", "number"),
    [("real", signal.SIGKILL), ("real", signal.SIGABRT), ("virtual", signal.SIGKILL), ("replay", signal.SIGKILL)],
)
def test_f08_the_app_dies_at_once(tmp_path: Path, mode: str, number: signal.Signals) -> None:
    """It cannot restore the terminal itself."""
    words = [write_scenario(tmp_path, BUSY if mode == "real" else SIMPLE)]
    if mode == "virtual":
        words.append("--virtual")
    elif mode == "replay":
        recording = str(tmp_path / "simple.rec")
        subprocess.run(
            [*OSSANDBOX, "simulate", *words, "--record", recording], check=True, capture_output=True, cwd=ROOT
        )
        words = ["replay", recording]
    with below_a_shell(*words) as (run, app):
        assert run.modes[3] != run.attributes[3]
        os.kill(app, number)
        run.read_until(lambda: run.shows(f"status {128 + number}"), "the shell goes on")
        run.read_until(lambda: run.shows("ossandbox: the app has died"), "it is said")
        before = [run.attributes[0] & ~termios.IXON, *run.attributes[1:]]
        assert run.modes == before, "they are what they were, not what is usual"
        for number_of_mode in (b"1049", b"1000", b"1003", b"1006", b"2004", b"1004"):
            off, on = (run.written.rfind(b"\x1b[?%b%b" % (number_of_mode, end)) for end in (b"l", b"h"))
            assert off > on, number_of_mode
        for shown in (b"25", b"7"):  # the cursor, and the rest of a long line
            assert run.written.rfind(b"\x1b[?%bh" % shown) > run.written.rfind(b"\x1b[?%bl" % shown), shown
        until(lambda: len(children(run.os_pid)) == 1, "nothing is left but cat")


#: An app whose event loop waits for something that never comes, as when the system refuses a thread.
_BLOCKED = """
import asyncio, sys, threading
from sandbox.tui import signals
signals._MAX_BLOCKED_S = float(sys.argv[1])
class App:
    def exit(self, status): print("asked")
async def block():
    signals.Signals(App()).leave_on_signals()
    print("ready", flush=True)
    threading.Event().wait()
asyncio.run(block())
"""


@pytest.mark.parametrize(("patience_s", "times"), [("0.2", 1), ("60", 2)], ids=["one signal", "two signals"])
def test_f08_signals_end_an_app_whose_event_loop_is_blocked(patience_s: str, times: int) -> None:
    command = [sys.executable, "-c", _BLOCKED, patience_s]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as app:
        assert app.stdout is not None
        assert app.stdout.readline() == "ready\n"
        for _ in range(times):
            app.send_signal(signal.SIGTERM)
            time.sleep(0.4)
        try:
            assert app.wait(10) == 128 + signal.SIGTERM
        finally:
            app.kill()


@both
def test_f08_sigterm(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert ends_cleanly(words, tmp_path, lambda run: run.kill(signal.SIGTERM)) == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_f08_whatever_ends_the_app_the_terminal_is_as_before(tmp_path: Path, number: signal.Signals) -> None:
    assert ends_cleanly(APP, tmp_path, lambda run: run.kill(number)) == 128 + number


@pytest.mark.parametrize("kind", ["dumb", "unknown"])
def test_a_terminal_that_only_prints_lines_is_refused_in_one(kind: str) -> None:
    with terminal(command=("env", f"TERM={kind}", *OSSANDBOX, "welcome")) as run:
        assert run.wait() == 2
        run.read()
        assert run.written.count(b"\n") == 1
        assert f"TERM={kind} has none".encode() in run.written
        assert b"\x1b" not in run.written


@both
def test_f08_ctrl_c(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert ends_cleanly(words, tmp_path, lambda run: run.press("\x03")) == 130


def test_f08_quit(tmp_path: Path) -> None:
    assert ends_cleanly(APP, tmp_path, lambda run: run.press("q")) == 0


@pytest.mark.parametrize(("asks", "answers", "status"), [("q", "\r", 0), ("q", "\x03", 0), ("\x03", "\x03", 130)])
def test_f08_the_app_asks_before_it_ends_what_the_reader_has_started(
    tmp_path: Path, asks: str, answers: str, status: int
) -> None:
    def leave(run: Terminal) -> None:
        before = run.scheduled
        run.press("n")
        run.read_until(lambda: run.shows("New process"), "a command line is asked for")
        run.press("sleep 99\r")
        run.read_until(lambda: run.shows("B sleep"), "it was started, ran, and waits")
        run.press(asks)
        run.read_until(lambda: run.shows("Programs of yours would end: sleep."), "the app asks")
        assert len(run.scheduled) == len(before) + 1, "nothing has ended yet"
        run.press(answers)

    assert ends_cleanly(APP, tmp_path, leave) == status


def test_f09_the_command_is_stopped_and_goes_on(tmp_path: Path) -> None:
    world = '[machine]\nquantum = "5ms"\n[[process]]\nname = "spin"\nwork = ["cpu 500ms"]\ncount = 3\n'
    world = 'title = "three"\n' + world
    command = LoggedRun(tmp_path, "run", write_scenario(tmp_path, world), "--json")
    scheduled = command.wait_for_children(3)
    began = time.monotonic()
    command.kill(signal.SIGSTOP)
    paused_s = still(scheduled)
    command.kill(signal.SIGCONT)
    assert command.wait() == 0
    wall_ns = (time.monotonic() - began) * 1e9
    document = json.loads(command.stdout)
    assert [job["exit"] for job in document["processes"]] == [0, 0, 0]
    for job in document["processes"]:  # in the machine's time there was no pause
        assert job["cpu_ns"] == pytest.approx(500e6, rel=0.1)
        assert job["turnaround_ns"] == job["finished_ns"] - job["arrived_ns"]
    after_start_ns = wall_ns + 1e9  # it had run for some moments when we began
    assert document["metrics"]["makespan_ns"] < after_start_ns - paused_s * 1e9


def still(scheduled: list[int]) -> float:
    """Wait until none of them runs, see that none gets anywhere, and tell for how many seconds we watched."""
    until(lambda: all_stopped(scheduled), "every process is stopped", 10)
    began = time.monotonic()
    used = [cpu_ticks(os_pid) for os_pid in scheduled]
    while time.monotonic() < began + 1:
        assert {state(os_pid) for os_pid in scheduled} == {"T"}
        time.sleep(0.05)
    assert [cpu_ticks(os_pid) for os_pid in scheduled] == used
    return time.monotonic() - began


def test_f09_the_pause_is_told(tmp_path: Path) -> None:
    command = LoggedRun(tmp_path, "run", write_scenario(tmp_path, BUSY))
    scheduled = command.wait_for_children(4)
    command.kill(signal.SIGSTOP)
    until(lambda: all_stopped(scheduled), "every process is stopped", 10)
    command.kill(signal.SIGCONT)
    until(lambda: any(state(os_pid) == "R" for os_pid in scheduled), "somebody runs again", 10)
    command.kill(signal.SIGINT)
    assert command.wait() == 130
    told = [line.split("operator:")[1].strip() for line in command.stdout.splitlines() if "operator:" in line]
    assert told == ["paused", "resumed", "quit"]


def test_f09_the_app_is_stopped_and_goes_on(tmp_path: Path) -> None:
    with terminal(write_scenario(tmp_path, BUSY)) as app:
        app.read_until(lambda: app.shows("spin-3"), "the processes are shown")
        scheduled = app.wait_for_children(4)
        app.kill(signal.SIGSTOP)
        still(scheduled)
        app.kill(signal.SIGCONT)
        app.read_until(lambda: any(state(os_pid) == "R" for os_pid in scheduled), "somebody runs again")
        app.read_until(lambda: app.shows("RUNNING  "), "the screen goes on")
        app.press("q")
        assert app.wait() == 0


SHELL = ("bash", "--norc", "--noprofile", "-i")
#: As make does: it starts the command, and waits for it in the same process group.
UNDER_A_PARENT = f"sh -c '{sys.executable} -m sandbox %s; exit $?'\r"


def find(shell: Terminal) -> int:
    """The os_pid of the app below a shell, once it has a kernel process; 0 before."""
    begins = f"{sys.executable} -m sandbox "
    apps = [os_pid for os_pid in descendants(shell.os_pid) if command_line(os_pid).startswith(begins)]
    return next(filter(kernel_below, apps), 0)


@pytest.mark.parametrize("how", ["key", "signal"])
def test_f09_job_control(tmp_path: Path, how: str) -> None:
    """A shell gets its terminal back as it was, nothing runs meanwhile, and ``fg`` goes on; twice over."""
    with terminal(command=SHELL) as shell:
        shell.press("PS1='ready: '\r")
        shell.read_until(lambda: shell.display.rstrip().endswith("ready:"), "the shell is ready")
        shell.press(UNDER_A_PARENT % write_scenario(tmp_path, BUSY))
        app = shell.read_until(lambda: find(shell), "the app runs")
        for stops in (1, 2):
            shell.read_until(lambda: shell.shows("▶ RUNNING") and shell.shows("B nap"), "the board is shown")
            scheduled = children(kernel_below(app))
            assert len(scheduled) == 4
            if how == "key":
                shell.press("\x1a")
            else:
                os.kill(app, signal.SIGTSTP)
            shell.read_until(lambda: shell.shows("Stopped") and state(app) == "T", "the shell is told")
            assert shell.written.count(b"\x1b[?1049l") == stops, "the shell's own screen is back"
            still(scheduled)
            shell.press("echo modes: $(stty -a | grep -ow -e '-*icanon' -e '-*echo' -e '-*isig')\r")
            shell.read_until(lambda: shell.shows("modes: isig icanon echo"), "lines, echo and signals are back")
            shell.press("clear; fg\r")
            shell.read_until(lambda: "R" in map(state, children(kernel_below(app))), "somebody runs again")
        shell.read_until(lambda: shell.shows("▶ RUNNING") and shell.shows("B nap"), "the board is shown")
        shell.press("q")
        shell.read_until(lambda: gone(app), "it is left")
        shell.press("clear; echo status $?\r")
        shell.read_until(lambda: shell.shows("status 0"), "it ended well")
        shell.press("exit\r")
        assert shell.wait() == 0


def test_f08_an_app_that_dies_while_suspended_leaves_the_terminal_to_its_shell(tmp_path: Path) -> None:
    with terminal(command=SHELL) as shell:
        shell.press(f"{sys.executable} -m sandbox --virtual {write_scenario(tmp_path, SIMPLE)}\r")
        app = shell.read_until(lambda: find(shell), "the app runs")
        [guard] = [each for each in children(app) if "ossandbox-screen" in command_line(each)]
        assert resident_kib(guard) < 4_000
        shell.press("\x1a")
        shell.read_until(lambda: shell.shows("Stopped") and state(app) == "T", "it is suspended")
        os.kill(app, signal.SIGKILL)
        shell.read_until(lambda: gone(app, guard), "both have ended")
        shell.read()
        assert shell.written.count(b"\x1b[?1049l") == 1
        shell.press("exit\r")
        shell.wait()


def test_f07_the_terminal_hangs_up_while_the_app_is_suspended(tmp_path: Path) -> None:
    with terminal(command=SHELL) as shell:
        shell.press(UNDER_A_PARENT % write_scenario(tmp_path, BUSY))
        app = shell.read_until(lambda: find(shell), "the app runs")
        shell.read_until(lambda: shell.shows("▶ RUNNING") and shell.shows("B nap"), "the board is shown")
        everybody = [app, *descendants(app)]
        shell.press("\x1a")
        shell.read_until(lambda: shell.shows("Stopped") and state(app) == "T", "it is suspended")
        shell.hang_up()
        until(lambda: gone(*everybody), "nothing is left", 8)


def test_f22_a_child_that_opens_the_terminal_gets_its_own(tmp_path: Path) -> None:
    report = tmp_path / "report"
    nosy = quick_python(
        "import os, select",
        "tty = os.open('/dev/tty', os.O_RDWR)",
        "os.write(tty, b'\\x1b]0;OURS\\x07PAINT')",
        f"report = open({str(report)!r}, 'w')",
        "print(os.ttyname(0), os.ttyname(tty), os.tcgetpgrp(tty) == os.getpgrp(), file=report, flush=True)",
        "heard = os.read(tty, 100) if select.select([tty], [], [], 1)[0] else b''",
        "print(heard, file=report, flush=True)",
    )
    world = f'title = "nosy"\n[[process]]\nname = "nosy"\ncommand = {toml_list(nosy)}\n'
    with terminal("run", write_scenario(tmp_path, world), "--quiet") as run:
        ours = os.ptsname(run.master) if hasattr(os, "ptsname") else os.readlink(f"/proc/{run.os_pid}/fd/0")
        run.read_until(lambda: report.exists() and "True" in report.read_text(), "the child has opened it")
        run.press("secret\n" * 3)
        assert run.wait() == 0
        first, heard = report.read_text().splitlines()
        standard, opened, leads = first.split()
        assert leads == "True"
        assert ours not in (standard, opened)
        assert heard == "b''", "it read our keys"
        assert b"PAINT" not in run.written, "it painted on our screen"
        assert b"\x1b]0;" not in run.written
