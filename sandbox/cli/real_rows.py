"""Rows of a sweep on real processes. The runs are made one after another, because two would compete for the CPUs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from sandbox.analysis.sweep.messages import Row
from sandbox.analysis.sweep.plan import Plan
from sandbox.analysis.sweep.run import Failed, failure, line, scenario_of
from sandbox.cli.exits import FAILED, Interrupted, Interruption
from sandbox.cli.headless import RunObserver, drive_real
from sandbox.cli.run_options import RunOptions, check_real
from sandbox.model.clause import Clause
from sandbox.model.commands import Quit
from sandbox.model.problems import BadInput
from sandbox.model.spec import At, Boot, Scenario
from sandbox.util.units import S

MACHINE = "linux"


def real_rows(plan: Plan, missing: Iterable[Row], interruption: Interruption) -> Iterator[bytes]:
    """Make the runs of these rows, and yield a line for each. Raises Interrupted."""
    for row in missing:
        alone = plan.chunk([row])
        scenario = scenario_of(alone, alone.rows[0])
        try:
            run = _made(scenario, plan.limit_s, interruption)
            yield line(alone, alone.rows[0], scenario, run.history)
        except Failed as failed:
            yield failure(alone, alone.rows[0], failed.what, MACHINE)


class _Silent(RunObserver):
    """A run whose faults are kept for its row instead of being printed."""

    def __init__(self, interruption: Interruption) -> None:
        super().__init__(interruption)
        self.said: list[str] = []

    def complain(self, said: str) -> None:
        self.said.append(said)


def _made(scenario: Scenario, limit_s: float, interruption: Interruption) -> RunObserver:
    """Make a run. Raises Failed and Interrupted."""
    try:
        check_real(RunOptions.plain(scenario.name), scenario, has_sensor=False)
    except BadInput as bad:
        raise Failed(bad.problems[0].what) from None
    script = sorted([*scenario.script, At(round(limit_s * S), Quit())], key=lambda at: at.time_ns)
    run = _Silent(interruption)
    status = drive_real(Boot(msgspec.structs.replace(scenario, script=script)), run)
    if status > FAILED:
        raise Interrupted(status)
    if run.history.booted is None or run.failed or (status == FAILED and run.said):
        raise Failed(Clause("sentence", {"text": run.said[-1]}) if run.said else Clause("run did not begin"))
    return run
