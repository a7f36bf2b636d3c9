"""The commands that the operator may give the machine, at the keyboard or in a scenario's script."""

from __future__ import annotations

import shlex
from typing import Literal, get_args

import msgspec

from sandbox.model.values import BadValue, Duration, nearest, shown


class Command(msgspec.Struct, frozen=True, tag_field="command"):
    """A request of the operator."""


class Pause(Command, frozen=True, tag=True):
    """Stop every scheduled process and the machine's clock. ``by``: ``operator``, or the name of the part of
    the program that pauses on the operator's behalf."""

    by: str = "operator"


class Resume(Command, frozen=True, tag=True):
    """Go on after a pause. The operator ends any pause; a part of the program (``by``) ends only its own."""

    by: str = "operator"


class Step(Command, frozen=True, tag=True):
    """Go on until the next scheduling decision has been made, and pause before it takes effect."""


class Choose(Command, frozen=True, tag=True):
    """Give the next turn to a process, named by pid or name, if the policy leaves the choice to a person."""

    who: str


class Predict(Command, frozen=True, tag=True):
    """Turn on or off the pause before each choice between several processes, in which a person predicts which will run.
    Step and Resume then let the policy choose."""

    on: bool


class PauseAtSteps(Command, frozen=True, tag=True):
    """Turn on or off pausing at the exact event that a step of the lesson waits for, for steps that pause."""

    on: bool


class Tune(Command, frozen=True, tag=True):
    """Set one of the policy's parameters to a value written as a person would type it."""

    parameter: str
    value: str


class UsePolicy(Command, frozen=True, tag=True):
    """Schedule by another policy from now on."""

    policy: str


class Reload(Command, frozen=True, tag=True):
    """Load the policy again from its file. It keeps its parameters and takes over its own queues."""


class Look(Command, frozen=True, tag=True):
    """Ask for the policy's own queues, with at most ``most`` tasks from each."""

    most: int = 50


class Describe(Command, frozen=True, tag=True):
    """Ask for a description of the policy in force: its docstring, its parameters, its file."""


class Kill(Command, frozen=True, tag=True):
    """End a process, named by pid or name, with SIGTERM, then SIGKILL after a grace period of two seconds."""

    who: str


#: The signals that may be sent, by their names without ``SIG``, in the order in which the user is offered them.
SIGNALS = ("TERM", "INT", "HUP", "QUIT", "STOP", "TSTP", "CONT", "USR1", "USR2", "ALRM", "KILL")


class Signal(Command, frozen=True, tag=True):
    """Send one of ``SIGNALS`` to a process, named by pid or name; the process may handle or ignore it."""

    who: str
    signal: str


class Spawn(Command, frozen=True, tag=True):
    """Start a program, given as a command line."""

    argv: list[str]


class Type(Command, frozen=True, tag=True):
    """Type a line into a process's console. ``unseen``: the echo is off, so the text must not be shown."""

    who: str
    text: str
    unseen: bool = False


Key = Literal["ctrl+c", "ctrl+d", "ctrl+z"]
KEYS: dict[str, Key] = {key: key for key in get_args(Key)}


class Press(Command, frozen=True, tag=True):
    """Press a key that has a meaning for the terminal of a process's console: ``ctrl+c`` interrupts the foreground
    process, ``ctrl+d`` ends its input, ``ctrl+z`` suspends it if it has a shell that could resume it."""

    who: str
    key: Key

    @property
    def character(self) -> str:
        """The control character that a terminal sends for this key."""
        return chr(ord(self.key[-1]) & 0x1F)


class Keys(Command, frozen=True, tag=True):
    """Type keys into a process's console one by one, as the characters that a terminal sends for them.
    ``automatic``: the text is a terminal's reply to a query, not keys pressed by a person."""

    who: str
    text: str
    automatic: bool = False


#: Rows and columns of a console that has not been shown yet, and the maximum number of either.
TERMINAL_SIZE, MAX_TERMINAL = (24, 80), 1_000


class Resize(Command, frozen=True, tag=True):
    """Set the size of a process's console; its foreground processes get SIGWINCH."""

    who: str
    rows: int
    columns: int


class Pace(Command, frozen=True, tag=True):
    """Set the pace of virtual time relative to real time. ``times``: the ratio as numerator and denominator; None: as
    fast as possible."""

    times: tuple[int, int] | None


class Farewell(Command, frozen=True, tag=True):
    """Report that all of the scenario's clients have left and that no more will come."""


class Quit(Command, frozen=True, tag=True):
    """End every process, then the machine."""


AnyCommand = (
    Pause
    | Resume
    | Step
    | Choose
    | Predict
    | PauseAtSteps
    | Tune
    | UsePolicy
    | Reload
    | Look
    | Describe
    | Kill
    | Signal
    | Spawn
    | Type
    | Press
    | Keys
    | Resize
    | Pace
    | Farewell
    | Quit
)

FORMS = {
    "pause": "pause",
    "resume": "resume",
    "step": "step",
    "choose": "choose NAME",
    "quantum": "quantum 20ms",
    "policy": "policy NAME",
    "reload": "reload",
    "set": "set PARAMETER VALUE",
    "kill": "kill NAME",
    "signal": "signal NAME USR1",
    "spawn": "spawn PROGRAM ARGUMENTS",
    "type": "type NAME TEXT",
    "press": "press NAME ctrl+c",
}


def parse_command(text: str) -> AnyCommand:
    """Parse a command as written in a script: ``pause``, ``quantum 20ms``, ``kill NAME``. Raises BadValue if it is not
    one."""
    verb, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    who, _, line = rest.partition(" ")
    plain: dict[str, AnyCommand] = {"pause": Pause(), "resume": Resume(), "step": Step(), "reload": Reload()}
    if verb in plain and not rest:
        return plain[verb]
    if verb == "quantum" and rest:
        Duration("100us", "60s").read(rest)
        return Tune("quantum", rest)
    if verb == "policy" and rest:
        return UsePolicy(rest)
    if verb == "set" and line:
        return Tune(who, line)
    if verb in ("kill", "choose") and rest and not line:
        return Kill(who) if verb == "kill" else Choose(who)
    if verb == "signal" and line.removeprefix("SIG") in SIGNALS:
        return Signal(who, line.removeprefix("SIG"))
    if verb == "spawn" and rest:
        return Spawn(split_command(rest))
    if verb == "type" and who:
        return Type(who, line)
    if verb == "press" and line in KEYS:
        return Press(who, KEYS[line])
    form = FORMS.get(verb)
    allowed = f'"{form}"' if form else " | ".join(FORMS)
    raise BadValue("not a command", value=shown(text), allowed=allowed, hint=None if form else nearest(verb, [*FORMS]))


def split_command(line: str) -> list[str]:
    """Split a command line into words; wrap one that needs a shell (pipes, redirections, variables) in ``sh -c``.

    Raises BadValue for an unclosed quotation or an empty line.
    """
    if any(sign in line for sign in "|&;<>$`*?(){}~"):
        return ["sh", "-c", line]
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadValue("not a command line", value=shown(line), reason=str(error)) from None
    if not words:
        raise BadValue("not a command line", value=shown(line))
    return words
