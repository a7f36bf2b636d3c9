"""FAULTS row 29: a policy that never comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.link.namespace import can_be_strict
from sandbox.model.commands import Quit
from sandbox.model.events import Dispatched, Fault, Scheduling
from sandbox.util.timeout import Alarm, Timeout
from tests.support.real import run_real, watch
from tests.support.run import ossandbox
from tests.support.scenarios import exits, process, scenario
from tests.support.terminal import terminal

HANGS = {
    "loop": "while True:\n            pass",
    "sleep": "import time; time.sleep(60)",
    "swallowing": "while True:\n            try:\n                [None] * 1000\n            except Exception:\n                pass",
    "generator": "return sum(1 for _ in iter(int, 1))",
}
JOBS = (
    '[[process]]\nname = "a"\nwork = ["cpu 20ms", "io 5ms", "cpu 20ms"]\n[[process]]\nname = "b"\nwork = ["cpu 20ms"]\n'
)


def write(folder: Path, callback: str, hang: str) -> Path:
    """A scenario beside a policy that hangs in the middle of the run."""
    signature = {"pick": "self, cpu, now_ns", "stopping": "self, task, ran_ns, now_ns"}[callback]
    (folder / "mine.py").write_text(
        "from sandbox.policies import Policy\n"
        "class Mine(Policy):\n"
        "    calls = 0\n"
        f"    def {callback}({signature}):\n"
        "        self.calls += 1\n"
        f"        if self.calls == 2:\n            {hang.replace(chr(10), chr(10) + '    ')}\n"
        f"        return super().{callback}({signature.removeprefix('self, ')})\n"
    )
    path = folder / "hangs.toml"
    path.write_text(f'[machine]\npolicy = "mine.py:Mine"\n{JOBS}')
    return path


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS)
def test_f29_a_policy_that_never_answers_is_interrupted_and_replaced(tmp_path: Path, hang: str) -> None:
    done = ossandbox("simulate", str(write(tmp_path, "pick", hang)), "--json", timeout=20)
    assert done.returncode == 0
    assert [process["exit"] for process in json.loads(done.stdout)["processes"]] == [0, 0]
    assert "Mine does not come back from pick, mine.py line" in done.stderr
    assert "fcfs takes over" in done.stderr
    assert 'mine.py", line' in done.stderr


@pytest.mark.real
@pytest.mark.patient
@pytest.mark.usefixtures("leftcheck")
def test_f29_on_real_processes_too(tmp_path: Path) -> None:
    write(tmp_path, "stopping", HANGS["loop"])
    world = scenario(
        process("a", "cpu 20ms", "io 5ms", "cpu 20ms"), process("b", "cpu 20ms"), policy=f"{tmp_path / 'mine.py'}:Mine"
    )
    events = run_real(world)
    (fault,) = [event for event in events if isinstance(event, Fault)]
    assert (fault.what.rule, fault.what.figures["callback"]) == ("policy takes too long", "stopping")
    assert [event.policy for event in events if isinstance(event, Scheduling)] == ["fcfs"]
    assert {name: end.status for name, end in exits(events).items()} == {"a": 0, "b": 0}


#: Nothing of Python is executed, or every alarm is swallowed; with what the message quotes.
DEAF = {
    "computing": ("return sum(range(10**12))", "sum(range(10**12))"),
    "asleep": ("import os; os.system('sleep 60')", "os.system('sleep 60')"),
    "swallowing all": (
        "while True:\n            try:\n                while True:\n                    [None]\n            except: pass",
        "while True",
    ),
}


@pytest.mark.real
@pytest.mark.patient
@pytest.mark.usefixtures("leftcheck")
@pytest.mark.parametrize(("hang", "code"), DEAF.values(), ids=DEAF)
def test_f29_where_nothing_can_interrupt_it_the_kernel_process_ends_and_says_where(
    tmp_path: Path, hang: str, code: str
) -> None:
    done = ossandbox("run", str(write(tmp_path, "pick", hang)), "--quiet", timeout=30)
    assert done.returncode == 1
    message, _, stack = done.stderr.partition("\n")
    assert "the policy does not come back from pick, mine.py line" in message
    assert code in message
    assert "have been ended" in message
    assert f'File "{tmp_path / "mine.py"}", line' in stack
    assert "sandbox/policies" not in stack


@pytest.mark.real
@pytest.mark.patient
@pytest.mark.usefixtures("leftcheck")
@pytest.mark.skipif(not can_be_strict(), reason="no pid namespace permitted here")
def test_f29_in_a_pid_namespace_of_its_own_too(tmp_path: Path) -> None:
    done = ossandbox("run", str(write(tmp_path, "pick", DEAF["asleep"][0])), "--quiet", "--strict", timeout=30)
    assert done.returncode == 1
    assert "the policy does not come back from pick, mine.py line" in done.stderr


@pytest.mark.real
@pytest.mark.patient
@pytest.mark.usefixtures("leftcheck")
def test_f29_the_app_says_where_and_runs_again(tmp_path: Path) -> None:
    path = write(tmp_path, "pick", DEAF["computing"][0])
    with terminal(str(path)) as app:
        app.read_until(lambda: app.shows("does not come back from pick"), "the app says what happened")
        assert app.shows("mine.py")
        assert not app.kernel
        write(tmp_path, "pick", "pass")
        app.press("\r")
        app.read_until(lambda: app.shows("DONE 2"), "the scenario runs again, to its end")
        app.press("q")
        assert app.wait() == 0


@pytest.mark.real
@pytest.mark.patient
@pytest.mark.usefixtures("leftcheck")
def test_f29_who_is_only_stopped_goes_on(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import time\n"
        "from sandbox.policies import Policy\n"
        "class Mine(Policy):\n"
        "    def pick(self, cpu, now_ns):\n"
        "        time.sleep(0.002)  # most of the time it is in here\n"
        "        return super().pick(cpu, now_ns)\n"
        "    def slice(self, task):\n"
        "        return 1_000_000\n"
    )
    world = scenario(process("a", "cpu 60s"), process("b", "cpu 60s"), policy=f"{tmp_path / 'mine.py'}:Mine")
    with watch(world) as machine:
        machine.dispatched("b")
        os.kill(machine.link.os_pid, signal.SIGSTOP)
        machine.go_on(0.5)
        give_up = time.monotonic() + 3
        while time.monotonic() < give_up:  # beats as the app does, and no oftener
            machine.link.beat()
            time.sleep(0.25)
        os.kill(machine.link.os_pid, signal.SIGCONT)
        before = len(machine.all(Dispatched))
        machine.until(lambda: len(machine.all(Dispatched)) > before + 4, "it goes on")
        assert {fault.what.rule for fault in machine.all(Fault)} == {"stood still"}
        machine.link.send(Quit())
        machine.finish()


def in_a_clock(*body: str) -> subprocess.CompletedProcess[str]:
    """A program that spends its time under a clock that takes 0.2 s of deafness."""
    program = ("import signal, time", "from sandbox.util.timeout import Alarm", "clock = Alarm(0.2)", *body)
    return subprocess.run(
        [sys.executable, "-c", "\n".join(program)], capture_output=True, text=True, timeout=30, check=False
    )


def test_f29_a_command_without_a_kernel_process_says_where_it_hangs_and_ends() -> None:
    done = in_a_clock("def pick():", "    sum(range(10**12))", "with clock: pick()")
    assert (done.returncode, done.stdout) == (-signal.SIGPROF, "")
    assert "line 5 in pick" in done.stderr


@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_f29_a_command_that_runs_policies_itself_says_where_one_hangs(tmp_path: Path, command: str) -> None:
    done = ossandbox(command, str(write(tmp_path, "pick", DEAF["computing"][0])), timeout=30)
    assert done.returncode == 1
    message, _, stack = done.stderr.partition("\n")
    assert "the policy does not come back from pick, mine.py line" in message
    assert DEAF["computing"][1] in message
    assert "the command has been ended" in message
    assert f'File "{tmp_path / "mine.py"}", line' in stack


def test_f29_who_is_only_busy_goes_on() -> None:
    done = in_a_clock(
        "end = time.process_time() + 1.5",
        "while time.process_time() < end:",
        "    with clock: sum(range(100_000))",
        "print('done')",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_f29_who_only_gets_no_cpu_goes_on() -> None:
    done = in_a_clock(
        "import os",
        "with clock:",
        "    if os.fork() == 0:",
        "        time.sleep(1)",
        "        os.kill(os.getppid(), signal.SIGCONT)",
        "        os._exit(0)",
        "    os.kill(os.getpid(), signal.SIGSTOP)",
        "print('done')",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_f29_a_c_function_that_does_come_back_is_overdue() -> None:
    done = in_a_clock(
        "clock = Alarm(60)",
        "try:",
        "    with clock:",
        "        list(map(abs, range(2 * 10**7)))",
        "except BaseException as late: print(type(late).__name__)",
    )
    assert (done.returncode, done.stdout) == (0, "Timeout\n")


def test_f29_a_file_that_never_ends_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "pick", "pass")
    (tmp_path / "mine.py").write_text("n = 0\nwhile True:\n    n += 1\n")
    done = ossandbox("check", str(path), timeout=20)
    assert (done.returncode, "there is no class 'Mine' in mine.py" in done.stderr) == (2, True), "it is read, not run"
    for words in (
        ["simulate", str(path)],
        ["run", "welcome", "--policy", f"{tmp_path}/mine.py:Mine"],
    ):
        done = ossandbox(*words, timeout=20)
        assert done.returncode == 2
        assert "mine.py fails in line" in done.stderr


def careless(rings: list[BaseException]) -> None:
    """Swallows whatever comes, three times."""
    while True:
        try:
            while True:
                pass
        except BaseException as ring:
            rings.append(ring)
            if len(rings) == 3:
                raise


def test_the_clock_rings_again_for_whoever_swallows_it_and_stops_when_nobody_uses_it() -> None:
    clock, before = Alarm(), signal.getsignal(signal.SIGALRM)
    rings: list[BaseException] = []
    with pytest.raises(Timeout), clock:
        careless(rings)
    assert len(rings) == 3
    give_up = time.monotonic() + 20
    while signal.getsignal(signal.SIGALRM) is not before and time.monotonic() < give_up:
        time.sleep(0.05)
    assert signal.getsignal(signal.SIGALRM) is before


def test_the_clock_has_stopped_when_the_interpreter_goes_down() -> None:
    program = (
        "import atexit, signal",
        "from sandbox.util.timeout import ALARM",
        "atexit.register(lambda: print(signal.getitimer(signal.ITIMER_REAL)))",
        "with ALARM: print(signal.getitimer(signal.ITIMER_REAL)[1])",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(program)], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout == "0.1\n(0.0, 0.0)\n"
