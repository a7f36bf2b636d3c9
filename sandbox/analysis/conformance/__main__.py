"""The worker that examines policies: ``python -m sandbox.analysis.conformance``.

A policy's file may hang, print or end its process; in a worker that does no harm.
"""

from __future__ import annotations

import faulthandler

from sandbox.analysis.conformance.examination import examine
from sandbox.analysis.conformance.messages import Begun, ExamineTask, Judged, Trying, decode_task
from sandbox.analysis.conformance.trial import LIMIT_S, Candidate
from sandbox.analysis.conformance.workloads import worlds
from sandbox.link.worker import Tell, serve
from sandbox.model.values import BadValue
from sandbox.policies import choice
from sandbox.policies.host.loader import classes


def examine_all(task: ExamineTask, tell: Tell) -> None:
    """Examine every policy that is meant. Raises BadValue where there is none."""
    for candidate in _candidates(task.what):
        tell(Begun(candidate.name))
        generated = worlds(task.seed, task.worlds)
        for verdict in examine(candidate, task.like, generated, lambda number: tell(Trying(number))):
            tell(Judged(verdict))


def _candidates(what: str) -> list[Candidate]:
    """The policies that are meant. Raises BadValue."""
    faulthandler.dump_traceback_later(LIMIT_S, exit=True)  # a file may hang when it is loaded
    try:
        sources = [f"{what}:{name}" for name in classes(what)] if what.endswith(".py") else [what]
        found = [candidate for source in sources if (candidate := _candidate(source, what)) is not None]
    finally:
        faulthandler.cancel_dump_traceback_later()
    if not found:
        raise BadValue("no policy in the file", value=what)
    return found


def _candidate(source: str, what: str) -> Candidate | None:
    """The policy; None for a class of the file that is none, if all of the file was asked for."""
    try:
        return Candidate(*choice.parse(source))
    except BadValue as bad:
        if source != what and bad.what.rule == "not a policy":
            return None
        raise


if __name__ == "__main__":
    serve(decode_task, examine_all)
