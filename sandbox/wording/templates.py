"""Filling of message templates in the reader's language, with durations formatted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from string import Formatter

from sandbox.i18n import _
from sandbox.model.clause import Clause, Figure
from sandbox.util.units import show_duration

Names = Mapping[int, str]


#: Figures whose values may be messages (marked with N_ where they are written) and are therefore translated.
_WORDS = frozenset({"machine", "ours", "reason", "theirs"})
#: Figures that may be messages, too, or else what a reader has written or has to write, which stays as it is. No word
#: is taken for a message except these.
_PHRASES, _LONE = frozenset({"allowed", "answer", "value"}), frozenset({"none", "something"})
#: Between these two, a language without blanks between words has one.
_IDEOGRAPH, _LATIN = r"[\u3400-\u9fff]", r"[A-Za-z0-9]"
_SEAM = re.compile(f"(?:{_IDEOGRAPH}{_LATIN}|{_LATIN}{_IDEOGRAPH})")


class _Figures(Formatter):
    """A formatter that formats durations, leaves out figures that are None or missing, and separates a figure from the
    text around it where one of the two is Latin and the other Chinese."""

    def vformat(self, template: str, args: Sequence[object], kwargs: Mapping[str, Figure]) -> str:
        said = ""
        for text, name, _spec, _conversion in self.parse(template):
            said = _joined(said, text)
            if name is not None:
                said = _joined(said, self.get_value(name, args, kwargs))
        return said

    def get_value(self, key: int | str, args: object, kwargs: Mapping[str, Figure]) -> str:
        value = kwargs.get(str(key))
        if value is None:
            return ""
        if str(key).endswith("_ns") and isinstance(value, int):
            return show_duration(value)
        said = str(value)
        return _(said) if key in _WORDS or (key in _PHRASES and (" " in said or said in _LONE)) else said


def _joined(left: str, right: str) -> str:
    return f"{left} {right}" if _SEAM.match(left[-1:] + right[:1]) else left + right


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
