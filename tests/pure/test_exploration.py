"""The search through orders of turns, on toy programs whose states are plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from sandbox.analysis.exploration import replay, search
from sandbox.analysis.exploration.agenda import Agenda, Cost, Item, Place
from sandbox.analysis.exploration.explore import Alone, Exploration, Limits
from sandbox.analysis.exploration.judge import Plain, Stuck, outcome
from sandbox.analysis.exploration.known import Gone, Known
from sandbox.analysis.exploration.local import is_local
from sandbox.analysis.exploration.runs import Choice, Outcome, Run, Start, Touch
from sandbox.analysis.exploration.search import Task
from sandbox.model.events import Admitted, Clause, Exited
from tests.support.scenarios import process, scenario

#: One line of a toy program: it may change the shared values and its own, and says where to go on (None: the next).
Line = Callable[[dict[str, Any], dict[str, Any]], int | None]
BLOCKED = -1
_MAX_TURNS = 200


class Noted(dict[str, Any]):
    """Notes what is read and written."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.read: set[str] = set()
        self.wrote: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.wrote.add(name)
        super().__setitem__(name, value)


class Toy:
    """Runs toy programs. ``knows``: whether it tells states apart; ``tells``: and what turns touch, and who spins in a
    state, whose key says nothing of that."""

    def __init__(
        self,
        programs: Mapping[str, Sequence[Line]],
        shared: Mapping[str, Any],
        right: Callable[[dict[str, Any]], bool],
        knows: bool = True,
        tells: bool = False,
    ) -> None:
        self.programs, self.shared, self.right, self.knows, self.tells = programs, shared, right, knows, tells
        self.known = Known()

    def run(
        self, order: Sequence[str], roams: bool = False, met: Iterable[Gone] = (), start: Start | None = None
    ) -> Run:
        self.known.add(met)
        self.known.begin()
        shared = Noted(self.shared)
        touches: list[Touch | None] = []
        at = dict.fromkeys(self.programs, 0)
        own: dict[str, dict[str, Any]] = {name: {} for name in self.programs}
        seen: dict[str, set[str]] = {name: set() for name in self.programs}
        spins: set[str] = set()
        choices: list[Choice] = []
        taken: list[str] = []
        kept = True
        while len(taken) < _MAX_TURNS:
            can = tuple(name for name in self.programs if self._can(name, at, shared, own) and name not in spins)
            if not can:
                break
            state = repr(
                (at, sorted(shared.items()), own, sorted(spins), sorted((n, *sorted(s)) for n, s in seen.items()))
                if not self.tells
                else (at, sorted(shared.items()), own)
            )
            spinning = tuple(sorted(spins)) if self.tells else ()
            choice = Choice(can, taken[-1] if taken else None, state if self.knows else None, spinning)
            name = choice.default
            if len(taken) < len(order):
                kept = kept and order[len(taken)] in can
                name = order[len(taken)] if order[len(taken)] in can else name
            elif roams:
                untried = self.known.untried(choice)
                name = untried[0] if untried else self.known.way_on(choice) or name
            choices.append(choice)
            if len(taken) >= max(len(order), 1) and self.known.has(choice.key, name):
                if not (roams and self.known.goes_on):
                    self.known.learn(choices if roams else [], taken, touches)
                    return Run(choices, taken, Outcome(), kept=kept, met=True, touches=touches)
            taken.append(name)
            before = dict(shared)
            shared.read, shared.wrote = set(), set()
            to = self.programs[name][at[name]](shared, own[name])
            touches.append(Touch(frozenset(shared.read), frozenset(shared.wrote)) if self.tells else None)
            at[name] = at[name] + 1 if to is None else to
            if shared != before:
                spins.clear()
                seen = {each: set() for each in self.programs}
            moment = repr((at[name], own[name]))
            if moment in seen[name]:
                spins.add(name)
            seen[name].add(moment)
        stuck = [name for name in self.programs if at[name] < len(self.programs[name])]
        broken = [Clause("deadlock", {"who": ", ".join(stuck)})] if stuck else []
        broken += [] if stuck or self.right(shared) else [Clause("claim")]
        outcome = Outcome(tuple(broken), shared=tuple((k, str(v)) for k, v in shared.items()))
        self.known.learn(choices if roams else [], taken, touches)
        return Run(choices, taken, outcome, kept=kept, touches=touches)

    def _can(self, name: str, at: dict[str, int], shared: dict[str, Any], own: dict[str, dict[str, Any]]) -> bool:
        if at[name] >= len(self.programs[name]):
            return False
        return self.programs[name][at[name]](dict(shared), dict(own[name])) != BLOCKED


def sets(name: str, value: Any) -> Line:
    return lambda shared, own: shared.__setitem__(name, value)


def waits(while_: Callable[[dict[str, Any]], bool], line: int) -> Line:
    """A loop on this line: it spins."""
    return lambda shared, own: line if while_(shared) else None


def takes(lock: str) -> Line:
    def line(shared: dict[str, Any], own: dict[str, Any]) -> int | None:
        if shared[lock]:
            return BLOCKED
        shared[lock] = True
        return None

    return line


INCREMENT: Sequence[Line] = (
    lambda shared, own: own.__setitem__("x", shared["x"]),
    lambda shared, own: own.__setitem__("x", own["x"] + 1),
    lambda shared, own: shared.__setitem__("x", own["x"]),
)


def lost_update(knows: bool = True, processes: int = 2, tells: bool = False) -> Toy:
    programs = dict(zip("abcd"[:processes], [INCREMENT] * processes, strict=True))
    return Toy(programs, {"x": 0}, lambda shared: shared["x"] == processes, knows, tells)


def critical(me: str, enters: Sequence[Line], leaves: Sequence[Line]) -> Sequence[Line]:
    """Between entering and leaving, somebody is inside, who is noticed if somebody else is, too."""

    def enter(shared: dict[str, Any], own: dict[str, Any]) -> None:
        shared["both"] = shared["both"] or shared["inside"] > 0
        shared["inside"] += 1

    def leave(shared: dict[str, Any], own: dict[str, Any]) -> None:
        shared["inside"] -= 1

    return (*enters, enter, leave, *leaves)


def _is_ahead(other: str) -> Callable[[dict[str, Any]], bool]:
    return lambda shared: shared[other] and shared["turn"] == other


def peterson(right: bool) -> Toy:
    programs = {}
    for me, other in (("a", "b"), ("b", "a")):
        spin = waits(_is_ahead(other), 2 if right else 1)
        flag, turn = sets(me, True), sets("turn", other)
        enters = (flag, turn, spin) if right else (turn, spin, flag)
        programs[me] = critical(me, enters, (sets(me, False),))
    shared = {"a": False, "b": False, "turn": "a", "both": False, "inside": 0}
    return Toy(programs, shared, lambda shared: not shared["both"])


def philosophers(ordered: bool, knows: bool = True) -> Toy:
    programs = {}
    for number, name in enumerate("abc"):
        forks = [f"fork{number}", f"fork{(number + 1) % 3}"]
        first, second = sorted(forks) if ordered else forks
        programs[name] = (takes(first), takes(second), sets(first, False), sets(second, False))
    return Toy(programs, {"fork0": False, "fork1": False, "fork2": False}, lambda shared: True, knows)


def explored(toy: Toy, limits: Limits) -> Exploration:
    exploration = Exploration(Alone(toy), limits)
    exploration.explore()
    return exploration


def all_orders(toy: Toy, prefix: tuple[str, ...] = ()) -> Iterator[Run]:
    """Every order, each once, the simple way."""
    run = toy.run(prefix)
    if len(run.order) <= len(prefix):
        yield run
        return
    for name in run.choices[len(prefix)].candidates:
        yield from all_orders(toy, (*prefix, name))


def numbers(exploration: Exploration) -> tuple[int, int]:
    """How many orders there are, and how many of them break it."""
    _, counts = exploration.counts()
    assert counts is not None
    assert counts.complete
    outcomes = exploration.search.outcomes
    broke = sum(number for index, number in counts.orders.items() if outcomes[index].broken)
    return counts.orders.total(), broke


@pytest.mark.parametrize("knows", [True, False])
def test_of_the_20_orders_of_the_lost_update_18_lose_it(knows: bool) -> None:
    found = explored(lost_update(knows), Limits(None, everything=True))
    assert numbers(found) == (20, 18)
    assert found.search.runs == 20 or knows
    assert found.search.found is not None
    assert found.search.found.preemptions == 1
    assert not found.limited
    assert not found.proved


@cache
def one_by_one() -> list[Run]:
    return [*all_orders(philosophers(False))]


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("bound", [0, 1, None])
def test_the_count_is_that_of_trying_them_all_one_by_one(knows: bool, bound: int | None) -> None:
    runs = [run for run in one_by_one() if bound is None or run.preemptions <= bound]
    found = explored(philosophers(False, knows), Limits(bound, firm=True, everything=True)).search
    counts = found.counts(bound)
    assert counts is not None
    assert counts.complete
    assert counts.orders.total() == len(runs)
    broke = sum(number for index, number in counts.orders.items() if found.outcomes[index].broken)
    assert broke == sum(bool(run.outcome.broken) for run in runs)
    assert {outcome.key for outcome in found.outcomes} == {run.outcome.key for run in runs}
    assert knows or found.runs == len(runs)


def test_peterson_is_proved_and_not_when_its_flags_are_set_late() -> None:
    right = explored(peterson(True), Limits())
    assert right.proved
    assert right.within_bound
    wrong = explored(peterson(False), Limits())
    assert wrong.search.found is not None
    assert wrong.search.found.outcome.broken == (Clause("claim"),)


def test_without_knowing_states_a_bound_is_all_that_can_be_said() -> None:
    toy = peterson(True)
    toy.knows = False
    found = explored(toy, Limits(2))
    assert found.within_bound
    assert not found.proved
    assert not found.limited


def test_three_philosophers_deadlock_with_one_preemption_and_never_in_order() -> None:
    found = explored(philosophers(False), Limits())
    assert found.search.found is not None
    assert found.search.found.preemptions == min(run.preemptions for run in one_by_one() if run.outcome.broken)
    assert found.search.found.outcome.broken[0].rule == "deadlock"
    assert explored(philosophers(True), Limits()).proved


def test_it_finds_the_same_each_time_and_side_by_side() -> None:
    class Three(Alone):
        slots = 3

    first = explored(lost_update(), Limits())
    second = explored(lost_update(), Limits())
    third = Exploration(Three(lost_update()), Limits())
    third.explore()
    assert first.search.found == second.search.found == third.search.found
    assert numbers(first) == numbers(third)


def test_a_limit_of_orders_is_kept() -> None:
    found = explored(peterson(True), Limits(orders=3))
    assert found.search.runs == 3
    assert found.limited
    assert not found.proved
    assert not found.within_bound


def test_a_program_that_does_not_do_the_same_each_time_is_not_proved() -> None:
    class Moody(Toy):
        runs = 0

        def run(
            self, order: Sequence[str], roams: bool = False, met: Iterable[Gone] = (), start: Start | None = None
        ) -> Run:
            self.runs += 1
            self.programs = {name: [*INCREMENT, *INCREMENT[: self.runs % 2]] for name in "ab"}
            return super().run(order)

    found = explored(Moody({}, {"x": 0}, lambda shared: True, knows=False), Limits(None))
    assert found.search.diverged
    assert not found.proved


def test_what_touches_nothing_that_others_see_is_told_by_its_text(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    text = ["import x", "other = 1 - me", "for i in range(3):", "    n[i] = 2", "while y.value: pass", "most = max(n)"]
    file.write_text("\n".join(text))
    assert [text[line - 1] for line in range(1, 7) if is_local(str(file), line)] == [text[1], text[2]]


def test_a_replay_takes_one_step_a_turn_whatever_the_quantum_was(tmp_path: Path) -> None:
    file = tmp_path / "it.toml"
    file.write_text('[machine]\nquantum = "3ms"\npolicy = "fcfs"\n[[process]]\nname = "a"\npython = "a.py"\n')
    machine = replay.tables_of(file, ["a", "a"], "instruction")["machine"]
    assert machine == {"slice": "instruction", "policy": "scripted", "parameters": {"order": ["a", "a"]}}


def test_orders_in_which_a_switch_can_matter_are_tried_first() -> None:
    first = Cost().with_preemption(frozenset("ab"), False)
    assert first == Cost(1)
    assert Cost().with_preemption(frozenset("ab"), True) == Cost(1, 1)
    assert first.with_preemption(frozenset("abc"), False) == Cost(2, 0, 1)
    assert first.with_preemption(frozenset("ab"), False) == Cost(2)


def test_where_turns_touch_nothing_in_common_one_order_of_them_is_enough() -> None:
    plain = explored(lost_update(processes=3), Limits(None, everything=True))
    clever = explored(lost_update(processes=3, tells=True), Limits(None, everything=True))
    assert numbers(clever) == numbers(plain)
    assert {outcome.key for outcome in clever.search.outcomes} == {outcome.key for outcome in plain.search.outcomes}
    assert clever.search.runs < plain.search.runs
    assert not clever.search.diverged


def test_what_was_thought_to_make_no_difference_and_does_is_found_out() -> None:
    class Liar(Toy):
        def run(
            self, order: Sequence[str], roams: bool = False, met: Iterable[Gone] = (), start: Start | None = None
        ) -> Run:
            run = super().run(order, roams, met, start)
            told = zip(run.order, run.touches, strict=True)
            return structs.replace(run, touches=[Touch() if name == "a" else touch for name, touch in told])

    toy = Liar(dict.fromkeys("abc", INCREMENT), {"x": 0}, lambda shared: shared["x"] == 3, tells=True)
    found = explored(toy, Limits(None, everything=True))
    assert not found.search.graph.infers
    assert numbers(found) == numbers(explored(lost_update(processes=3), Limits(None, everything=True)))


def test_orders_that_come_to_the_same_are_not_tried_and_counted_all_the_same() -> None:
    """The second line of the three touches nothing that others see: they may as well have their turns after it."""
    all_of_them = explored(lost_update(processes=3), Limits(None, everything=True))
    within_one = explored(lost_update(processes=3), Limits(1, firm=True, everything=True))
    for plain, bound in ((all_of_them, None), (within_one, 1)):
        limits = Limits(bound, firm=bound is not None, everything=True)
        clever = explored(lost_update(processes=3, tells=True), limits)
        assert numbers(clever) == numbers(plain)
        assert clever.search.runs < plain.search.runs
        assert {outcome.key for outcome in clever.search.outcomes} == {outcome.key for outcome in plain.search.outcomes}


def test_who_only_goes_round_does_not_put_the_others_off_for_ever() -> None:
    """``a`` goes round in lines that touch nothing; ``b`` breaks it all the same."""
    rounds: Sequence[Line] = (lambda shared, own: None, lambda shared, own: 0)
    toy = Toy({"a": rounds, "b": (sets("x", 1),)}, {"x": 0}, lambda shared: shared["x"] == 0, tells=True)
    found = explored(toy, Limits(3))
    assert found.search.found is not None or any(len(run.order) < _MAX_TURNS for run in found.search.examples)


def test_it_is_no_preemption_to_leave_a_process_before_it_has_gone_round() -> None:
    """``a`` spins in the line to which it comes. ``c`` breaks it there, but ``b`` is the first to go on."""
    spins = (sets("here", True), waits(lambda shared: not shared["go"], 1))
    breaks: Sequence[Line] = (lambda shared, own: shared.__setitem__("bad", shared["here"] and not shared["go"]),)
    programs = {"a": spins, "b": (sets("go", True),), "c": breaks}
    shared = {"here": False, "go": False, "bad": False}
    toy = Toy(programs, shared, lambda shared: not shared["bad"], tells=True)
    found = explored(toy, Limits(0, firm=True)).search.found
    assert found is not None
    assert found.preemptions == 0


@pytest.mark.parametrize("firm", [True, False])
def test_a_long_search_goes_wherever_no_run_has_been_unless_preemptions_are_limited(
    firm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Listed(Alone):
        def give(self, task: Task, met: Sequence[Gone]) -> None:
            roams.append(task.roams)
            super().give(task, met)

    roams: list[bool] = []
    monkeypatch.setattr(search, "_PATIENT", 3)
    Exploration(Listed(peterson(True)), Limits(2, firm)).explore()
    assert roams[:3] == [False] * 3
    assert roams[3] is not firm


def test_of_each_kind_one_is_tried_before_more_of_any() -> None:
    """Those that were added one after the other are not tried in a row."""
    agenda = Agenda(lambda item, cost: False, late=2)
    kinds = [(("a:1", "b:1"),), (("a:1", "b:1"),), (("a:1", "b:1"),), (("a:2", "b:1"),)]
    for state, kind in enumerate(kinds):
        agenda.add(Item((state, "b"), Place(state, "a"), kind), Cost(1))
    agenda.add(Item((9, "b"), Place(9, "a"), (*kinds[0], ("b:2", "a:1"))), Cost(2))
    agenda.add(Item((10, "b"), Place(10, "a")), Cost(3))
    taken = []
    while agenda.next() is not None:
        taken.append(agenda.take()[0].way[0])
    assert taken == [0, 3, 2, 9, 1, 10]


def test_a_run_goes_on_to_where_somebody_was_not_chosen() -> None:
    known = Known()
    known.learn([Choice(("a", "b"), None, key) for key in "123"], ["a", "a", "a"], [None] * 3)
    here = Choice(("a", "b"), None, "0")
    known.add([Gone("0", "a", "1"), Gone("0", "b"), Gone("1", "b"), Gone("2", "b", "3", True)])
    assert known.untried(here) == ()
    assert known.way_on(here) == "a"
    assert known.goes_on
    assert known.untried(Choice(("a", "b"), None, "2")) == ()
    assert known.untried(Choice(("a", "b"), None, "3")) == ("b",)


@pytest.mark.parametrize("code", [0, 1])
def test_a_failure_is_named_before_those_who_wait_for_the_one_that_failed(code: int) -> None:
    events = [
        Admitted(0, 1, "a", "main", order=0),
        Admitted(0, 2, "b", "main", order=1),
        Exited(1, 1, code, None, 0, 0, 0),
    ]
    found = outcome(scenario(process("a"), process("b")), events, Plain("/"), Stuck("all spin", ("b",)))
    assert [clause.rule for clause in found.broken] == (["ends badly", "all spin"] if code else ["all spin"])
