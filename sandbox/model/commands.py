"""What an operator may ask of the machine, from the keyboard or from a scenario's script."""

from __future__ import annotations

import shlex
from typing import Literal, get_args

import msgspec

from sandbox.model.values import BadValue, Duration, nearest, shown


class Command(msgspec.Struct, frozen=True, tag_field="command"):
    """A request of the operator."""


class Pause(Command, frozen=True, tag=True):
    """Stop every scheduled process and the machine's clock. ``by``: the operator, or the part of the
    program that acts for the operator."""

    by: str = "operator"


class Resume(Command, frozen=True, tag=True):
    """Go on after a pause. The operator ends any pause, the others only their own (``by``)."""

    by: str = "operator"


class Step(Command, frozen=True, tag=True):
    """Go on until one scheduling decision has been made, and pause before it takes effect."""


class Choose(Command, frozen=True, tag=True):
    """Give the next turn to a process, named by pid or name, where the policy leaves it to a person."""

    who: str


class Predict(Command, frozen=True, tag=True):
    """Pause before each choice between several processes, so that a person can say who will run; or no longer. Step and
    Resume then have the policy choose."""

    on: bool


class PauseAtSteps(Command, frozen=True, tag=True):
    """Pause at the very event that a step of the lesson waits for, where the step pauses; or no longer."""

    on: bool


class Tune(Command, frozen=True, tag=True):
    """Set one of the policy's parameters, as a person would write it."""

    parameter: str
    value: str


class UsePolicy(Command, frozen=True, tag=True):
    """Schedule by another policy from now on."""

    policy: str


class Reload(Command, frozen=True, tag=True):
    """Load the policy anew from its file. It keeps its parameters, and takes over its own queues."""


class Look(Command, frozen=True, tag=True):
    """Ask for the policy's own queues, with at most ``most`` tasks of each."""

    most: int = 50


class Describe(Command, frozen=True, tag=True):
    """Ask for a description of the policy in force: its docstring, its parameters, its file."""


class Kill(Command, frozen=True, tag=True):
    """End a process, named by pid or name: SIGTERM, and SIGKILL after a grace of two seconds."""

    who: str


#: The signals that may be sent, by their names without SIG, in the order in which they are offered.
SIGNALS = ("TERM", "INT", "HUP", "QUIT", "STOP", "TSTP", "CONT", "USR1", "USR2", "ALRM", "KILL")


class Signal(Command, frozen=True, tag=True):
    """Send a process, named by pid or name, one of ``SIGNALS``; what comes of it is the process's affair."""

    who: str
    signal: str


class Spawn(Command, frozen=True, tag=True):
    """Start a program, given as a command line."""

    argv: list[str]


class Type(Command, frozen=True, tag=True):
    """Type a line into a process's console. ``unseen``: its echo is off, so what is typed is nobody's business."""

    who: str
    text: str
    unseen: bool = False


Key = Literal["ctrl+c", "ctrl+d", "ctrl+z"]
KEYS: dict[str, Key] = {key: key for key in get_args(Key)}


class Press(Command, frozen=True, tag=True):
    """Press a key in a process's console that its terminal knows the meaning of: ``ctrl+c`` interrupts who reads,
    ``ctrl+d`` ends what it reads, ``ctrl+z`` suspends it, if it has a shell that could resume it."""

    who: str
    key: Key

    @property
    def character(self) -> str:
        """What a terminal sends for it."""
        return chr(ord(self.key[-1]) & 0x1F)


class Keys(Command, frozen=True, tag=True):
    """Type keys into a process's console, one by one, as the characters that a terminal sends for them.
    ``automatic``: nobody has pressed any; it is what a terminal answers when it is asked."""

    who: str
    text: str
    automatic: bool = False


#: Rows and columns of a console that nobody has looked at yet, and of the largest one.
TERMINAL_SIZE, MAX_TERMINAL = (24, 80), 1_000


class Resize(Command, frozen=True, tag=True):
    """Make a process's console so large; who uses it is told (SIGWINCH)."""

    who: str
    rows: int
    columns: int


class Pace(Command, frozen=True, tag=True):
    """In virtual time: the machine's clock goes ``times`` as fast as the reader's, a fraction; None: as fast as it
    can."""

    times: tuple[int, int] | None


class Farewell(Command, frozen=True, tag=True):
    """The scenario's clients have left, and no others will come."""


class Quit(Command, frozen=True, tag=True):
    """End every process and the machine."""


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
    """A command as a script writes it: ``pause``, ``quantum 20ms``, ``kill NAME``. Raises BadValue."""
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
    """A command line as words; one that needs a shell (pipes, redirections, variables) is given to ``sh -c``.

    Raises BadValue for an unclosed quotation.
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
