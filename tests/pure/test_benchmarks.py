"""Comparing revisions by benchmarks: ratios, rows, what is read and what is refused. Nothing here is timed."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path

import msgspec
import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import legacy
from tests.benchmarks.figures import Alternative, Beside, Better, Figure, Result, decode, encode, figure, in_turn, lines
from tests.benchmarks.goals import GOALS, Goal, goal_of
from tests.benchmarks.growth import exponent
from tests.benchmarks.ratios import interval_confidence, paired
from tests.benchmarks.revisions import requirements
from tests.benchmarks.rows import constants, other_sizes, rows, table, unmatched

#: No revision without --json had these.
YOUNG = ("start", "simulate")


def result(value: float, name: str = "speed", better: Better = "more", control: float | None = None) -> Figure:
    beside = [] if control is None else [Alternative("other", control, value / control, foreign=True)]
    return Figure(name, value, "/s", better, beside)


# Ratios


def test_a_ratio_is_taken_within_each_round_so_that_a_slow_minute_counts_for_both() -> None:
    ratio = paired([10, 1, 10, 1, 10], [5, 0.5, 5, 0.5, 5])
    assert (ratio.median, ratio.low, ratio.high) == (2, 2, 2)


def test_with_few_rounds_the_interval_goes_from_the_lowest_to_the_highest_ratio_and_says_how_sure_it_is() -> None:
    ratio = paired([3, 1, 2, 5, 4], [1, 1, 1, 1, 1])
    assert (ratio.median, ratio.low, ratio.high, ratio.confidence) == (3, 1, 5, 0.9375)
    assert paired([1.5], [1]).confidence == 0


def test_with_more_rounds_outliers_are_left_out_as_long_as_it_stays_sure() -> None:
    ratio = paired([100, *range(1, 9), 0.01], [1] * 10)
    assert (ratio.low, ratio.high) == (1, 8)
    assert ratio.confidence == interval_confidence(10, 1) >= 0.95 > interval_confidence(10, 2)


@pytest.mark.parametrize(
    ("number", "outside", "confidence"), [(1, 0, 0), (2, 0, 0.5), (6, 0, 0.96875), (9, 1, 0.9609375)]
)
def test_the_confidence_is_that_of_the_sign_test(number: int, outside: int, confidence: float) -> None:
    assert interval_confidence(number, outside) == confidence


def test_a_ratio_to_nothing_is_no_crash() -> None:
    assert paired([0, 0], [0, 0]).median == 1
    assert paired([1, 1], [0, 0]).median == math.inf


def test_differing_means_that_one_is_outside() -> None:
    assert paired([2, 3, 2, 3, 2], [1] * 5).differs
    assert not paired([2, 3, 2, 3, 0.5], [1] * 5).differs


# Figures


def test_a_figure_is_the_median_of_its_rounds_beside_its_alternatives() -> None:
    assert figure("birth", [4, 8, 100], "ms", "less", Beside("fork", [2, 2, 10])) == Figure(
        "birth", 8, "ms", "less", [Alternative("fork", 2, 4, foreign=True)]
    )


def test_what_is_measured_in_turn_is_measured_once_a_round() -> None:
    told: list[str] = []

    def measure(name: str) -> float:
        told.append(name)
        return len(told)

    assert in_turn(2, lambda: measure("a"), lambda: measure("b")) == [[1, 3], [2, 4]]
    assert told == ["a", "b", "a", "b"]


def test_the_control_is_the_first_alternative_that_runs_no_code_of_the_project() -> None:
    ours, theirs = Alternative("outside", 3, 1, foreign=False), Alternative("library", 5, 1, foreign=True)
    assert Figure("x", 1, "", "less", [ours, theirs]).control == 5
    assert Figure("x", 1, "", "less", [ours]).control is None


def test_a_figure_has_a_line_for_each_alternative_or_one() -> None:
    alone = figure("events kept in", [7.2911], "MB", "less")
    assert [line.split() for line in lines(alone)] == [["events", "kept", "in", "7.291", "MB"]]
    beside = lines(figure("served", [206.4], "/s", "more", Beside("outside", [420]), Beside("library", [594])))
    assert [line.split()[-3:] for line in beside] == [["outside", "ratio", "0.491"], ["library", "ratio", "0.347"]]


def test_figures_survive_json() -> None:
    told = Result("virtual", [figure("a, µ", [1 / 3], "µs", "less", Beside("b", [3]))])
    assert decode([encode(told), ""]) == [told]


@pytest.mark.parametrize("line", ["decisions 12 /s", "{}", '{"benchmark": "x", "figures": [{"name": "a"}]}', "[1]"])
def test_a_line_that_is_no_figure_is_refused_with_its_words(line: str) -> None:
    with pytest.raises(ValueError, match="no figures") as refused:
        decode([line])
    assert repr(line[:60])[1:-1] in str(refused.value)


def test_older_revisions_are_told_of_in_the_same_form() -> None:
    told = {"benchmark": "screen", "figures": [legacy.figure("frame", 8, "ms", "less", ("DataTable", 64, True))]}
    assert decode([json.dumps(told)]) == [
        Result("screen", [Figure("frame", 8, "ms", "less", [Alternative("DataTable", 64, 0.125, foreign=True)])])
    ]


# Goals


def test_a_goal_is_of_the_figure_or_of_its_ratio() -> None:
    slow = figure("first frame", [300], "ms", "less", Beside("minimal app", [150]))
    goal = goal_of("first_frame", slow)
    assert goal == Goal(most=1.7, ratio=True)
    assert (goal.reached(slow), goal.said(slow)) == (False, "goal ≤ 1.7 ×: NOT reached")
    quick = figure("decisions, the whole process", [160_000], "/s", "more")
    told = command.document("simulate", quick)
    assert (told["goal"]["least"], told["reached"]) == (150_000, True)
    assert "goal" not in command.document("past", quick)


def test_every_goal_is_one_of_a_benchmark() -> None:
    assert {*GOALS} <= {*command.BENCHMARKS}


def test_the_exponent_of_growth() -> None:
    assert math.isclose(exponent([10, 100, 1_000], [3, 30, 300]), 1)
    assert math.isclose(exponent([10, 100, 1_000], [5, 5, 5]), 0, abs_tol=1e-9)


# Rows of two revisions


def test_a_row_has_both_medians_the_ratio_and_which_is_better() -> None:
    here = [[result(value, control=7)] for value in (30, 20, 33, 40, 36)]
    there = [[result(value, control=7)] for value in (10, 10, 11, 10, 12)]
    (row,) = rows(here, there)
    assert (row.here, row.there, row.ratio.median, row.ratio.low, row.ratio.high) == (33, 10, 3, 2, 4)
    assert (row.control, row.verdict) == (1, "better")


@pytest.mark.parametrize(
    ("better", "here", "verdict"),
    [
        ("more", 2, "better"),
        ("more", 0.5, "worse"),
        ("less", 2, "worse"),
        ("less", 0.5, "better"),
        ("less", 1, "no difference shown"),
    ],
)
def test_less_may_be_better(better: Better, here: float, verdict: str) -> None:
    (row,) = rows([[result(here, better=better)]] * 5, [[result(1, better=better)]] * 5)
    assert row.verdict == verdict


def test_nothing_is_concluded_from_a_few_rounds() -> None:
    (row,) = rows([[result(2)]] * 4, [[result(1)]] * 4)
    assert row.verdict == "too few rounds"


def test_the_control_is_missing_where_a_revision_has_none() -> None:
    (row,) = rows([[result(2, control=1)]], [[result(1)]])
    assert row.control is None


def test_figures_are_matched_by_name_and_the_others_named() -> None:
    here, there = [result(1, "same"), result(1, "new")], [result(1, "old"), result(1, "same")]
    assert [row.name for row in rows([here], [there])] == ["same"]
    assert [*unmatched(here, there, "v1")] == ["only here: new", "only v1: old"]


def test_a_figure_that_a_round_lacks_is_not_compared() -> None:
    assert rows([[result(1)], []], [[result(1)], [result(1)]]) == []


def test_the_table_names_the_columns_and_the_confidence() -> None:
    found = rows([[result(120_000, control=2)]] * 5, [[result(100_000, control=2)]] * 5)
    head, line = table(found)
    assert " ".join(head.split()) == "here there ratio 94% sure control better is here is"
    assert " ".join(line.split()) == "speed 120,000 100,000 /s 1.200 1.200 to 1.200 1.000 more better"
    assert msgspec.json.decode(msgspec.json.encode(found))[0]["ratio"]["median"] == 1.2


# Whether it is the same work


def test_the_constants_of_a_benchmark_are_its_sizes() -> None:
    source = 'ROUNDS = 3\nN, ALL = 2, {"a": [1]}\nTEXT: str = "words"\nMS = other.MS * 2\nlower = 5\n'
    assert constants(source) == {"N": 2, "ALL": {"a": [1]}, "TEXT": "words"}


def test_another_size_is_said() -> None:
    assert [*other_sizes("N = 300\nOURS = 1\nROUNDS = 3", "N = 100\nTHEIRS = 1\nROUNDS = 5")] == [
        "not the same work: N is 300 here, 100 there"
    ]
    assert [*other_sizes("N, M = 300, 1", "M = 1\nN = 300")] == []


# Modules and words


@pytest.mark.parametrize("name", command.BENCHMARKS)
def test_every_benchmark_has_a_title_and_the_interface(name: str) -> None:
    benchmark = importlib.import_module(f"tests.benchmarks.{name}")
    assert command.title(benchmark)
    assert benchmark.ROUNDS >= 1
    assert callable(benchmark.measure)
    assert name in YOUNG or callable(getattr(legacy, name))


def test_every_module_that_measures_is_a_benchmark() -> None:
    folder = Path(command.__file__).parent
    assert {path.stem for path in folder.glob("*.py") if "\ndef measure(" in path.read_text()} == {*command.BENCHMARKS}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nope"], "no benchmark nope; there are: start, first_frame"),
        (["--rounds", "0"], "'0' is no number of rounds"),
        (["--rounds", "-1"], "'-1' is no number of rounds"),
        (["--rounds", "some"], "'some' is no number of rounds"),
        (["--beside"], "expected one argument"),
    ],
)
def test_words_that_are_not_understood_are_named(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        command.main(words)
    assert end.value.code == 2
    assert says in capsys.readouterr().err


def test_the_help_says_how_revisions_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--help"])
    told = capsys.readouterr().out
    for word in ("--beside REV", "git worktree", "constraints.txt", "legacy.py", "control"):
        assert word in told


def test_an_environment_has_what_a_revision_and_its_tests_ask_for() -> None:
    project = '[project]\nname = "x"\ndependencies = ["rich>=13"]\n'
    assert requirements(project) == ["rich>=13"]
    assert requirements(project + '[project.optional-dependencies]\ntest = ["pyte"]\n') == ["rich>=13", "pyte"]
    extras = '[project.optional-dependencies]\nplot = ["matplotlib"]\ntest = ["x[plot]", "pyte"]\n'
    assert requirements(project + extras) == ["rich>=13", "matplotlib", "pyte"]
