"""Filling of message templates in the reader's language, with durations formatted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from string import Formatter

from sandbox.i18n import _
from sandbox.model.clause import Clause, Figure
from sandbox.util.units import show_duration

Names = Mapping[int, str]


#: Figures whose values may be messages (marked with N_ where they are written) and are therefore translated.
_WORDS = frozenset({"allowed", "answer", "machine", "ours", "reason", "theirs", "value"})


class _Figures(Formatter):
    """A formatter that formats durations, and leaves out figures that are None or missing."""

    def get_value(self, key: int | str, args: object, kwargs: Mapping[str, Figure]) -> str:
        value = kwargs.get(str(key))
        if value is None:
            return ""
        if str(key).endswith("_ns") and isinstance(value, int):
            return show_duration(value)
        return _(str(value)) if key in _WORDS else str(value)


_figures = _Figures()


def fill(template: str, figures: Mapping[str, Figure]) -> str:
    """Fill figures into a template that is translated to the reader's language."""
    return _figures.vformat(_(template), (), figures).strip()


def listed(words: Iterable[str]) -> str:
    """Join words to a list."""
    return _(", ").join(words)


def clauses(sentences: Iterable[str]) -> str:
    """Join short sentences about one subject."""
    return _("; ").join(sentences)


def prose(sentences: Iterable[str]) -> str:
    """Join whole sentences, of which there must be at least one."""
    return reduce(lambda said, more: _("{said} {more}").format(said=said, more=more), sentences)


def say(templates: Mapping[str, str], clause: Clause) -> str:
    """Return the sentence of a clause by a table of templates; the clause's rule and figures if it has no template."""
    if clause.rule == "sentence":  # from a user's own policy, which provides the text
        return str(clause.figures.get("text", ""))
    template = templates.get(clause.rule)
    if template is None:
        figures = ", ".join(f"{key} {value}" for key, value in clause.figures.items())
        return f"{clause.rule} ({figures})" if figures else clause.rule
    return fill(template, clause.figures)
