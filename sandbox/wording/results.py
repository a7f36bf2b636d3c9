"""Sentences about the results of runs: single ones, comparisons, claims of lessons, and laws of scheduling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.i18n import Messages, _, ngettext
from sandbox.model.claims import OPERATOR, Happening
from sandbox.model.clause import Clause
from sandbox.util.units import MS, S, show_duration
from sandbox.wording.faults import operator
from sandbox.wording.happenings import happening as in_words
from sandbox.wording.templates import listed, prose, say

#: The figures whose means are used to judge a schedule.
_MEANS: Messages = {
    "turnaround": "turnaround {time}",
    "waiting": "waiting {time}",
    "response": "response {time}",
}
_CHANGED_MEANS: Messages = {
    "turnaround": "mean turnaround {was} → {would}",
    "waiting": "mean waiting {was} → {would}",
    "response": "mean response {was} → {would}",
}
_AGREEMENT: Messages = {
    "median error of turnaround": "the median error of turnaround is {error}: more than {allowed}",
    "median error of slices": "the median error of a slice's CPU time is {error}: more than {allowed}",
    "processes did not end": "not in both runs to the end: {names}",
    "slices do not match": "slices do not match: {only_virtual} are in virtual time only, {only_real} on real "
    "processes only ({real_ns} of CPU time), {matched} in both",
    "slices out of order": "{number} slices come in another order on real processes",
}
_FINDINGS: Messages = {
    "never": "never",
    "times": "{number} times, first at {first_ns}",
    "at": "at {times}",
    "figures": "{left} and {right}",
    "figure": "{left}",
    "no such figure": "nothing is known of {name}",
}
#: The laws that ``ossandbox check`` tests policies against.
_LAWS: Messages = {
    "lawful values": "lawful values",
    "nothing lost": "nothing lost",
    "never idle": "never idle",
    "no starvation": "no starvation",
    "deterministic": "deterministic",
    "right slices": "right slices",
}
_UNBROKEN: Messages = {
    "declared": "its class says that it need not",
    "unjudged": "not judged: it did not get that far",
}
_VIOLATIONS: Messages = {
    "policy raises": "{callback} raises {error}",
    "policy answers nonsense": "{callback} answers {answer} instead of {allowed}",
    "policy takes too long": "{callback} does not come back",
    "ends the process": "it ended the process that examined it: {reason}",
    "over the limit": "its examination is not over after {limit_ns}",
    "answers do not fit": "its answers do not match the questions",
    "not judged": "it never decided anything that could be judged",
    "no end": "there is no end to it: {number} events",
    "lost": "{name} was ready from {since_ns} on and never ran again",
    "idle": "CPU {cpu} stood idle for {for_ns} while somebody was ready: {names}",
    "starved": "{name}, ready from {since_ns} on, got no turn while others ran for {bound_ns}",
    "two runs differ": "two runs of the same workload differ from here on",
    "slice too short": "{name} got a slice of {slice_ns}; slices are in ns, at least {figure_ns}, None for no end",
    "ran beyond its slice": "{name} ran for {figure_ns} in a slice of {slice_ns}",
    "no room": "it is not run: this system has no namespaces to keep it in",
    "does not hold": "does not hold",
    "decides otherwise": "at {at_ns} {policy} runs {ours}, and {like} runs {theirs}",
}


def summary(figures: Mapping[str, Any], processes: int, cpus: int = 1) -> str:
    """Summarise a run in two sentences. ``figures``: the result of ``sandbox.views.metrics.metrics``."""
    done = ngettext("The only process is done after {time}", "All {number} processes are done after {time}", processes)
    cpu = ngettext("CPU in use {share} of it", "{number} CPUs in use {share} of it", cpus)
    switched = ngettext("{number} context switch", "{number} context switches", figures["switches"])
    means = {name: figures[f"{name}_ns"]["mean"] for name in _MEANS}
    known = [_(_MEANS[name]).format(time=rounded(mean)) for name, mean in means.items() if mean is not None]
    return _("{done}; {cpu}, {switched}. {whose}").format(
        done=done.format(number=processes, time=rounded(figures["makespan_ns"] or 0)),
        cpu=cpu.format(number=cpus, share=f"{figures['cpu_utilisation'] or 0:.0%}"),
        switched=switched.format(number=figures["switches"]),
        whose=ngettext("Its {figures}.", "Mean {figures}.", processes).format(figures=listed(known)),
    )


def rounded(ns: int) -> str:
    """Format a duration to about three digits, as more would be noise."""
    unit = 10 * MS if ns >= S else MS
    return show_duration(round(ns / unit) * unit)


def reproduced(matched: int, total: int, out_of_order: int, worst: float | None, trusted: bool) -> str:
    """Return how well a recording is reproduced by its own policy in virtual time. ``worst``: None if none had
    ended."""
    order = (
        _("{number} of them in another order").format(number=out_of_order) if out_of_order else _("in the same order")
    )
    said = _(
        "the same policy again: {matched} of {total} slices match, {order}; no turnaround is off by more than {worst}."
    )
    if worst is None:
        said = _("the same policy again: {matched} of {total} slices match, {order}.")
    said = said.format(matched=matched, total=total, order=order, worst=f"{worst or 0:.1%}")
    return said if trusted else prose([said, _("What follows is a guess at best.")])


def sooner(name: str, by_ns: int, share: float) -> str:
    """Return which process would gain most, and how much."""
    said = _("{name} would be done {time} sooner ({share}).")
    return said.format(name=name, time=rounded(by_ns), share=f"{share:.0%}")


def later(name: str, by_ns: int, share: float) -> str:
    """Return which process would lose most, and how much."""
    said = _("{name} would be done {time} later ({share}).")
    return said.format(name=name, time=rounded(by_ns), share=f"{share:.0%}")


def what_if(label: str, was: Mapping[str, Any], would: Mapping[str, Any]) -> str:
    """Return what another policy would change for all processes."""
    means = {name: (was[f"{name}_ns"]["mean"], would[f"{name}_ns"]["mean"]) for name in _MEANS}
    said = [
        _(_CHANGED_MEANS[name]).format(was=rounded(one), would=rounded(other))
        for name, (one, other) in means.items()
        if one is not None and other is not None
    ]
    said.append(_("context switches {was} → {would}").format(was=was["switches"], would=would["switches"]))
    return _("Under {label}: {changes}.").format(label=label, changes=listed(said))


def entangled(names: Sequence[str]) -> str:
    """Return which processes have waits that another policy would have changed, but that were kept as recorded."""
    return _("waits for other processes are as long as they were: {names}.").format(names=listed(names))


def not_compared(number: int, of: int) -> str:
    """Return how many processes are left out of a what-if comparison."""
    if number == of:
        return ngettext(
            "its only process had not ended: there is no time to compare yet.",
            "none of its {number} processes had ended: there are no times to compare yet.",
            number,
        ).format(number=number)
    return ngettext(
        "{number} of {of} processes had not ended: its figures are left out.",
        "{number} of {of} processes had not ended: their figures are left out.",
        number,
    ).format(number=number, of=of)


def endings(number: int, cpu_ns: int) -> str:
    """Return how many extra slices, and how much CPU time, real processes used to end after their declared work."""
    return ngettext(
        "{number} real slice more only ends its process ({time} of CPU time)",
        "{number} real slices more only end processes ({time} of CPU time)",
        number,
    ).format(number=number, time=show_duration(cpu_ns))


def defect(clause: Clause) -> str:
    """Return how a real run differs from its virtual one by more than the tolerance."""
    shares = {key: f"{value:.1%}" for key, value in clause.figures.items() if isinstance(value, float)}
    return say(_AGREEMENT, Clause(clause.rule, {**clause.figures, **shares}))


def hangs_on_ties(name: str, share: float, nudge_ns: int) -> str:
    """Return that a real run may differ from its virtual one, without a fault in either, because of ties."""
    return _(
        "this schedule hangs on ties: in virtual time, too, the turnaround of {name} changes by {share} when arrivals "
        "and waits take up to {time} longer"
    ).format(name=name, share=f"{share:.0%}", time=show_duration(nudge_ns))


def stood_in(label: str) -> str:
    """Return that a row is not compared because the policy failed."""
    return _("{label}: it failed, and another policy stood in for it").format(label=label)


def unfinished(label: str, number: int, of: int) -> str:
    """Return that a row is not compared because processes had not ended."""
    return _("{label}: {number} of {of} processes had not ended; its figures are those of the others").format(
        label=label, number=number, of=of
    )


# Lessons


def finding(clause: Clause) -> str:
    """Return what a run showed about a lesson's claim."""
    if clause.rule == "figures" and clause.figures["right"] is None:  # the claim contains the value it is compared with
        clause = Clause("figure", clause.figures)
    if clause.rule == "at":
        times = (_(_FINDINGS["never"]) if at is None else show_duration(int(at)) for at in clause.figures.values())
        clause = Clause("at", {"times": ", ".join(times)})
    return say(_FINDINGS, clause)


def step_reached(happening: Happening, t_ns: int) -> str:
    """Return, in Markdown, that the happening for which a step of a lesson waited has occurred."""
    if happening.who == OPERATOR:
        return _("✔ you: `{did}` after {time}").format(did=operator(Clause(happening.what)), time=rounded(t_ns))
    return _("✔ `{happening}` after {time}").format(happening=in_words(happening), time=rounded(t_ns))


def step_awaited(happening: Happening) -> str:
    """Return, in Markdown, what a step of a lesson waits for."""
    if happening.who == OPERATOR:
        return _("waits for you: `{did}`").format(did=operator(Clause(happening.what)))
    return _("waits until `{happening}`").format(happening=in_words(happening))


# Laws of scheduling


def violation(clause: Clause) -> str:
    """Return what a policy did against a law of scheduling."""
    return say(_VIOLATIONS, clause)


def law(name: str) -> str:
    """Return the name of a law of scheduling."""
    if name.startswith("like "):
        return _("like {policy}").format(policy=name.removeprefix("like "))
    return _(_LAWS[name])


def unbroken(state: str) -> str:
    """Return the note on a law that was not broken; "" if it was simply kept."""
    return _(_UNBROKEN.get(state, ""))
