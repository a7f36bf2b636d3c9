"""``ossandbox explore``: is there an order of turns in which it breaks?"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from sandbox.analysis.exploration import replay, report
from sandbox.analysis.exploration.crew import CannotExplore, Lost, Workers
from sandbox.analysis.exploration.explore import PREEMPTIONS, Exploration, Limits
from sandbox.analysis.exploration.report import Findings
from sandbox.cli import run_options
from sandbox.cli.exits import DONE, FAILED, Interrupted, Interruption
from sandbox.cli.run_options import Given
from sandbox.i18n import _, ngettext
from sandbox.model.events import Clause
from sandbox.model.problems import BadInput, Problem
from sandbox.model.schemas import EXPLORATION, stamped
from sandbox.model.spec import SLICES, Scenario
from sandbox.model.values import Choice, Duration, Whole
from sandbox.render.output import aside, rewrite_line, say, say_document, write_output
from sandbox.render.stderr import complain
from sandbox.scenario import find, load
from sandbox.util.cpus import usable_cpus
from sandbox.util.stdin import NAME

#: The exit status if a limit has ended the search.
LIMITED = 3
_ALL = "all"
_LIMIT = "60s"
_REDRAW_S = 0.25


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("scenario", metavar="SCENARIO", help=_(run_options.SCENARIO))
    parser.add_argument(
        "--preemptions",
        metavar="N",
        help=_(
            "the most preemptions of an order, that is, switches away from a process that could have gone "
            "on; 'all': all orders, counted (default: {number}, and more if needed for a proof)"
        ).format(number=PREEMPTIONS),
    )
    parser.add_argument("--orders", metavar="N", help=_("the most runs"))
    parser.add_argument(
        "--for", metavar="DURATION", help=_("the time limit of the search (default: {time})").format(time=_LIMIT)
    )
    parser.add_argument("--outcomes", action="store_true", help=_("try all orders, and list all possible outcomes"))
    parser.add_argument("--slice", metavar="WHAT", help=_("the length of a turn: line or instruction"))
    parser.add_argument("--jobs", metavar="N", help=_("the number of concurrent runs (default: the number of CPUs)"))
    parser.add_argument("-o", "--output", metavar="FILE", help=_("write a scenario that replays what was found"))
    parser.add_argument("--force", action="store_true", help=_("overwrite the file of -o"))
    parser.add_argument("--json", action="store_true", help=_("print the result as JSON"))


class ExploreOptions(NamedTuple):
    """The arguments of the command."""

    scenario: str
    limits: Limits
    slice: str | None
    outcomes: bool
    jobs: int
    output: Path | None
    overwrite: bool
    as_json: bool

    @classmethod
    def of(cls, args: argparse.Namespace) -> ExploreOptions:
        """Read the arguments. Raises one BadInput for all that is wrong."""
        given = Given(args)
        every = args.preemptions == _ALL
        preemptions = None if every else given.value("preemptions", _Preemptions(0, 1000))
        for_ns = given.value("for", Duration("10ms", "86400s")) or Duration().parse(_LIMIT)
        if args.force and args.output is None:
            given.add("--force", "belongs to another option", hint="-o")
        limits = Limits(
            preemptions=None if every else PREEMPTIONS if preemptions is None else preemptions,
            firm=args.preemptions is not None,
            orders=given.value("orders", Whole(1, 10**9)),
            seconds=for_ns / 1e9,
            everything=args.outcomes or every,
        )
        options = cls(
            scenario=args.scenario,
            limits=limits,
            slice=given.value("slice", Choice(*SLICES[1:])),
            outcomes=args.outcomes,
            jobs=given.value("jobs", Whole(1, 1024)) or len(usable_cpus()),
            output=None if args.output is None else Path(args.output),
            overwrite=args.force,
            as_json=args.json,
        )
        given.check()
        if args.output != NAME and options.output is not None and options.output.exists() and not options.overwrite:
            raise BadInput.because(args.output, "file exists")
        return options


class _Preemptions(Whole):
    """A number, or ``all``."""

    def range(self) -> str:
        return f"{super().range()} | {_ALL}"


def do(args: argparse.Namespace) -> int:
    """Explore."""
    options = ExploreOptions.of(args)
    if sys.platform != "linux":
        raise BadInput.because(options.scenario, "needs Linux")
    path = find(options.scenario)
    scenario = _stepped(options, load(path))
    findings, cut_short = _explore(options, scenario)
    if options.as_json:
        document = report.document(findings, options.outcomes)
        say_document(stamped(EXPLORATION, document, scenario.machine.seed))
    else:
        with aside(args.output == NAME):
            say(*report.lines(findings, options.outcomes))
    found = findings.exploration.search.found
    if found is not None:
        _write(path, found.order, options, scenario.machine.slice)
    return _status(findings, cut_short)


def _write(path: Path, order: Sequence[str], options: ExploreOptions, step: str) -> None:
    """Write the scenario that replays the order, if ``-o`` is given. Raises BadInput."""
    if options.output is None:
        return
    if str(options.output) == NAME:
        write_output(NAME, replay.text_of(replay.tables_of(path, order, step), order).encode())
        return
    for file in replay.write(path, order, options.output, options.overwrite, step):
        complain(_("{file} is written").format(file=file))


def _stepped(options: ExploreOptions, scenario: Scenario) -> Scenario:
    """Return the scenario after checking that its turns are steps. Raises BadInput."""
    if options.slice is not None:
        machine = msgspec.structs.replace(scenario.machine, slice=options.slice)
        scenario = msgspec.structs.replace(scenario, machine=machine)
    if not scenario.machine.stepped:
        what = Clause(
            "is not stepped",
            {"allowed": " | ".join(f'slice = "{each}"' for each in SLICES[1:]), "hint": "--slice line"},
        )
        raise BadInput(options.scenario, [Problem(0, "machine.slice", what)])
    if not run_options.has_work(scenario):
        raise BadInput.because(options.scenario, "nothing to run")
    run_options.check_real(run_options.RunOptions.plain(options.scenario), scenario)
    return scenario


def _explore(options: ExploreOptions, scenario: Scenario) -> tuple[Findings, int]:
    """Return the findings, and the exit status if the search was interrupted. Raises BadInput."""
    interruption = Interruption()
    interrupted, status = False, DONE
    cpus = usable_cpus()[::-1]  # the system itself uses the first one most
    with interruption, Workers(scenario, options.jobs, cpus, interruption.select) as workers:
        exploration = Exploration(workers, options.limits)
        progress = _Progress(exploration)
        try:
            exploration.explore(progress.tell)
        except Interrupted as end:
            interrupted, status = True, end.status
        except CannotExplore as cannot:
            raise BadInput(options.scenario, [Problem(0, cannot.what.text("place") or "", cannot.what)]) from None
        except Lost as gone:
            status = LIMITED
            complain(_("the worker process has ended: {words}").format(words=gone.words))
        finally:
            progress.end()
    return Findings(scenario, exploration, interrupted), status


def _status(findings: Findings, cut_short: int) -> int:
    match findings.verdict:
        case "breaks":
            return FAILED
        case "proved" | "holds":
            return cut_short
        case _:
            return cut_short or LIMITED


class _Progress:
    """Prints the progress of the search on stderr, if that is a terminal."""

    def __init__(self, exploration: Exploration) -> None:
        self._exploration = exploration
        self._terminal = sys.stderr.isatty()
        self._said_s = time.monotonic()

    def tell(self) -> None:
        now_s = time.monotonic()
        if not self._terminal or now_s - self._said_s < _REDRAW_S:
            return
        self._said_s = now_s
        search = self._exploration.search
        runs = ngettext("{number} run", "{number} runs", search.runs).format(number=search.runs)
        said = _("{runs}, orders of {number} preemptions").format(runs=runs, number=search.preemptions)
        if search.found is not None:
            said += ", " + _("one breaks it")
        rewrite_line(said)

    def end(self) -> None:
        """Clear the line."""
        if self._terminal:
            rewrite_line("")
