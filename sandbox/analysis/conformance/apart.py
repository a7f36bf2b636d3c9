"""An examination in a process of its own: whatever somebody's policy does there, here it becomes a report."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable

from sandbox.analysis.conformance.messages import AnyMessage, Begun, Judged, Request, Trying, decode_message
from sandbox.analysis.conformance.trial import TOO_LONG
from sandbox.analysis.conformance.verdicts import LAWFUL, LAWS, Example, Report, Verdict, Violation, likeness
from sandbox.analysis.conformance.workloads import worlds
from sandbox.link.worker import Refusal, encode
from sandbox.model.events import Clause
from sandbox.model.values import BadValue
from sandbox.policies.host.failures import hang
from sandbox.util.text import clean_line

#: So long may a whole examination take.
_PATIENCE_S = 300.0
_MAX_WORDS = 65_536


def examine_apart(request: Request) -> list[Report]:
    """A report on each policy that is asked for. Raises BadValue where there is none."""
    command = [sys.executable, "-P", "-X", "utf8", "-m", "sandbox.analysis.conformance"]
    with tempfile.TemporaryFile() as stderr:
        try:
            done = subprocess.run(
                command,
                input=encode(request) + b"\n",
                stdout=subprocess.PIPE,
                stderr=stderr,
                timeout=_PATIENCE_S,
                check=False,
            )
            out, ended = done.stdout, done.returncode == 0
        except subprocess.TimeoutExpired as late:
            out, ended = late.stdout or b"", False
        stderr.seek(max(stderr.seek(0, 2) - _MAX_WORDS, 0))
        words = stderr.read().decode(errors="replace")
    messages = [decode_message(line) for line in out.split(b"\n")[:-1]]  # the last one may have been cut off
    return _reports(request, messages, None if ended else _death(words))


def _reports(request: Request, messages: Iterable[AnyMessage], death: Clause | None) -> list[Report]:
    """What the process told, and what its death tells: the policy in hand ended it."""
    reports: list[Report] = []
    number = 0
    for message in messages:
        match message:
            case Refusal(faults):
                raise BadValue.all(faults)
            case Begun(policy):
                reports.append(Report(policy, request.seed, request.worlds, []))
            case Trying():
                number = message.world
            case Judged(verdict):
                reports[-1].verdicts.append(verdict)
    if death is not None:
        if not reports:
            raise BadValue.all([("", death)])
        example = Example(worlds(request.seed, request.worlds)[number], Violation(death, 0), [])
        reports[-1].verdicts = [verdict for verdict in reports[-1].verdicts if verdict.law != LAWFUL]
        reports[-1].verdicts.append(Verdict(LAWFUL, "broken", example))
    for report in reports:
        _complete(report, request)
    return reports


def _complete(report: Report, request: Request) -> None:
    """A verdict on every law, in the order of the laws."""
    laws = [*LAWS, likeness(request.like.name)] if request.like else [*LAWS]
    known = {verdict.law: verdict for verdict in report.verdicts}
    report.verdicts = [known.get(law, Verdict(law, "unjudged")) for law in laws]


def _death(words: str) -> Clause:
    """Why the process ended, from its last words: a dump of where it hung, or whatever it said."""
    figures = hang(words)
    if figures is not None:
        return Clause(TOO_LONG, figures)
    lines = words.strip().splitlines()
    return Clause("ends the process", {"reason": clean_line(lines[-1]) if lines else None})
