"""Policies side by side, as the command shows them."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from sandbox.util.estimates import estimate
from tests.support.commands import CommandRunner
from tests.support.files import write_scenario
from tests.support.systems import linux
from tests.support.terminal import terminal

#: The textbook's example of a convoy: 24, 3 and 3 units of 10 ms.
CONVOY = """
[machine]
quantum = "40ms"
[[process]]
name = "long"
work = ["cpu 240ms"]
[[process]]
name = "short"
work = ["cpu 30ms"]
count = 2
"""
DICE = """
import random
from sandbox.policies import Duration, Flag, ListOf, Number, Whole
from sandbox.policies.base import Parameter, Policy

class Dice(Policy):
    quantum = Parameter(Duration("1ms", "1s"), "10ms", "a slice")
    sides = Parameter(Whole(2, 20), 6, "how many")
    bias = Parameter(Number(0, 1), 0.5, "how loaded")
    fair = Parameter(Flag(), True, "whether it is fair")
    steps = Parameter(ListOf(Duration()), ["1ms"], "some times")

    def start(self, now_ns):
        self.dice = random.Random(self.seed)

    def pick(self, cpu, now_ns):
        self.queue.rotate(self.dice.randrange(len(self.queue) or 1))
        return super().pick(cpu, now_ns)

    def slice(self, task):
        return self.quantum
"""


@pytest.fixture
def convoy(tmp_path: Path) -> str:
    return write_scenario(tmp_path, CONVOY)


def test_one_row_a_policy_with_the_best_of_each_column_marked(ossandbox: CommandRunner, convoy: str) -> None:
    done = ossandbox("compare", convoy, "--policies", "fcfs,rr")
    assert done.status == 0
    assert done.lines[:5] == [
        "            turnaround       waiting      response",
        "in ms      mean    p95   mean    p95   mean    p95 switches    CPU   fair",
        "fcfs      270.0  300.0  170.0  270.0  170.0  270.0        3*  100%  0.478",
        "rr        156.7* 300.0   56.7*  70.0*  36.7*  70.0*       4   100%  0.852*",
        "* best of its column",
    ]


LOGS = """
import logging
from sandbox.policies import Policy
log = logging.getLogger("mine")
log.addHandler(logging.FileHandler({file!r}))
class Mine(Policy):
    def start(self, now_ns): log.error("once")
"""


def test_a_run_does_not_write_to_the_logs_of_those_before(
    ossandbox: CommandRunner, convoy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.cli.compare.cpus", lambda: 1)
    (tmp_path / "mine.py").write_text(LOGS.format(file=str(tmp_path / "log")))
    assert ossandbox("compare", convoy, "--policies", f"{tmp_path}/mine.py:Mine", "--repeat", "20").status == 0
    assert (tmp_path / "log").read_text().count("once") == 2 * 20, "its own log, and that of checking the policy"


def test_a_gantt_chart_each_finer_than_cells_with_times_below(ossandbox: CommandRunner, convoy: str) -> None:
    lines = ossandbox("compare", convoy, "--policies", "fcfs,rr").lines
    assert lines[6:12] == [
        "fcfs",
        "  1 long       ████████████████████████████████████████████████████",
        "  2 short-1    ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░▕██████▌",
        "  3 short-2    ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░▐██████",
        "               ╵0 s                 ╵100 ms               ╵200 ms",
        "",
    ]
    assert lines[12:15] == [
        "rr  quantum 40 ms",
        "  1 long       ████████▋░░░░░░░░░░░░▐███████████████████████████████████████████",
        "  2 short-1    ░░░░░░░░▐██████▏",
    ]
    assert lines[-1] == "█ running  ░ ready  · blocked"


def test_it_fits_into_80_columns_and_a_pipe_gets_no_colours(ossandbox: CommandRunner) -> None:
    for scenario in ("convoy", "crowd", "parallel", "multiprogramming"):
        for line in ossandbox("compare", scenario, "--policies", "fcfs,rr:quantum=20ms").lines:
            assert cell_len(line) <= 80, line
            assert "\x1b" not in line


def test_wide_names_keep_their_lanes_in_line(ossandbox: CommandRunner, tmp_path: Path) -> None:
    world = (
        '[[process]]\nname = "排序"\nwork = ["cpu 50ms"]\n[[process]]\nname = "很长的进程名字"\nwork = ["cpu 50ms"]\n'
    )
    done = ossandbox("compare", write_scenario(tmp_path, world), "--policies", "fcfs")
    lanes = [line for line in done.lines if line.startswith(("  1", "  2"))]
    assert [cell_len(line.partition("█")[0].partition("░")[0]) for line in lanes] == [15, 15]
    assert "很长的进 …" in lanes[1]


def test_many_processes_are_a_line_a_cpu(ossandbox: CommandRunner, tmp_path: Path) -> None:
    world = '[machine]\ncpus = 2\n[[process]]\nname = "p"\ncount = 20\nwork = ["cpu 50ms"]\n'
    done = ossandbox("compare", write_scenario(tmp_path, world), "--policies", "fcfs")
    lanes = [line for line in done.lines if line.startswith("cpu")]
    assert [line[:20] for line in lanes] == ["cpu0           1────", "cpu1           2────"]
    assert "the pid that has the CPU" in done.lines[-1]


def test_a_policy_beside_itself_with_other_parameters(ossandbox: CommandRunner, convoy: str) -> None:
    done = ossandbox("compare", convoy, "--policies", "rr:quantum=10ms,rr", "--policies", "rr:quantum=100ms", "--json")
    quanta = [document["policy"]["parameters"]["quantum_ns"] for document in json.loads(done.out)]
    assert quanta == [10_000_000, 40_000_000, 100_000_000]
    lines = ossandbox("compare", convoy, "--policies", "rr:quantum=10ms,rr:quantum=100ms").lines
    assert lines[2].startswith("rr:quantum=10ms"), "a long name keeps its end: it is what tells them apart"
    assert "rr:quantum=100ms" in lines


def test_parameters_of_every_kind(ossandbox: CommandRunner, tmp_path: Path, convoy: str) -> None:
    dice = write_scenario(tmp_path, DICE, "dice.py") + ":Dice"
    settings = ":sides=12:bias=0.25:fair=false:steps=2ms/4ms:quantum=20ms"
    [document] = json.loads(ossandbox("compare", convoy, "--policies", dice + settings, "--json").out)
    assert document["policy"]["parameters"] == {
        "quantum_ns": 20_000_000, "sides": 12, "bias": 0.25, "fair": False, "steps_ns": [2_000_000, 4_000_000],
    }  # fmt: skip


def test_the_json_is_the_list_of_the_documents_that_simulate_gives(ossandbox: CommandRunner, convoy: str) -> None:
    documents = json.loads(ossandbox("compare", convoy, "--policies", "rr,fcfs", "--json").out)
    alone = [json.loads(ossandbox("simulate", convoy, "--policy", name, "--json").out) for name in ("rr", "fcfs")]
    assert documents == alone


def test_the_csv_has_a_row_a_policy_and_repeat(ossandbox: CommandRunner, tmp_path: Path, convoy: str) -> None:
    dice = write_scenario(tmp_path, DICE, "dice.py") + ":Dice"
    done = ossandbox("compare", convoy, "--policies", f"fcfs,{dice}", "--repeat", "3", "--csv", "--seed", "7")
    rows = [*csv.DictReader(io.StringIO(done.out))]
    assert [(row["policy"], row["run"], row["seed"]) for row in rows] == [
        ("fcfs", "1", "7"), ("fcfs", "2", "8"), ("fcfs", "3", "9"), (dice, "1", "7"), (dice, "2", "8"), (dice, "3", "9"),
    ]  # fmt: skip
    assert rows[0]["turnaround_mean_ns"] == "270000000"
    assert len({row["turnaround_mean_ns"] for row in rows[3:]}) > 1, "each repeat draws other lots"


def test_repeats_have_a_spread(ossandbox: CommandRunner, tmp_path: Path, convoy: str) -> None:
    dice = write_scenario(tmp_path, DICE, "dice.py") + ":Dice"
    done = ossandbox("compare", convoy, "--policies", f"{dice},fcfs", "--repeat", "5")
    spreads = [line.split() for line in done.lines if line.startswith("  ±")]
    assert len(spreads) == 2
    assert set(spreads[1][1:]) <= {"0.0", "0", "0.0%", "0.000"}
    assert float(spreads[0][1]) > 0
    documents = json.loads(ossandbox("compare", convoy, "--policies", dice, "--repeat", "5", "--json").out)
    means = [document["metrics"]["turnaround_ns"]["mean"] for document in documents]
    half_ns = estimate(means).half
    assert half_ns is not None
    assert float(spreads[0][1]) == pytest.approx(half_ns / 1e6, abs=0.06)


def test_a_star_marks_who_is_best_beyond_the_noise(ossandbox: CommandRunner, tmp_path: Path, convoy: str) -> None:
    twins = [write_scenario(tmp_path, DICE.replace("rotate(", f"rotate({more} + "), f"{name}.py") + ":Dice"
             for name, more in (("one", 0), ("two", 1))]  # fmt: skip
    done = ossandbox("compare", convoy, "--policies", f"fcfs,{twins[0]},{twins[1]}", "--repeat", "6")
    rows = [done.lines[done.lines.index(twin) + 1] for twin in twins]
    assert [row.split()[0].endswith("*") for row in rows] == [True, True], "by chance alone one of two is ahead"


def test_without_a_list_the_scenarios_own_policy_comes_first(ossandbox: CommandRunner, convoy: str) -> None:
    documents = json.loads(ossandbox("compare", convoy, "--json").out)
    names = [document["policy"]["name"] for document in documents]
    assert names[0] == "rr"
    assert "fcfs" in names
    assert len(names) == len(set(names))


def test_a_policy_that_goes_by_what_no_process_says_is_left_out(ossandbox: CommandRunner, tmp_path: Path) -> None:
    plain = '[[process]]\nname = "a"\nwork = ["cpu 10ms"]\n'

    def names(more: str) -> set[str]:
        documents = json.loads(ossandbox("compare", write_scenario(tmp_path, plain + more), "--json").out)
        return {document["policy"]["name"] for document in documents}

    always = names("")
    assert {"fcfs", "rr", "srtf", "mlfq", "fair"} <= always
    assert names("tickets = 7\n") - always == {"lottery", "stride"}
    assert names("priority = 7\n") - always == {"priority"}
    assert names('period = "50ms"\n') - always == {"edf", "rm"}
    assert names('deadline = "50ms"\n') - always == {"edf"}


def test_a_policy_that_cannot_have_what_the_scenario_says_is_refused(ossandbox: CommandRunner, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from sandbox.policies import Duration, Parameter, Policy\n"
        'class Mine(Policy):\n    quantum = Parameter(Duration("1ms", "10ms"), "5ms", "how long")\n'
    )
    (tmp_path / "world.toml").write_text('[machine]\nquantum = "20ms"\n[[process]]\nwork = ["cpu 5ms"]\n')
    status, _, done = ossandbox("compare", str(tmp_path / "world.toml"), "--policies", f"rr,{tmp_path}/mine.py:Mine")
    assert (status, done.strip()) == (
        2, "options: --policies .quantum: '20ms' is out of range; allowed: 1 ms … 10 ms",
    )  # fmt: skip


def test_wrong_names_are_told_all_at_once_with_hints(ossandbox: CommandRunner, convoy: str) -> None:
    done = ossandbox(
        "compare", convoy, "--policies", "fcsf,rr:qantum=3ms,rr:quantum=3,no.py:Such,rr:odd", "--repeat", "0"
    )
    assert (done.status, done.out) == (2, "")
    assert [line.partition(": ")[2] for line in done.err.splitlines()] == [
        "--repeat: 0 is out of range; allowed: 1 … 1000",
        "--policies: there is no policy fcsf. Did you mean fcfs? (there are: "
        + done.err.split("there are: ")[1].splitlines()[0],
        "--policies rr: rr has no parameter qantum. Did you mean quantum? (it has: quantum)",
        "--policies rr.quantum: '3' has no unit; write \"3ms\"",
        f"--policies: there is no file {Path.cwd() / 'no.py'}",
        "--policies rr: 'odd' sets no parameter; write rr:parameter=value",
    ]
    assert "Did you mean fcfs?" in done.err


def test_real_programs_are_refused_in_virtual_time_unless_they_have_an_estimate(
    ossandbox: CommandRunner, tmp_path: Path
) -> None:
    program = '[[process]]\nname = "a"\ncommand = ["sleep", "1"]\n'
    done = ossandbox("compare", write_scenario(tmp_path, program))
    assert done.status == 2
    assert "process a: sleep 1 is a real program: give it an estimate" in done.err
    done = ossandbox("compare", write_scenario(tmp_path, program + 'estimate = "20ms"\n'), "--policies", "fcfs")
    assert done.status == 0


@linux
def test_real_programs_are_not_compared_with_their_estimates(ossandbox: CommandRunner, tmp_path: Path) -> None:
    program = '[[process]]\nname = "a"\ncommand = ["sleep", "1"]\n'
    done = ossandbox("compare", write_scenario(tmp_path, program + 'estimate = "20ms"\n'), "--against-real")
    assert done.status == 2
    assert "only work takes the same CPU time on both machines" in done.err


def test_an_empty_scenario(ossandbox: CommandRunner, tmp_path: Path) -> None:
    done = ossandbox("compare", write_scenario(tmp_path, ""), "--policies", "fcfs,rr")
    assert (done.status, done.out) == (2, ""), "nobody shall take it for a comparison that went well"


def test_a_run_that_is_cut_short_is_not_compared(ossandbox: CommandRunner, convoy: str) -> None:
    done = ossandbox("compare", convoy, "--policies", "fcfs,rr", "--for", "100ms")
    assert "! fcfs: 3 of 3 processes had not ended; its figures are those of the others" in done.lines
    assert "! rr: 1 of 3 processes had not ended; its figures are those of the others" in done.lines
    assert "*" not in "".join(done.lines[2:4])


def test_a_policy_that_fails_is_not_compared(ossandbox: CommandRunner, tmp_path: Path, convoy: str) -> None:
    faulty = write_scenario(tmp_path, DICE.replace("return self.quantum", "return task.quantum"), "dice.py") + ":Dice"
    done = ossandbox("compare", convoy, "--policies", f"{faulty},fcfs,rr")
    assert done.status == 1
    assert f"ossandbox: {faulty}: Dice fails in slice, dice.py line " in done.err
    assert f"! {faulty}: it failed, and another policy stood in for it" in done.lines
    assert "*" not in done.lines[done.lines.index(faulty) + 1]


def test_a_policy_from_a_file_is_found_from_the_folder_where_one_is(
    ossandbox: CommandRunner, tmp_path: Path, convoy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write_scenario(elsewhere, DICE, "dice.py")
    monkeypatch.chdir(elsewhere)
    done = ossandbox("compare", convoy, "--policies", "fcfs,dice.py:Dice")
    assert done.status == 0
    assert any(line.startswith("dice.py:Dice ") for line in done.lines)
    assert ossandbox("simulate", convoy, "--policy", "dice.py:Dice:quantum=5ms", "--quiet").status == 0


def test_a_policy_that_a_script_switches_to_lies_beside_the_scenario(ossandbox: CommandRunner, tmp_path: Path) -> None:
    write_scenario(tmp_path, DICE, "dice.py")
    world = write_scenario(tmp_path, CONVOY + '[[at]]\ntime = "10ms"\ndo = "policy dice.py:Dice"\n')
    done = ossandbox("simulate", world)
    assert "policy Dice is in force" in done.out


def test_progress_of_long_ones_goes_to_stderr(
    ossandbox: CommandRunner, convoy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ossandbox("compare", convoy, "--policies", "fcfs,rr").err == ""
    monkeypatch.setattr("sandbox.render.progress._MOMENT_S", 0)
    done = ossandbox("compare", convoy, "--policies", "fcfs,rr", "--json")
    assert done.err == "ossandbox: fcfs in virtual time (1 of 2)\nossandbox: rr in virtual time (2 of 2)\n"
    json.loads(done.out)


def test_a_reader_who_leaves_is_no_error(convoy: str) -> None:
    command = f"{sys.executable} -m sandbox compare {convoy} | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "turnaround" in done.stdout


def test_on_a_terminal_there_are_colours_and_a_progress_that_vanishes(convoy: str) -> None:
    with terminal("compare", convoy, "--policies", "fcfs,rr") as run:
        assert run.wait() == 0
        assert b"\x1b[32m" in run.written, "running is green"
        assert run.shows("270.0  300.0")
        assert not run.shows("1 of 2")
        assert not run.shows("2 of 2")


def test_without_colours_where_none_are_wanted(convoy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with terminal("compare", convoy, "--policies", "fcfs,rr") as run:
        assert run.wait() == 0
        assert b"\x1b[32m" not in run.written
        assert run.shows("156.7* 300.0")


# On real processes
SHORT = '[machine]\nquantum = "20ms"\n[[process]]\nname = "a"\nwork = ["cpu 50ms"]\n[[process]]\nname = "b"\nwork = ["cpu 30ms", "io 10ms"]\n'


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
def test_real_processes_are_compared(ossandbox: CommandRunner, tmp_path: Path) -> None:
    done = ossandbox(
        "compare", write_scenario(tmp_path, SHORT), "--policies", "fcfs,rr", "--real", "--repeat", "2", "--json"
    )
    assert done.status == 0, done.err
    documents: list[dict[str, Any]] = json.loads(done.out)
    assert [document["policy"]["name"] for document in documents] == ["fcfs", "fcfs", "rr", "rr"]
    assert {document["machine"]["kind"] for document in documents} == {"linux"}
    for document in documents:
        assert [process["cpu_ns"] / 1e6 for process in document["processes"]] == pytest.approx([50, 30], rel=0.05)


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
def test_virtual_and_real_runs_on_one_chart(ossandbox: CommandRunner, tmp_path: Path) -> None:
    done = ossandbox("compare", write_scenario(tmp_path, SHORT), "--policies", "fcfs", "--against-real")
    assert done.status == 0, done.err
    assert [line.split()[0] for line in done.lines[2:4]] == ["fcfs", "fcfs"]
    begin = done.lines.index("fcfs") + 1
    assert [line[:19].split() for line in done.lines[begin : begin + 4]] == [
        ["1", "a", "sim"],
        ["real"],
        ["2", "b", "sim"],
        ["real"],
    ]
    assert "2 of 2 slices matched" in done.lines
    assert any(line.startswith(("✔ every slice has its match", "✘ ")) for line in done.lines)


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
def test_ctrl_c_gives_what_there_is_and_130(tmp_path: Path) -> None:
    world = write_scenario(
        tmp_path, '[[process]]\nname = "a"\nwork = ["cpu 300ms"]\n[[process]]\nname = "b"\nwork = ["cpu 300ms"]\n'
    )
    words = [sys.executable, "-m", "sandbox", "compare", world, "--real", "--policies", "fcfs,rr", "--repeat", "200"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        give_up = time.monotonic() + 30
        for line in running.stderr:
            assert time.monotonic() < give_up
            if "(3 of 400)" in line:
                break
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=20)
        assert running.returncode == 130
    assert "turnaround" in out.splitlines()[0]
    assert out.splitlines()[2].startswith("fcfs")
    assert "  1 a " in out


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all is done in one process")
def test_whoever_makes_the_runs_the_same_comes_of_it(convoy: str, tmp_path: Path) -> None:
    (tmp_path / "dice.py").write_text(DICE.replace("return self.quantum", "print('asked'); return self.quantum // 0"))
    words = ["compare", convoy, "--policies", "fcfs,rr,dice.py:Dice,srtf,lottery", "--repeat", "2"]
    command = [sys.executable, "-P", "-m", "sandbox", *words]
    one = subprocess.run(
        command,
        capture_output=True,
        check=False,
        text=True,
        cwd=tmp_path,
        preexec_fn=lambda: os.sched_setaffinity(0, {0}),
    )
    all_of_them = subprocess.run(command, capture_output=True, check=False, text=True, cwd=tmp_path)
    assert (one.returncode, one.stdout, one.stderr) == (
        all_of_them.returncode,
        all_of_them.stdout,
        all_of_them.stderr,
    )
    assert "ZeroDivisionError" in one.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all is done in one process")
def test_a_copy_that_ends_itself_ends_the_comparison(convoy: str, tmp_path: Path) -> None:
    (tmp_path / "dice.py").write_text(
        DICE.replace("import random", "import os, random").replace("return self.quantum", "os._exit(7)")
    )
    words = ["compare", convoy, "--policies", "fcfs,dice.py:Dice"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "sandbox", *words], capture_output=True, check=False, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "7" in done.stderr
