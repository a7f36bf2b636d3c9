"""``ossandbox compare``: several policies over one scenario, in virtual time, on real processes, or one against the
other."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import NamedTuple

import msgspec

from sandbox.analysis.comparison import report
from sandbox.analysis.comparison.runs import MAX_REPEATS, Plan, Run, plans
from sandbox.analysis.tidying import TIDYING
from sandbox.cli import run_options
from sandbox.cli.exits import DONE, FAILED, Interrupted, Interruption
from sandbox.cli.headless import RunObserver, drive_real, drive_virtual
from sandbox.cli.run_options import Given, RunOptions, prepare
from sandbox.i18n import _
from sandbox.link.copies import Copies, cpus
from sandbox.model.clause import Clause
from sandbox.model.problems import BadInput, Problem, problems_of
from sandbox.model.rules import LINES_ARE_REAL
from sandbox.model.spec import Boot, Scenario
from sandbox.model.values import BadValue, Whole
from sandbox.policies import choice
from sandbox.policies.choice import Contender
from sandbox.render.output import data, say_document, say_later
from sandbox.render.progress import Progress
from sandbox.render.stderr import complain
from sandbox.render.tables import chart_width, print_lines
from sandbox.views.history import History


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("scenario", help=_(run_options.SCENARIO))
    parser.add_argument(
        "--policies",
        "--policy",
        action="append",
        metavar="LIST",
        help=_("the policies to compare: fcfs,rr:quantum=20ms,mine.py:Mine (default: all that make sense)"),
    )
    run_options.add(parser)
    run_options.add_limit(parser)
    parser.add_argument(
        "--repeat", metavar="N", help=_("the number of runs of each, in virtual time with a different seed each time")
    )
    machine = parser.add_mutually_exclusive_group()
    machine.add_argument("--real", action="store_true", help=_("on real processes"))
    machine.add_argument(
        "--against-real",
        action="store_true",
        help=_("in virtual time and on real processes, with the differences"),
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help=_("only the result documents of all runs, as a JSON list"))
    form.add_argument("--csv", action="store_true", help=_("only the figures, a row for each run"))
    parser.set_defaults(policy=None)


class CompareOptions(NamedTuple):
    """The arguments of the command. ``policies``: who takes part (None: all policies that make sense for the scenario);
    ``repeat``: how often each runs."""

    run: RunOptions
    policies: str | None
    repeat: int
    virtual: bool
    real: bool

    @classmethod
    def of(cls, args: argparse.Namespace) -> CompareOptions:
        """Read the arguments. Raises one BadInput for all that is wrong."""
        given = Given(args)
        run, repeat = RunOptions.read(given), given.value("repeat", Whole(1, MAX_REPEATS))
        policies = None if args.policies is None else ",".join(args.policies)
        if given.wrong and policies is not None:
            try:
                choice.parse_list(policies)
            except BadValue as bad:
                given.add_bad_value("--policies", bad)
        given.check()
        return cls(run, policies, repeat or 1, virtual=not args.real, real=args.real or args.against_real)

    def contenders(self, scenario: Scenario) -> list[Contender]:
        """Return the policies that take part. Raises BadInput."""
        if self.policies is None:
            return choice.sensible(scenario)
        try:
            return choice.parse_list(self.policies, scenario)
        except BadValue as bad:
            raise BadInput(_("options"), problems_of(bad, "--policies")) from None


def do(args: argparse.Namespace) -> int:
    """Compare."""
    options = CompareOptions.of(args)
    boot, options = _prepared(options)
    if options.virtual and options.real:
        _check_synthetic(options.run.scenario, boot.scenario)
    todo = [*plans(boot.scenario, options.contenders(boot.scenario), options.repeat, options.virtual, options.real)]
    maker = Maker(boot, todo, options.run.strict, slices=args.json)
    with maker.interruption:
        runs, status = maker.make()
        if status > FAILED:  # interrupted, perhaps by several signals at once: show what there is
            _show(runs, args)
            return status
    _show(runs, args)
    return status


def _show(runs: Sequence[Run], args: argparse.Namespace) -> None:
    if args.json:
        say_document(report.documents(runs))
    elif args.csv:
        with data() as file:
            csv.writer(file, lineterminator="\n").writerows(report.figures(runs))
    else:
        print_lines(report.lines(runs, chart_width()))


def _prepared(options: CompareOptions) -> tuple[Boot, CompareOptions]:
    """Read the scenario. A stepped one runs on real processes, and only its turns can be compared."""
    try:
        boot = prepare(options.run, options.real)
    except BadInput as bad:
        if [problem.what.rule for problem in bad.problems] != [LINES_ARE_REAL]:
            raise
        options = options._replace(virtual=False, real=True)
        boot = prepare(options.run, True)
    if boot.scenario.machine.stepped:
        complain(_("the length of a line is not a time, so turns are compared instead of times"))
    return boot, options


def _check_synthetic(name: str, scenario: Scenario) -> None:
    problems = [
        Problem(0, f"process {process.name}", Clause("not synthetic", {"value": process.runs}))
        for process in scenario.processes
        if process.work is None
    ]
    if problems:
        raise BadInput(name, problems)


# Running


class Made(NamedTuple):
    """The result of a run, possibly of another process. ``ended``: as returned by ``drive_virtual``; ``printed``,
    ``said``: its output on stdout and stderr, if that was captured."""

    history: History
    failed: bool
    ended: int
    status: int
    printed: str = ""
    said: str = ""

    @property
    def is_last(self) -> bool:
        """Whether the run was interrupted, so that no more are made."""
        return self.ended > FAILED


class LabelledRun(RunObserver):
    """A run whose faults are printed with the policy's name."""

    def __init__(self, label: str, interruption: Interruption, history: History) -> None:
        super().__init__(interruption, history=history)
        self._label = label

    def complain(self, said: str) -> None:
        complain(_("{policy}: {fault}").format(policy=self._label, fault=said))


class Maker:
    """Makes the runs: on real processes one after another, in virtual time as many at once as there are CPUs.
    ``slices``: whether to keep all slices, for documents."""

    def __init__(self, boot: Boot, todo: Sequence[Plan], strict: bool, slices: bool) -> None:
        self._boot, self._todo, self._strict = boot, todo, strict
        self._slices = slices or any(plan.real for plan in todo)
        self._progress = Progress(len(todo))
        self.interruption = Interruption()

    def make(self) -> tuple[list[Run], int]:
        """Make the runs, and return them with the exit status. After an interruption the last ones are cut short."""
        runs: list[Run] = []
        status = DONE
        jobs = 1 if any(plan.real for plan in self._todo) else min(cpus(), len(self._todo))
        with self.interruption:
            made = self._one_by_one() if jobs == 1 else self._side_by_side(jobs)
            try:
                for plan, each in made:
                    if each.history.booted is not None:
                        runs.append(Run(plan, each.history, each.failed))
                    status = max(status, each.status, FAILED if each.failed else DONE)
            except Interrupted as interrupted:
                status = interrupted.status
        self._progress.end()
        return runs, status

    def _one_by_one(self) -> Iterator[tuple[Plan, Made]]:
        for plan in self._todo:
            self._tell(plan)
            made = self._made(plan)
            yield plan, made
            if made.is_last:
                return

    def _side_by_side(self, jobs: int) -> Iterator[tuple[Plan, Made]]:
        """Make each run in a copy of this process. The output is printed in the order of the runs."""
        todo = self._todo
        copies = Copies(lambda number: self._recorded(todo[number]), len(todo), jobs, lambda made: made.is_last)
        try:
            results = copies.results(self.interruption.select)
            for plan in todo:
                self._tell(plan)
                if (result := next(results, None)) is None:
                    break
                made = result[1]
                say_later(made.printed, made.said)
                yield plan, made
        except Interrupted:
            copies.stop()
            yield from ((todo[number], made) for number, made in copies.rest())
            raise
        finally:
            copies.end()

    def _recorded(self, plan: Plan) -> Made:
        with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as said:
            made = self._made(plan)
        return made._replace(printed=printed.getvalue(), said=said.getvalue())

    def _made(self, plan: Plan) -> Made:
        run = LabelledRun(plan.contender.label, self.interruption, History(keeps_slices=self._slices))
        if plan.real:
            boot = msgspec.structs.replace(self._boot, scenario=plan.scenario)
            ended = drive_real(boot, run, self._strict)
        else:
            with TIDYING.after_run():
                ended = drive_virtual(plan.scenario, run)
        return Made(run.history, run.failed, ended, run.status(ended))

    def _tell(self, plan: Plan) -> None:
        where = _("{policy} on real processes") if plan.real else _("{policy} in virtual time")
        self._progress.next(where.format(policy=plan.contender.label))
