"""What a policy may answer to the kernel's questions. Everything else is ``InvalidAnswer``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from itertools import islice
from reprlib import repr as short
from typing import Any, get_args

import msgspec

from sandbox.i18n import N_
from sandbox.model.events import Clause, DescheduledReason, Figure
from sandbox.policies.base import Queue, Task
from sandbox.util.text import clean_line
from sandbox.util.units import US, S

#: Slices that are neither a waste nor an eternity.
SLICE_LEAST_NS, SLICE_MOST_NS = 1 * US, 86_400 * S
_REASONS = get_args(DescheduledReason)
_WORDS_MOST, _FIGURES_MOST, _QUEUES_MOST = 500, 20, 100


class InvalidAnswer(ValueError):
    """An answer that nobody can work with; ``allowed`` says what is expected."""

    def __init__(self, answer: object, allowed: str) -> None:
        self.answer, self.allowed = said(answer), allowed
        super().__init__(f"{self.answer} instead of {allowed}")


def said(answer: object) -> str:
    """An answer in a message: short and harmless, whatever it is."""
    plain = answer is None or isinstance(answer, (bool, int, float, str, Task))
    with suppress(Exception):  # an integer of far too many digits, a person's own repr
        return clean_line(short(answer) if plain else f"a {type(answer).__name__}", 60)
    return N_("something")


def ready(answer: object, tasks: Mapping[Task, int]) -> Task | None:
    """One of the ready tasks, or None."""
    if answer is None or (isinstance(answer, Task) and tasks.get(answer) == answer.pid):
        return answer
    raise InvalidAnswer(answer, N_("a task that is ready, or None"))


def all_ready(answer: object, tasks: Mapping[Task, int]) -> list[Task] | None:
    """Some of the ready tasks, or None."""
    if answer is None:
        return None
    if isinstance(answer, Iterable):
        found = [*islice(answer, len(tasks) + 1)]
        if len(found) <= len(tasks) and all(isinstance(task, Task) and task in tasks for task in found):
            return found
    raise InvalidAnswer(answer, N_("tasks that are ready, or None"))


def slice_ns(answer: object) -> int | None:
    """A time slice."""
    if answer is None or (type(answer) is int and SLICE_LEAST_NS <= answer <= SLICE_MOST_NS):
        return answer
    raise InvalidAnswer(answer, f"{SLICE_LEAST_NS} … {SLICE_MOST_NS} ns, or None")


def truth(answer: object) -> bool:
    """Yes or no."""
    if isinstance(answer, bool):
        return answer
    raise InvalidAnswer(answer, "True | False")


def later(answer: object, now_ns: int = -1) -> int | None:
    """A time to come."""
    if answer is None or (type(answer) is int and now_ns < answer < 1 << 62):
        return answer
    raise InvalidAnswer(answer, N_("a later time in ns, or None"))


def reasons(answer: object) -> Collection[DescheduledReason]:
    """Reasons for leaving the CPU."""
    if isinstance(answer, (tuple, list, set, frozenset)) and all(reason in _REASONS for reason in answer):
        return answer
    raise InvalidAnswer(answer, f"some of {' | '.join(_REASONS)}")


def clause(answer: object) -> Clause:
    """A rule with its figures, or a plain sentence."""
    if isinstance(answer, str):
        return Clause("sentence", {"text": clean_line(answer, _WORDS_MOST)})
    if isinstance(answer, Clause) and isinstance(answer.rule, str):
        return Clause(clean_line(answer.rule, _WORDS_MOST), figures(answer.figures))
    raise InvalidAnswer(answer, N_("a Clause, or text"))


def figures(answer: object) -> dict[str, Figure]:
    """Figures by name."""
    if isinstance(answer, dict):
        kept = {
            clean_line(key, 40): _figure(value)
            for key, value in islice(answer.items(), _FIGURES_MOST)
            if isinstance(key, str)
        }
        if len(kept) == len(answer):
            return kept
    raise InvalidAnswer(answer, f"at most {_FIGURES_MOST} figures by name")


def _figure(answer: Any) -> Figure:
    if isinstance(answer, str):
        return clean_line(answer, _WORDS_MOST)
    if answer is None or type(answer) is float or (type(answer) is int and abs(answer) < 1 << 62):
        return answer
    raise InvalidAnswer(answer, N_("a figure: text, a number or None"))


def parameters(answer: object) -> dict[str, object]:
    """Parameters by name, fit for JSON."""
    if isinstance(answer, dict) and all(isinstance(name, str) for name in answer):
        with suppress(TypeError, ValueError):
            msgspec.json.encode(answer)
            return answer
    raise InvalidAnswer(answer, N_("parameters by name, as JSON carries them"))


def queues(answer: object) -> list[Queue]:
    """Queues with their tasks."""
    if isinstance(answer, Iterable):
        found = [*islice(answer, _QUEUES_MOST)]
        if all(isinstance(queue, Queue) for queue in found):
            return [_queue(queue) for queue in found]
    raise InvalidAnswer(answer, N_("a list of Queue"))


def _queue(answer: Queue) -> Queue:
    tasks = tuple(answer.tasks)
    for task in tasks:
        if not isinstance(task, Task):
            raise InvalidAnswer(task, N_("tasks in a queue"))
    return Queue(clause(answer.name), tasks, slice_ns(answer.slice_ns))
