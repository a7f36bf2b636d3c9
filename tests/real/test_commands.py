"""The commands as a user types them: what they print, where, and how they exit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.run import ossandbox

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]


def test_run_prints_a_line_an_event_and_then_the_table(short: str) -> None:
    done = ossandbox("run", short)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert "linux machine, 1 CPU, policy rr, sensor " in lines[0]
    assert any(" dispatched " in line and "head of the ready queue" in line for line in lines)
    assert any(line.startswith("pid  name") for line in lines)
    assert "CPU utilisation" in done.stdout
    assert "\x1b" not in done.stdout, "no colours into a pipe"


def test_quiet_and_json(short: str) -> None:
    quiet = ossandbox("run", short, "--quiet")
    assert " dispatched " not in quiet.stdout
    document = json.loads(ossandbox("simulate", short, "--json", "--policy", "fcfs").stdout)
    assert document["policy"] == {"name": "fcfs", "parameters": {}}
    assert [process["finished_ns"] for process in document["processes"]] == [30_000_000, 50_000_000]


def test_options_override_the_scenario(short: str) -> None:
    document = json.loads(ossandbox("simulate", short, "--json", "--quantum", "5ms", "--cpus", "2").stdout)
    assert document["policy"]["parameters"] == {"quantum_ns": 5_000_000}
    assert document["machine"]["cpus"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nothing"], "there is no scenario 'nothing'"),
        (["run", "welcom"], "Did you mean welcome?"),
        (["run", "welcome", "--policy", "magic"], "there is no policy magic"),
        (["run", "welcome", "--quantum", "20"], "has no unit; write"),
        (["run", "welcome", "--cpus", "0"], "0 is out of range"),
        (["run", "welcome", "--cpus", "many"], "no whole number"),
        (["run", "welcome", "--sensor", "nose"], "allowed: auto"),
        (["simulate", "commands"], "is a real program"),
        (["check", "/nonexistent.toml"], "cannot be read"),
        (["no-such-scenario.toml"], "cannot be read"),
        (["fly"], "there is no scenario 'fly'"),
    ],
)
def test_bad_input_is_told_plainly_and_exits_with_2(words: list[str], said: str) -> None:
    done = ossandbox(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_bad_scenario_starts_nothing_and_tells_all_problems(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[machine]\nquantum = 5\n[[process]]\nwork = ["cpu"]\nnmae = "x"\n')
    done = ossandbox("run", str(path))
    assert done.returncode == 2
    assert [line.split(":")[1] for line in done.stderr.splitlines()] == ["2", "4", "5"]


def test_check(short: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("x = 1")
    assert ossandbox("check", short).returncode == 0
    both = ossandbox("check", short, str(bad))
    assert both.returncode == 2
    assert both.stdout == f"{short}: ok\n"
    assert "there is no key x" in both.stderr


def test_the_lists() -> None:
    scenarios = json.loads(ossandbox("scenarios", "--json").stdout)
    assert {"welcome", "multiprogramming", "time-sharing", "convoy"} <= {scenario["name"] for scenario in scenarios}
    assert len(scenarios) >= 6
    policies = json.loads(ossandbox("policies", "--json").stdout)
    assert [policy["name"] for policy in policies] == [
        *("fcfs", "sjf", "srtf", "hrrn", "rr", "priority", "mlfq", "feedback"),
        *("lottery", "stride", "fair", "eevdf", "edf", "rm", "manual", "scripted"),
    ]
    assert "the convoy effect" in ossandbox("policies").stdout
    assert ossandbox("policies", "--rules").stdout.index("ends, else blocks") > 0
    findings = json.loads(ossandbox("doctor", "--json").stdout)
    assert {"name", "state", "found", "advice", "schema", "version", "seed"} == set(findings[0])
    assert "fails" not in {finding["state"] for finding in findings}


def test_help_is_there() -> None:
    assert "simulate" in ossandbox("--help").stdout
    assert ossandbox("--version").stdout.startswith("ossandbox ")


def test_a_limit_ends_a_run(tmp_path: Path) -> None:
    path = tmp_path / "long.toml"
    path.write_text('[[process]]\nname = "a"\nwork = ["cpu 60s"]\n')
    document = json.loads(ossandbox("run", str(path), "--for", "300ms", "--json").stdout)
    assert document["processes"][0]["finished_ns"] is None
    assert document["processes"][0]["cpu_ns"] > 0


def test_ctrl_c_ends_a_run_with_its_result_and_130(tmp_path: Path) -> None:
    path = tmp_path / "long.toml"
    path.write_text('[[process]]\nname = "a"\nwork = ["cpu 60s"]\n')
    command = [sys.executable, "-m", "sandbox", "run", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        give_up = time.monotonic() + 20
        for line in running.stdout:
            assert time.monotonic() < give_up
            if "dispatched" in line:
                break
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=20)
        assert running.returncode == 130
        assert "CPU utilisation" in out


def test_a_reader_who_leaves_is_no_error(short: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m sandbox run {short} | head -n 1"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert "booted" in done.stdout
    assert done.stderr == ""
