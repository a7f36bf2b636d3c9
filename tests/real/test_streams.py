"""Where the commands write: terminals, pipes, full disks, nowhere; and what they exit with."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.run import ossandbox

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]

OSSANDBOX = f"{sys.executable} -m sandbox"
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)(?:;\d+)*m")
LISTS = ("scenarios", "policies", "policies --rules", "doctor")


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line as a user types it; OSSANDBOX is the command."""
    line = line.replace("OSSANDBOX", OSSANDBOX)
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=40, check=False)


def on_a_terminal(*words: str) -> str:
    """What a command writes on a terminal."""
    os_pid, master = pty.fork()
    if os_pid == 0:
        try:
            os.execve(sys.executable, [sys.executable, "-m", "sandbox", *words], os.environ)
        finally:
            os._exit(127)
    written = b""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        if select.select([master], [], [], 1)[0]:
            try:
                written += os.read(master, 1 << 16)
            except OSError:  # it has ended
                break
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(os_pid, 0)[1]) == 0
    return written.decode()


def test_lists_are_plain_in_a_pipe_and_bold_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for line in LISTS:
        assert "\x1b" not in ossandbox(*line.split()).stdout
    assert "\x1b[1m" in on_a_terminal("scenarios")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in on_a_terminal("scenarios")


def test_no_colour_where_none_is_wanted(short: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    for words in (["scenarios"], ["doctor"], ["simulate", short]):
        assert not COLOUR.search(on_a_terminal(*words))


def test_nothing_is_cut_in_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "wide.toml"
    path.write_text(f'[[process]]\nname = "{"w" * 40}"\nwork = ["cpu 86400s"]\n')
    done = ossandbox("simulate", str(path), "--quiet", "--policy", "fcfs")
    row = next(line for line in done.stdout.splitlines() if "w" * 40 in line)
    assert row.split() == ["1", "w" * 40, "0.0", "0.0", "86400000.0", "86400000.0", "0.0", "0.0", "86400000.0", "0.0", "1", "0"]  # fmt: skip


@pytest.mark.parametrize("line", [*LISTS, "simulate time-sharing", "run SHORT", "run SHORT --json"])
def test_a_reader_who_leaves_is_no_error(short: str, line: str) -> None:
    done = shell(f"OSSANDBOX {line.replace('SHORT', short)} | head -c 1; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr, len(done.stdout)) == (0, "", 1)


@pytest.mark.parametrize("line", ["scenarios", "simulate time-sharing", "run SHORT", "run SHORT --json"])
def test_a_full_disk_is_told(short: str, line: str) -> None:
    done = shell(f"OSSANDBOX {line.replace('SHORT', short)} > /dev/full")
    assert (done.returncode, done.stderr) == (1, "ossandbox: No space left on device\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_lead_nowhere(short: str, closed: str) -> None:
    done = shell(f"OSSANDBOX run {short} {closed}")
    assert (done.returncode, done.stderr) == (0, "")
    assert ("CPU utilisation" in done.stdout) == (">&-" not in closed.split())


def test_the_app_without_a_terminal_says_so() -> None:
    done = ossandbox("welcome", stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ossandbox: the app needs a terminal; ossandbox run and ossandbox simulate need none\n"


def test_json_is_alone_on_stdout_and_faults_are_told_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "asks.toml"
    (tmp_path / "asks.py").write_text("def ask():\n    input('[b]who? ')\n")
    path.write_text('[[process]]\nname = "asks"\npython = "asks.py:ask"\n')
    done = ossandbox("run", str(path), "--json")
    assert done.returncode == 1, "the run did not come to its end"
    assert json.loads(done.stdout)["processes"][0]["name"] == "asks"
    assert done.stderr == "ossandbox: nobody is here to type for asks: the run ends\n"
    told = ossandbox("run", str(path))
    assert (told.returncode, told.stderr) == (1, "")
    assert "nobody is here to type for asks" in told.stdout
    assert "asks writes: [b]who?" in told.stdout


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_simulation_that_is_interrupted_gives_what_it_has(tmp_path: Path, number: int, status: int) -> None:
    path = tmp_path / "endless.toml"
    path.write_text('[machine]\nquantum = "100us"\n[[process]]\nname = "a"\nwork = ["cpu 86400s"]\ncount = 2\n')
    command = [sys.executable, "-m", "sandbox", "simulate", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "booted" in running.stdout.readline()
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert running.returncode == status
    assert "CPU utilisation" in out
    assert err == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "the following arguments are required: scenario"),
        (["run", "welcome", "--quantum"], "expected one argument"),
        (["welcome", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["check"], "the following arguments are required: FILE"),
    ],
)
def test_a_line_that_makes_no_sense_exits_with_2(words: list[str], said: str) -> None:
    done = ossandbox(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_check_tells_every_fault_of_every_file_with_its_line(tmp_path: Path, short: str) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text('[machine]\nquantum = 5\n[[process]]\nwork = ["cpu"]\nnmae = "x"\n')
    two.write_text("[machine]\npolicy = 'fcsf'\n")
    done = ossandbox("check", str(one), short, str(two))
    assert done.returncode == 2
    assert done.stdout == f"{short}: ok\n"
    told = done.stderr.splitlines()
    assert [line.split(": ")[0] for line in told] == [f"{one}:2", f"{one}:4", f"{one}:5", f"{two}:2"]
    assert told[0] == f'{one}:2: machine.quantum: 5 has no unit; write "5ms"'
    assert "Did you mean name?" in told[2]
    assert "Did you mean fcfs?" in told[3]


def test_simulate_says_of_every_real_program_that_it_is_one() -> None:
    done = ossandbox("simulate", "commands")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 4
    assert all("give it an estimate, or run it with ossandbox run" in line for line in done.stderr.splitlines())


def test_the_doctor_says_what_to_do_about_what_is_missing() -> None:
    done = ossandbox("doctor", stdin=subprocess.DEVNULL)
    assert done.returncode == 0
    assert "a process was started, stopped, continued and ended by signals" in done.stdout
    assert "  terminal: the app needs a terminal; run and simulate do not" in done.stdout.split("What to do:")[1]
