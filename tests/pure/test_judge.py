"""The judge judges what a policy's answers bring about, whoever wrote them, and takes nothing for granted."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sandbox.analysis.conformance import resident, run
from sandbox.analysis.conformance.bench import Bench
from sandbox.analysis.conformance.examination import examine
from sandbox.analysis.conformance.examinee import _Replay
from sandbox.analysis.conformance.messages import (
    NOTHING,
    AnyMessage,
    Begun,
    Decide,
    Done,
    ExamineTask,
    Introduced,
    Judged,
    Trying,
)
from sandbox.analysis.conformance.run import outcome
from sandbox.analysis.conformance.trial import Trial, attempt, enter
from sandbox.analysis.conformance.verdicts import LAWFUL, LAWS, Report, Verdict, Violation
from sandbox.analysis.conformance.workloads import EXAMINED
from sandbox.analysis.tidying import Tidying
from sandbox.link.worker import BadTask
from sandbox.model.events import Clause, Dispatched, Fault
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue
from sandbox.policies import BUILT_IN, find
from sandbox.policies.host import loader
from sandbox.util.units import MS
from tests.support.files import open_files
from tests.support.scenarios import process, scenario

TASK = ExamineTask("mine.py", None, 1, 5, 30.0)


def world() -> Scenario:
    """Under mlfq the first one blocks in the middle of a slice, and keeps what is left of it."""
    jobs = [process("a", "cpu 25ms", "io 10ms", "cpu 30ms"), process("b", "cpu 30ms", arrive="5ms", priority=-1)]
    return scenario(*jobs, policy=EXAMINED)


def answers(policy: str) -> list[Any]:
    log: list[Any] = msgspec.json.decode(bytes(resident._decided(Decide(1, policy, {}, world(), False)).first))
    return log


def play(log: list[Any], policy: str = "rr") -> tuple[Trial, bool]:
    """What comes of these answers, and whether each was asked for."""
    introduced = Introduced(1, policy, {}, policy, find(policy).ties, [])  # type: ignore[arg-type]
    replay = _Replay(world(), log, introduced)
    return attempt(enter(world(), policy, {}), replay), replay.done


@pytest.mark.parametrize("policy", BUILT_IN)
def test_the_same_answers_bring_about_the_same_events(policy: str) -> None:
    trial, done = play(answers(policy), policy)
    assert (trial.failure, done) == (None, True)
    assert trial.events == attempt(enter(world(), policy, {})).events


TIMED = """
from sandbox.policies import Policy
class Mine(Policy):
    \"\"\"At 5 ms the last one that came, and nobody else, may take the CPU.\"\"\"
    timer_ns = 5_000_000
    def timer(self, now_ns):
        self.timer_ns = None
        return [self.queue[-1]]
    def preempts(self, task, running, now_ns):
        return now_ns > 0
    def pick(self, cpu, now_ns):
        return self.queue.pop() if now_ns else self.queue.popleft()
"""


def test_whom_a_timer_names_is_whom_it_names_when_it_is_played(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(TIMED)
    policy = f"{tmp_path}/mine.py:Mine"
    jobs = scenario(*(process(name, "cpu 10ms") for name in "abc"), policy=EXAMINED)
    log = msgspec.json.decode(bytes(resident._decided(Decide(1, policy, {}, jobs, False)).first))
    introduced = Introduced(1, policy, {}, "Mine", "arrival-first", [])
    played = attempt(enter(jobs, policy, {}), _Replay(jobs, log, introduced))
    assert played.failure is None
    turns = [(event.t_ns // MS, event.pid) for event in played.events if isinstance(event, Dispatched)]
    assert turns[:2] == [(0, 1), (5, 3)]
    assert played.events == attempt(enter(jobs, policy, {})).events


RAISES = "from sandbox.policies import Policy\nclass Mine(Policy):\n    def pick(self, cpu, now_ns): raise ValueError\n"


def test_a_run_that_fails_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(RAISES)
    decided = resident._decided(Decide(1, f"{tmp_path}/mine.py:Mine", {}, world(), twice=True))
    assert decided.second == NOTHING
    decided = resident._decided(Decide(1, "rr", {}, world(), twice=True))
    assert decided.second == decided.first


OPENS = """
import os
from sandbox.policies import Policy
class Mine(Policy):
    def start(self, now_ns):
        self.file = open(os.devnull)
        self.me = self if {cycle} else None
"""


@pytest.mark.parametrize("cycle", [False, True])
def test_many_runs_hold_no_more_files_than_a_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cycle: bool) -> None:
    monkeypatch.setattr(resident, "TIDYING", Tidying())  # no other test has made it give up
    (tmp_path / "mine.py").write_text(OPENS.format(cycle=cycle))
    before = open_files()
    for _ in range(25):
        resident._decided(Decide(1, f"{tmp_path}/mine.py:Mine", {}, world(), twice=True))
    assert open_files() - before < 20


LASTING = {
    "a handler that the file adds": """
logging.getLogger("mine").addHandler(logging.FileHandler(os.devnull))
class Mine(Policy): ...
""",
    "a handler that each policy adds": """
class Mine(Policy):
    def start(self, now_ns): logging.getLogger("mine").addHandler(logging.FileHandler(os.devnull))
""",
    "what is closed at exit": """
atexit.register(open(os.devnull).close)
class Mine(Policy): ...
""",
}


@pytest.mark.parametrize("what", LASTING)
def test_files_that_outlive_a_policy_are_few(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(
        f"import atexit, logging, os\nfrom sandbox.policies import Policy\n{LASTING[what]}"
    )
    monkeypatch.setattr(loader, "_patience_s", [1.0])
    monkeypatch.setattr(resident, "TIDYING", Tidying())
    gc.collect()  # so that nothing of other tests is closed meanwhile
    gc.freeze()  # as the resident does
    before = open_files()
    for _ in range(20):
        resident._decided(Decide(1, f"{tmp_path}/mine.py:Mine", {}, world(), twice=True))
    after = open_files()
    gc.unfreeze()
    assert after - before < 5


def test_a_file_is_not_executed_again_when_that_has_taken_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'times')!r}, 'a').write('.')\n{RAISES}")
    seconds = iter(range(1000))
    monkeypatch.setattr(loader, "thread_time", lambda: next(seconds) / 4)
    monkeypatch.setattr(loader, "_patience_s", [1.0])
    for _ in range(10):
        resident._decided(Decide(1, f"{tmp_path}/mine.py:Mine", {}, world(), twice=False))
    assert len((tmp_path / "times").read_text()) == 5


class Failing:
    """A candidate that fails in every world. ``most``: after how many its half of the time is over."""

    name, declared = "failing", list[str]()

    def __init__(self, most: int) -> None:
        self.most, self.tried = most, 0

    @property
    def hurried(self) -> bool:
        return self.tried >= self.most

    def expect(self, world: Scenario, twice: bool = True) -> None: ...

    def attempt(self, world: Scenario) -> Trial:
        self.tried += 1
        return Trial([], Violation(Clause("policy raises"), 0))

    def again(self, world: Scenario, trial: Trial) -> list[Any]:
        return trial.events


@pytest.mark.parametrize(("most", "tried"), [(999, 150), (20, 20)])
def test_who_always_fails_is_not_examined_for_ever(most: int, tried: int) -> None:
    failing = Failing(most)
    verdicts = {each.law: each.state for each in examine(failing, None, [world()] * 300, lambda number: None)}
    assert verdicts == {**dict.fromkeys(LAWS, "unjudged"), LAWFUL: "broken"}
    assert tried <= failing.tried <= tried + 40, "the search for a smaller world comes on top"


def test_f50_answers_that_end_too_early_are_no_success() -> None:
    log = answers("rr")
    for length in range(len(log)):
        trial, _ = play(log[:length])
        assert trial.failure is not None
        assert trial.failure.what.rule == "answers do not fit"


def test_f50_answers_that_nobody_asked_for_are_none_either() -> None:
    assert play([*answers("rr"), 0]) != play(answers("rr"))
    assert not play([*answers("rr"), 0])[1]


@pytest.mark.parametrize(
    "forged",
    [
        "x",
        -1,
        99,
        1.5,
        True,
        [],
        {},
        [[]],
        ["note"],
        ["renew", 1],
        ["renew", 99],
        ["note", "x", {}, 99],
        ["fail", "x", {}],
    ],
)
def test_forged_answers_are_another_policy_or_a_bad_one(forged: Any) -> None:
    log = answers("mlfq")
    for place in range(len(log)):
        trial, done = play([*log[:place], forged, *log[place + 1 :]], "mlfq")
        if trial.failure is None and done:
            assert sum(isinstance(event, Dispatched) for event in trial.events) >= 3, "it schedules all the same"


def test_what_a_failure_tells_is_harmless() -> None:
    figures = {"policy": "\x1b[31m", "line": "x", "traceback": "\x1b]0;x\x07" * 9_999, "more": 1, "error": ["x"]}
    trial, _ = play([0, {}, ["fail", "anything", figures]])
    assert trial.failure is not None
    what = trial.failure.what
    assert what.rule == "policy raises"
    assert any(isinstance(event, Fault) for event in trial.events), "the instant of the failure is shown, too"
    assert set(what.figures) == {"callback", "policy", "traceback", "successor"}
    assert "\x1b" not in str(what.figures)


def test_who_cannot_say_what_it_is_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from sandbox.policies import Policy\nclass Mine(Policy):\n    idles = 'yes'\n")
    with pytest.raises(BadValue) as bad:
        resident._introduced(1, f"{tmp_path}/mine.py:Mine")
    assert bad.value.what.figures["reason"] == "idles: 'yes' instead of True | False"


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (os.mkfifo, "not a plain file"),
        (os.mkdir, "not a plain file"),
        (lambda path: os.symlink("/dev/zero", path), "not a plain file"),
        (lambda path: os.symlink("nothing", path), "no such file"),
        (lambda path: os.symlink(path.name, path), "cannot be read"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_no_room_is_made_for_what_is_no_plain_file(tmp_path: Path, make: Any, rule: str) -> None:
    make(tmp_path / "mine.py")
    bench = Bench(1.0)
    with pytest.raises(BadValue) as bad:
        bench.room(f"{tmp_path}/mine.py:Mine")
    assert bad.value.what.rule == rule
    assert not bench.rooms


# What counts


def test_unjudged_is_not_passed() -> None:
    kept = [Verdict(law, "holds") for law in LAWS]
    assert Report("p", 1, 5, kept).passed
    for number in range(len(kept)):
        assert not Report(
            "p", 1, 5, [*kept[:number], Verdict(kept[number].law, "unjudged"), *kept[number + 1 :]]
        ).passed
    assert not Report("p", 1, 5, []).passed


HOLDS: list[AnyMessage] = [Judged(Verdict(law, "holds")) for law in LAWS]


def test_without_the_judges_last_word_nothing_has_passed() -> None:
    good = outcome(TASK, [Begun("p"), Trying(0), *HOLDS, Done()])
    assert isinstance(good, list)
    assert [report.passed for report in good] == [True]
    cut: list[list[AnyMessage]] = [
        [Begun("p")],
        [Begun("p"), Trying(3)],
        [Begun("p"), *HOLDS],
        [Begun("p"), *HOLDS[:3]],
    ]
    for messages in cut:
        (report,) = outcome(TASK, messages)  # type: ignore[misc]
        assert isinstance(report, Report)
        assert [verdict.law for verdict in report.verdicts] == [*LAWS]
        assert (report.passed, report.verdicts[0].state) == (False, "broken")
    assert isinstance(outcome(TASK, []), BadValue)


def test_laws_that_nobody_has_judged_are_broken_by_their_policy() -> None:
    (report,) = outcome(TASK, [Begun("p"), *HOLDS[:3], Done()])  # type: ignore[misc]
    assert isinstance(report, Report)
    states = {verdict.law: verdict.state for verdict in report.verdicts}
    assert states == {**dict.fromkeys(LAWS[:3], "holds"), **dict.fromkeys(LAWS[3:], "unjudged"), LAWFUL: "broken"}


def test_one_class_that_cannot_be_had_again_takes_no_other_with_it() -> None:
    messages: list[AnyMessage] = [Begun("one"), *HOLDS, Begun("two"), BadTask([("", Clause("file fails"))])]
    one, two = outcome(TASK, messages)  # type: ignore[misc]
    assert isinstance(one, Report)
    assert isinstance(two, Report)
    assert (one.passed, two.passed) == (True, False)


class Idle:
    """A machine on which so many CPUs stand idle, as time goes by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cpus, self._now_s, self._idle_s = 0.0, 0.0, 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self._now_s)
        monkeypatch.setattr(run, "_idle_s", lambda: self._idle_s)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)

    def look(self, lanes: run._Lanes, times: int) -> int:
        for _ in range(times):
            self._now_s += 1
            self._idle_s += self.cpus
            lanes.look()
        return lanes.number


@pytest.mark.skipif(sys.platform != "linux", reason="nobody else tells how long CPUs have stood idle")
def test_as_many_are_examined_at_once_as_keep_the_cpus_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Idle(monkeypatch)
    lanes = run._Lanes(None)
    assert machine.look(lanes, 5) == 4
    machine.cpus = 1.0  # those who are examined sleep
    assert (machine.look(lanes, 3), machine.look(lanes, 50)) == (7, 12)
    machine.cpus = 0.1
    assert (machine.look(lanes, 3), machine.look(lanes, 50)) == (9, 4)
    lanes.refused(2)
    machine.cpus = 2.0
    assert machine.look(lanes, 9) == 2
    assert machine.look(run._Lanes(3), 9) == 3
