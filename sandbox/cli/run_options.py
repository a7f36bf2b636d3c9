"""The options of commands that run a scenario: what is declared, what was asked for, and what comes of it.

The way is one: ``RunOptions.read`` turns the words into values, ``prepare`` reads the scenario and applies them, and
the ``Boot`` that it returns is all that a machine is told.
"""

from __future__ import annotations

import argparse
import re
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from sandbox.i18n import N_, _
from sandbox.model.clause import Clause, Figure
from sandbox.model.commands import Quit, Spawn
from sandbox.model.problems import BadInput, Problem, problems_of
from sandbox.model.spec import SENSORS, SERVERS, At, Boot, Scenario
from sandbox.model.values import BadValue, Duration, Kind, Whole, nearest, shown
from sandbox.scenario import find, load, recording_of

if TYPE_CHECKING:
    from sandbox.trace.record import Recorder

#: The range of ``--stretch``.
STRETCH = Whole(1, 1_000)

#: The address of a cluster's scheduler.
_ADDRESS = re.compile(r"[a-z]+://[^\s/]+:\d{1,5}")

T = TypeVar("T")


class Given:
    """Reads the values of options. Problems are collected, and raised together by ``check``."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self._problems: list[Problem] = []

    def value(self, name: str, kind: Kind[T]) -> T | None:
        """Return the value of ``--name``; None if it is not given, not an option of this command, or invalid."""
        text = getattr(self.args, name, None)
        if text is None:
            return None
        try:
            return kind.parse(text)
        except BadValue as bad:
            self.add_bad_value(f"--{name}", bad)
            return None

    def scheduler(self) -> str | None:
        """Return the address of ``--on``; None if it is not given."""
        address: str | None = self.args.on
        if address is not None and not _ADDRESS.fullmatch(address):
            self.add("--on", "not a scheduler", value=shown(address), hint='"tcp://127.0.0.1:8786"')
        return address

    def add(self, option: str, rule: str, **figures: Figure) -> None:
        """Add a problem of an option; ``""``: of all of them together."""
        self._problems.append(Problem(0, option, Clause(rule, figures)))

    def add_bad_value(self, option: str, bad: BadValue) -> None:
        self._problems += problems_of(bad, option)

    @property
    def wrong(self) -> bool:
        """Whether there are problems so far."""
        return bool(self._problems)

    def check(self) -> None:
        """Raise BadInput if there are problems."""
        if self._problems:
            raise BadInput(_("options"), self._problems)


SCENARIO = N_("a built-in scenario's name, or a file")
RECIPES = ("auto", "overlapped", "sequential", "freezer")
#: The recipes that are available on UNIX systems other than Linux.
_SIGNALS = ("auto", "sequential")
#: How many real programs a message names.
_MAX_NAMED = 5
QUANTUM, SEED = Duration("100us", "60s"), Whole(0, 2**53)


def add_screen(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the app's screen."""
    says = _("use ASCII characters only (automatic if TERM is linux, or the locale is not UTF-8)")
    parser.add_argument("--ascii", action="store_true", help=says)


def add_policy(parser: argparse.ArgumentParser) -> None:
    """Declare the policy of a single run."""
    parser.add_argument("--policy", metavar="NAME", help=_("the scheduling policy: rr, rr:quantum=20ms, mine.py:Mine"))


def add_quantum(parser: argparse.ArgumentParser) -> None:
    """Declare the quantum."""
    parser.add_argument("--quantum", metavar="DURATION", help=_("the length of a time slice, for example 20ms"))


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options of all commands that run a scenario."""
    add_quantum(parser)
    parser.add_argument("--cpus", metavar="N", help=_("the number of mini CPUs"))
    parser.add_argument("--seed", metavar="N", help=_("the seed of randomised policies"))
    parser.add_argument("--strict", action="store_true", help=_("real runs: in a pid namespace of their own"))
    parser.add_argument(
        "--expose", action="store_true", help=_("real runs: servers may accept connections from other machines")
    )
    parser.add_argument(
        "--setuid", action="store_true", help=_("real runs: setuid programs such as sudo may gain privileges")
    )
    parser.add_argument("--sensor", default="auto", metavar="NAME", help=_("how blocking is detected (see: doctor)"))
    parser.add_argument(
        "--recipe",
        default="auto",
        choices=RECIPES,
        help=_("how processes are switched: by signals in either order, or by the freezer (see: doctor)"),
    )


def add_stretch(parser: argparse.ArgumentParser) -> None:
    """Declare ``--stretch``."""
    says = _("lengthen all times of the scenario by this factor: 1 … 1000 (not those of real programs)")
    parser.add_argument("--stretch", metavar="N", help=says)


def add_virtual(parser: argparse.ArgumentParser) -> None:
    """Declare the options of virtual time in the app."""
    parser.add_argument("--virtual", action="store_true", help=_("in virtual time: exact, and without real processes"))
    says = _("with --virtual: the initial speed: 0.001 … 1000, or max (in the app: < and >)")
    parser.add_argument("--speed", metavar="N", help=says)


def add_recording(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the recording."""
    parser.add_argument(
        "--record", metavar="FILE", help=_("record all events in this file (see: replay, export, whatif)")
    )
    parser.add_argument("--force", action="store_true", help=_("overwrite the file of --record"))


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Declare ``--for``, which ends a run without the app."""
    parser.add_argument("--for", metavar="DURATION", help=_("end the run after this time"))


class RunOptions(NamedTuple):
    """The options of a run; None leaves a value to the scenario. ``limit_ns``: when the run ends; ``record``: the file
    of the recording; ``stretch``: the factor by which all times of the scenario are longer; ``virtual``: whether it
    runs in virtual time, in the app initially at this ``tempo`` (None: as fast as possible)."""

    scenario: str
    policy: str | None
    quantum_ns: int | None
    cpus: int | None
    seed: int | None
    limit_ns: int | None
    sensor: str
    recipe: str
    strict: bool
    expose: bool
    setuid: bool
    record: str | None
    overwrite: bool
    stretch: int = 1
    virtual: bool = False
    tempo: Fraction | None = Fraction(1)

    @classmethod
    def of(cls, args: argparse.Namespace) -> RunOptions:
        """Read the options of a command that has no others with values. Raises one BadInput for all that is wrong."""
        given = Given(args)
        options = cls.read(given)
        given.check()
        return options

    @classmethod
    def plain(cls, scenario: str) -> RunOptions:
        """Return the options of a run for which only the scenario was given."""
        return cls(scenario, None, None, None, None, None, "auto", "auto", False, False, False, None, False)

    @classmethod
    def read(cls, given: Given) -> RunOptions:
        """Read the options. The result is valid only after ``given.check()``."""
        args = given.args
        if args.sensor not in SENSORS:
            allowed, hint = " | ".join(SENSORS), nearest(args.sensor, SENSORS)
            given.add("--sensor", "not one of the allowed words", value=args.sensor, allowed=allowed, hint=hint)
        return cls(
            scenario=args.scenario,
            policy=args.policy,
            quantum_ns=given.value("quantum", QUANTUM),
            cpus=given.value("cpus", Whole(1, 1024)),
            seed=given.value("seed", SEED),
            limit_ns=given.value("for", Duration("1ms")),
            sensor=args.sensor,
            recipe=args.recipe,
            strict=args.strict,
            expose=args.expose,
            setuid=args.setuid,
            record=getattr(args, "record", None),
            overwrite=getattr(args, "force", False),
            stretch=given.value("stretch", STRETCH) or 1,
            virtual=getattr(args, "virtual", False),
            tempo=_tempo(given),
        )


def _tempo(given: Given) -> Fraction | None:
    if getattr(given.args, "speed", None) is None:
        return Fraction(1)
    from sandbox.tui.state.tempo import Speed

    if not given.args.virtual:
        given.add("--speed", "belongs to another option", hint="--virtual")
    return given.value("speed", Speed())


def prepare(options: RunOptions, real: bool, attended: bool = False) -> Boot:
    """Read the scenario, apply the options, and check that it can run on real processes or in virtual time.

    ``attended``: there is a user who can start processes. Raises BadInput; unless attended, also for a scenario without
    processes, whose run would seem to have succeeded.
    """
    scenario = _limited(options, _stretched(options, _applied(options, load(find(options.scenario))), real))
    if not (attended or has_work(scenario)):
        raise BadInput.because(options.scenario, "nothing to run")
    if real:
        check_real(options, scenario)
    else:
        _check_virtual(options.scenario, scenario)
    return Boot(
        scenario,
        sensor=options.sensor,
        recipe=options.recipe,
        exposed=options.expose,
        setuid=options.setuid,
        virtual=not real,
    )


def has_work(scenario: Scenario) -> bool:
    """Whether the scenario has processes, or starts some later."""
    return bool(scenario.processes) or any(isinstance(at.do, Spawn) for at in scenario.script)


def recorder(options: RunOptions, scenario: Scenario) -> Recorder | None:
    """Return the recorder of the run; None if it is not recorded. Raises BadInput."""
    if options.record is None:
        return None
    from sandbox.trace.header import describe
    from sandbox.trace.record import Recorder

    try:
        return Recorder(options.record, describe(scenario, str(find(options.scenario))), options.overwrite)
    except BadValue as bad:
        raise BadInput(options.record, problems_of(bad)) from None


def _applied(options: RunOptions, scenario: Scenario) -> Scenario:
    """Apply the options to the scenario. Raises BadInput if the policy is not available."""
    machine = scenario.machine.with_quantum(options.quantum_ns)
    machine = msgspec.structs.replace(
        machine,
        cpus=options.cpus or machine.cpus,
        seed=machine.seed if options.seed is None else options.seed,
    )
    scenario = msgspec.structs.replace(scenario, machine=machine)
    if options.policy is None and options.quantum_ns is None:
        return scenario  # its own policy was checked when it was read
    from sandbox import policies
    from sandbox.policies import choice
    from sandbox.util.timeout import ALARM

    try:
        if options.policy is not None:
            return choice.parse(options.policy, scenario).enter(scenario)
        policies.build(machine, scenario.folder, ALARM)
    except BadValue as bad:
        raise BadInput(_("options"), problems_of(bad, "--policy")) from None
    return scenario


def _stretched(options: RunOptions, scenario: Scenario, real: bool) -> Scenario:
    """Apply ``--stretch``. Raises BadInput if a time becomes too long."""
    if options.stretch == 1:
        return scenario
    from sandbox.scenario.stretch import stretched

    scenario, problems = stretched(scenario, options.stretch, real)
    if problems:
        raise BadInput(_("options"), problems)
    return scenario


def unstretched(options: RunOptions, scenario: Scenario) -> list[str]:
    """Return sentences about what ``--stretch`` does not change."""
    if options.stretch == 1:
        return []
    from sandbox.scenario.stretch import real_programs

    told = []
    names = real_programs(scenario)
    if names:
        more = len(names) - _MAX_NAMED
        named = ", ".join(names[:_MAX_NAMED]) + (_(" and {number} more").format(number=more) if more > 0 else "")
        said = _("--stretch lengthens the scenario's times, but not those of real programs: {names}")
        told.append(said.format(names=named))
    if scenario.lesson is not None:
        said = _("the lesson's text gives times without --stretch; here they are {number} times as long")
        told.append(said.format(number=options.stretch))
    return told


def _limited(options: RunOptions, scenario: Scenario) -> Scenario:
    """Apply ``--for``, which is not stretched."""
    if options.limit_ns is None:
        return scenario
    return msgspec.structs.replace(scenario, script=[*scenario.script, At(options.limit_ns, Quit())])


# Requirements on the system


def check_real(options: RunOptions, scenario: Scenario, has_sensor: bool = True) -> None:
    """Raise BadInput if this system cannot run the scenario on real processes. ``has_sensor``: whether the command has
    ``--sensor``, and can therefore be told to do with signals."""
    if sys.platform != "linux":
        _check_elsewhere(options, scenario, has_sensor)
        return
    from sandbox.machines.linux import capabilities

    problems = [
        Problem(0, f"process {process.name}", what)
        for process in scenario.processes
        if process.program in SERVERS and (what := _unreachable(process.listen, options.expose)) is not None
    ]
    if problems:
        raise BadInput(options.scenario, problems)
    lacking = capabilities.lacks(scenario.machine.cpus)
    if lacking is not None:
        raise BadInput(options.scenario, [Problem(0, *lacking)])
    lacking_options = (_missing_sensor(options, scenario), _missing_freezer(options), _missing_namespace(options))
    if problems := [problem for problem in lacking_options if problem is not None]:
        raise BadInput(_("options"), problems)


def _check_elsewhere(options: RunOptions, scenario: Scenario, has_sensor: bool) -> None:
    """Check the same on systems other than Linux: UNIX systems use signals only, and only if that is asked for."""
    by_signals = has_sensor and sys.platform != "win32"
    if sys.platform == "win32" or options.sensor != "psutil":
        raise BadInput(options.scenario, [Problem(0, "", _instead(options.scenario, scenario, by_signals))])
    from sandbox.machines.posix import capabilities

    wishes = {"--strict": options.strict, "--setuid": options.setuid, "--recipe": options.recipe not in _SIGNALS}
    problems = [Problem(0, option, Clause("only on Linux")) for option, wished in wishes.items() if wished]
    if problems := [*problems, *capabilities.lacks(scenario)]:
        raise BadInput(options.scenario, problems)


def _unreachable(listen: str, exposed: bool) -> Clause | None:
    """Return what is wrong with an address to listen on: it has no host, or other machines can reach it."""
    from sandbox.util.addresses import parse_address, resolve

    try:
        _, address = resolve(parse_address(listen))
    except OSError as error:
        return Clause("no such host", {"value": listen, "reason": error.strerror})
    return None if exposed or address.is_loopback else Clause("is exposed", {"at": listen})


def _missing_sensor(options: RunOptions, scenario: Scenario) -> Problem | None:
    if sys.platform != "linux" or options.sensor == "auto":
        return None
    from sandbox.machines.linux.blocking import sensors

    reason = sensors.obstacle(options.sensor, scenario.machine.cpus)
    if reason is None:
        return None
    what = Clause("no such sensor here", {"value": options.sensor, "reason": reason, "hint": "auto"})
    return Problem(0, "--sensor", what)


def _missing_freezer(options: RunOptions) -> Problem | None:
    if sys.platform != "linux" or options.recipe != "freezer":
        return None
    from sandbox.machines.linux import capabilities

    reason = capabilities.freezer_obstacle()
    if reason is None:
        return None
    return Problem(0, "--recipe", Clause("no freezer here", {"reason": reason, "hint": "auto"}))


def _missing_namespace(options: RunOptions) -> Problem | None:
    if not options.strict:
        return None
    from sandbox.link.namespace import can_be_strict  # not imported before the app's first frame

    return None if can_be_strict() else Problem(0, "--strict", Clause("no pid namespace"))


def _check_virtual(name: str, scenario: Scenario) -> None:
    """Raise BadInput if the scenario cannot run in virtual time."""
    from sandbox.machines.simulate import obstacles  # not needed for real runs

    problems = obstacles(scenario)
    if problems and sys.platform != "linux" and recording_of(name) is not None:
        problems = [Problem(0, "", _instead(name, scenario, False))]
    if problems:
        raise BadInput(name, problems)


def _instead(name: str, scenario: Scenario, by_signals: bool) -> Clause:
    """Return why real processes cannot run here, and what can. ``by_signals``: whether signals alone may be used."""
    from sandbox.machines.simulate import obstacles

    if not obstacles(scenario):
        hint = f"ossandbox {name} --virtual"
        if by_signals:
            return Clause("no Linux but signals", {"hint": hint, "other": "--sensor psutil"})
        return Clause("no Linux", {"hint": hint})
    if recording_of(name) is not None:
        return Clause("no Linux but a recording", {"hint": f"ossandbox {name}"})
    return Clause("needs Linux")
