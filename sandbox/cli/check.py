"""``ossandbox check``: every fault of a scenario file, and whether a policy keeps the laws of scheduling.

What examines policies is loaded for policies only.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox import policies, wording
from sandbox.analysis.conformance.junit import Case, Suite, junit
from sandbox.cli.exits import BAD_INPUT, DONE, FAILED
from sandbox.cli.run_options import SEED, Given, has_work
from sandbox.i18n import _, english
from sandbox.model.clause import Clause
from sandbox.model.problems import BadInput, Problem, problems_of
from sandbox.model.schemas import CHECK, stamped
from sandbox.model.values import BadValue, Duration, Whole
from sandbox.render.output import aside, say, say_document, write_output
from sandbox.render.stderr import print_problems, problem_lines
from sandbox.render.tables import chart_width, print_lines
from sandbox.scenario import find, load
from sandbox.util.stdin import NAME
from sandbox.util.text import clean_line

if TYPE_CHECKING:
    from sandbox.analysis.conformance.messages import ExamineTask
    from sandbox.analysis.conformance.run import Outcome

#: The default number of random workloads, and the seed from which they are drawn.
_WORLDS, _SEED = 500, 1
#: The suffixes of files that can be checked.
_SUFFIXES = (".py", ".toml")
#: The default time limit of the examination of one file.
_LIMIT = "30s"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help=_(
            "a scenario (-: from standard input), a policy (mine.py: all that are in it; mine.py:Mine; mlfq:boost=1s), "
            "or a folder of files"
        ),
    )
    parser.add_argument(
        "--like", metavar="POLICY", help=_("show where a policy first decides differently from this one")
    )
    parser.add_argument(
        "--worlds", metavar="N", help=_("the number of random workloads (default: {number})").format(number=_WORLDS)
    )
    parser.add_argument(
        "--seed", metavar="N", help=_("the seed of random workloads (default: {number})").format(number=_SEED)
    )
    parser.add_argument(
        "--limit",
        metavar="DURATION",
        help=_("the time limit of a policy's file (default: {time})").format(time=_LIMIT),
    )
    parser.add_argument("--json", action="store_true", help=_("only the findings, as a JSON list"))
    parser.add_argument("--junit", metavar="FILE", help=_("write the findings as JUnit XML, too"))


class Finding(NamedTuple):
    """The result of one file: the exit status, and documents for JSON and JUnit."""

    status: int
    documents: list[dict[str, Any]]
    suites: list[Suite]


class CheckOptions(NamedTuple):
    """The arguments of the command. ``silent``: nothing but JSON is printed."""

    like: str | None
    worlds: int
    seed: int
    limit_s: float
    silent: bool

    @classmethod
    def of(cls, args: argparse.Namespace) -> CheckOptions:
        """Read the arguments. Raises one BadInput for all that is wrong."""
        given = Given(args)
        worlds, seed = given.value("worlds", Whole(1, 100_000)), given.value("seed", SEED)
        limit_ns = given.value("limit", Duration("1s", "86400s")) or Duration().parse(_LIMIT)
        options = cls(args.like, worlds or _WORLDS, _SEED if seed is None else seed, limit_ns / 1e9, args.json)
        if args.like is not None:
            [(outcome, _seconds)] = _examined([options.task(args.like, like=None, worlds=0)])
            if isinstance(outcome, BadValue):
                given.add_bad_value("--like", outcome)
        given.check()
        return options

    def task(self, what: str, like: str | None, worlds: int) -> ExamineTask:
        """Return the task of examining a policy."""
        from sandbox.analysis.conformance.messages import ExamineTask

        return ExamineTask(what, like, self.seed, worlds, self.limit_s)


def do(args: argparse.Namespace) -> int:
    """Check each file."""
    options = CheckOptions.of(args)
    files = [*_files(args.files)]
    tasks = [options.task(what, options.like, options.worlds) for what in files if _is_policy(what)]
    outcomes = _examined(tasks)
    with aside(args.junit == NAME):
        findings = [
            _policy(what, options, *next(outcomes)) if _is_policy(what) else _scenario(what, options) for what in files
        ]
    if args.json:
        say_document(
            [
                stamped(CHECK, document, options.seed if document["kind"] == "policy" else None)
                for finding in findings
                for document in finding.documents
            ]
        )
    if args.junit is not None:
        write_output(args.junit, junit([suite for finding in findings for suite in finding.suites]))
    return max(finding.status for finding in findings)


def _files(named: Sequence[str]) -> Iterator[str]:
    """Yield the named files, and the files in named folders. Raises BadInput for a folder without any."""
    for what in named:
        if what.endswith(_SUFFIXES) or _is_policy(what) or not os.path.isdir(what):
            yield what
            continue
        try:
            names = sorted(name for name in os.listdir(what) if name.endswith(_SUFFIXES) and not name.startswith("."))
        except OSError as error:
            raise BadInput.because(what, "cannot be read", reason=error.strerror) from None
        if not names:
            raise BadInput.because(what, "nothing to check in it")
        yield from (os.path.join(what, name) for name in names)


def _is_policy(what: str) -> bool:
    """Whether it is a Python file, a class in one, or a policy's name. Anything else is a scenario."""
    name = what.partition(":")[0]
    return name.endswith(".py") or (not name.endswith(".toml") and name in policies.names())


def _examined(tasks: list[ExamineTask]) -> Iterator[tuple[Outcome, float]]:
    """Yield the outcome of each task, and how many seconds it has taken."""
    if not tasks:
        return iter(())
    from sandbox.analysis.conformance.run import run

    return run(tasks)


def _policy(what: str, options: CheckOptions, outcome: Outcome, seconds: float) -> Finding:
    """Report the outcome of a policy's file."""
    if isinstance(outcome, BadValue):
        bad = BadInput(what, problems_of(outcome))
        if not options.silent:
            print_problems(bad)
        return _unusable("policy", bad)
    from sandbox.analysis.conformance import report

    if not options.silent:
        for each in outcome:
            print_lines(report.lines(each, chart_width()))
    with english():
        documents = [{"file": what, "kind": "policy", **report.document(each)} for each in outcome]
    suites = [report.suite(each, seconds / len(outcome)) for each in outcome]
    return Finding(DONE if all(each.passed for each in outcome) else FAILED, documents, suites)


def _scenario(what: str, options: CheckOptions) -> Finding:
    """Read a scenario, and report its problems."""
    try:
        if what.endswith(_SUFFIXES) and os.path.exists(what) and not os.path.isfile(what):
            raise BadInput.because(what, "not a plain file", value=clean_line(os.path.basename(what)))
        try:
            scenario = load(find(what), runs=False)
        except (OSError, ValueError, RecursionError) as error:
            raise BadInput.because(what, "cannot be read", reason=clean_line(str(error))) from None
        if not has_work(scenario):
            raise BadInput.because(what, "nothing to run")
    except BadInput as bad:
        if what == NAME and bad.problems[0].what.rule == "is not TOML":
            bad = BadInput(what, [*bad.problems, Problem(0, "", Clause("standard input is a scenario"))])
        if not options.silent:
            print_problems(bad)
        return _unusable("scenario", bad)
    if not options.silent:
        say(_("{file}: ok").format(file=what))
    document = {"file": what, "kind": "scenario", "passed": True, "problems": []}
    return Finding(DONE, [document], [Suite(what, [Case("valid", "passed")], 0.0)])


def _unusable(kind: str, bad: BadInput) -> Finding:
    """Return the result of a file that cannot be used at all."""
    with english():
        problems = [
            {
                "line": problem.line,
                "place": problem.place,
                "rule": problem.what.rule,
                "figures": problem.what.figures,
                "says": wording.problem(problem.what),
            }
            for problem in bad.problems
        ]
    document = {"file": bad.file, "kind": kind, "passed": False, "problems": problems}
    said = [*problem_lines(bad)]
    case = Case("valid", "error", said[0], "\n".join(said))
    return Finding(BAD_INPUT, [document], [Suite(bad.file, [case], 0.0)])
