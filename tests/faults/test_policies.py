"""FAULTS row 29, the half that the process of the policy itself survives: a policy that never comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.alarm import AlarmClock
from sandbox.events import Fault, Scheduling
from sandbox.policies.patience import Overdue
from tests.worlds import exits, ossandbox, process, run_real, scenario

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
        "from sandbox.policies.base import Policy\n"
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


def test_f29_a_file_that_never_ends_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "pick", "pass")
    (tmp_path / "mine.py").write_text("n = 0\nwhile True:\n    n += 1\n")
    for words in (
        ["check", str(path)],
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
    clock, before = AlarmClock(), signal.getsignal(signal.SIGALRM)
    rings: list[BaseException] = []
    with pytest.raises(Overdue), clock:
        careless(rings)
    assert len(rings) == 3
    give_up = time.monotonic() + 20
    while signal.getsignal(signal.SIGALRM) is not before and time.monotonic() < give_up:
        time.sleep(0.05)
    assert signal.getsignal(signal.SIGALRM) is before


def test_the_clock_has_stopped_when_the_interpreter_goes_down() -> None:
    program = (
        "import atexit, signal",
        "from sandbox.alarm import CLOCK",
        "atexit.register(lambda: print(signal.getitimer(signal.ITIMER_REAL)))",
        "with CLOCK: print(signal.getitimer(signal.ITIMER_REAL)[1])",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(program)], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout == "0.1\n(0.0, 0.0)\n"
