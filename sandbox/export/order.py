"""Export of the order of turns: lines for a scenario that repeats it."""

from __future__ import annotations

from typing import TextIO

from sandbox.export.material import Material
from sandbox.i18n import _
from sandbox.model.events import Descheduled, Dispatched
from sandbox.model.values import BadValue
from sandbox.policies.scripted import MAX_TURNS, Scripted
from sandbox.scenario.turns import order_lines
from sandbox.util.units import write_duration
from sandbox.views.eventlog import Moment


def write(material: Material, file: TextIO) -> None:
    """Write the lines, which belong into ``[machine]``. Raises BadValue if there were no turns or too many."""
    moment = Moment()
    order: list[str] = []
    slices_ns: set[int | None] = set()
    preempted = False
    for event in material.events:
        preempted = preempted or (isinstance(event, Descheduled) and event.reason == "preempted")
        moment.apply(event)
        if isinstance(event, Dispatched) and event.begins_turn:
            order.append(moment.names[event.pid])
            slices_ns.add(event.slice_ns)
    if not order:
        raise BadValue("nobody had a turn")
    if len(order) > MAX_TURNS:
        raise BadValue("too many turns", value=len(order), allowed=MAX_TURNS)
    said = _("{number} turns under {policy}: these lines belong into [machine]")
    file.write(f"# {said.format(number=len(order), policy=material.booted.policy)}\n")
    quantum = _quantum(material, slices_ns)
    if quantum is None or preempted:
        file.write(f"# {_('they were not equally long: who has which turn is kept, not how long it is')}\n")
    if material.booted.cpus > 1:
        file.write(f"# {_('the mini CPUs take the next entry as they become free')}\n")
    file.write(order_lines(order, quantum or ""))


def _quantum(material: Material, slices_ns: set[int | None]) -> str | None:
    """Return the quantum of all turns as written in a scenario; "" if it is the scenario's own quantum, or if turns are
    steps; None if the turns had different quanta."""
    machine = material.header.scenario.machine
    if machine.stepped:
        return ""
    if len(slices_ns) > 1:
        return None
    quantum_ns = next(iter(slices_ns)) or 0
    own_ns = Scripted().quantum if machine.quantum_ns is None else machine.quantum_ns
    return "" if quantum_ns == own_ns else write_duration(quantum_ns)
