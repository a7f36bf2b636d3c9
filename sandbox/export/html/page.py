"""Export to HTML: a page that plays a recording in a browser, from any server or from a local file.

The page is self-contained and fetches nothing. Data of the recording is embedded as text and figures in a JSON
document; a lesson's Markdown is converted to HTML here, with HTML in it escaped. ``page.html`` in this folder is the
template that displays them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from itertools import groupby
from operator import attrgetter
from typing import Any, TextIO, TypeVar

from markdown_it import MarkdownIt

from sandbox import wording
from sandbox.export.material import Material
from sandbox.i18n import LANGUAGES, NATIVE, _, ngettext, speaking, spoken
from sandbox.model.events import Admitted, AnyEvent, Became, Dispatched, Ready
from sandbox.model.naming import Names
from sandbox.model.schemas import PAGE, stamped
from sandbox.model.states import State
from sandbox.util.text import clean
from sandbox.util.units import show_duration
from sandbox.views.board import Board, Row

T = TypeVar("T")

#: The page's names of the states.
STATES = {
    State.NEW: "new",
    State.READY: "ready",
    State.RUNNING: "running",
    State.BLOCKED: "blocked",
    State.EXITED: "done",
}
_STATES = [*STATES]
#: The placeholder for the document in the template.
_DOCUMENT = "{{run}}"


def write(material: Material, file: TextIO) -> None:
    """Write the page."""
    template = (files("sandbox.export.html") / "page.html").read_text(encoding="utf-8")
    before, _document, after = template.partition(_DOCUMENT)
    file.write(before)
    file.write(_in_script(document(material)))
    file.write(after)


def document(material: Material) -> dict[str, Any]:
    """Return the document that the page shows; times are in ns, texts by language. Each entry of ``processes`` has
    ``names``, each with the time from which it applies (``name`` is the last one), and ``changes``; each change is a
    list of its time, the index of the new state in ``states``, the CPU (null: none), the CPU time used until then, the
    place in the ready queue (lower is further ahead), and for each language the index in ``texts`` of what the process
    waits for."""
    texts = _Texts()
    run = _Folded(material, texts)
    return stamped(
        PAGE,
        {
            "length_ns": material.history.now_ns,
            "cpus": material.booted.cpus,
            "title": _each(lambda: _title(material)),
            "facts": _each(lambda: _facts(material)),
            "states": [*STATES.values()],
            "processes": [
                {"pid": pid, "name": name, "names": run.called[pid], "changes": run.changes[pid]}
                for pid, name in run.names.items()
            ],
            "decisions": run.decisions,
            "why": run.why,
            "texts": texts.known,
            "lesson": {language: _html(text) for language, text in material.lesson.items()},
            "words": _each(_words),
            "languages": {language: NATIVE[language] for language in LANGUAGES},
        },
        material.header.seed,
    )


class _Texts:
    """A list of texts without duplicates."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self._index: dict[str, int] = {}

    def add(self, text: str) -> int:
        """Add a text if it is new, and return its index."""
        index = self._index.setdefault(text, len(self.known))
        if index == len(self.known):
            self.known.append(text)
        return index


class _Folded:
    """The changes on a board to which the events are applied, one instant after another."""

    def __init__(self, material: Material, texts: _Texts) -> None:
        self.changes: dict[int, list[list[Any]]] = {}
        self.why: list[list[int]] = []
        self.decisions: list[int] = []
        #: What each process was called, and since when: a child has its parent's name until it executes a program.
        self.called: dict[int, list[tuple[int, str]]] = {}
        self.names: dict[int, str] = {}
        self._naming = Names()
        self._board, self._texts, self._places = Board(), texts, 0
        self._place: dict[int, int] = {}
        for t_ns, instant in groupby(material.events, attrgetter("t_ns")):
            self._fold(t_ns, [*instant])

    def _fold(self, t_ns: int, instant: list[AnyEvent]) -> None:
        board = self._board
        for event in instant:
            board.apply(event)
            match event:
                case Admitted(pid=pid):
                    self.changes[pid], self.called[pid] = [], []
                    self._call(t_ns, pid, self._naming.born(pid, event.name, event.parent))
                case Became(pid=pid, name=name) if pid in self.names:
                    self._call(t_ns, pid, self._naming.became(pid, name))
                case Ready(pid=pid, reason=reason):
                    self._places += 1
                    self._place[pid] = -self._places if reason == "preempted" else self._places
                case Dispatched() if self.decisions[-1:] != [t_ns]:
                    self.decisions.append(t_ns)
        for who in dict.fromkeys(getattr(event, "pid", None) for event in instant):
            if who in board.rows:
                self._note(t_ns, board.rows[who])
        self._explain(t_ns)

    def _call(self, t_ns: int, pid: int, name: str) -> None:
        self.names[pid] = name
        self.called[pid].append((t_ns, name))

    def _note(self, t_ns: int, row: Row) -> None:
        state = State.BLOCKED if row.state is State.STOPPED else row.state  # the shown cause says that it is stopped
        on = row.on if state is State.BLOCKED else None
        waits = None if on is None else self._each(lambda: wording.cause(on))
        cpu = row.cpu if row.state is State.RUNNING else None
        change = [_STATES.index(state), cpu, row.cpu_ns, self._place.get(row.pid, 0), waits]
        changes = self.changes[row.pid]
        if not changes or changes[-1][1:] != change:
            changes.append([t_ns, *change])

    def _explain(self, t_ns: int) -> None:
        board = self._board
        idle = not board.ready and not board.running

        def say() -> str:
            said = wording.why([*board.recent], self.names, board.policy, idle)
            return said[1] if said is not None and said[0] == t_ns else ""

        texts = self._each(say)
        if self._texts.known[texts[0]]:
            self.why.append([t_ns, *texts])

    def _each(self, say: Callable[[], str]) -> list[int]:
        """Return the index of the text in each language."""
        return [self._texts.add(text) for text in _each(say).values()]


def _each(say: Callable[[], T]) -> dict[str, T]:
    """Return what a function returns in each language."""
    said: dict[str, T] = {}
    for language in LANGUAGES:
        with speaking(language):
            said[language] = say()
    return said


def _title(material: Material) -> str:
    """Return the heading of the lesson in the language in use, or else the scenario's title."""
    heading = re.search(r"^# +(.+)$", material.lesson.get(spoken(), ""), re.MULTILINE)
    return heading[1].strip() if heading else clean(material.header.scenario.title)


def _facts(material: Material) -> str:
    booted = material.booted
    cpus = ngettext("{number} mini CPU", "{number} mini CPUs", booted.cpus).format(number=booted.cpus)
    parameters = wording.parameters(booted.parameters)
    policy = f"{booted.policy}: {parameters}" if parameters else booted.policy
    return " · ".join([policy, cpus, show_duration(material.history.now_ns)])


def _words() -> dict[str, str]:
    """Return the page's own texts."""
    return {
        "ready": _("READY"),
        "running": _("RUNNING"),
        "blocked": _("BLOCKED"),
        "done": _("DONE"),
        "idle": _("idle"),
        "timeline": _("TIMELINE"),
        "why": _("WHY"),
        "lesson": _("LESSON"),
        "play": _("play"),
        "pause": _("pause"),
        "next": _("next decision"),
        "back": _("decision before"),
        "speed": _("speed"),
        "time": _("time"),
        "keys": _("space plays and pauses, . and , go from decision to decision, ← and → a little, + and - zoom"),
    }


def _html(markdown: str) -> str:
    """Convert Markdown to HTML. HTML in it is escaped, images and unsafe links are dropped."""
    return str(MarkdownIt("commonmark", {"html": False}).enable("table").disable("image").render(markdown))


def _in_script(run: Mapping[str, Any]) -> str:
    """Return JSON that is safe inside a script element."""
    text = json.dumps(run, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
