"""The options that commands share, and the scenario that they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from sandbox.i18n import N_, _
from sandbox.model.commands import Quit
from sandbox.model.events import Clause
from sandbox.model.spec import SERVERS, At, Scenario
from sandbox.model.values import Duration, Kind, Refused, Whole
from sandbox.scenario import BadScenario, Problem, find, load

if TYPE_CHECKING:
    from sandbox.model.spec import Boot
    from sandbox.trace.load import Recording
    from sandbox.trace.record import Recorder

T = TypeVar("T")

SCENARIO = N_("a built-in scenario's name, or a file")


def add_policy(parser: argparse.ArgumentParser) -> None:
    """Declare the policy of a single run."""
    parser.add_argument("--policy", metavar="NAME", help=_("schedule by this one: rr, rr:quantum=20ms, mine.py:Mine"))


def add(parser: argparse.ArgumentParser) -> None:
    """Declare what every command takes that runs a scenario."""
    parser.add_argument("--quantum", metavar="DURATION", help=_("the length of a time slice, for example 20ms"))
    parser.add_argument("--cpus", metavar="N", help=_("how many mini CPUs"))
    parser.add_argument("--seed", metavar="N", help=_("seed of policies that draw lots"))
    parser.add_argument("--strict", action="store_true", help=_("real runs: in a pid namespace of their own"))
    parser.add_argument("--expose", action="store_true", help=_("real runs: servers may listen to other machines, too"))
    parser.add_argument("--sensor", default="auto", metavar="NAME", help=_("how blocking is noticed (see: doctor)"))
    recipes = ("auto", "overlapped", "sequential")
    parser.add_argument("--recipe", default="auto", choices=recipes, help=_("how one process is switched for another"))


def add_recording(parser: argparse.ArgumentParser) -> None:
    """Declare the file in which a run is kept."""
    parser.add_argument(
        "--record", metavar="FILE", help=_("keep every event in this file (see: replay, export, whatif)")
    )
    parser.add_argument("--force", action="store_true", help=_("overwrite the file that --record names"))


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Declare the end that a run without the app may be given."""
    parser.add_argument("--for", metavar="DURATION", help=_("end the run after so long"))


def scenario(options: argparse.Namespace, real: bool) -> Scenario:
    """The scenario with the options applied, fit to be run on real processes or in virtual time. Raises BadScenario,
    for a bad option too."""
    problems: list[Problem] = []

    cpus = read(options, "cpus", Whole(1, 1024), problems)
    quantum_ns = read(options, "quantum", Duration("100us", "60s"), problems)
    seed = read(options, "seed", Whole(0, 2**53), problems)
    if options.sensor not in (names := _sensors()):
        what = Clause("not one of the allowed words", {"value": options.sensor, "allowed": " | ".join(names)})
        problems.append(Problem(0, "--sensor", what))
    limit_ns = read(options, "for", Duration("1ms"), problems) if hasattr(options, "for") else None
    if problems:
        raise BadScenario(_("options"), problems)
    scenario = load(find(options.scenario))
    machine = scenario.machine
    machine.cpus = cpus or machine.cpus
    machine.quantum_ns = quantum_ns or machine.quantum_ns
    machine.seed = machine.seed if seed is None else seed
    if limit_ns is not None:
        scenario.script.append(At(limit_ns, Quit()))
    scenario = _use_policy(options.policy, scenario)
    if real:
        _check_real(options, scenario)
    else:
        _check_virtual(options.scenario, scenario)
    return scenario


def read(options: argparse.Namespace, name: str, kind: Kind[T], problems: list[Problem]) -> T | None:
    """The value of an option; None where it is not given, or wrong, which is then among the problems."""
    text = getattr(options, name)
    if text is None:
        return None
    try:
        return kind.parse(text)
    except Refused as refused:
        problems += faults(f"--{name}", refused)
        return None


def faults(place: str, refused: Refused) -> list[Problem]:
    """What is wrong with an option, or with a part of it."""
    return [Problem(0, f"{place} {part}".strip(), clause) for part, clause in refused.faults]


def _use_policy(text: str | None, scenario: Scenario) -> Scenario:
    """The scenario under another policy than its own."""
    from sandbox import policies
    from sandbox.policies import choice as contenders
    from sandbox.util.timeout import ALARM

    try:
        if text is not None:
            scenario = contenders.parse(text).enter(scenario)
        policies.build(scenario.machine, scenario.folder, ALARM)
    except Refused as refused:
        raise BadScenario(_("options"), faults("--policy", refused)) from None
    return scenario


def _check_real(options: argparse.Namespace, scenario: Scenario) -> None:
    from sandbox.machines.linux.capabilities import lacks

    problems = [
        Problem(0, f"process {process.name}", what)
        for process in scenario.processes
        if process.program in SERVERS and (what := _unreachable(process.listen, options.expose)) is not None
    ]
    if problems:
        raise BadScenario(options.scenario, problems)
    lacking = lacks(scenario.machine.cpus)
    if lacking is not None:
        raise BadScenario(options.scenario, [Problem(0, *lacking)])
    if options.sensor != "auto":
        from sandbox.machines.linux.blocking.sensors import obstacle

        reason = obstacle(options.sensor, scenario.machine.cpus)
        if reason is not None:
            what = Clause("no such sensor here", {"value": options.sensor, "reason": reason, "hint": "auto"})
            raise BadScenario(_("options"), [Problem(0, "--sensor", what)])
    if options.strict:
        from sandbox.link.client import can_be_strict  # the first frame of the app does not wait for it

        if not can_be_strict():
            raise BadScenario(_("options"), [Problem(0, "--strict", Clause("no pid namespace"))])


def _unreachable(listen: str, exposed: bool) -> Clause | None:
    """What is wrong with an address to listen at: no interface of ours has it, or too many can reach it."""
    from sandbox.util.addresses import parse_address, resolve

    try:
        _, address = resolve(parse_address(listen))
    except OSError as error:
        return Clause("no such host", {"value": listen, "reason": error.strerror})
    return None if exposed or address.is_loopback else Clause("is exposed", {"at": listen})


def boot(options: argparse.Namespace, scenario: Scenario, **more: bool) -> Boot:
    """What the kernel process is told to run."""
    from sandbox.model.spec import Boot

    return Boot(scenario, options.sensor, options.recipe, exposed=options.expose, **more)


def recorder(options: argparse.Namespace, scenario: Scenario) -> Recorder | None:
    """What keeps the run, if it is to be kept. Raises BadScenario."""
    if options.record is None:
        return None
    from sandbox.trace.header import describe
    from sandbox.trace.record import Recorder

    try:
        return Recorder(options.record, describe(scenario, str(find(options.scenario))), options.force)
    except Refused as refused:
        raise BadScenario(options.record, faults("", refused)) from None


def recording(path: str) -> Recording:
    """A recording, its beginning read. Raises BadScenario."""
    from sandbox.trace.load import Recording

    try:
        return Recording(path)
    except Refused as refused:
        raise BadScenario(path, faults("", refused)) from None


def _check_virtual(name: str, scenario: Scenario) -> None:
    from sandbox.machines.simulate import obstacles  # not needed for real runs

    problems = obstacles(scenario)
    if problems:
        raise BadScenario(name, problems)


def _sensors() -> Sequence[str]:
    from sandbox.machines.linux.blocking.sensors import NAMES

    return NAMES
