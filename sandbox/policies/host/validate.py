"""Checks the answers of a policy. Everything that is not expected raises ``InvalidAnswer``.

Looking at an answer may run the author's code: a class may subclass ``int`` and define its own ``==``. Therefore all of
this is called within the guard, and the functions return values of built-in types only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import islice
from reprlib import repr as short
from typing import Any, get_args

import msgspec

from sandbox.i18n import N_
from sandbox.model.clause import Clause, Figure
from sandbox.model.queues import ParameterView
from sandbox.model.reasons import DescheduledReason
from sandbox.model.values import BadValue
from sandbox.policies.base import HEAD, PREEMPTED, Queue, Task
from sandbox.policies.host.views import TaskView
from sandbox.util.text import clean_line
from sandbox.util.units import US, S

#: The range of time slices.
SLICE_LEAST_NS, SLICE_MOST_NS = 1 * US, 86_400 * S
#: A copy of HEAD that no policy has a reference to.
_HEAD = Clause(HEAD.rule)
_REASONS = get_args(DescheduledReason)
_WORDS_MOST, _FIGURES_MOST, _QUEUES_MOST = 500, 20, 100
_PARAMETERS_MOST, _TASKS_MOST = 100, 1_000_000


class InvalidAnswer(ValueError):
    """A policy has returned an invalid answer; ``allowed``: what is expected."""

    def __init__(self, answer: object, allowed: str) -> None:
        self.answer, self.allowed = said(answer), allowed
        super().__init__(f"{self.answer} instead of {allowed}")


def said(answer: object) -> str:
    """Return any answer as short text that is safe to print."""
    simple = answer is None or type(answer) in (bool, int, float, str, Task, TaskView)
    with suppress(Exception):  # an integer with too many digits to be converted
        return clean_line(short(answer) if simple else f"a {plain(type(answer).__name__)}", 60)
    return N_("something")


def plain(text: str) -> str:
    """Return the text as a ``str``; its class may be a subclass from the policy's file."""
    return "".join((text,))


def ready(answer: object, tasks: Mapping[int, Task]) -> Task | None:
    """Check for one of the READY tasks, or None. ``tasks``: by the ``id`` of the policy's view of each."""
    if answer is None:
        return None
    task = tasks.get(id(answer))
    if task is not None:
        return task
    raise InvalidAnswer(answer, N_("a task that is ready, or None"))


def all_ready(answer: object, tasks: Mapping[int, Task]) -> list[Task] | None:
    """Check for some of the READY tasks, or None. ``tasks``: as for ``ready``."""
    if answer is None:
        return None
    if isinstance(answer, Iterable):
        found = [tasks.get(id(task)) for task in islice(answer, len(tasks) + 1)]
        known = [task for task in found if task is not None]
        if len(known) == len(found) <= len(tasks):
            return known
    raise InvalidAnswer(answer, N_("tasks that are ready, or None"))


def slice_ns(answer: object) -> int | None:
    """Check for a time slice in ns, or None."""
    if answer is None or (type(answer) is int and SLICE_LEAST_NS <= answer <= SLICE_MOST_NS):
        return answer
    raise InvalidAnswer(answer, f"{SLICE_LEAST_NS} … {SLICE_MOST_NS} ns, or None")


def truth(answer: object) -> bool:
    """Check for True or False."""
    if answer is True or answer is False:
        return answer is True
    raise InvalidAnswer(answer, "True | False")


def later(answer: object, now_ns: int = -1) -> int | None:
    """Check for a time after ``now_ns``, or None."""
    if answer is None or (type(answer) is int and now_ns < answer < 1 << 62):
        return answer
    raise InvalidAnswer(answer, N_("a later time in ns, or None"))


def reasons(answer: object) -> tuple[DescheduledReason, ...]:
    """Check for reasons of leaving the CPU."""
    if answer is PREEMPTED:
        return PREEMPTED
    if isinstance(answer, (tuple, list, set, frozenset)):
        found = [*islice(answer, len(_REASONS) + 1)]
        kept = tuple(reason for reason in _REASONS if reason in found)
        if len(kept) == len(found):
            return kept
    raise InvalidAnswer(answer, f"some of {' | '.join(_REASONS)}")


def line(text: str, most: int = _WORDS_MOST) -> str:
    """Return untrusted text as one line that is safe to print."""
    return clean_line(plain(text), most)


def clause(answer: object) -> Clause:
    """Check for a rule with its figures, or a sentence."""
    if answer is HEAD:  # the default answer
        return _HEAD
    if isinstance(answer, str):
        return Clause("sentence", {"text": line(answer)})
    if isinstance(answer, Clause) and isinstance(answer.rule, str):
        return Clause(line(answer.rule), figures(answer.figures))
    raise InvalidAnswer(answer, N_("a Clause, or text"))


def figures(answer: object) -> dict[str, Figure]:
    """Check for figures by name."""
    if isinstance(answer, dict):
        kept = {
            line(key, 40): _figure(value)
            for key, value in islice(answer.items(), _FIGURES_MOST)
            if isinstance(key, str)
        }
        if len(kept) == len(answer):
            return kept
    raise InvalidAnswer(answer, f"at most {_FIGURES_MOST} figures by name")


def _figure(answer: Any) -> Figure:
    if isinstance(answer, str):
        return line(answer)
    if answer is None or type(answer) is float or (type(answer) is int and abs(answer) < 1 << 62):
        return answer
    raise InvalidAnswer(answer, N_("a figure: text, a number or None"))


def parameters(answer: object) -> dict[str, object]:
    """Check for parameters by name, as values that JSON can represent."""
    if isinstance(answer, dict) and all(isinstance(name, str) for name in answer):
        with suppress(TypeError, ValueError):
            found: dict[str, object] = msgspec.json.decode(msgspec.json.encode(answer))
            return found
    raise InvalidAnswer(answer, N_("parameters by name, as JSON carries them"))


def written(answer: object) -> dict[str, str]:
    """Check for parameters by name, as text."""
    if isinstance(answer, dict) and all(isinstance(text, str) for pair in answer.items() for text in pair):
        return {plain(name): plain(text) for name, text in islice(answer.items(), _PARAMETERS_MOST)}
    raise InvalidAnswer(answer, N_("parameters by name, as text"))


def described(answer: object) -> list[ParameterView]:
    """Check for parameters as a dialog shows them."""
    if isinstance(answer, list) and all(type(each) is ParameterView for each in answer):
        return [
            ParameterView(line(each.name, 40), line(each.value), line(each.allowed), line(each.says))
            for each in islice(answer, _PARAMETERS_MOST)
        ]
    raise InvalidAnswer(answer, N_("a list of parameters"))


def bad_value(bad: BadValue) -> BadValue:
    """Return the faults as text that is safe to print; the policy may have made the exception."""
    faults = [(line(where), clause(what)) for where, what in islice(bad.faults, _PARAMETERS_MOST)]
    return BadValue.all(faults or [("", Clause("answers do not fit"))])


def queues(answer: object, real: Callable[[object], Task | None]) -> list[Queue]:
    """Check for queues. ``real``: returns the task of a view, or None."""
    if isinstance(answer, Iterable):
        found = [*islice(answer, _QUEUES_MOST)]
        if all(isinstance(queue, Queue) for queue in found):
            return [_queue(queue, real) for queue in found]
    raise InvalidAnswer(answer, N_("a list of Queue"))


def _queue(answer: Queue, real: Callable[[object], Task | None]) -> Queue:
    tasks = []
    for view in islice(answer.tasks, _TASKS_MOST):
        task = real(view)
        if task is None:
            raise InvalidAnswer(view, N_("tasks in a queue"))
        tasks.append(task)
    return Queue(clause(answer.name), tuple(tasks), slice_ns(answer.slice_ns))
