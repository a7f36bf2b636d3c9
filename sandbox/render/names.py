"""A summary table of a run with many processes: the sums of each name, including retired processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.i18n import _, ngettext
from sandbox.render.output import say
from sandbox.render.tables import milliseconds, print_table

#: With fewer processes than this, the table of single processes is enough.
_MIN_PROCESSES = 50
#: The most lines of the table; names with the most CPU time come first.
_MAX_LINES = 40
_SUMS = ("processes", "failed", "cpu_ns", "waiting_ns", "blocked_ns")


def print_names(document: Mapping[str, Any]) -> None:
    """Print the sums of each name if there are many processes and some have the same name, and the number of processes
    that are in no other table."""
    retired = document.get("retired", {"processes": 0, "names": []})
    sums = _sums(document["processes"], retired["names"])
    number = sum(each["processes"] for each in sums.values())
    if number < _MIN_PROCESSES or len(sums) == number:
        return
    most = sorted(sums.items(), key=lambda item: -item[1]["cpu_ns"])
    rows = [
        [_("others") if name is None else name, *(str(each[key]) for key in _SUMS[:2])]
        + [milliseconds(each[key]) for key in _SUMS[2:]]
        for name, each in most[:_MAX_LINES]
    ]
    say()
    head = [_("by name"), _("processes"), _("failed"), _("cpu"), _("waiting"), _("blocked")]
    print_table(head, rows, left={0})
    if len(most) > _MAX_LINES:
        say(_("… and {number} more").format(number=len(most) - _MAX_LINES))
    if number := retired["processes"]:
        said = ngettext(
            "{number} process that ended long ago is in these sums only",
            "{number} processes that ended long ago are in these sums only",
            number,
        )
        say(said.format(number=number))


def _sums(processes: Iterable[Mapping[str, Any]], names: Iterable[Mapping[str, Any]]) -> dict[str | None, Counter[str]]:
    sums: dict[str | None, Counter[str]] = {}
    for each in processes:
        own = {key: each[key] for key in _SUMS[2:]}
        own |= {"processes": 1, "failed": int(each["exit"] not in (0, None))}
        sums.setdefault(each["name"], Counter()).update(own)
    for each in names:
        sums.setdefault(each["name"], Counter()).update({key: each[key] for key in _SUMS})
    return sums
