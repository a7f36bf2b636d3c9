"""The process that examines policies: ``python -m sandbox.analysis.conformance``, which ``apart`` starts.

Somebody's own file may hang, print or end the process; here it can do so without harm.
"""

from __future__ import annotations

import faulthandler
import sys

from sandbox.analysis.conformance.examination import examine
from sandbox.analysis.conformance.messages import Begun, Judged, Trying, decode_request
from sandbox.analysis.conformance.trial import LIMIT_S, Candidate
from sandbox.analysis.conformance.workloads import worlds
from sandbox.link import worker as errand
from sandbox.model.values import BadValue
from sandbox.policies import choice as contenders
from sandbox.policies.host.loader import classes


def main() -> None:
    """Examine what the first line of the standard input asks for."""
    tell = errand.begin()
    request = decode_request(sys.stdin.buffer.readline())
    try:
        candidates = _candidates(request.what)
    except BadValue as bad:
        tell(errand.Refusal(bad.faults))
        return
    for candidate in candidates:
        tell(Begun(candidate.name))
        generated = worlds(request.seed, request.worlds)
        for verdict in examine(candidate, request.like, generated, lambda number: tell(Trying(number))):
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
        return Candidate(*contenders.parse(source))
    except BadValue as bad:
        if source != what and bad.what.rule == "not a policy":
            return None
        raise


if __name__ == "__main__":
    main()
