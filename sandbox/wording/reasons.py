"""Explanations of what the machine did last: what led to it, and by which rule it was decided."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.i18n import N_, _
from sandbox.model.events import (
    Admitted,
    Adopted,
    Blocked,
    Booted,
    Clause,
    Deadlocked,
    Did,
    Dispatched,
    Event,
    Exited,
    Fault,
    Operator,
    PolicyNote,
    Ready,
    Reaped,
    Resolved,
    Stepped,
    Wrote,
    Zombie,
)
from sandbox.model.rules import CHOSEN
from sandbox.wording.events import lead, sentence, status
from sandbox.wording.faults import operator
from sandbox.wording.policies import note, rule
from sandbox.wording.templates import Names, fill, listed, prose
from sandbox.wording.waits import waits

_CHOSEN = N_("{policy} chooses {name}: {why}.")
_HELD = N_("{name} was running; it goes on first.")
_HELD_WITHIN_A_SLICE = N_("{name} was running; it goes on first, with what is left of its slice.")
_ON_THE_CPU = N_("{name} has the CPU.")
_TIE = N_("All at one instant: {rule} puts {first} before {second}.")
_TIE_THAT_DECIDED = N_("All at one instant: {rule} puts {first} before {second}, {other_rule} would choose {other}.")
#: Events that need no explanation by themselves.
_TELLS_NOTHING = (Ready, Booted, Admitted, Wrote, Stepped)
#: Policies under which a process that has used up its slice goes to the tail of a queue.
_BY_QUEUES = ("fcfs", "rr", "mlfq", "feedback")
#: The most sentences that are shown.
_MAX_SENTENCES = 4


def why(recent: Sequence[Event], names: Names, policy: str, idle: bool) -> tuple[int, str] | None:
    """Explain the last instant that needs an explanation: return its time (ns) and sentences, or None if there is
    none. Instants that need none, such as bytes coming over a connection, are skipped. ``idle``: no process is running
    or ready."""
    for t_ns in dict.fromkeys(event.t_ns for event in reversed(recent) if not isinstance(event, _TELLS_NOTHING)):
        said = _explain(t_ns, recent, names, policy, idle)
        if said:
            return t_ns, prose(said)
    return None


def _explain(t_ns: int, recent: Sequence[Event], names: Names, policy: str, idle: bool) -> list[str]:
    """Return sentences that say what happened at one instant, and why."""
    instant = [event for event in recent if event.t_ns == t_ns]
    pauses = [event for event in instant if isinstance(event, Operator) and event.is_pause]
    asked = any(event.asks_cpu is not None for event in pauses)
    paused = bool(pauses) and not asked
    said: list[str] = [_("The machine pauses.")] if paused else []
    stepped = {event.pid for event in instant if isinstance(event, Stepped) and event.line}
    for event in instant:
        match event:
            case Ready(pid=pid, reason="expired") if pid in stepped:
                continue  # the turn is a line, which has a sentence of its own
            case Stepped() if event.line:
                said.append(_whole(sentence(event, names)))
            case Ready(pid=pid, reason="preempted") if paused:
                template = _HELD_WITHIN_A_SLICE if _sliced(pid, recent) else _HELD
                said.append(fill(template, {"name": names[pid]}))
            case Ready(pid=pid, reason="preempted") if asked:
                said.append(fill(_ON_THE_CPU, {"name": names[pid]}))
            case Ready(pid=pid, reason="expired") if policy not in _BY_QUEUES:
                said.append(_("{name} used its whole slice, and is ready again.").format(name=names[pid]))
            case Ready():
                said.append(_whole(lead(event, names)))
            case Blocked(pid=pid, on=on):
                said.append(_whole(waits(names[pid], on)))
            case Exited(pid=pid):
                said.append(_("{name} is over: {status}.").format(name=names[pid], status=status(event)))
            case Dispatched(pid=pid, why=clause):
                said += _tie(instant, names)
                if clause.rule == CHOSEN:
                    said.append(_("You chose {name}.").format(name=names[pid]))
                    continue
                said.append(fill(_CHOSEN, {"policy": policy, "name": names[pid], "why": rule(clause)}))
            case Operator(did=did) if did.rule not in (Did.PAUSED, Did.STEPPED, Did.CHOSE):
                said.append(_("You: {did}.").format(did=operator(did, names)))
            case PolicyNote():
                said.append(_whole(note(event, names)))
            case Fault(what=Clause(rule="has ended already")):
                continue  # the script is about somebody who has ended before: the board shows that
            case Fault() | Deadlocked() | Resolved() | Zombie() | Reaped() | Adopted():
                said.append(_whole(sentence(event, names)))
    if idle and any(isinstance(event, (Blocked, Exited)) for event in instant):
        said.append(_("Nobody is ready."))
    if len(said) > _MAX_SENTENCES:
        said = ["…", *said[-_MAX_SENTENCES:]]
    return said


def verdict(said: int, made: Dispatched, names: Names, policy: str) -> str:
    """Return which process was predicted to run next, which was chosen, and by which rule."""
    chosen = fill(_CHOSEN, {"policy": policy, "name": names[made.pid], "why": rule(made.why)})
    return prose([_("You said {name}.").format(name=names[said]), chosen])


def question(cpu: int | None) -> str:
    """Return the question which process runs next. ``cpu`` None: there is only one CPU."""
    return _("WHO RUNS NEXT?") if cpu is None else _("WHO RUNS NEXT ON CPU {cpu}?").format(cpu=cpu)


def choice(cpu: int | None) -> str:
    """Return the question by which a person decides whose turn it is. ``cpu`` None: there is only one CPU."""
    return _("WHOSE TURN IS IT?") if cpu is None else _("WHOSE TURN IS IT ON CPU {cpu}?").format(cpu=cpu)


def score(right: int, of: int) -> str:
    """Return how many predictions were right."""
    return _("{right} of {of} right").format(right=right, of=of)


def _whole(said: str) -> str:
    """Add the full stop to a sentence."""
    return _("{said}.").format(said=said)


def _tie(instant: Sequence[Event], names: Names) -> list[str]:
    """Explain what the rule for ties decided, if slices expired at the same instant at which other processes became
    ready; and which process the other rule would have chosen, if that is obvious."""
    ready = [event for event in instant if isinstance(event, Ready) and event.reason in ("admitted", "woke", "expired")]
    expired = [event.pid for event in ready if event.reason == "expired"]
    come = [event.pid for event in ready if event.reason != "expired"]
    if not (expired and come):
        return []
    come_first = ready[0].reason != "expired"
    first, second = (come, expired) if come_first else (expired, come)
    rules = ("arrival-first", "requeue-first") if come_first else ("requeue-first", "arrival-first")
    chosen = [event for event in instant if isinstance(event, Dispatched)]
    decided = [event.pid for event in chosen] == first[:1] and chosen[0].takes_head
    figures = {"rule": rules[0], "first": _names(first, names), "second": _names(second, names)}
    figures |= {"other_rule": rules[1], "other": names[second[0]]}
    return [fill(_TIE_THAT_DECIDED if decided else _TIE, {**figures})]


def _names(pids: Sequence[int], names: Names) -> str:
    return listed(names[pid] for pid in pids)


def _sliced(pid: int, recent: Sequence[Event]) -> bool:
    """Whether the last remembered dispatch of a process had a limited slice."""
    dispatches = [event for event in recent if isinstance(event, Dispatched) and event.pid == pid]
    return bool(dispatches) and dispatches[-1].slice_ns is not None
