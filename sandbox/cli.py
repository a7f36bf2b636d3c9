"""The commands."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sandbox import __version__
from sandbox.commands import Quit
from sandbox.events import Clause
from sandbox.kinds import Duration, Kind, Refused, Whole
from sandbox.scenario import BadScenario, Problem, built_in, find, load
from sandbox.spec import At, Scenario

if TYPE_CHECKING:
    from sandbox.headless import Output
    from sandbox.link import KernelProcess

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

COMMANDS = ("run", "simulate", "check", "scenarios", "policies", "doctor")


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point; returns the exit status."""
    _open_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(words).parse_args(words)
    try:
        status: int = options.do(options)
        sys.stdout.flush()
    except BadScenario as bad:
        from sandbox.report import print_problems

        print_problems(bad)
        return BAD_INPUT
    except OSError as error:
        from sandbox.report import abandon_stdout, complain

        abandon_stdout()
        if isinstance(error, BrokenPipeError):
            return DONE  # whoever read us has read enough
        complain(f"{error.strerror}{f': {error.filename}' if error.filename else ''}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _open_streams() -> None:
    """Standard streams that are closed lead nowhere from now on; else the next file or socket would be one of them."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser. A first word that is no command is a scenario for the app."""
    parser = argparse.ArgumentParser(
        prog="ossandbox",
        description="A mini operating system in your terminal: real processes, a scheduler you can swap.",
        epilog="ossandbox [SCENARIO] opens the app; without a scenario, the welcome one.",
    )
    parser.add_argument("--version", action="version", version=f"ossandbox {__version__}")
    first = next((word for word in words if not word.startswith("-")), None)
    if first in COMMANDS or words[:1] in (["-h"], ["--help"]):
        _add_commands(parser.add_subparsers(metavar="COMMAND", required=True))
    else:
        parser.add_argument("scenario", nargs="?", default="welcome", help="a built-in scenario's name, or a file")
        _add_run_options(parser)
        parser.set_defaults(do=_app)
    return parser


def _add_commands(commands: Any) -> None:
    run = commands.add_parser("run", help="run a scenario on real processes, without the app")
    run.set_defaults(do=_run)
    simulate = commands.add_parser("simulate", help="run a scenario exactly, in virtual time")
    simulate.set_defaults(do=_simulate)
    for command in (run, simulate):
        command.add_argument("scenario", help="a built-in scenario's name, or a file")
        _add_run_options(command)
        command.add_argument("--quiet", action="store_true", help="no line an event, only the result")
        command.add_argument("--json", action="store_true", help="only the result, as one JSON object")
        command.add_argument("--for", dest="limit", metavar="DURATION", help="end the run after so long")
    check = commands.add_parser("check", help="check scenario files, run nothing")
    check.add_argument("files", nargs="+", metavar="FILE")
    check.set_defaults(do=_check)
    for name, do, says in (
        ("scenarios", _scenarios, "list the built-in scenarios"),
        ("policies", _policies, "list the scheduling policies"),
        ("doctor", _doctor, "say what this machine can do, and what to do about what is missing"),
    ):
        command = commands.add_parser(name, help=says)
        command.add_argument("--json", action="store_true", help="as JSON")
        command.set_defaults(do=do)
        if name == "policies":
            command.add_argument("--rules", action="store_true", help="print the order of things at one instant")


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", metavar="NAME", help="schedule by this policy (see: ossandbox policies)")
    parser.add_argument("--quantum", metavar="DURATION", help="the length of a time slice, for example 20ms")
    parser.add_argument("--cpus", metavar="N", help="how many mini CPUs")
    parser.add_argument("--seed", metavar="N", help="seed of policies that draw lots")
    parser.add_argument("--strict", action="store_true", help="real runs: in a pid namespace of their own")
    parser.add_argument("--sensor", default="auto", metavar="NAME", help="how blocking is noticed: auto, poll, psutil")


# The commands


def _app(options: argparse.Namespace) -> int:
    import gc

    gc.disable()  # nothing that is made before the first frame is garbage; the app turns it on again
    from sandbox.tui.app import run_app
    from sandbox.tui.config import read_config
    from sandbox.tui.session import Session

    def start(scenario: Scenario) -> KernelProcess:
        from sandbox.link import KernelProcess  # once the first frame is out
        from sandbox.wire import Boot

        return KernelProcess(Boot(scenario, sensor=options.sensor, stay=True, attended=True), options.strict)

    scenario = _scenario(options, real=True)
    _check_strict(options)
    config = read_config()
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        from sandbox.report import complain

        complain("the app needs a terminal; ossandbox run and ossandbox simulate need none")
        return BAD_INPUT
    return run_app(Session(scenario, start), config)


def _run(options: argparse.Namespace) -> int:
    from sandbox.headless import run_real

    scenario = _scenario(options, real=True)
    _check_strict(options)
    return run_real(scenario, options.sensor, _output(options), options.strict)


def _simulate(options: argparse.Namespace) -> int:
    from sandbox.headless import run_virtual

    scenario = _scenario(options, real=False)
    problems = [
        Problem(0, f"process {process.name}", Clause("cannot be simulated", {"value": process.runs}))
        for process in scenario.processes
        if process.work is None and process.estimate_ns is None
    ]
    if problems:
        raise BadScenario(options.scenario, problems)
    return run_virtual(scenario, _output(options))


def _output(options: argparse.Namespace) -> Output:
    from sandbox.headless import Output

    return Output(options.quiet, options.json)


def _check(options: argparse.Namespace) -> int:
    from sandbox.report import print_problems

    status = DONE
    for file in options.files:
        try:
            load(file)
        except BadScenario as bad:
            print_problems(bad)
            status = BAD_INPUT
        else:
            print(f"{file}: ok")
    return status


def _scenarios(options: argparse.Namespace) -> int:
    from sandbox.report import print_table

    scenarios = [load(path) for path in built_in()]
    if options.json:
        print(json.dumps([{"name": scenario.name, "title": scenario.title} for scenario in scenarios]))
    else:
        print_table(["name", "title"], [[scenario.name, scenario.title] for scenario in scenarios], left={0, 1})
    return DONE


def _policies(options: argparse.Namespace) -> int:
    from sandbox import listings

    if options.rules:
        print(listings.rules())
    elif options.json:
        print(json.dumps(listings.policy_documents()))
    else:
        listings.print_policies()
    return DONE


def _doctor(options: argparse.Namespace) -> int:
    from sandbox import doctor

    findings = doctor.examine()
    if options.json:
        print(json.dumps([finding._asdict() for finding in findings]))
    else:
        doctor.print_findings(findings)
    return FAILED if any(finding.state == "fails" for finding in findings) else DONE


# Options


def _scenario(options: argparse.Namespace, real: bool) -> Scenario:
    """The scenario with the options applied. Raises BadScenario, for a bad option too."""
    problems: list[Problem] = []

    def option(name: str, kind: Kind[int]) -> int | None:
        text = getattr(options, name)
        if text is None:
            return None
        raw = int(text) if isinstance(kind, Whole) and text.lstrip("-").isdecimal() else text
        try:
            return kind.read(raw)
        except Refused as refused:
            problems.extend(Problem(0, f"--{name}", clause) for _, clause in refused.faults)
            return None

    cpus = option("cpus", Whole(1, 1024))
    quantum_ns = option("quantum", Duration("100us", "60s"))
    seed = option("seed", Whole(0, 2**53))
    if options.sensor not in (names := _sensors()):
        what = Clause("not one of the allowed words", {"value": options.sensor, "allowed": " | ".join(names)})
        problems.append(Problem(0, "--sensor", what))
    limit_ns = option("limit", Duration("1ms")) if hasattr(options, "limit") else None
    if problems:
        raise BadScenario("options", problems)
    scenario = load(find(options.scenario))
    machine = scenario.machine
    machine.cpus = cpus or machine.cpus
    machine.quantum_ns = quantum_ns or machine.quantum_ns
    machine.seed = machine.seed if seed is None else seed
    if limit_ns is not None:
        scenario.script.append(At(limit_ns, Quit()))
    _use_policy(options.policy, scenario)
    if real:
        _check_cpus(machine.cpus)
    return scenario


def _use_policy(name: str | None, scenario: Scenario) -> None:
    """Another policy than the scenario's, with its own default parameters."""
    from sandbox import policies

    if name is not None and name != scenario.machine.policy:
        if ":" in name and not os.path.isabs(name):
            name = os.path.abspath(name)
        scenario.machine.policy, scenario.machine.parameters = name, {}
    try:
        policies.build(scenario.machine, scenario.folder)
    except Refused as refused:
        raise BadScenario("options", [Problem(0, "--policy", clause) for _, clause in refused.faults]) from None


def _check_cpus(cpus: int) -> None:
    from sandbox.machines.linux.places import available

    if cpus > available():
        what = Clause("too many cpus", {"number": cpus, "allowed": available()})
        raise BadScenario("machine", [Problem(0, "cpus", what)])


def _check_strict(options: argparse.Namespace) -> None:
    if options.strict:
        from sandbox.link import can_be_strict

        if not can_be_strict():
            raise BadScenario("options", [Problem(0, "--strict", Clause("no pid namespace"))])


def _sensors() -> Sequence[str]:
    from sandbox.machines.linux.sensors import NAMES

    return NAMES
