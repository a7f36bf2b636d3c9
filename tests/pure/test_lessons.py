"""What lessons claim, wait for and show, on runs that are told as stories or computed in virtual time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from sandbox import wording
from sandbox.i18n import system_language
from sandbox.lessons.course import CONCEPTS, lessons
from sandbox.lessons.plain import plain
from sandbox.lessons.text import fill, lesson_text, typed_command, with_command
from sandbox.lessons.whatif import imagined
from sandbox.model.claims import RUN_FIGURES, Compares, Happening, owner, parse_claim, parse_happening, value_of
from sandbox.model.events import (
    Admitted,
    Blocked,
    Clause,
    Dispatched,
    Event,
    Exited,
    Operator,
    PolicyNote,
    Ready,
    Wrote,
)
from sandbox.model.spec import Scenario, WhatIf
from sandbox.model.values import BadValue
from sandbox.scenario import BadInput, built_in, built_in_folder, find, load
from sandbox.util.units import MS
from sandbox.views.figures import Figure, figures
from sandbox.views.metrics import fold
from sandbox.views.tracker import LessonTracker
from sandbox.views.verdicts import happenings, judge
from tests.support.scenarios import process, scenario, simulate

FAMILY: list[Event] = [
    Admitted(0, 1, "boss", "boss.py", 101),
    Dispatched(1, 1, 0, None, Clause("head of the ready queue")),
    Wrote(2, 1, "console", "x = 5, where = 0x10\nhalf a l"),
    Admitted(3, 2, "boss", "boss.py", 102, parent=1),
    Blocked(4, 1, Clause("wait for child", {"pid": 2})),
    Wrote(5, 1, "console", "ine\nchild: x = 7\n"),
    PolicyNote(6, Clause("demoted", {"from": 0, "to": 1}), 2),
    Exited(7, 2, 3, None, 5 * MS, 0, 0),
    Ready(8, 1, "woke"),
    Operator(9, Clause("policy", {"policy": "fcfs"})),
    Wrote(10, 1, "console", "the last words"),
    Exited(11, 1, None, 15, 5 * MS, 0, 0),
]


def told(*claims: str, events: list[Event] = FAMILY) -> list[bool]:
    """Which claims hold."""
    parsed = [parse_claim(claim) for claim in claims]
    story = LessonTracker(happenings(parsed))
    for event in events:
        story.add(event)
    known = {name: Figure(value_of(text), text) for name, text in story.printed.items()}
    return [verdict.held for verdict in judge(parsed, story, known)]


@pytest.mark.parametrize(
    "claim",
    [
        "boss is born",
        "boss/1 is born",
        "boss/* exits 3",
        "boss/1 exits",
        "boss/1 is demoted",
        "boss blocks",
        "boss blocks on wait for child",
        "boss wakes",
        "boss is killed",
        'boss writes "half a line"',
        'boss writes "last words"',
        "operator policy",
        "operator policy fcfs",
        "never boss/1 runs",
        "boss wakes at least 1 times",
        "boss is born before boss/1 is born before boss blocks",
        'boss writes "x = 5" before boss/1 exits 3',
        "boss.x = 5",
        "boss.child.x > boss.x",
        "boss.child.x < 1.5 * boss.x",
        "boss.where = 16",
        "boss.where != 0x11",
    ],
)
def test_a_claim_that_holds(claim: str) -> None:
    assert told(claim) == [True]


@pytest.mark.parametrize(
    "claim",
    [
        "boss exits 0",
        "boss/2 is born",
        "never boss wakes",
        "boss wakes at least 2 times",
        "boss blocks on accept",
        "boss/1 exits before boss blocks",
        "boss blocks before boss/2 is born",
        'boss writes "child: x = 8"',
        "operator policy fc",
        "boss.x > 5",
        "boss.y = 5",
        'boss.x = "5"',
        'boss.x < "6"',
    ],
)
def test_a_claim_that_does_not(claim: str) -> None:
    assert told(claim) == [False]


@pytest.mark.parametrize(
    ("claim", "rule"),
    [
        ("boss sleeps", "not a claim"),
        ("boss blocks on", "not a claim"),
        ("boss writes hello", "not a claim"),
        ("boss runs fast", "not a claim"),
        ("boss exits zero", "not a claim"),
        ("boss", "not a claim"),
        ("", "not a claim"),
        ("never boss", "not a happening"),
        ("boss runs before", "not a claim"),
        ("makespan < soon-ish ms", "text without quotation marks"),
        ("5 < makespan", "not a figure"),
    ],
)
def test_what_is_no_claim_is_refused_in_words(claim: str, rule: str) -> None:
    with pytest.raises(BadValue) as bad:
        parse_claim(claim)
    [(_, clause)] = bad.value.faults
    assert clause.rule == rule
    assert "{" not in wording.problem(clause)


def test_claims_compare_with_values_as_people_write_them() -> None:
    claim = parse_claim("makespan  <= 0.8 *  serial_makespan")
    assert claim == Compares("makespan <= 0.8 * serial_makespan", "makespan", "<=", 0.8, "serial_makespan")
    assert [value_of(text) for text in ("1.5ms", "80%", "0x1f", "-3", "two words")] == [
        1_500_000,
        0.8,
        31,
        -3,
        "two words",
    ]


@pytest.mark.parametrize(
    "text", ["boss/1 blocks on read console", "operator paused", 'boss writes "x = 1"', "boss blocks", "a exits 0"]
)
def test_a_happening_reads_back_as_it_was_written(text: str) -> None:
    assert str(parse_happening(text)) == text


def test_the_steps_of_a_lesson_come_one_after_the_other() -> None:
    story = LessonTracker(
        steps=[parse_happening(text) for text in ("boss blocks", "boss is born", "boss/1 exits", "boss runs")]
    )
    for event in FAMILY:
        story.add(event)
    assert story.reached == [4], "what came before its turn does not count"
    story = LessonTracker(
        steps=[parse_happening(text) for text in ("boss runs", "boss blocks", "boss/1 exits", "boss runs")]
    )
    for event in FAMILY:
        story.add(event)
    assert story.reached == [1, 4, 7]


def test_a_run_has_figures_as_a_whole_and_for_each_process() -> None:
    world = scenario(process("a", "cpu 30ms", "io 20ms", "cpu 10ms"), process("b", "cpu 60ms"), policy="fcfs")
    events = simulate(world)
    story = LessonTracker()
    for event in events:
        story.add(event)
    known = figures(fold(events), story)
    assert {name: known[name].shown for name in ("makespan", "utilisation", "serial_makespan", "serial_utilisation")} == {
        "makespan": "100 ms", "utilisation": "100%", "serial_makespan": "120 ms", "serial_utilisation": "83%",
    }  # fmt: skip
    assert known["a.blocked"] == Figure(20 * MS, "20 ms")
    assert known["b.waiting"].value == 30 * MS
    assert (known["a.exit"].shown, known["a.children"].shown) == ("0", "0")


def test_other_settings_are_imagined_in_virtual_time() -> None:
    world = scenario(process("a", "cpu 30ms"), process("b", "cpu 30ms"), policy="rr", quantum_ns=10 * MS)
    world.whatifs = [WhatIf("two", cpus=2), WhatIf("coarse", quantum_ns=50 * MS), WhatIf("first", policy="fcfs")]
    known = imagined(world)
    assert known["two.makespan"].value == 30 * MS
    assert known["coarse.switches"].value == known["first.switches"].value == 2
    assert known["first.b.waiting"].shown == "30 ms"
    assert world.machine.cpus == 1


def test_a_text_shows_what_is_known_and_dots_for_the_rest() -> None:
    world = scenario(process("a", "cpu 1ms"), process("a.b", "cpu 1ms"))
    text = "{makespan} {a.x} {a/1.y} {a.b.z} {name} {'k': 1}"
    assert fill(text, world, {"makespan": "1 ms", "a.x": "{a.b.z}"}) == "1 ms {a.b.z} … … {name} {'k': 1}"


def test_plain_text_reads_aloud_well() -> None:
    text = "# Title\n\n**Watch** *it* with `k`: 2 * 3.\n\n| | one | two |\n|---|---|---|\n| CPU | 1 | **2** |\n\n```python\nf(*args)\n```\n"
    said = "Title\n=====\n\nWatch it with k: 2 * 3.\n\nCPU. one: 1, two: 2\n\n    f(*args)\n"
    assert plain(text) == said


@pytest.mark.parametrize(
    ("settings", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
    ],
)
def test_the_language_of_the_system(settings: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert system_language() == language


def lesson(folder: Path, more: str, **texts: str) -> Scenario:
    """A scenario with a lesson that says more."""
    for language, text in texts.items():
        (folder / f"mine{'' if language == 'en' else f'.{language}'}.md").write_text(text)
    path = folder / "mine.toml"
    path.write_text(f'lesson = "mine.md"\n{more}\n[[process]]\nname = "a"\nwork = ["cpu 1ms"]\n')
    return load(path)


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [
        ("concepts = [20]", 2, "20 is out of range; allowed: 1 … 19"),
        ('claims = ["aa runs"]', 2, "there is no process 'aa'. Did you mean a? (there are: a)"),
        ('claims = ["a runs", "mispan < 5ms"]', 2, "there is no process 'mispan'"),
        ('claims = ["a jumps"]', 2, "is no claim"),
        ('[[step]]\nuntil = "b runs"', 3, "there is no process 'b'"),
        ('[[step]]\npanel = "why"', 2, "until is missing"),
        ('[[step]]\nuntil = "a runs"\npanel = "roof"', 4, "'roof' is not allowed"),
        ('[[step]]\nuntil = "a runs"\n[[step]]\nuntil = "a exits"', 2, "mine.md has 2 parts"),
        ('[[whatif]]\nname = "x"\npolicy = "rrr"', 4, "there is no policy"),
        ('[[whatif]]\ncpus = 2', 2, "name is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_lesson_is_told(tmp_path: Path, more: str, line: int, said: str) -> None:
    with pytest.raises(BadInput) as bad:
        lesson(tmp_path, more, en="# A\n\n---\n\nB")
    assert said in wording.problem(bad.value.problems[0].what)
    assert bad.value.problems[0].line == line


def test_a_text_in_another_language_has_the_same_parts(tmp_path: Path) -> None:
    step = '[[step]]\nuntil = "a runs"'
    assert lesson(tmp_path, step, en="A\n\n---\n\nB").steps[0].until == Happening("a", "runs")
    with pytest.raises(BadInput) as bad:
        lesson(tmp_path, step, en="A\n\n---\n\nB", zh="A")
    assert "mine.zh.md has 1 parts" in wording.problem(bad.value.problems[0].what)


def test_what_a_program_prints_without_end_is_not_kept_for_ever() -> None:
    events: list[Event] = [Admitted(0, 1, "yes", "yes")]
    events += [Wrote(n, 1, "console", f"x{n} = {n}\n{'y' * 5_000}") for n in range(500)]
    story: Any = LessonTracker()
    for event in events:
        story.add(event)
    assert len(story.printed) <= 200
    assert len(story._lines[1]) <= 2_000


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{([\w./-]+)\}", text))


TO_BREAK = [path.stem for path in built_in() if load(path).machine.stepped]


@pytest.mark.parametrize("name", TO_BREAK)
def test_every_program_to_break_has_its_texts(name: str) -> None:
    scenario = load(find(name))
    english, chinese = lesson_text(scenario) or "", lesson_text(scenario, "zh") or ""
    assert re.match("# .*[\u4e00-\u9fff]", chinese)
    assert english.startswith("# ")
    for text in (english, chinese):
        assert f"ossandbox explore {name}" in text
    assert name not in {lesson.name for lesson in lessons()}


@pytest.mark.parametrize("name", [path.stem for path in built_in() if path.stem not in TO_BREAK])
def test_every_lesson_has_its_place_its_claims_and_its_texts(name: str) -> None:
    lesson = load(find(name))
    assert lesson.concepts
    assert lesson.claims
    english, chinese = lesson_text(lesson) or "", lesson_text(lesson, "zh") or ""
    assert re.match("# .*[\u4e00-\u9fff]", chinese)
    assert english.startswith("# ")
    assert placeholders(english) == placeholders(chinese)
    assert all(figure in RUN_FIGURES or owner(figure, lesson.names) for figure in placeholders(english))
    assert name in (built_in_folder() / "course.txt").read_text().splitlines()


def test_the_course_teaches_all_concepts_in_an_order() -> None:
    taught = {concept for lesson in lessons() for concept in lesson.concepts}
    assert taught >= set(CONCEPTS)
    assert [lesson.name for lesson in lessons()][:2] == ["welcome", "multiprogramming"]


def test_no_wide_punctuation_of_a_text_is_followed_by_a_blank() -> None:
    """A wide sign has its blank in it. A colon stands outside of bold words, as Markdown would want a blank there."""
    wide = re.compile(r"[，。；：？！、）」]\**[ \t](?! *\|)")
    texts = {file: file.read_text(encoding="utf-8") for file in built_in_folder().rglob("*.zh.md")}
    assert [(file.name, line) for file, text in texts.items() for line in text.splitlines() if wide.search(line)] == []


def test_no_emphasis_of_a_text_is_left_as_stars() -> None:
    """Between wide characters a bold word that ends with a colon would want a blank behind it."""
    markdown = MarkdownIt("commonmark").enable("table")
    left = [
        (file.name, child.content)
        for file in sorted(built_in_folder().rglob("*.md"))
        for token in markdown.parse(file.read_text(encoding="utf-8"))
        for child in token.children or ()
        if child.type == "text" and "**" in child.content
    ]
    assert left == []


def test_a_text_names_the_command_as_its_reader_has_to_type_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "**Try** `ossandbox explore counter`, as ossandbox does; `r`"
    assert with_command(text, "ossandbox") == text
    assert with_command(text, "bin/ossandbox").startswith("**Try** `bin/ossandbox explore counter`, as ossandbox")
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("sys.argv", [str(Path.cwd() / ".venv/bin/ossandbox")])
    assert typed_command() == ".venv/bin/ossandbox"
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/ossandbox")
    assert typed_command() == "ossandbox"


def test_threads_have_paths_of_their_own_and_are_not_counted_as_children() -> None:
    story = LessonTracker()
    for pid, name, parent in ((1, "a", None), (2, "a.1", 1), (3, "a/1", 1), (4, "python3", 3)):
        story.add(Admitted(0, pid, name, "main", parent=parent))
    assert story.paths == {1: "a", 2: "a.1", 3: "a/1", 4: "a/1/1"}
