"""The report on an exploration: as lines for people, and as a document for programs."""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

from rich.cells import cell_len

from sandbox import wording
from sandbox.analysis.exploration.explore import Exploration
from sandbox.analysis.exploration.runs import MAX_TURNS, Outcome, Run, Turn
from sandbox.i18n import _, english, ngettext
from sandbox.model.events import Change, Clause
from sandbox.model.spec import Scenario
from sandbox.render.cells import fit, flush_right, wrap
from sandbox.util.text import clean_line
from sandbox.wording.exploration import breaks

Verdict = Literal["breaks", "proved", "holds", "limit", "interrupted"]
#: The maximum widths of a source line, and of the names of processes, next to each other; the minimum width of a source
#: line, and the rest of a line, if the space is short.
_MAX_SOURCE, _MAX_NAME = 48, 20
_MIN_SOURCE, _MARGIN = 16, 28
#: The maximum width of a value that has changed.
_MAX_VALUE = 40


class Findings(NamedTuple):
    """A finished exploration. ``interrupted``: whether it was ended by the user."""

    scenario: Scenario
    exploration: Exploration
    interrupted: bool = False

    @property
    def verdict(self) -> Verdict:
        exploration = self.exploration
        if exploration.search.found is not None:
            return "breaks"
        if exploration.proved:
            return "proved"
        if exploration.within_bound:
            return "holds"
        return "interrupted" if self.interrupted else "limit"


class Tally(NamedTuple):
    """Numbers of orders.

    ``there``: how many there are (None: unknown); ``tried``: how many of them are known; ``broke``: how many of those
    break the program; ``bound``: all with at most so many preemptions (None: any number); ``endless``: whether there
    are infinitely many.
    """

    there: int | None
    tried: int
    broke: int
    bound: int | None
    endless: bool = False


def tally(exploration: Exploration) -> Tally:
    """Return what is known of the numbers of orders."""
    bound, counts = exploration.counts()
    if counts is None:
        search = exploration.search
        return Tally(None, search.runs, sum(bool(outcome.broken) for outcome in search.outcomes), bound, True)
    outcomes = exploration.search.outcomes
    tried = counts.orders.total()
    broke = sum(number for index, number in counts.orders.items() if outcomes[index].broken)
    return Tally(tried if counts.complete else None, tried, broke, bound)


def lines(findings: Findings, outcomes: bool = False, width: int | None = None) -> Iterator[str]:
    """Yield the whole report, line by line. ``width``: the maximum number of cells in a line."""
    found = findings.exploration.search.found
    if found is not None:
        for broken in found.outcome.broken:
            yield "✘ " + breaks(broken)
        yield ""
        yield from of_run(findings.scenario, found, width)
        yield ""
    if outcomes:
        yield from _outcomes(findings)
        yield ""
    yield from _numbers(findings)


def summary(findings: Findings) -> str:
    """Return the result in one line."""
    return _verdict(findings, tally(findings.exploration))


def of_run(scenario: Scenario, run: Run, width: int | None = None) -> Iterator[str]:
    """Yield a run turn by turn: the process, the line, and what has changed."""
    yield _("the order ({turns}, {preemptions}; ▶ marks a preemption):").format(
        turns=ngettext("{number} turn", "{number} turns", len(run.order)).format(number=len(run.order)),
        preemptions=_preemptions(run.preemptions),
    )
    name_cells = min(max((cell_len(name) for name in run.order), default=1), _MAX_NAME)
    digits = len(str(len(run.order)))
    sources = [source_of(scenario, turn) for turn in run.turns]
    room = _MAX_SOURCE if width is None else max(width - name_cells - digits - _MARGIN, _MIN_SOURCE)
    cells = min(max(map(cell_len, sources), default=1), _MAX_SOURCE, room)
    for index, (turn, choice, source) in enumerate(zip(run.turns, run.choices, sources, strict=False)):
        mark = "▶" if choice.preempts(turn.who) else " "
        where = f"{turn.line:>4}" if turn.line else "    "
        place = f"{mark} {index + 1:>{digits}}  {fit(turn.who, name_cells)} {where}  "
        whole = f"{place}{fit(source, cells)}  {_told(turn)}".rstrip()
        yield from [whole] if width is None else wrap(whole, width, " " * (cell_len(place) + 2))


def _told(turn: Turn) -> str:
    """Return the effects of a turn."""
    told = [changed(change) for change in turn.changed]
    if turn.wrote:
        told.append(_("writes {text}").format(text=_shortly_said(turn.wrote)))
    if turn.then is not None:
        told.append(_then(turn.then))
    return "   ".join(told)


def _shortly_said(wrote: str) -> str:
    return fit(clean_line(repr(wrote.rstrip("\n"))), _MAX_VALUE).rstrip()


def _then(what: Clause) -> str:
    """Return what a process has come to: it blocks, spins, or ends badly."""
    if what.rule == "spins":
        return _("goes round in vain")
    if what.rule in ("ends badly", "turn without end"):
        return breaks(what)
    return _("blocks: {cause}").format(cause=wording.cause(what))


def changed(change: Change) -> str:
    """Return the change of a variable as text: ``x 0 → 1``."""
    after = fit(change.after, _MAX_VALUE).rstrip()
    if change.before is None:
        return f"{change.name} = {after}"
    return f"{change.name} {fit(change.before, _MAX_VALUE).rstrip()} → {after}"


def source_of(scenario: Scenario, turn: Turn) -> str:
    """Return the source line that was run."""
    if not turn.line:
        return _("(begins)")
    return clean_line(linecache.getline(os.path.join(scenario.folder, turn.file), turn.line).strip())


def _preemptions(number: int) -> str:
    return ngettext("{number} preemption", "{number} preemptions", number).format(number=number)


def shortly(order: Sequence[str]) -> str:
    """Return an order in one line: ``a×2 b a``."""
    runs = [(name, len([*group])) for name, group in groupby(order)]
    return " ".join(name if number == 1 else f"{name}×{number}" for name, number in runs)


# Outcomes


def _outcomes(findings: Findings) -> Iterator[str]:
    """Yield all different outcomes, the most frequent first, each with an order."""
    search = findings.exploration.search
    numbers = _by_outcome(findings.exploration)
    yield ngettext("{number} different outcome:", "{number} different outcomes:", len(search.outcomes)).format(
        number=len(search.outcomes)
    )
    widest = max((len(str(number)) for number in numbers.values() if number is not None), default=1)
    for index, number in sorted(numbers.items(), key=lambda item: -(item[1] or 0)):
        outcome, example = search.outcomes[index], search.examples[index]
        mark = "✘" if outcome.broken else "✔"
        orders = flush_right(str(number) if number is not None else "?", widest)
        yield f"{mark} {orders}  {shown(outcome)}"
        yield " " * (widest + 4) + _("by the order {order}").format(order=shortly(example.order))


def _by_outcome(exploration: Exploration) -> dict[int, int | None]:
    """Return how many orders lead to each outcome; None if there are infinitely many."""
    _, counts = exploration.counts()
    every = range(len(exploration.search.outcomes))
    return dict.fromkeys(every) if counts is None else {index: counts.orders[index] for index in every}


def shown(outcome: Outcome) -> str:
    """Return an outcome in one line."""
    several = len({who for who, _text in outcome.printed}) > 1
    parts = [
        (f"{who}: " if several else "") + " ⏎ ".join(text.strip("\n").split("\n")) for who, text in outcome.printed
    ]
    told = [clean_line(" | ".join(parts))] if parts else []
    told += [f"{name} = {value}" for name, value in outcome.shared if not parts]
    told += [breaks(broken) for broken in outcome.broken]
    return "   ".join(told) or _("nothing is printed")


# Numbers


def _numbers(findings: Findings) -> Iterator[str]:
    exploration, numbers = findings.exploration, tally(findings.exploration)
    search = exploration.search
    yield _verdict(findings, numbers)
    runs = ngettext("{number} run", "{number} runs", search.runs).format(number=search.runs)
    seconds = f"{exploration.seconds:.1f}"
    pace = f"{search.runs / exploration.seconds:.0f}" if exploration.seconds else "0"
    merged = _("{runs} in {seconds} s, {pace} a second; equal states were merged")
    alone = _("{runs} in {seconds} s, {pace} a second")
    yield (merged if search.all_known else alone).format(runs=runs, seconds=seconds, pace=pace)
    if not search.runs:
        yield _("no run came to its end: a line of it waits for the clock, or for the world outside")
    if search.given_up:
        yield ngettext(
            "{number} run was given up after {turns} turns",
            "{number} runs were given up after {turns} turns",
            search.given_up,
        ).format(number=search.given_up, turns=MAX_TURNS)
    if search.diverged:
        yield ngettext(
            "{number} run did not do the same in the same order: the program depends on more than its turns",
            "{number} runs did not do the same in the same order: the program depends on more than its turns",
            search.diverged,
        ).format(number=search.diverged)


def _verdict(findings: Findings, numbers: Tally) -> str:
    """Return the line with the result."""
    which = _("of any number of preemptions") if numbers.bound is None else _("of up to {number} preemptions").format(
        number=numbers.bound
    )  # fmt: skip
    there = numbers.there
    match findings.verdict:
        case "breaks" if there is not None and numbers.bound is None:
            return _("{broke} of all {there} orders break it").format(broke=numbers.broke, there=there)
        case "breaks" if there is not None:
            said = _("{broke} of the {there} orders {which} break it")
            return said.format(broke=numbers.broke, there=there, which=which)
        case "breaks":
            said = _("{broke} of {tried} orders that were tried break it; there are more")
            return said.format(broke=numbers.broke, tried=numbers.tried)
        case "proved" if numbers.endless:
            return _("proved: no order at all breaks it")
        case "proved":
            return _("proved: no order at all breaks it, of all {tried}").format(tried=numbers.tried)
        case "holds":
            return _("none of the {tried} orders {which} breaks it").format(tried=numbers.tried, which=which)
        case "limit":
            return _("none of {tried} orders that were tried breaks it; the limit came first").format(
                tried=numbers.tried
            )
        case "interrupted":
            return _("none of {tried} orders that were tried breaks it; interrupted").format(tried=numbers.tried)


# As a document


def document(findings: Findings, outcomes: bool = False) -> dict[str, Any]:
    """Return the whole report as data for other programs."""
    exploration, numbers = findings.exploration, tally(findings.exploration)
    search, found = exploration.search, exploration.search.found
    with english():
        return {
            "scenario": findings.scenario.name,
            "slice": findings.scenario.machine.slice,
            "verdict": findings.verdict,
            "preemptions": numbers.bound,
            "orders": {"there": numbers.there, "tried": numbers.tried, "broke": numbers.broke},
            "runs": search.runs,
            "diverged": search.diverged,
            "merged": search.all_known,
            "seconds": round(exploration.seconds, 3),
            "found": None if found is None else _run_document(findings.scenario, found),
            "outcomes": _outcome_documents(findings) if outcomes else None,
        }


def _run_document(scenario: Scenario, run: Run) -> dict[str, Any]:
    return {
        "breaks": _breaks_document(run.outcome),
        "preemptions": run.preemptions,
        "order": run.order,
        "turns": [
            {
                "who": turn.who,
                "file": turn.file,
                "line": turn.line,
                "source": source_of(scenario, turn) if turn.line else "",
                "preempts": choice.preempts(turn.who),
                "wrote": turn.wrote,
                "changed": [
                    {"name": each.name, "before": each.before, "after": each.after, "shared": each.shared}
                    for each in turn.changed
                ],
            }
            for turn, choice in zip(run.turns, run.choices, strict=False)
        ],
    }


def _breaks_document(outcome: Outcome) -> list[dict[str, Any]]:
    return [{"rule": each.rule, "figures": each.figures, "says": breaks(each)} for each in outcome.broken]


def _outcome_documents(findings: Findings) -> list[dict[str, Any]]:
    search = findings.exploration.search
    numbers = _by_outcome(findings.exploration)
    return [
        {
            "orders": numbers[index],
            "printed": [{"who": who, "text": text} for who, text in outcome.printed],
            "exits": dict(outcome.exits),
            "shared": dict(outcome.shared),
            "breaks": _breaks_document(outcome),
            "order": search.examples[index].order,
        }
        for index, outcome in sorted(enumerate(search.outcomes), key=lambda item: -(numbers[item[0]] or 0))
    ]
