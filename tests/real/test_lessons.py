"""The course on real processes: what each lesson claims is what happens, and its figures come from the run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from sandbox import wording
from sandbox.i18n import LANGUAGES
from sandbox.lessons.course import lessons
from sandbox.lessons.text import UNKNOWN, fill, lesson_text
from sandbox.lessons.whatif import imagined
from sandbox.model.events import Event, Wrote
from sandbox.model.spec import Scenario
from sandbox.scenario import built_in_folder, find, load
from sandbox.util.cpus import usable_cpus
from sandbox.views.eventlog import Moment
from sandbox.views.figures import figures
from sandbox.views.metrics import fold
from sandbox.views.quadrants import seats
from sandbox.views.tracker import LessonTracker
from sandbox.views.verdicts import happenings, judge
from tests.support.real import run_real
from tests.support.run import ossandbox
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

#: These wait for ever, or say nothing: that is what they are about.
ON_THE_BOARD_ONLY = {"pipe_deadlock", "three_philosophers"}
PROGRAMS = sorted(path for path in built_in_folder().glob("*.py") if path.stem not in ON_THE_BOARD_ONLY)
#: What these claim is so however long it takes, and they listen nowhere.
UNHURRIED = {"commands", "family", "isolation", "memory", "results", "start-join", "start-methods"}

COURSE = [
    pytest.param(lesson.name, id=lesson.name, marks=[pytest.mark.patient] if lesson.name in UNHURRIED else [])
    for lesson in lessons()
]


def who_sits_where(events: list[Event]) -> None:
    """Everybody was in his quadrant at some time; the last to come, when its call had returned."""
    moment, been = Moment(), defaultdict(set)
    for event in events:
        moment.apply(event)
        for pid, seat in seats(moment.board, moment.history, event.t_ns).items():
            if moment.board.rows[pid].admitted.parent is None:
                been[moment.names[pid]].add((seat.synchronous, seat.blocking))
        if isinstance(event, Wrote) and "start has returned" in event.text:
            seat = seats(moment.board, moment.history, event.t_ns)[event.pid]
            assert (seat.synchronous, seat.blocking) == (False, False)
            assert seat.why.rule == "goes on meanwhile"
    for name in ("input", "sleep", "recv", "recvfrom", "join"):
        assert (True, True) in been[name]
    assert (True, False) in been["eval"]
    assert not {(False, True), (False, False)} & been["eval"]


#: What the screen shows of a lesson beside its text.
SHOWN = {"quadrants": who_sits_where}


@pytest.mark.thorough
@pytest.mark.parametrize("lesson", COURSE)
def test_what_a_lesson_claims_is_what_happens(lesson: str) -> None:
    _claims_hold(load(find(lesson)))


def _claims_hold(lesson: Scenario) -> None:
    if lesson.machine.cpus > len(usable_cpus()):
        pytest.skip("this machine has too few CPUs")
    assert lesson.claims
    story = LessonTracker(happenings(lesson.claims))
    events = run_real(lesson)
    for event in events:
        story.add(event)
    known = imagined(lesson) | figures(fold(events), story)
    broken = [verdict for verdict in judge(lesson.claims, story, known) if not verdict.held]
    assert not broken, "\n".join(f"{verdict.claim.text}: {wording.finding(verdict.found)}" for verdict in broken)
    if lesson.name in SHOWN:
        SHOWN[lesson.name](events)
    shown = {name: figure.shown for name, figure in known.items()}
    for language in LANGUAGES:
        text = fill(lesson_text(lesson, language) or "", lesson, shown)
        assert UNKNOWN not in re.sub(r"```.*?```", "", text, flags=re.DOTALL)


@pytest.mark.patient
def test_the_programs_of_the_lessons_run_on_their_own() -> None:
    pipe = subprocess.PIPE
    runs = [
        subprocess.Popen([sys.executable, program], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for program in PROGRAMS
    ]
    assert len(runs) > 8
    for run in runs:
        with run:
            out, error = run.communicate("hello\n", timeout=30)
        assert run.returncode == 0, error
        assert out


@pytest.mark.patient
def test_a_lesson_is_read_as_plain_text_with_the_figures_of_its_run() -> None:
    done = ossandbox("lesson", "isolation", "--plain", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("数据隔离\n====")
    assert re.search(r"子进程。硬币：7，地址：0x", done.stdout)
    assert re.search(r"父进程。硬币：100，地址：0x", done.stdout)
    assert "*" not in done.stdout


@pytest.mark.patient
def test_a_claim_that_does_not_hold_is_told_and_exits_with_1(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("# Mine\n")
    path = tmp_path / "mine.toml"
    path.write_text(
        'lesson = "mine.md"\nclaims = ["a exits 0", "a.cpu > 1s", "b exits 0 before a exits 0"]\n'
        '[[process]]\nname = "a"\nwork = ["cpu 20ms"]\n[[process]]\nname = "b"\nwork = ["cpu 20ms", "io 1500ms"]\n'
    )
    done = ossandbox("lesson", str(path), "--check")
    assert done.returncode == 1
    assert [line[0] for line in done.stdout.splitlines()] == ["✔", "✘", "✘"]
    assert re.search(r"a\.cpu > 1s +2\d ms", done.stdout)
    path.write_text('[[process]]\nname = "a"\nwork = ["cpu 1ms"]\n')
    done = ossandbox("lesson", str(path), "--check")
    assert (done.returncode, done.stderr) == (2, f"{path}: has no lesson\n")


@pytest.mark.patient
def test_a_lesson_opens_in_the_app_and_pauses_where_it_has_something_to_say() -> None:
    run = Terminal("lesson", "states", "--lang", "en")
    try:
        run.read_until(lambda: run.shows("READY → RUNNING: the scheduler has chosen"), "its first step is done")
        run.read_until(lambda: run.shows("PAUSED"), "it pauses")
        run.read_until(lambda: run.shows("STATES of walker") and run.shows("━▶│"), "the diagram shows it")
        run.press(" ")
        run.read_until(lambda: run.shows("RUNNING → READY: it has used up its slice"), "its second step is done")
        run.press("q")
        assert run.wait() == 0
    finally:
        run.close()
