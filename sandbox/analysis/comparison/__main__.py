"""The worker that compares in virtual time: ``python -m sandbox.analysis.comparison``.

The app runs it in the background, and may end it at any time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from sandbox.analysis.comparison import report
from sandbox.analysis.comparison.graphs import graphs
from sandbox.analysis.comparison.messages import Compared, CompareTask, Running, decode_task
from sandbox.analysis.comparison.runs import Plan, Run, plans
from sandbox.analysis.tidying import TIDYING
from sandbox.i18n import LANGUAGES, use
from sandbox.link.copies import Copies, cpus
from sandbox.link.worker import Tell, serve
from sandbox.machines.simulate import simulate
from sandbox.model.events import Event, Fault
from sandbox.policies import choice
from sandbox.views.history import History

#: Niceness: the kernel process and the app have precedence.
_NICE = 10


def compare(task: CompareTask, tell: Tell) -> None:
    """Run the scenario under each policy, and send the results. Raises BadValue."""
    if sys.platform != "win32":
        os.nice(_NICE)
    if task.language in LANGUAGES:
        use(task.language)
    scenario, written = task.scenario, task.policies
    entries = choice.sensible(scenario) if written is None else choice.parse_list(written, scenario)
    todo = [*plans(scenario, entries, 1, virtual=True, real=False)]
    results, runs = _results(todo), []
    for number, plan in enumerate(todo, 1):
        tell(Running(plan.contender.label, number, len(todo)))
        runs.append(next(results))
    tell(Compared(report.lines(runs, task.width), graphs(runs, task.width)))


def _results(todo: Sequence[Plan]) -> Iterator[Run]:
    """Make the runs, several at once if this process may be forked."""
    if (jobs := cpus()) == 1:
        return map(_run, todo)
    copies = Copies(lambda index: _run(todo[index]), len(todo), jobs, lambda _: False)
    return (run for _number, run in copies.results())


def _run(plan: Plan) -> Run:
    history = History(keeps_slices=False)
    failures: list[Fault] = []

    def take(events: list[Event]) -> None:
        for event in events:
            history.add(event)
            if isinstance(event, Fault) and event.successor is not None:
                failures.append(event)

    with TIDYING.after_run():
        simulate(plan.scenario, take)
    return Run(plan, history, bool(failures))


if __name__ == "__main__":
    serve(decode_task, compare)
