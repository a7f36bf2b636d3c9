"""A program finds inside what it finds outside: signals, limits, folder, streams; and what it writes arrives."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.model.commands import Quit
from sandbox.model.events import Event, Exited, Fault, Halted, Wrote
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS
from tests.support.real import run_real
from tests.support.scenarios import command, exits, names, process, quick_python, scenario

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

PROBE = Path(__file__).parents[1] / "support" / "probe.py"


def texts(events: list[Event]) -> dict[str, str]:
    """What each process wrote, by name."""
    called = names(events)
    found: dict[str, str] = {}
    for event in events:
        if isinstance(event, Wrote):
            found[called[event.pid]] = found.get(called[event.pid], "") + event.text
    return found


def outside(folder: Path) -> dict[str, Any]:
    """What the probe finds when a shell starts it on a terminal."""
    os_pid, master = pty.fork()
    if os_pid == 0:
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:  # whatever the tests were started with
            signal.signal(number, signal.SIG_DFL)
        os.closerange(3, 1 << 16)
        os.chdir(folder)
        os.execv("/bin/sh", ["sh", "-ic", f"'{sys.executable}' probe.py; exit"])
    written = b""
    while True:
        try:
            written += os.read(master, 1 << 16)
        except OSError:  # it has ended
            break
    os.waitpid(os_pid, 0)
    os.close(master)
    line = next(line for line in written.decode().splitlines() if line.startswith("{"))
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.mark.patient
def test_what_a_process_can_ask_about_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    shutil.copy(PROBE, tmp_path)
    world = scenario(
        command("command", sys.executable, "probe.py"),
        ProcessSpec("file", python="probe.py"),
        ProcessSpec("function", python="probe.py:main"),
    )
    world.folder = str(tmp_path)
    wanted = outside(tmp_path)
    for name, text in texts(run_real(world)).items():
        assert json.loads(text) == wanted, name


def test_a_broken_pipe_is_an_exception_in_python_and_the_end_of_others(tmp_path: Path) -> None:
    (tmp_path / "pipe.py").write_text(
        "import os\ndef main():\n    reader, writer = os.pipe()\n    os.close(reader)\n"
        "    try:\n        os.write(writer, b'x')\n    except BrokenPipeError:\n        raise SystemExit(7)\n"
    )
    world = scenario(
        ProcessSpec("python", python="pipe.py:main"),
        command("shell", "bash", "-c", "yes | true; exit ${PIPESTATUS[0]}"),
    )
    world.folder = str(tmp_path)
    ended = exits(run_real(world))
    assert (ended["python"].code, ended["shell"].code) == (7, 128 + signal.SIGPIPE)


def test_signals_are_as_a_login_shell_gives_them() -> None:
    world = scenario(
        command("trap", "sh", "-c", "trap 'echo hup' HUP; kill -HUP $$; echo end"),
        command("large", "bash", "-c", "f=$(mktemp); ulimit -f 1; (yes > $f); s=$?; rm $f; exit $s"),
    )
    events = run_real(world)
    assert texts(events)["trap"] == "hup\nend\n"
    assert exits(events)["large"].code == 128 + signal.SIGXFSZ


@pytest.mark.patient
@pytest.mark.parametrize("recipe", ["overlapped", "auto"])
@pytest.mark.parametrize("how", ["sys.stdout.buffer.raw.write(b'x' * 2_000_000)", "os.write(1, b'x' * 2_000_000)"])
def test_a_stop_cuts_no_write_short_or_it_is_told(recipe: str, how: str) -> None:
    writer = quick_python("import os, sys", how)
    reader = quick_python(
        "import os, time",
        "n = 0",
        "while data := os.read(0, 30_000):",
        "    n += len(data)",
        "    end = time.process_time() + 0.0005",
        "    while time.process_time() < end: pass",
        "print(n)",
    )
    line = " | ".join(
        " ".join(f"'{word}'" for word in [*each[:-1], each[-1].replace("'", "'\\''")]) for each in (writer, reader)
    )
    world = scenario(command("p", "sh", "-c", line), process("hog", "cpu 1s"), quantum_ns=5 * MS)

    def whole_or_told() -> bool:
        events = run_real(world, recipe=recipe)
        told = any(isinstance(event, Fault) and event.what.rule == "write cut short" for event in events)
        return told or "".join(texts(events).values()).strip() == "2000000"

    # One that is stopped at the very moment when there is no more room may be overlooked.
    assert whole_or_told() or (whole_or_told() and whole_or_told())


# How it ends


TIDY = (
    "import signal, sys, time",
    "def end(*_):",
    "    print('told to end', flush=True)",
    "    time.sleep(0.7)",
    "    print('tidied up', flush=True)",
    "    sys.exit(3)",
    "signal.signal(signal.SIGTERM, end)",
    "print('ready', flush=True)",
    "while True: time.sleep(10)",
)


def test_whoever_tidies_up_has_the_time_and_its_last_words_are_kept() -> None:
    world = scenario(command("tidy", *quick_python(*TIDY)), process("hog", "cpu 60s"), script=[("500ms", Quit())])
    assert texts(run_real(world))["tidy"] == "ready\ntold to end\ntidied up\n"


@pytest.mark.patient
@pytest.mark.parametrize(
    "argv",
    [
        ["sh", "-c", "cat; echo over"],
        ["bash", "--norc"],
        ["sqlite3"],
        ["gdb", "-nx", "-q"],
        ["less", "/etc/passwd"],
        [sys.executable, "-q"],
        quick_python(
            "import asyncio",
            "async def main():",
            "    loop = asyncio.get_running_loop()",
            "    loop.add_reader(0, print)",
            "    await loop.create_future()",
            "asyncio.run(main())",
        ),
        ["node"],
    ],
    ids=["sh", "bash", "sqlite3", "gdb", "less", "python", "asyncio", "node"],
)
def test_nobody_is_there_to_type(argv: list[str]) -> None:
    if shutil.which(argv[0]) is None:
        pytest.skip(f"no {argv[0]} here")
    events = run_real(scenario(command("asks", *argv)))
    assert "waits for somebody to type" in {event.what.rule for event in events if isinstance(event, Fault)}
    assert not any(isinstance(event, Exited) for event in events if getattr(event, "pid", 0) == 1)


def test_a_wait_with_an_end_is_waited_for() -> None:
    events = run_real(scenario(command("asks", "bash", "-c", "read -t 2 line; exit 9")))
    assert exits(events)["asks"].code == 9


def test_a_limit_is_no_reason_to_go_on_when_all_have_ended() -> None:
    world = scenario(process("short", "cpu 10ms"), script=[("60s", Quit())])
    last = run_real(world)[-1]
    assert isinstance(last, Halted)
    assert last.why.rule == "done"
    assert last.t_ns < 5_000 * MS
