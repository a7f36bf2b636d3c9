"""Printing of a run: one line per event, and tables of the results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox import wording
from sandbox.i18n import Messages, _, ngettext
from sandbox.model.events import Admitted, Became, Booted, Clause, Event, Exited
from sandbox.model.naming import Names
from sandbox.model.retirement import Dead
from sandbox.render.cells import fit
from sandbox.render.names import print_names
from sandbox.render.output import say
from sandbox.render.tables import milliseconds, print_table
from sandbox.util.units import S
from sandbox.views.history import History
from sandbox.views.metrics import one_after_another

#: The latency figures of clients that are shown.
_LATENCIES = ("p50", "p95", "p99", "max")
#: The times of a process in the result document, with their headings.
_TIMES: Messages = {
    "arrived_ns": "arrived",
    "first_run_ns": "first run",
    "finished_ns": "finished",
    "cpu_ns": "cpu",
    "family_cpu_ns": "family",
    "waiting_ns": "waiting",
    "blocked_ns": "blocked",
    "turnaround_ns": "turnaround",
    "response_ns": "response",
}


#: The width of an event's type, in cells.
_KIND = 11


class EventLines:
    """Formats events as lines, and remembers the names of processes for that."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._naming = Names()
        self._dead = Dead()

    def line(self, event: Event) -> str:
        """Return an event as a line: its time, type, process and sentence."""
        if isinstance(event, Admitted):
            self._names[event.pid] = self._naming.born(event.pid, event.name, event.parent)
            if event.order is not None:
                self._dead.spare(event.pid)
        elif isinstance(event, Became) and event.pid in self._names:
            self._names[event.pid] = self._naming.became(event.pid, event.name)
        elif isinstance(event, Booted):
            self._dead = Dead(event.kept)
        elif isinstance(event, Exited):
            for gone in self._dead.add(event.pid):
                self._names.pop(gone, None)
                self._naming.forget(gone)
        pid = getattr(event, "pid", None)
        kind = fit(wording.kind(event), _KIND)
        text = wording.sentence(event, self._names).replace("\n", " ⏎ ")
        return f"{event.t_ns / S:10.6f} s  {kind} {'' if pid is None else pid:>4}  {text}"


def print_result(document: dict[str, Any]) -> None:
    """Print the result document: a table of the processes, a summary of their times, and the figures of the run."""
    _print_processes(document["processes"])
    print_names(document)
    say()
    _print_times(document["metrics"])
    say()
    _print_run(document)
    number = sum(each["exit"] is None and each["finished_ns"] is not None for each in document["processes"])
    if number:
        said = ngettext(
            "of {number} process that has ended only its parent knows the exit status",
            "of {number} processes that have ended only their parents know the exit status",
            number,
        )
        say(said.format(number=number))


def _print_processes(processes: Sequence[dict[str, Any]]) -> None:
    families = any(process["family_cpu_ns"] != process["cpu_ns"] for process in processes)
    times = {key: name for key, name in _TIMES.items() if families or key != "family_cpu_ns"}
    rows = [
        [
            str(process["pid"]),
            process["name"],
            *(milliseconds(process[key]) for key in times),
            str(process["switches"]),
            "-" if process["exit"] is None else str(process["exit"]),
        ]
        for process in processes
    ]
    head = [_("pid"), _("name"), *(_(name) for name in times.values()), _("switches"), _("exit")]
    print_table(head, rows, left={1})


def _print_times(figures: dict[str, Any]) -> None:
    rows = [
        [_(_TIMES[key]), *(milliseconds(figures[key][part]) for part in ("mean", "p50", "p95", "max"))]
        for key in ("turnaround_ns", "waiting_ns", "response_ns")
    ]
    print_table([_("all times in ms"), _("mean"), "p50", "p95", _("max")], rows, left={0})


def _print_run(document: dict[str, Any]) -> None:
    """Print what ran on which machine, and the figures of the whole run."""
    machine, policy, figures = document["machine"], document["policy"], document["metrics"]
    said = _("{scenario}: {policy} on the {machine} machine, {cpus} CPU")
    if machine["sensor"]:
        said = _("{scenario}: {policy} on the {machine} machine, {cpus} CPU, sensor {sensor}")
    say(
        said.format(
            scenario=document["scenario"],
            policy=policy["name"],
            machine=_(machine["kind"]),
            cpus=machine["cpus"],
            sensor=machine["sensor"],
        )
    )
    told = (
        _("makespan {time} ms").format(time=milliseconds(figures["makespan_ns"])),
        _("CPU utilisation {share}").format(share=_figure(figures["cpu_utilisation"], ".1%")),
        _("context switches {number}").format(number=figures["switches"]),
        _("throughput {number}/s").format(number=_figure(figures["throughput_per_s"], ".2f")),
        _("fairness {index}").format(index=_figure(figures["fairness_jain"], ".3f")),
    )
    say("   ".join(told))
    if figures["switching_ns"]:
        say(_("switching took {time} ms of CPU time").format(time=milliseconds(figures["switching_ns"])))
    if number := figures["missed_deadlines"]:
        say(ngettext("{number} deadline was missed", "{number} deadlines were missed", number).format(number=number))
    if machine["kind"] != "virtual":
        time = milliseconds(figures["undispatched_ns"])
        say(_("ran without being dispatched: {time} ms of CPU time").format(time=time))
    if stolen_ns := figures["stolen_ns"]:
        say(_("others had a mini CPU for {time} ms").format(time=milliseconds(stolen_ns)))
    if unseen_ns := figures["unseen_ns"]:
        said = _("processes that had ended before they were seen: {time} ms of CPU time")
        say(said.format(time=milliseconds(unseen_ns)))


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def print_serial(history: History) -> None:
    """Print the makespan if the processes had run one after another, if the CPU would have been idle then."""
    serial = one_after_another(history)
    makespan_ns, utilisation = serial["makespan_ns"], serial["cpu_utilisation"]
    if makespan_ns is not None and utilisation is not None and utilisation < 1:
        said = _("one after another the same work takes {time} ms at a CPU utilisation of {share}")
        time, share = milliseconds(round(makespan_ns)), f"{utilisation:.1%}"
        say(said.format(time=time, share=share))


def print_clients(clients: Sequence[dict[str, Any]]) -> None:
    """Print the results of the unscheduled clients, if there were any."""
    if not clients:
        return
    rows = [
        [
            each["name"],
            *(str(each[key]) for key in ("clients", "sent", "received", "errors")),
            *(milliseconds(each["latency_ns"][share]) for share in _LATENCIES),
            ", ".join(f"{wording.client(Clause(rule))} × {number}" for rule, number in each["reasons"].items()),
        ]
        for each in clients
    ]
    say()
    head = [_("client"), _("number"), _("sent"), _("answered"), _("errors")]
    print_table([*head, "p50", "p95", "p99", _("max"), _("what went wrong")], rows, left={0, 9})
