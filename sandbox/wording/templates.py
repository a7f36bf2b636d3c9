"""Templates and what fills them: the reader's language, durations as durations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from string import Formatter

from sandbox.i18n import _
from sandbox.model.clause import Clause, Figure
from sandbox.util.units import show_duration

Names = Mapping[int, str]


#: Figures whose values may be messages of this program (marked with N_ where they are written), and are translated.
_WORDS = frozenset({"allowed", "answer", "machine", "ours", "reason", "theirs", "value"})


class _Figures(Formatter):
    """Fills templates: durations read as durations, and what is not known is left out."""

    def get_value(self, key: int | str, args: object, kwargs: Mapping[str, Figure]) -> str:
        value = kwargs.get(str(key))
        if value is None:
            return ""
        if str(key).endswith("_ns") and isinstance(value, int):
            return show_duration(value)
        return _(str(value)) if key in _WORDS else str(value)


_figures = _Figures()


def fill(template: str, figures: Mapping[str, Figure]) -> str:
    """A template in the reader's language, with its figures."""
    return _figures.vformat(_(template), (), figures).strip()


def listed(words: Iterable[str]) -> str:
    """Several of a kind, one after another."""
    return _(", ").join(words)


def clauses(sentences: Iterable[str]) -> str:
    """Short sentences of one thing, in one line."""
    return _("; ").join(sentences)


def prose(sentences: Iterable[str]) -> str:
    """Whole sentences, one after another; there is at least one."""
    return reduce(lambda said, more: _("{said} {more}").format(said=said, more=more), sentences)


def say(templates: Mapping[str, str], clause: Clause) -> str:
    """What a table of templates has for a clause; the clause as it is, where it has nothing."""
    if clause.rule == "sentence":  # a person's own policy speaks for itself
        return str(clause.figures.get("text", ""))
    template = templates.get(clause.rule)
    if template is None:
        figures = ", ".join(f"{key} {value}" for key, value in clause.figures.items())
        return f"{clause.rule} ({figures})" if figures else clause.rule
    return fill(template, clause.figures)
