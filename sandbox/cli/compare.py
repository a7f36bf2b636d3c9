"""``ossandbox compare``: several policies over one scenario, in virtual time, on real processes, or one against the
other."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from sandbox.analysis.comparison import report
from sandbox.analysis.comparison.runs import MAX_REPEATS, Plan, Run, plans
from sandbox.cli import run_options
from sandbox.cli.exits import DONE, FAILED, Interrupted, Interruption
from sandbox.cli.headless import RunObserver, drive_real, drive_virtual
from sandbox.cli.run_options import Given, RunOptions, prepare
from sandbox.i18n import _
from sandbox.model.events import Clause
from sandbox.model.problems import BadInput, Problem, problems_of
from sandbox.model.spec import Boot, Scenario
from sandbox.model.values import BadValue, Whole
from sandbox.policies import choice
from sandbox.policies.choice import Contender
from sandbox.render.output import data, say_document
from sandbox.render.progress import Progress
from sandbox.render.stderr import complain
from sandbox.render.tables import chart_width, print_lines


def arguments(parser: argparse.ArgumentParser) -> None:
    """What a comparison takes."""
    parser.add_argument("scenario", help=_(run_options.SCENARIO))
    parser.add_argument(
        "--policies",
        "--policy",
        action="append",
        metavar="LIST",
        help=_("who takes part: fcfs,rr:quantum=20ms,mine.py:Mine (default: all policies that make sense)"),
    )
    run_options.add(parser)
    run_options.add_limit(parser)
    parser.add_argument("--repeat", metavar="N", help=_("run each so often, virtual runs with another seed each time"))
    machine = parser.add_mutually_exclusive_group()
    machine.add_argument("--real", action="store_true", help=_("on real processes"))
    machine.add_argument(
        "--against-real",
        action="store_true",
        help=_("in virtual time and on real processes, and how far apart they are"),
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help=_("only the result documents of all runs, as a JSON list"))
    form.add_argument("--csv", action="store_true", help=_("only the figures, a row a run"))
    parser.set_defaults(policy=None)


class CompareOptions(NamedTuple):
    """What was asked for. ``policies``: who takes part (None: all policies that make sense for the scenario);
    ``repeat``: how often each runs."""

    run: RunOptions
    policies: str | None
    repeat: int
    virtual: bool
    real: bool

    @classmethod
    def of(cls, args: argparse.Namespace) -> CompareOptions:
        """Raises BadInput with everything that is wrong."""
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
        """Who takes part. Raises BadInput."""
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
    runs, status = _make(boot, todo, options.run.strict)
    if args.json:
        say_document(report.documents(runs))
    elif args.csv:
        with data() as file:
            csv.writer(file, lineterminator="\n").writerows(report.figures(runs))
    else:
        print_lines(report.lines(runs, chart_width()))
    return status


def _prepared(options: CompareOptions) -> tuple[Boot, CompareOptions]:
    """What is to be run, and how. Where a turn is a line of a program there is nothing to compare but turns, on real
    processes."""
    try:
        boot = prepare(options.run, options.real)
    except BadInput as bad:
        if [problem.what.rule for problem in bad.problems] != ["lines are real"]:
            raise
        options = options._replace(virtual=False, real=True)
        boot = prepare(options.run, True)
    if boot.scenario.machine.stepped:
        complain(_("a line takes as long as it takes, so there are no times to compare; turns are: 1 ms is one turn"))
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


class LabelledRun(RunObserver):
    """A run whose faults are told with the policy's name."""

    def __init__(self, label: str, interruption: Interruption) -> None:
        super().__init__(interruption)
        self._label = label

    def complain(self, said: str) -> None:
        complain(_("{policy}: {fault}").format(policy=self._label, fault=said))


def _make(boot: Boot, todo: Sequence[Plan], strict: bool) -> tuple[list[Run], int]:
    """Make the runs, and the exit status. If somebody interrupts: those that there are, the last one cut short."""
    runs: list[Run] = []
    status = DONE
    progress = Progress(len(todo))
    interruption = Interruption()
    with interruption:
        try:
            for plan in todo:
                where = _("{policy} on real processes") if plan.real else _("{policy} in virtual time")
                progress.next(where.format(policy=plan.contender.label))
                run = LabelledRun(plan.contender.label, interruption)
                ended = _drive(boot, plan, run, strict)
                if run.history.booted is not None:
                    runs.append(Run(plan, run.history, run.failed))
                status = max(status, run.status(ended), FAILED if run.failed else DONE)
                if ended > FAILED:  # somebody wants us to end
                    break
        except Interrupted as interrupted:
            status = interrupted.status
    progress.end()
    return runs, status


def _drive(boot: Boot, plan: Plan, run: LabelledRun, strict: bool) -> int:
    if plan.real:
        return drive_real(msgspec.structs.replace(boot, scenario=plan.scenario), run, strict)
    return drive_virtual(plan.scenario, run)
