"""``ossandbox check``: every fault of a scenario file, and whether a policy keeps the laws of scheduling."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any, NamedTuple

from sandbox import policies, wording
from sandbox.analysis.conformance import report as story
from sandbox.analysis.conformance.apart import examine_apart
from sandbox.analysis.conformance.junit import Case, Suite, junit
from sandbox.analysis.conformance.messages import Request
from sandbox.analysis.conformance.trial import Candidate
from sandbox.cli import run_options as shared
from sandbox.cli.exits import BAD_INPUT, DONE, FAILED
from sandbox.i18n import _, english
from sandbox.model.events import Clause
from sandbox.model.values import BadValue, Whole
from sandbox.policies import choice as contenders
from sandbox.render.stderr import print_problems, problem_lines
from sandbox.render.tables import chart_width, print_lines
from sandbox.scenario import BadInput, Problem, find, load

WORLDS, SEED = 500, 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """What a check takes."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help=_("a scenario, or a policy: mine.py (all that are in it), mine.py:Mine, mlfq:boost=1s"),
    )
    parser.add_argument("--like", metavar="POLICY", help=_("show where a policy first decides otherwise than this one"))
    parser.add_argument(
        "--worlds", metavar="N", help=_("try so many random workloads instead of {number}").format(number=WORLDS)
    )
    parser.add_argument("--seed", metavar="N", help=_("draw them from another seed than {number}").format(number=SEED))
    parser.add_argument("--json", action="store_true", help=_("only the findings, as a JSON list"))
    parser.add_argument("--junit", metavar="FILE", help=_("write the findings as JUnit XML, too"))


class Finding(NamedTuple):
    """What came of one file, for the exit status, for JSON and for JUnit."""

    status: int
    documents: list[dict[str, Any]]
    suites: list[Suite]


class Asked(NamedTuple):
    """What the options ask for."""

    like: Candidate | None
    worlds: int
    seed: int
    silent: bool


def do(options: argparse.Namespace) -> int:
    """Check each file."""
    asked = _asked(options)
    findings = [_policy(what, asked) if _is_policy(what) else _scenario(what, asked) for what in options.files]
    if options.json:
        print(json.dumps([document for finding in findings for document in finding.documents]))
    if options.junit is not None:
        _write_junit(options.junit, [suite for finding in findings for suite in finding.suites])
    return max(finding.status for finding in findings)


def _asked(options: argparse.Namespace) -> Asked:
    """Raises BadInput with everything that is wrong with the options."""
    problems: list[Problem] = []
    worlds = shared.read(options, "worlds", Whole(1, 100_000), problems) or WORLDS
    seed = shared.read(options, "seed", Whole(0, 2**53), problems)
    like: Candidate | None = None
    if options.like is not None:
        try:
            like = Candidate(*contenders.parse(options.like))
        except BadValue as bad:
            problems += shared.faults("--like", bad)
    if problems:
        raise BadInput(_("options"), problems)
    return Asked(like, worlds, SEED if seed is None else seed, options.json)


def _is_policy(what: str) -> bool:
    """Whether it is a Python file, a class in one, or a policy's name; all else is a scenario."""
    name = what.partition(":")[0]
    return name.endswith(".py") or name in policies.names()


def _policy(what: str, asked: Asked) -> Finding:
    """Every policy that is meant, examined."""
    began = time.monotonic()
    try:
        reports = examine_apart(Request(what, asked.like, asked.seed, asked.worlds))
    except BadValue as value:
        bad = BadInput(what, shared.faults("", value))
        if not asked.silent:
            print_problems(bad)
        return _refused("policy", bad)
    seconds = (time.monotonic() - began) / len(reports)
    if not asked.silent:
        for report in reports:
            print_lines(story.lines(report, chart_width()))
    with english():
        documents = [{"file": what, "kind": "policy", **story.document(report)} for report in reports]
    suites = [story.suite(report, seconds) for report in reports]
    return Finding(DONE if all(report.passed for report in reports) else FAILED, documents, suites)


def _scenario(what: str, asked: Asked) -> Finding:
    """A scenario, read."""
    try:
        load(find(what))
    except BadInput as bad:
        if not asked.silent:
            print_problems(bad)
        return _refused("scenario", bad)
    if not asked.silent:
        print(_("{file}: ok").format(file=what))
    document = {"file": what, "kind": "scenario", "passed": True, "problems": []}
    return Finding(DONE, [document], [Suite(what, [Case("valid", "passed")], 0.0)])


def _refused(kind: str, bad: BadInput) -> Finding:
    """A file that cannot be used at all."""
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


def _write_junit(path: str, suites: list[Suite]) -> None:
    try:
        with open(path, "wb") as file:
            file.write(junit(suites))
    except OSError as error:
        what = Clause("cannot be written", {"reason": error.strerror})
        raise BadInput(path, [Problem(0, "", what)]) from None
