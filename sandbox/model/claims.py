"""Parser and data types for the happenings and claims that a teacher writes in a lesson.

A happening is something that happens to a process: ``parent blocks on wait for child``, ``boss/1 exits 0``. A claim is
a happening (``shell wakes at least 3 times``, ``never idler runs``), several happenings in order (``boss writes "sent"
before boss/1 exits``), or a comparison of figures (``makespan < 0.8 * serial_makespan``). This module knows only their
form; ``sandbox.lessons`` checks them against a run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import msgspec

from sandbox.model.values import BadValue, nearest, shown
from sandbox.util.units import parse_duration

#: The only verb whose subject may be several processes: ``a, b deadlock``.
DEADLOCK = "deadlock"
#: The verbs of happenings, and what may follow each: nothing (None), or a word or text of the named kind.
VERBS: dict[str, str | None] = {
    "is born": None,
    "runs": None,
    "wakes": None,
    "uses up its slice": None,
    "is preempted": None,
    "blocks on": "CAUSE",
    "blocks": None,
    "exits": "STATUS",
    "is killed": None,
    "is stopped": None,
    "is a zombie": None,
    "is reaped": None,
    "is adopted": None,
    "is abandoned": None,
    "writes": '"TEXT"',
    "is": "NOTE",
    DEADLOCK: None,
}
#: The subject of a happening caused by the operator, not a process: ``operator paused``, ``operator policy fcfs``.
OPERATOR = "operator"

#: Figures of a run as a whole. Each process also has figures (``boss.cpu``, ``boss/1.exit``), including those that it
#: prints.
RUN_FIGURES = (
    *("makespan", "utilisation", "serial_makespan", "serial_utilisation", "cpu", "cpus", "switches"),
    *("fairness", "turnaround", "waiting", "response", "missed"),
)
_HAPPENING_FORMS = " | ".join(f"NAME {verb}{f' {what}' if what else ''}" for verb, what in VERBS.items())
_FORMS = "HAPPENING | HAPPENING before HAPPENING | never HAPPENING | HAPPENING at least N times | FIGURE < FIGURE"

_OUTSIDE_QUOTES = r'(?=(?:[^"]*"[^"]*")*[^"]*$)'
_BEFORE = re.compile(rf"\s+before\s+{_OUTSIDE_QUOTES}")
_TIMES = re.compile(r"\s+at least (\d{1,6}) times$")
_HAPPENING = re.compile(rf"(\S+)\s+({'|'.join(VERBS)})(?:\s+(\S.*))?")
_DEADLOCK = re.compile(rf"([^\s,]+(?:, [^\s,]+)*) {DEADLOCK}")
_COMPARISON = re.compile(r"(\S+)\s+(<=|>=|!=|<|>|=)\s+(?:(\d{1,6}(?:\.\d{1,6})?)\s+\*\s+)?(\S.*)")
_FIGURE = re.compile(r"[^\W\d][\w./-]*")


class Happening(msgspec.Struct, frozen=True):
    """Something that happens in a run: the subject, the verb, and the word or text after it ("" matches any)."""

    who: str
    verb: str
    what: str = ""

    @property
    def names(self) -> list[str]:
        """The subjects of the happening: one, or several for a deadlock."""
        return self.who.split(", ")

    def __str__(self) -> str:
        what = f'"{self.what}"' if self.verb == "writes" else self.what
        verb = {"did": "", "blocks on": "blocks on" if what else "blocks"}.get(self.verb, self.verb)
        return " ".join(word for word in (self.who, verb, what) if word)


class Happens(msgspec.Struct, frozen=True, tag=True):
    """The claim that a happening occurs at least ``least`` and at most ``most`` times (None: no upper limit)."""

    text: str
    happening: Happening
    least: int = 1
    most: int | None = None


class InOrder(msgspec.Struct, frozen=True, tag=True):
    """The claim that each happening occurs, and that their first occurrences are in the given order."""

    text: str
    happenings: list[Happening]


class Compares(msgspec.Struct, frozen=True, tag=True):
    """The claim that a figure compares (``sign``) as stated with ``factor`` times ``right``: another figure, or a value
    as people write it."""

    text: str
    left: str
    sign: str
    factor: float
    right: str


AnyClaim = Happens | InOrder | Compares


def parse_happening(text: str) -> Happening:
    """Parse a happening as written in a lesson. Raises BadValue if it is not one."""
    text = " ".join(text.split())
    who, _, rest = text.partition(" ")
    if who == OPERATOR and rest:
        return Happening(OPERATOR, "did", rest)
    if deadlock := _DEADLOCK.fullmatch(text):
        return Happening(deadlock[1], DEADLOCK)
    match = _HAPPENING.fullmatch(text)
    if match is None or (match[3] is None and match[2] in ("blocks on", "writes", "is")):
        raise BadValue("not a happening", value=shown(text), allowed=_HAPPENING_FORMS, hint=_verb_meant(rest))
    _, verb, what = match.groups(default="")
    takes = VERBS[verb]
    if what and takes is None:
        raise BadValue("not a happening", value=shown(text), allowed=_HAPPENING_FORMS)
    if verb == "writes":
        what = _unquoted(what)
    elif verb == "exits" and what and not re.fullmatch(r"-?\d{1,3}", what):
        raise BadValue("not a happening", value=shown(text), allowed="NAME exits 0 | NAME is killed")
    return Happening(who, "blocks on" if verb == "blocks" else verb, what)


def parse_claim(text: str) -> AnyClaim:
    """Parse a claim as written in a lesson. Raises BadValue if it is not one."""
    text = " ".join(text.split())
    happenings = _BEFORE.split(text)
    if len(happenings) > 1:
        return InOrder(text, [parse_happening(happening) for happening in happenings])
    if text.startswith("never "):
        return Happens(text, parse_happening(text.removeprefix("never ")), 0, 0)
    if times := _TIMES.search(text):
        return Happens(text, parse_happening(text[: times.start()]), int(times[1]))
    comparison = _COMPARISON.fullmatch(text)
    if comparison is not None and _HAPPENING.fullmatch(text) is None:
        left, sign, factor, right = comparison.groups()
        if not _FIGURE.fullmatch(left):
            raise BadValue("not a figure", value=shown(left))
        if not is_figure(right):
            read_value(right)
        return Compares(text, left, sign, float(factor or 1), right)
    try:
        return Happens(text, parse_happening(text))
    except BadValue as bad:
        figures = bad.what.figures
        raise BadValue("not a claim", value=shown(text), allowed=_FORMS, hint=figures.get("hint")) from None


def is_figure(text: str) -> bool:
    """Whether the text has the form of a figure's name, not of a value."""
    return _FIGURE.fullmatch(text) is not None


def read_value(text: str) -> float | str:
    """Parse a value as people write it and programs print it: durations become nanoseconds, percentages fractions.

    Raises BadValue for anything that is neither a number nor text in quotation marks."""
    value = value_of(text)
    return _unquoted(value) if isinstance(value, str) else value


def value_of(text: str) -> float | str:
    """Return the number that a text stands for: a duration (in ns), a percentage (as a fraction), or a decimal or
    hexadecimal number. Return any other text unchanged."""
    try:
        return parse_duration(text)
    except ValueError:
        pass
    try:
        if text.endswith("%"):
            return float(text.removesuffix("%").strip()) / 100
        return int(text, 16) if text.startswith("0x") else float(text)
    except ValueError:
        return text


def spoken_of(claim: AnyClaim) -> Iterator[str]:
    """Yield the subjects that a claim mentions: processes by their path, figures by their name."""
    match claim:
        case Happens(happening=happening):
            yield from happening.names
        case InOrder(happenings=happenings):
            yield from (name for happening in happenings for name in happening.names)
        case Compares(left=left, right=right):
            yield from filter(is_figure, (left, right))


def owner(name: str, heads: Collection[str]) -> str | None:
    """Return the process among ``heads`` to which a path (``boss/1``) or figure (``boss/1.cpu``) belongs, or None."""
    owners = [head for head in heads if name == head or name.startswith((f"{head}/", f"{head}."))]
    return max(owners, key=len, default=None)


def _unquoted(text: str) -> str:
    if len(text) < 3 or text[0] != '"' or text[-1] != '"' or '"' in text[1:-1]:
        raise BadValue("text without quotation marks", value=shown(text))
    return text[1:-1]


def _verb_meant(rest: str) -> str | None:
    """Return the verb that was probably meant by the first word, or None."""
    word = rest.partition(" ")[0]
    return nearest(word, [*VERBS]) if word else None
