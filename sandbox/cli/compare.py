"""``ossandbox compare``: several policies over one scenario, in virtual time, on real processes, or one against the
other."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence

from sandbox.analysis.comparison import report
from sandbox.analysis.comparison.runs import Plan, Run, plans
from sandbox.cli import run_options as shared
from sandbox.cli.exits import DONE, FAILED
from sandbox.cli.headless import Record, drive_real, drive_virtual
from sandbox.cli.interrupts import Interrupted, Interruption
from sandbox.i18n import _
from sandbox.model.events import Clause
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue, Whole
from sandbox.policies import choice as contenders
from sandbox.policies.choice import Contender
from sandbox.render.progress import Progress
from sandbox.render.stderr import complain
from sandbox.render.tables import chart_width, print_lines
from sandbox.scenario import BadInput, Problem

_MAX_REPEATS = 1_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """What a comparison takes."""
    parser.add_argument("scenario", help=_(shared.SCENARIO))
    parser.add_argument(
        "--policies",
        "--policy",
        action="append",
        metavar="LIST",
        help=_("who takes part: fcfs,rr:quantum=20ms,mine.py:Mine (default: all policies that make sense)"),
    )
    shared.add(parser)
    shared.add_limit(parser)
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


def do(options: argparse.Namespace) -> int:
    """Compare."""
    real, virtual = options.real or options.against_real, not options.real
    scenario = shared.scenario(options, real)
    if options.against_real:
        _check_synthetic(options.scenario, scenario)
    repeat, entries = _entries(options, scenario)
    runs, status = _make([*plans(scenario, entries, repeat, virtual, real)], options)
    if options.json:
        print(json.dumps(report.documents(runs)))
    elif options.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(report.figures(runs))
    else:
        print_lines(report.lines(runs, chart_width()))
    return status


def _entries(options: argparse.Namespace, scenario: Scenario) -> tuple[int, list[Contender]]:
    """How often to run each, and who takes part."""
    problems: list[Problem] = []
    repeat = shared.read(options, "repeat", Whole(1, _MAX_REPEATS), problems)
    found: list[Contender] = []
    if options.policies is None:
        found = contenders.sensible(scenario)
    else:
        try:
            found = contenders.parse_list(",".join(options.policies))
        except BadValue as bad:
            problems += shared.faults("--policies", bad)
    if problems:
        raise BadInput(_("options"), problems)
    return repeat or 1, found


def _check_synthetic(name: str, scenario: Scenario) -> None:
    problems = [
        Problem(0, f"process {process.name}", Clause("not synthetic", {"value": process.runs}))
        for process in scenario.processes
        if process.work is None
    ]
    if problems:
        raise BadInput(name, problems)


# Running


class Heard(Record):
    """A run whose faults are told with the policy's name."""

    def __init__(self, label: str, interruption: Interruption) -> None:
        super().__init__(interruption)
        self._label = label

    def complain(self, said: str) -> None:
        complain(_("{policy}: {fault}").format(policy=self._label, fault=said))


def _make(plans: Sequence[Plan], options: argparse.Namespace) -> tuple[list[Run], int]:
    """Make the runs, and the exit status. If somebody interrupts: those that there are, the last one cut short."""
    runs: list[Run] = []
    status = DONE
    progress = Progress(len(plans))
    interruption = Interruption()
    with interruption:
        try:
            for plan in plans:
                where = _("{policy} on real processes") if plan.real else _("{policy} in virtual time")
                progress.next(where.format(policy=plan.contender.label))
                record = Heard(plan.contender.label, interruption)
                if plan.real:
                    ended = drive_real(shared.boot(options, plan.scenario), record, options.strict)
                else:
                    ended = drive_virtual(plan.scenario, record)
                if record.history.booted is not None:
                    runs.append(Run(plan, record.history, record.failed))
                status = max(status, ended, FAILED if record.stuck or record.failed else DONE)
                if ended > FAILED:  # somebody wants us to end
                    break
        except Interrupted as interrupted:
            status = interrupted.status
    progress.end()
    return runs, status
