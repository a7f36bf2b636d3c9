"""The product, its keys, what a range means, and which difference is real."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sandbox.analysis.comparison.columns import GOALS
from sandbox.analysis.comparison.standings import Sample, standings
from sandbox.analysis.comparison.verdict import said
from sandbox.analysis.sweep import run
from sandbox.analysis.sweep.messages import Chunk, decode, encode
from sandbox.analysis.sweep.plan import Contest, Plan
from sandbox.analysis.sweep.run import simulated
from sandbox.analysis.tidying import Tidying
from sandbox.model.ranges import Wholes, expand, wholes
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue, Whole
from sandbox.policies import choice
from sandbox.util.estimates import difference, estimate, student
from tests.support.files import open_files
from tests.support.scenarios import process, scenario

SEEDS = Whole(0, 2**53)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1ms..8ms*2", ["1ms", "2ms", "4ms", "8ms"]),
        ("1ms..9ms*2", ["1ms", "2ms", "4ms", "8ms"]),
        ("1ms..2ms*1.5", ["1ms", "1500us"]),
        ("10ms..50ms+20ms", ["10ms", "30ms", "50ms"]),
        ("0.1..0.3+0.1", ["0.1", "0.2", "0.3"]),
        ("1..3", ["1", "2", "3"]),
        ("5ms", ["5ms"]),
        ("../mine.py", ["../mine.py"]),
        ("10ms/20ms", ["10ms/20ms"]),
    ],
)
def test_what_a_range_stands_for(text: str, values: list[str]) -> None:
    assert expand(text) == values


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("1ms..5ms", "not a range"),
        ("1ms..", "not a range"),
        ("1ms..5ms*2ms", "not a range"),
        ("1ms..5", "range of two kinds"),
        ("5ms..1ms*2", "range without end"),
        ("1ms..5ms*1", "range without end"),
        ("0ms..5ms*2", "range without end"),
        ("1ns..5s+1ns", "too many values"),
    ],
)
def test_what_is_no_range(text: str, rule: str) -> None:
    with pytest.raises(BadValue) as bad:
        expand(text)
    assert bad.value.what.rule == rule


def test_lists_of_whole_numbers_have_each_once() -> None:
    assert [*wholes("1..4,3..6,2,9,9", SEEDS)] == [1, 2, 3, 4, 5, 6, 9]
    assert [*wholes("1..16*4", SEEDS)] == [1, 4, 16]
    assert len(wholes("1..5000000", SEEDS)) == 5_000_000


def test_contenders_with_ranges_are_a_product() -> None:
    assert [one.label for one in choice.parse_list("priority:aging=10ms..20ms*2:quantum=5ms,rr,rr")] == [
        "priority:aging=10ms:quantum=5ms", "priority:aging=20ms:quantum=5ms", "rr",
    ]  # fmt: skip


def plan(world: Scenario, text: bytes, policies: str, seeds: str = "1..2", cpus: str = "1") -> Plan:
    contest = Contest(world, text, choice.parse_list(policies, world))
    return Plan([contest], wholes(seeds, SEEDS), wholes(cpus, Whole(1, 8)), 60)


def keys(*args: str, text: bytes = b"a") -> list[str]:
    return [row.key for row in plan(scenario(process("a", "cpu 5ms")), text, *args).rows()]


def test_a_key_tells_each_run_from_all_others() -> None:
    everything = keys("rr:quantum=1ms..4ms*2,mlfq", "1..5", "1,2")
    assert len({*everything}) == len(everything) == 4 * 5 * 2
    assert keys("rr:quantum=1ms") == keys("rr:quantum=1000us")
    assert {*keys("rr")}.isdisjoint(keys("rr", text=b"b"))
    assert [*keys("rr,mlfq", "1..3")][:3] == keys("rr", "1..3"), "what else is asked for changes no key"


def test_a_policy_in_a_file_travels_as_its_text_which_is_in_the_key(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    found = []
    for more in ("", "\n    starves = True\n"):
        file.write_text(f"from sandbox.policies import Policy\nclass Mine(Policy):\n    pass{more}\n")
        mine = plan(scenario(process("a", "cpu 5ms")), b"a", f"{file}:Mine")
        chunk: Chunk = decode(encode(mine.chunk([*mine.rows()])))
        assert chunk.entries[0].scenario.machine.policy == "mine.py:Mine"
        assert str(tmp_path) not in repr(chunk.entries[0].scenario)
        assert chunk.entries[0].files["mine.py"] == file.read_text()
        found.append({row.key for row in chunk.rows})
    assert found[0].isdisjoint(found[1])


def test_the_quantiles_of_student() -> None:
    table = {(1, 0.975): 12.7062, (2, 0.975): 4.30265, (4, 0.975): 2.77645, (9, 0.995): 3.24984, (30, 0.95): 1.69726}
    for (freedom, share), quantile in table.items():
        assert student(freedom, share) == pytest.approx(quantile, rel=1e-5)


@pytest.mark.parametrize("number", [2, 3, 5, 20])
def test_an_interval_has_the_true_mean_as_often_as_it_says(number: int) -> None:
    chance = random.Random(7)
    worlds = 400
    right = 0
    for _ in range(worlds):
        found = estimate([chance.gauss(10, 3) for _ in range(number)])
        assert found.low is not None
        assert found.high is not None
        right += found.low <= 10 <= found.high
    assert 0.91 <= right / worlds <= 0.985


def test_what_never_varies_is_exact_and_one_value_says_nothing_of_noise() -> None:
    assert estimate([5.0] * 4) == (5.0, 5.0, 5.0)
    assert estimate([5.0]) == (5.0, None, None)


def test_shared_seeds_are_compared_in_pairs() -> None:
    chance = random.Random(3)
    luck = {seed: chance.gauss(100, 30) for seed in range(10)}
    worse = {seed: value + 1 + chance.gauss(0, 0.1) for seed, value in luck.items()}
    assert difference(luck, worse).clear, "the same luck is in both"
    apart = {seed + 100: value for seed, value in worse.items()}
    assert not difference(luck, apart).clear, "with luck of their own, one in a hundred is noise"


def sample(label: str, turnaround: dict[int, float], switches: float = 5) -> Sample:
    figures = [dict.fromkeys(turnaround, 0.0) for _ in GOALS]
    figures[0] = turnaround
    figures[4] = dict.fromkeys(turnaround, switches)
    return Sample(label, figures)


def test_better_is_said_beyond_the_noise_only() -> None:
    chance = random.Random(5)
    noise = [{seed: chance.gauss(100e6, 10e6) for seed in range(8)} for _ in range(3)]
    [none] = standings([sample("a", noise[0]), sample("b", noise[1])])
    assert none.next is None
    assert "within the noise of it" in said(none)
    far = {seed: value * 3 for seed, value in noise[2].items()}
    turnaround, switches = standings([sample("a", noise[0], 50), sample("b", noise[1], 50), sample("c", far)])
    assert {turnaround.winner, *turnaround.equals} == {"a", "b"}
    assert turnaround.next == "c"
    assert "the price: switches 50 instead of 5 under c" in said(turnaround)
    assert switches.winner == "c"
    assert switches.next in {"a", "b"}


def test_chance_alone_wins_seldom() -> None:
    chance = random.Random(11)
    wins = 0
    for _ in range(200):
        samples = [sample(name, {seed: chance.gauss(100, 10) for seed in range(6)}) for name in "abcd"]
        wins += any(standing.next is not None for standing in standings(samples))
    assert wins <= 40, "the least of four is compared with the others: they are further apart than two at random"


def test_wholes_are_lazy() -> None:
    first, second = range(1, 1 << 50), range(5, 9)
    assert len(Wholes([first])) == (1 << 50) - 1
    assert [*Wholes([second, [7, 10]])] == [5, 6, 7, 8, 10]


OPENS = """
import os
from sandbox.policies import Policy
class Mine(Policy):
    def start(self, now_ns):
        self.file = open(os.devnull)
"""


def test_many_runs_hold_no_more_files_than_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "TIDYING", Tidying())  # no other test has made it give up
    (tmp_path / "mine.py").write_text(OPENS)
    world = scenario(process("a", "cpu 10ms"), policy=f"{tmp_path}/mine.py:Mine")
    before = open_files()
    for _ in range(25):
        simulated(world, 10.0)
    assert open_files() - before < 5
