"""The positions of the states and of the arrows between them, on a screen of any size: as in textbooks, READY at the
left, RUNNING at the right, BLOCKED below, NEW and DONE above."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from textual.geometry import Region

from sandbox.model.states import State
from sandbox.tui.widgets.canvas import Point

Ends = tuple[State, State]
#: The one transition without an arrow: in virtual time a process may begin with a wait.
ADMITTED_WAITING: Ends = (State.NEW, State.BLOCKED)
#: Transitions without an arrow of their own, and the arrow at which each is shown.
TOLD_BESIDE: Mapping[Ends, Ends] = {
    ADMITTED_WAITING: (State.NEW, State.READY),
    (State.BLOCKED, State.STOPPED): (State.RUNNING, State.STOPPED),
    (State.STOPPED, State.BLOCKED): (State.STOPPED, State.READY),
    (State.STOPPED, State.EXITED): (State.BLOCKED, State.EXITED),
}

#: The least size in cells at which the diagram can be drawn.
MIN_WIDTH, MIN_HEIGHT = 76, 13
#: Lines of NEW and DONE, of the arrows below them, and of the text about the chosen process, if there is room.
_TOP, _BELOW_TOP, _CAPTION = 3, 2, 2
#: Lines of STOPPED, which is shown once a process has been stopped.
_STOPPED = 3
_MIN_MIDDLE, _MIN_BLOCKED = 4, 4
#: Cells at the right of RUNNING, for the arrow that leads up from BLOCKED.
_GUTTER = 3
#: The least width between READY and RUNNING, and the width at the left of BLOCKED: an arrow's label must fit there.
_MIN_GAP, _MARGIN = 24, 19


class Label(NamedTuple):
    """The place of an arrow's label: a number of ``lines``, ``width`` cells wide, from point ``at`` on."""

    at: Point
    width: int
    lines: int = 1
    align: Literal["left", "center", "right"] = "left"


class Layout(NamedTuple):
    """Boxes by state; arrows by the states at their ends, as corners (the last one is the head); the label of each
    arrow; and the first line of the caption."""

    boxes: Mapping[State, Region]
    arrows: Mapping[Ends, tuple[Point, ...]]
    labels: Mapping[Ends, Label]
    caption: int


def layout(width: int, height: int, stops: bool = False) -> Layout | None:
    """Return the layout in ``width`` by ``height`` cells, or None if that is too small. ``stops``: include STOPPED."""
    least = MIN_HEIGHT + stops * _STOPPED
    if width < MIN_WIDTH or height < least:
        return None
    caption = min(height - least, _CAPTION)
    spare = height - least - caption
    middle, below = _MIN_MIDDLE + (spare + 1) // 2, _MIN_BLOCKED + spare // 2
    side = (width - _GUTTER - max(width // 4, _MIN_GAP)) // 2
    top = _TOP + _BELOW_TOP
    ready = Region(0, top, side, middle)
    running = Region(width - _GUTTER - side, top, side, middle)
    done = Region(width - side, 0, side, _TOP)
    falls = running.right - 5  # the arrow from RUNNING down to BLOCKED
    blocked = Region(_MARGIN, ready.bottom, falls - 14 - _MARGIN, below)
    boxes = {State.NEW: Region(1, 0, 11, _TOP), State.READY: ready, State.RUNNING: running, State.BLOCKED: blocked}
    boxes[State.EXITED] = done
    arrows, labels = _arrows(ready, running, blocked, done, falls)
    if not stops:
        return Layout(boxes, arrows, labels, caption=blocked.bottom)
    stopped = boxes[State.STOPPED] = Region(blocked.x, blocked.bottom, blocked.width, _STOPPED)
    arrows, labels = _arrows_of(stopped, ready, falls + 2, blocked.y) | arrows, labels | _labels_of(stopped, falls + 2)
    over = labels[State.BLOCKED, State.EXITED]
    labels[State.BLOCKED, State.EXITED] = over._replace(width=falls - blocked.right, lines=2)
    return Layout(boxes, arrows, labels, caption=stopped.bottom)


def _arrows_of(stopped: Region, ready: Region, falls: int, top: int) -> dict[Ends, tuple[Point, ...]]:
    """Return the arrows to and from STOPPED, which run outside those to and from BLOCKED."""
    y = stopped.y + 1
    return {
        (State.RUNNING, State.STOPPED): ((falls, top), (falls, y), (stopped.right, y)),
        (State.STOPPED, State.READY): ((stopped.x - 1, y), (2, y), (2, ready.bottom)),
    }


def _labels_of(stopped: Region, falls: int) -> dict[Ends, Label]:
    y = stopped.y + 2
    return {
        (State.RUNNING, State.STOPPED): Label((stopped.right + 1, y), falls - stopped.right, 1, "right"),
        (State.STOPPED, State.READY): Label((1, y), stopped.x - 2),
    }


def _arrows(
    ready: Region, running: Region, blocked: Region, done: Region, falls: int
) -> tuple[dict[Ends, tuple[Point, ...]], dict[Ends, Label]]:
    top, between, edge = ready.y, running.x - ready.right, done.right - 2
    back, leaves, ends = top + 2 + (ready.height > 5), ready.right - 3, done.x + 7
    below, out = ready.bottom - back - 1, blocked.y + 2
    arrows = {
        (State.NEW, State.READY): ((5, _TOP), (5, top - 1)),
        (State.READY, State.RUNNING): ((ready.right, top + 1), (running.x - 1, top + 1)),
        (State.RUNNING, State.READY): ((running.x - 1, back), (ready.right, back)),
        (State.RUNNING, State.BLOCKED): ((falls, blocked.y), (falls, blocked.y + 1), (blocked.right, blocked.y + 1)),
        (State.BLOCKED, State.READY): ((blocked.x - 1, out), (5, out), (5, blocked.y)),
        (State.RUNNING, State.EXITED): ((ends, top - 1), (ends, _TOP)),
        (State.READY, State.EXITED): ((leaves, top - 1), (leaves, 1), (done.x - 1, 1)),
        (State.BLOCKED, State.EXITED): ((blocked.right, out), (edge, out), (edge, _TOP)),
    }
    labels = {
        (State.NEW, State.READY): Label((7, _TOP), leaves - 8),
        (State.READY, State.RUNNING): Label((ready.right + 1, top), between - 2, 1, "center"),
        (State.RUNNING, State.READY): Label((ready.right + 1, back + 1), between - 2, below, "center"),
        (State.RUNNING, State.BLOCKED): Label((blocked.right + 1, blocked.y), falls - blocked.right - 2, 1, "right"),
        (State.BLOCKED, State.READY): Label((7, out - 1), blocked.x - 8),
        (State.RUNNING, State.EXITED): Label((ends + 2, _TOP), edge - ends - 3, _BELOW_TOP),
        (State.READY, State.EXITED): Label((leaves + 1, 0), done.x - leaves - 2, 1, "center"),
        (State.BLOCKED, State.EXITED): Label((blocked.right + 2, out + 1), edge - blocked.right - 1),
    }
    return arrows, labels
