"""Converts the events of a run to its turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.analysis.exploration.judge import Plain
from sandbox.analysis.exploration.runs import Turn
from sandbox.model.events import Admitted, Blocked, Clause, Dispatched, Event, Exited, Fault, Stepped, Wrote


def turns(events: Sequence[Event], order: Sequence[str], plain: Plain) -> list[Turn]:
    """Return the turns of a run."""
    names = {event.pid: event.name for event in events if isinstance(event, Admitted)}
    places: dict[int, tuple[str, int]] = {}
    found: list[Turn] = []
    part: list[Event] = []
    for event in (*events, Dispatched(0, 0, 0, None, Clause(""))):
        if isinstance(event, Dispatched):
            if part and isinstance(first := part[0], Dispatched):
                wrote = "".join(plain.text(each.text) for each in part if isinstance(each, Wrote))
                found.append(_turn(first.pid, names, part, places, wrote))
            places |= {
                each.pid: (each.next_file or each.file, each.next_line) for each in part if isinstance(each, Stepped)
            }
            part = []
        part.append(event)
    return found[: len(order)]


def _turn(
    pid: int, names: Mapping[int, str], events: Sequence[Event], places: Mapping[int, tuple[str, int]], wrote: str
) -> Turn:
    """Return one turn. ``places``: where each process was before."""
    steps = [event for event in events if isinstance(event, Stepped) and event.pid == pid and event.line]
    then: Clause | None = None
    for event in events:
        match event:
            case Blocked(pid=who, on=on) if who == pid:
                then = on
            case Exited(pid=who) if who == pid and event.status:
                then = Clause("ends badly", {"who": names[pid], "status": event.status})
            case Fault(what=what) if what.rule == "turn without end":
                then = Clause(what.rule, {**what.figures, "who": names.get(pid, "")})
    file, line = (steps[0].file, steps[0].line) if steps else places.get(pid, ("", 0))
    changed = steps[0].changed if steps else ()
    return Turn(names.get(pid, str(pid)), file, line, changed, wrote, then)
