"""Many runs, as the command makes them: here, in several processes, and on a cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import CommandRunner
from tests.support.dask import running
from tests.support.files import write_scenario
from tests.support.run import OSSANDBOX, PATIENCE_S
from tests.support.systems import linux, unix

WORLD = """
[[process]]
name = "a"
work = ["cpu 30ms", "io 10ms", "cpu 20ms"]
[[process]]
name = "b"
work = ["cpu 15ms", "io 20ms"]
repeat = 3
arrive = "5ms"
"""
#: Each class does something else when its seed is 3.
STRANGERS = """
import os, time
from sandbox.policies import Policy

class Raises(Policy):
    def pick(self, cpu, now_ns):
        if self.seed == 3:
            1 / 0
        return super().pick(cpu, now_ns)

class Hangs(Policy):
    def pick(self, cpu, now_ns):
        while self.seed == 3:
            pass
        return super().pick(cpu, now_ns)

class HangsInC(Policy):
    def pick(self, cpu, now_ns):
        if self.seed == 3:
            sum(range(10**13))
        return super().pick(cpu, now_ns)

class Ends(Policy):
    def pick(self, cpu, now_ns):
        if self.seed == 3:
            os._exit(0)
        return super().pick(cpu, now_ns)

class Kills(Policy):
    def pick(self, cpu, now_ns):
        if self.seed == 3:
            os.kill(os.getpid(), 9)
        return super().pick(cpu, now_ns)

class Dawdles(Policy):
    def pick(self, cpu, now_ns):
        if self.seed == 3:
            time.sleep(0.3)
        return super().pick(cpu, now_ns)

    def slice(self, task):
        return 1_000_000

class Forks(Policy):
    def pick(self, cpu, now_ns):
        if self.seed == 3:
            if os.fork() == 0:
                time.sleep(600)
            os._exit(1)
        return super().pick(cpu, now_ns)
"""
MANY = ("--policies", "rr:quantum=1ms..8ms*2,lottery", "--seeds", "1..200")


@pytest.fixture
def world(tmp_path: Path) -> str:
    return write_scenario(tmp_path, WORLD, "world.toml")


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def wait_for(what: Callable[[], Any], timeout_s: float = 30) -> Any:
    until_s = time.monotonic() + timeout_s
    while not (found := what()):
        assert time.monotonic() < until_s, "it does not come"
        time.sleep(0.01)
    return found


def begun(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*OSSANDBOX, "sweep", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def lines_of(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def reached(file: Path, number: int) -> bool:
    return lines_of(file) >= number


def test_rows_are_the_product_in_its_order_with_the_figures_of_simulate(ossandbox: CommandRunner, world: str) -> None:
    done = ossandbox("sweep", world, "--policies", "rr:quantum=10ms..20ms*2,fcfs", "--seeds", "1,2", "--cpus", "1,2")
    found = rows(done.out)
    assert done.status == 0
    assert [(row["cpus"], row["contender"], row["seed"]) for row in found] == [
        (cpus, policy, seed)
        for cpus in (1, 2) for policy in ("rr:quantum=10ms", "rr:quantum=20ms", "fcfs") for seed in (1, 2)
    ]  # fmt: skip
    document = json.loads(ossandbox("simulate", world, "--policy", "rr:quantum=20ms", "--cpus", "2", "--json").out)
    [row] = [row for row in found if (row["cpus"], row["contender"], row["seed"]) == (2, "rr:quantum=20ms", 1)]
    for name in ("turnaround_ns", "waiting_ns", "response_ns", "switches", "makespan_ns"):
        assert row["metrics"][name] == document["metrics"][name]
    assert "turnaround: " in done.err


@pytest.mark.thorough
def test_one_worker_and_several_write_the_same_bytes(ossandbox: CommandRunner, world: str, tmp_path: Path) -> None:
    for jobs in ("1", "3"):
        assert ossandbox("sweep", world, *MANY, "--jobs", jobs, "-o", str(tmp_path / jobs)).status == 0
    assert (tmp_path / "1").read_bytes() == (tmp_path / "3").read_bytes()
    assert lines_of(tmp_path / "1") == 5 * 200


#: What comes of them where there is no alarm, and no fork.
WITHOUT_ALARM = {"Hangs": "run takes too long", "HangsInC": "run takes too long", "Forks": "policy raises"}


@pytest.mark.parametrize(
    ("stranger", "rule"),
    [
        ("Raises", "policy raises"),
        ("Hangs", "policy takes too long"),
        ("HangsInC", "run hangs"),
        ("Ends", "run ends the process"),
        ("Kills", "worker was killed"),
        ("Dawdles", "run takes too long"),
        ("Forks", "run ends the process"),
    ],
)
def test_a_policy_that_misbehaves_costs_its_row_alone(world: str, tmp_path: Path, stranger: str, rule: str) -> None:
    write_scenario(tmp_path, STRANGERS, "strangers.py")
    if not hasattr(signal, "SIGALRM"):
        rule = WITHOUT_ALARM.get(stranger, rule)
    words = ["--policies", f"strangers.py:{stranger},rr", "--seeds", "2..4", "--jobs", "2"]
    words += ["--limit", "1s" if rule == "run takes too long" else "20s"]
    done = subprocess.run(
        [*OSSANDBOX, "sweep", world, *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=tmp_path,
        check=False,
    )
    found = rows(done.stdout)
    assert [row["error"] and row["error"]["rule"] for row in found] == [None, rule, None, None, None, None]
    assert found[1]["metrics"] is None
    assert done.returncode == 1
    assert f"1 run failed: strangers.py:{stranger}: {found[1]['error']['says']}" in done.stderr


def test_a_scenario_that_cannot_be_simulated_costs_its_rows(
    ossandbox: CommandRunner, world: str, tmp_path: Path
) -> None:
    program = write_scenario(tmp_path, '[[process]]\nname = "a"\ncommand = ["sleep", "1"]\n', "program.toml")
    done = ossandbox("sweep", program, world, "--policies", "rr")
    assert [row["error"] and row["error"]["rule"] for row in rows(done.out)] == ["cannot be simulated", None]
    assert done.status == 1


def test_what_is_wrong_is_told_before_anything_runs(ossandbox: CommandRunner, world: str, tmp_path: Path) -> None:
    done = ossandbox("sweep", world, "--seeds", "5..1", "--cpus", "0", "--jobs", "none", "--resume")
    assert (done.status, done.out) == (2, "")
    assert len(done.err.splitlines()) == 4
    for words in (["--policies", ""], ["--policies", "rr:quantum=1ms..5ms"], ["--on", "here"]):
        assert ossandbox("sweep", world, *words).status == 2
    empty = write_scenario(tmp_path, 'title = "nobody"\n', "empty.toml")
    for words in (["sweep", world, empty], ["simulate", empty], ["compare", empty], ["check", empty]):
        done = ossandbox(*words)
        assert (done.status, done.out) == (2, ""), words
        assert "there is nothing to run" in done.err


def test_a_file_is_gone_on_with_only_if_asked(ossandbox: CommandRunner, world: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    assert ossandbox("sweep", world, "--policies", "rr", "-o", str(file)).status == 0
    first = file.read_bytes()
    done = ossandbox("sweep", world, "--policies", "fcfs", "-o", str(file))
    assert done.status == 2
    assert "--resume" in done.err
    file.write_bytes(first + b'{"schema": "ossandbox/sweep-row/1", "key": "4')
    done = ossandbox("sweep", world, "--policies", "rr,fcfs", "-o", str(file), "--resume")
    assert done.status == 0
    assert file.read_bytes().startswith(first), "what was there is not made again"
    assert [row["contender"] for row in rows(file.read_text())] == ["rr", "fcfs"]
    before = file.read_bytes()
    assert ossandbox("sweep", world, "--policies", "fcfs", "-o", str(file), "--resume").status == 0
    assert file.read_bytes() == before


@unix
def test_whoever_is_killed_loses_the_rows_in_work_and_repeats_none(
    ossandbox: CommandRunner, world: str, tmp_path: Path
) -> None:
    whole, file = tmp_path / "whole", tmp_path / "rows"
    ossandbox("sweep", world, *MANY, "-o", str(whole))
    for more in (1, 150, 150):
        there = lines_of(file)
        sweep = begun(world, *MANY, "--jobs", "2", "-o", str(file), "--resume")
        wait_for(partial(reached, file, there + more))
        os.killpg(sweep.pid, signal.SIGKILL)
        sweep.communicate(timeout=10)
        assert there < lines_of(file)
    assert ossandbox("sweep", world, *MANY, "-o", str(file), "--resume").status == 0
    assert file.read_bytes() == whole.read_bytes()


@unix
def test_ctrl_c_keeps_what_is_finished(world: str, tmp_path: Path) -> None:
    file = tmp_path / "rows"
    sweep = begun(world, "--policies", "lottery", "--seeds", "1..100000", "-o", str(file))
    wait_for(lambda: lines_of(file) > 20)
    os.killpg(sweep.pid, signal.SIGINT)
    _out, err = sweep.communicate(timeout=20)
    assert sweep.returncode == 130
    assert f"{lines_of(file)} rows are in {file}; --resume makes the missing runs" in err
    assert [*map(json.loads, file.read_text().splitlines())]


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
def test_real_runs_are_made_one_after_another(ossandbox: CommandRunner, tmp_path: Path) -> None:
    short = write_scenario(tmp_path, '[[process]]\nname = "a"\nwork = ["cpu 20ms", "io 10ms"]\n', "short.toml")
    many = ["--policies", "rr,fcfs", "--seeds", "1..2", "--real", "-o", str(tmp_path / "rows")]
    assert ossandbox("sweep", short, *many).status == 0
    found = rows((tmp_path / "rows").read_text())
    assert [(row["machine"], row["contender"], row["seed"]) for row in found] == [
        ("linux", "rr", 1), ("linux", "rr", 2), ("linux", "fcfs", 1), ("linux", "fcfs", 2),
    ]  # fmt: skip
    assert all(row["metrics"]["turnaround_ns"]["mean"] >= 30_000_000 for row in found)
    before = (tmp_path / "rows").read_bytes()
    assert ossandbox("sweep", short, *many, "--resume").status == 0
    assert (tmp_path / "rows").read_bytes() == before


@linux
def test_more_real_cpus_than_there_are_cost_the_row(ossandbox: CommandRunner, world: str) -> None:
    done = ossandbox("sweep", world, "--policies", "rr", "--real", "--cpus", "1024")
    [row] = rows(done.out)
    assert (done.status, row["error"]["rule"]) == (1, "too many cpus")


# On a cluster


@pytest.mark.timeout(120)
def test_a_cluster_writes_the_same_bytes_though_a_worker_dies(
    ossandbox: CommandRunner, world: str, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    write_scenario(
        tmp_path,
        "import random\nfrom sandbox.policies import Policy\nclass Mine(Policy):\n"
        "    def slice(self, task):\n        return 1_000_000 * (1 + self.seed % 7)\n",
        "mine.py",
    )
    words = [world, "--policies", f"{tmp_path}/mine.py:Mine,rr:quantum=1ms..8ms*2,lottery", "--seeds", "1..200"]
    assert ossandbox("sweep", *words, "-o", str(here)).status == 0
    with running() as cluster:
        cluster.hire(2)
        sweep = begun(*words, "-o", str(there), "--on", cluster.address)
        wait_for(lambda: lines_of(there) > 50, 60)
        cluster.workers[0].kill()
        _out, err = sweep.communicate(timeout=PATIENCE_S)
        assert (sweep.returncode, err) == (0, "")
    assert there.read_bytes() == here.read_bytes()


@pytest.mark.thorough
@pytest.mark.timeout(120)
def test_a_scheduler_that_dies_costs_what_was_in_work(ossandbox: CommandRunner, world: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    ossandbox("sweep", world, *MANY, "-o", str(here))
    with running() as cluster:
        cluster.hire(1)
        sweep = begun(world, *MANY, "-o", str(there), "--on", cluster.address)
        wait_for(lambda: lines_of(there) > 20, 60)
        cluster.scheduler.kill()
        _out, err = sweep.communicate(timeout=PATIENCE_S)
        assert sweep.returncode == 1
        assert err.splitlines()[0] == f"ossandbox: the Dask scheduler at {cluster.address} is gone"
        assert here.read_bytes().startswith(there.read_bytes())
    done = ossandbox("sweep", world, *MANY, "-o", str(there), "--resume", "--on", cluster.address)
    assert (done.status, len(done.err.splitlines())) == (1, 1)
    assert f"no Dask scheduler answers at {cluster.address}" in done.err
    assert ossandbox("sweep", world, *MANY, "-o", str(there), "--resume").status == 0
    assert there.read_bytes() == here.read_bytes()


@pytest.mark.timeout(120)
@unix
def test_workers_of_another_version_are_refused(ossandbox: CommandRunner, world: str, tmp_path: Path) -> None:
    other = tmp_path / "sandbox"
    other.mkdir()
    (other / "__init__.py").write_text('__version__ = "0.0.1"\n')
    with running() as cluster:
        cluster.hire(1, PYTHONPATH=str(tmp_path))

        done = ossandbox("sweep", world, "--on", cluster.address, "--policies", "rr")
        assert (done.status, done.out, len(done.err.splitlines())) == (1, "", 1)
        assert "every worker needs the same version" in done.err
