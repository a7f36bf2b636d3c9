"""``ossandbox sweep``: many runs, a row each, and who wins what beyond the noise."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from typing import NamedTuple

import msgspec

from sandbox import wording
from sandbox.analysis.sweep.executors import Cluster, Here, Unavailable, Workplace
from sandbox.analysis.sweep.file import Known, ResultFile
from sandbox.analysis.sweep.messages import Row
from sandbox.analysis.sweep.plan import Contest, Plan
from sandbox.analysis.sweep.stream import Stream
from sandbox.analysis.sweep.tally import Tally
from sandbox.cli import run_options
from sandbox.cli.exits import DONE, FAILED, Interrupted, Interruption
from sandbox.cli.real_rows import real_rows
from sandbox.cli.run_options import Given
from sandbox.i18n import _, ngettext
from sandbox.model.commands import Quit
from sandbox.model.problems import BadInput, problems_of
from sandbox.model.ranges import Wholes, wholes
from sandbox.model.spec import At, Scenario
from sandbox.model.values import BadValue, Duration, Whole
from sandbox.policies import choice
from sandbox.policies.choice import Contender
from sandbox.render.output import data, say_aside
from sandbox.render.progress import Pace
from sandbox.render.stderr import complain
from sandbox.render.tables import chart_width, print_lines
from sandbox.scenario import find, load
from sandbox.util.cpus import usable_cpus
from sandbox.util.stdin import NAME, open_bytes

#: The default time limit of a run.
_LIMIT = "60s"
#: How many kinds of failures are printed.
_MAX_FAILURES = 10


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("scenarios", nargs="+", metavar="SCENARIO", help=_(run_options.SCENARIO))
    parser.add_argument(
        "--policies",
        "--policy",
        action="append",
        metavar="LIST",
        help=_("the policies: 'rr:quantum=1ms..200ms*2,mlfq,mine.py:Mine' (default: all that make sense)"),
    )
    parser.add_argument("--seeds", "--seed", metavar="LIST", help=_("seeds: 1..20, or 1,2,5 (default: the scenario's)"))
    parser.add_argument("--cpus", metavar="LIST", help=_("mini CPUs: 1,2,4, or 1..16*2 (default: the scenario's)"))
    run_options.add_quantum(parser)
    run_options.add_limit(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", metavar="N", help=_("the number of concurrent runs (default: the number of CPUs)"))
    where.add_argument("--on", metavar="ADDRESS", help=_("run on the workers of this Dask scheduler: tcp://HOST:8786"))
    where.add_argument("--real", action="store_true", help=_("on real processes, one run after another"))
    parser.add_argument(
        "-o", "--output", metavar="FILE", help=_("write the rows to this file instead of standard output")
    )
    more = parser.add_mutually_exclusive_group()
    more.add_argument("--resume", action="store_true", help=_("continue the file of -o: make the missing runs"))
    more.add_argument("--force", action="store_true", help=_("overwrite the file of -o"))
    parser.add_argument(
        "--limit",
        metavar="DURATION",
        help=_("the time limit of a run (default: {time})").format(time=_LIMIT),
    )


class SweepOptions(NamedTuple):
    """The arguments of the command. ``for_ns``: each run ends after so long, in its own time; ``limit_s``: after so
    long it has failed."""

    scenarios: list[str]
    policies: str | None
    seeds: Wholes | None
    cpus: Wholes | None
    quantum_ns: int | None
    for_ns: int | None
    jobs: int
    on: str | None
    real: bool
    output: str | None
    resume: bool
    overwrite: bool
    limit_s: float

    @classmethod
    def of(cls, args: argparse.Namespace) -> SweepOptions:
        """Read the arguments. Raises one BadInput for all that is wrong."""
        given = Given(args)
        limit_ns = given.value("limit", Duration("10ms", "86400s")) or Duration().parse(_LIMIT)
        output = None if args.output == NAME else args.output
        if (args.resume or args.force) and output is None:
            given.add("--resume" if args.resume else "--force", "belongs to another option", hint="-o FILE")
        options = cls(
            scenarios=args.scenarios,
            policies=None if args.policies is None else ",".join(args.policies),
            seeds=_wholes(given, "seeds", Whole(0, 2**53)),
            cpus=_wholes(given, "cpus", Whole(1, 1024)),
            quantum_ns=given.value("quantum", run_options.QUANTUM),
            for_ns=given.value("for", Duration("1ms")),
            jobs=given.value("jobs", Whole(1, 1024)) or len(usable_cpus()),
            on=given.scheduler(),
            real=args.real,
            output=output,
            resume=args.resume,
            overwrite=args.force,
            limit_s=limit_ns / 1e9,
        )
        given.check()
        return options

    def contest(self, name: str) -> Contest:
        """Read a scenario, and return it with the policies that take part. Raises BadInput."""
        path = find(name)
        scenario = self._applied(load(path))
        if not run_options.has_work(scenario):
            raise BadInput.because(name, "nothing to run")
        if self.real and sys.platform != "linux":  # no row can be made
            run_options.check_real(run_options.RunOptions.plain(name), scenario, has_sensor=False)
        with open_bytes(path) as file:
            return Contest(scenario, file.read(), self._contenders(scenario))

    def _applied(self, scenario: Scenario) -> Scenario:
        machine = scenario.machine.with_quantum(self.quantum_ns)
        script = [*scenario.script, *([At(self.for_ns, Quit())] if self.for_ns is not None else [])]
        return msgspec.structs.replace(scenario, machine=machine, script=script)

    def _contenders(self, scenario: Scenario) -> list[Contender]:
        if self.policies is None:
            return choice.sensible(scenario)
        try:
            return choice.parse_list(self.policies, scenario)
        except BadValue as bad:
            raise BadInput(_("options"), problems_of(bad, "--policies")) from None


def _wholes(given: Given, name: str, kind: Whole) -> Wholes | None:
    text = getattr(given.args, name)
    if text is None:
        return None
    try:
        return wholes(text, kind)
    except BadValue as bad:
        given.add_bad_value(f"--{name}", bad)
        return None


def do(args: argparse.Namespace) -> int:
    """Sweep."""
    options = SweepOptions.of(args)
    plan = Plan(_contests(options), options.seeds, options.cpus, options.limit_s, options.real)
    try:
        place = _workplace(options)
    except Unavailable as unavailable:
        complain(wording.run_failed(unavailable.what))
        return FAILED
    try:
        if options.output is None:
            with data() as out:
                return _sweep(plan, place, None, lambda row: out.write(row.decode() + "\n"))
        file = ResultFile(options.output, options.resume, options.overwrite)
        return _sweep(plan, place, file, file.write)
    except BadValue as bad:
        raise BadInput(options.output or "", problems_of(bad)) from None
    finally:
        if place is not None:
            place.close()


def _workplace(options: SweepOptions) -> Workplace | None:
    """Return where virtual runs are made; None for real ones. Raises Unavailable, before a file is written."""
    if options.real:
        return None
    return Here(options.jobs) if options.on is None else Cluster(options.on)


def _contests(options: SweepOptions) -> Iterator[Contest]:
    """Read all scenarios, before anything runs. Raises BadInput."""
    yield from [options.contest(name) for name in options.scenarios]


def _sweep(plan: Plan, place: Workplace | None, file: ResultFile | None, write: Callable[[bytes], object]) -> int:
    """Make the missing runs, and print the summary of all. Returns the exit status."""
    known: Container[str] = file.known if file is not None else ()
    missing = (row for row in plan.rows() if row.key not in known)
    there = sum(row.key in known for row in plan.rows()) if file is not None and file.known else 0
    tally, progress = Tally(), Pace(len(plan) - there, _("{done} of {total} runs"))
    interruption = Interruption()
    with interruption:
        rows = _rows(plan, place, missing, interruption)
        status = _make(rows, interruption, write, tally if file is None else None, progress)
        if status > FAILED:  # interrupted, perhaps by several signals at once: summarise what there is
            return _finish(plan, file, tally, progress, status)
    return _finish(plan, file, tally, progress, status)


def _finish(plan: Plan, file: ResultFile | None, tally: Tally, progress: Pace, status: int) -> int:
    """Print the summary of all rows, including previous ones. Returns the exit status."""
    progress.end()
    if file is not None:
        for line in file.rows(Known(row.key for row in plan.rows()) if file.known else None):
            tally.add(line)
        file.close()
        if status != DONE:
            rows = ngettext("{number} row is in {file}", "{number} rows are in {file}", tally.rows)
            said = rows.format(number=tally.rows, file=file.path)
            complain(_("{said}; --resume makes the missing runs").format(said=said))
    return _conclude(tally, status, aside=file is None)


def _make(
    rows: Iterator[bytes],
    interruption: Interruption,
    write: Callable[[bytes], object],
    tally: Tally | None,
    progress: Pace,
) -> int:
    """Write the rows as they come, and add them to the tally. Returns the exit status."""
    try:
        for line in _waited_for(rows, interruption):
            write(line)
            if tally is not None:
                tally.add(line)
            progress.step()
    except Unavailable as unavailable:
        progress.end()
        complain(wording.run_failed(unavailable.what))
        return FAILED
    except Interrupted as interrupted:
        return interrupted.status
    return DONE


def _waited_for(rows: Iterator[bytes], interruption: Interruption) -> Iterator[bytes]:
    """Yield the rows. Signals may interrupt the wait for the next one."""
    while True:
        with interruption.while_waiting():
            row = next(rows, None)
        if row is None:
            return
        yield row


def _rows(plan: Plan, place: Workplace | None, missing: Iterable[Row], interruption: Interruption) -> Iterator[bytes]:
    """Yield a line for each missing row. Raises Unavailable."""
    return real_rows(plan, missing, interruption) if place is None else Stream(plan, place).rows(missing)


def _conclude(tally: Tally, status: int, aside: bool) -> int:
    """Print the winners and the failures, on standard error if ``aside``. Returns the exit status."""
    for says, number in [*tally.failures.items()][:_MAX_FAILURES]:
        runs = ngettext("{number} run failed: {why}", "{number} runs failed: {why}", number)
        complain(runs.format(number=number, why=says))
    lines = [*tally.lines(chart_width())]
    if aside:
        for line in lines:
            say_aside("".join(text for text, _tone in line))
    else:
        print_lines(lines)
    return status or (FAILED if tally.failures else DONE)
