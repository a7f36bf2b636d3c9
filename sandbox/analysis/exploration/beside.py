"""The worker that explores while a screen is shown: ``python -m sandbox.analysis.exploration.beside``.

It may be terminated at any time by SIGTERM. It then ends all processes that it has started, and their descendants.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal
import time
from contextlib import suppress
from typing import NoReturn

from sandbox.analysis.exploration import report
from sandbox.analysis.exploration.crew import CannotExplore, Lost, Workers
from sandbox.analysis.exploration.explore import Exploration, Limits
from sandbox.analysis.exploration.messages import Explored, ExploreTask, Tried, decode_task
from sandbox.i18n import LANGUAGES, use
from sandbox.link.worker import Tell, serve
from sandbox.model.values import BadValue

#: The nice value, because the kernel process and the screen take precedence.
_NICE = 10
#: The interval of reporting the progress.
_TELL_S = 0.2


def explore(task: ExploreTask, tell: Tell) -> None:
    """Search, and report the result. Raises BadValue if the scenario cannot be explored."""
    os.nice(_NICE)
    signal.signal(signal.SIGTERM, lambda *_: _leave())
    with suppress(OSError):
        os.sched_setaffinity(0, task.cpus)
    if task.language in LANGUAGES:
        use(task.language)
    told_s = 0.0

    def say() -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= _TELL_S:
            told_s = time.monotonic()
            search = exploration.search
            tell(Tried(search.runs, search.preemptions, search.found is not None))

    with Workers(task.scenario, len(task.cpus), task.cpus) as workers:
        exploration = Exploration(workers, Limits(seconds=task.seconds))
        try:
            exploration.explore(say)
        except CannotExplore as cannot:
            raise BadValue.all([("", cannot.what)]) from None
        except Lost as gone:
            raise BadValue("cannot be explored", reason=gone.words.strip()) from None
    findings = report.Findings(task.scenario, exploration)
    found = exploration.search.found
    lines = [*report.lines(findings, width=task.width)]
    tell(Explored(report.summary(findings), lines, [] if found is None else found.order))


def _leave() -> NoReturn:
    """Exit at once, after killing all descendants, since killed processes do not clean up."""
    from sandbox.machines.linux.process.sweep import end_descendants
    from sandbox.machines.linux.stepping import rooms

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_descendants()
    rooms.sweep()
    os._exit(0)


if __name__ == "__main__":
    serve(decode_task, explore, adopts=True)
