"""The process that compares in virtual time: ``python -m sandbox.analysis.comparison``, which ``apart`` starts.

A screen that waits for it goes on meanwhile, and may end it at any time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from sandbox.analysis.comparison import report
from sandbox.analysis.comparison.messages import Compared, Request, Running, decode_request
from sandbox.analysis.comparison.runs import Plan, Run, plans
from sandbox.i18n import LANGUAGES, use
from sandbox.link import worker as errand
from sandbox.machines.simulate import simulate
from sandbox.model.events import Event, Fault
from sandbox.model.values import BadValue
from sandbox.policies import choice as contenders
from sandbox.views.history import History

#: Whoever schedules, and whoever looks at it, comes first.
_NICE = 10


def main() -> None:
    """Compare what the standard input asks for."""
    os.nice(_NICE)
    tell = errand.begin()
    request = decode_request(sys.stdin.buffer.readline())
    if request.language in LANGUAGES:
        use(request.language)
    try:
        runs = _runs(request, tell)
    except BadValue as bad:
        tell(errand.Refusal(bad.faults))
    else:
        tell(Compared(report.lines(runs, request.width)))


def _runs(request: Request, tell: Callable[[errand.Message], None]) -> list[Run]:
    scenario, written = request.scenario, request.policies
    entries = contenders.sensible(scenario) if written is None else contenders.parse_list(written)
    runs = []
    for number, plan in enumerate(made := [*plans(scenario, entries, 1, virtual=True, real=False)], 1):
        tell(Running(plan.contender.label, number, len(made)))
        runs.append(_run(plan))
    return runs


def _run(plan: Plan) -> Run:
    history = History()
    failures: list[Fault] = []

    def take(events: list[Event]) -> None:
        for event in events:
            history.add(event)
            if isinstance(event, Fault) and event.successor is not None:
                failures.append(event)

    simulate(plan.scenario, take)
    return Run(plan, history, bool(failures))


if __name__ == "__main__":
    main()
