"""Read-only views of tasks, which policies from files get instead of the kernel's records."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, NoReturn

from sandbox.policies.base import Task


class TaskView(Task):
    """A task as a policy from a file sees it: all fields are those of the kernel's record; only ``data`` is its own."""

    __slots__ = ("_owner", "_task")

    def __init__(self, task: Task, owner: object) -> None:
        self._task, self._owner = task, owner
        self.data = None


def _read_only(name: str) -> property:
    read = attrgetter(f"_task.{name}")

    def refuse(view: Task, value: object = None) -> NoReturn:
        raise AttributeError(
            f"task.{name} is the kernel's, a policy only reads it; what it remembers goes to task.data"
        )

    return property(read, refuse, refuse)


def _holders() -> property:
    """Return the property ``waits_for``, which contains views, too."""
    refused = _read_only("waits_for")

    def read(view: TaskView) -> tuple[Task, ...]:
        return tuple(view_of(task, view._owner) for task in view._task.waits_for)

    return property(read, refused.fset, refused.fdel)


for _name in Task.__slots__:
    if _name != "data":
        setattr(TaskView, _name, _holders() if _name == "waits_for" else _read_only(_name))

#: Read the slots directly, in case the policy has replaced the attributes.
_TASK, _OWNER = (vars(TaskView)[slot].__get__ for slot in ("_task", "_owner"))
_VIEW = vars(Task)["view"].__get__


def view_of(task: Task, owner: object) -> TaskView:
    """Return the view of a task for this owner's policy: always the same object, so that it can be compared and
    kept."""
    view: TaskView | None = task.view
    if view is None or view._owner is not owner:
        view = task.view = TaskView(task, owner)
    return view


def task_of(answer: Any, owner: object) -> Task | None:
    """Return the task of a view that this owner's policy was given; None for anything else. Runs none of its code."""
    if type(answer) is not TaskView:
        return None
    task: Task = _TASK(answer)
    genuine = issubclass(type(task), Task) and _OWNER(answer) is owner and _VIEW(task) is answer
    return task if genuine else None
