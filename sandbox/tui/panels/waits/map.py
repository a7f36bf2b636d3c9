"""The wait-for graph, drawn in cells, or as a list with a line for each wait if there is no room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from sandbox import wording
from sandbox.i18n import _, ngettext
from sandbox.render.cells import fit
from sandbox.tui.config import config_of
from sandbox.tui.palette import SIGNS
from sandbox.tui.panels.waits.layout import DOWN, LEFT, RIGHT, UP, Link, Net, Plan, layout, net_of
from sandbox.tui.state.session import Session
from sandbox.tui.state.tree import folded
from sandbox.tui.widgets.canvas import Canvas
from sandbox.tui.widgets.choices import Picked
from sandbox.tui.widgets.lines import Piece, cut, line, prose, window
from sandbox.tui.widgets.picture import Picture
from sandbox.util.units import S
from sandbox.views.waits import Wait, WaitGraph, wait_graph

#: How long a new wait is highlighted.
_NEW_NS = S
#: The greatest widths in cells of a name and of a resource, tried in this order until the graph fits.
_SIZES = ((12, 18), (8, 12), (6, 8))
#: The number of characters kept of the end of a text that is cut.
_END = 4
#: With fewer cells, the list is shown.
_MIN_WIDTH, _MIN_HEIGHT = 96, 9
#: Lines about the chosen item, and about the meaning of the signs.
_CAPTION, _LEGEND = 2, 1
#: Characters of lines by the directions in which they leave a cell: thin ones, and thick ones for knots.
_ACROSS, _UPRIGHT = LEFT | RIGHT, UP | DOWN
_CORNERS = (RIGHT | DOWN, LEFT | DOWN, RIGHT | UP, LEFT | UP)
_TEES = (UP | DOWN | RIGHT, UP | DOWN | LEFT, LEFT | RIGHT | DOWN, LEFT | RIGHT | UP, LEFT | RIGHT | UP | DOWN)
_THIN = dict(zip((_ACROSS, _UPRIGHT, *_CORNERS, *_TEES), "─│╭╮╰╯├┤┬┴┼", strict=True))
_THICK = dict(zip((_ACROSS, _UPRIGHT, *_CORNERS, *_TEES), "━┃┏┓┗┛┣┫┳┻╋", strict=True))
_DASHED, _THICK_DASHED = {_ACROSS: "╌", _UPRIGHT: "╎"}, {_ACROSS: "╍", _UPRIGHT: "╏"}
#: The brackets around what a new wait is for.
_NEW = "▐", "▌"


class Named(Message):
    """A resource was clicked, or double-clicked."""

    def __init__(self, thing: str, twice: bool) -> None:
        super().__init__()
        self.thing, self.twice = thing, twice


class WaitMap(Picture):
    """The graph: processes in round brackets, the resources they wait for in square ones, and lines to the holders."""

    DEFAULT_CLASSES = "framed main"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.graph = WaitGraph(())
        #: The items that can be chosen, in reading order: processes by pid, resources by name.
        self.items: list[int | str] = []
        self._thing: str | None = None
        self._things: list[tuple[Region, str]] = []
        self._plan: tuple[object, Plan | None] = None, None
        self._name_cells, self._label_cells = _SIZES[0]
        self._top = 0

    def update_from(self, session: Session, chosen: int | None, thing: str | None) -> None:
        """Show the graph. ``thing``: the chosen resource, or None if a process is chosen."""
        self.remember(session, chosen)
        self._thing = thing
        view = session.view
        self.graph = wait_graph(view.board, view.tree.head)
        self.items = _items(self.graph)
        number, core = len({wait.pid for wait in self.graph.waits}), len(self.graph.core)
        said = (
            ngettext("{number} waits for others", "{number} wait for others", number).format(number=number)
            if number
            else ""
        )
        if core:
            said = _("deadlock: a knot of {core}; {said}").format(core=core, said=said)
        self.entitle(_("WAITS"), said)
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """Draw the graph or the list, with a text about the chosen item below."""
        session = self._session
        self._spots, self._things = [], []
        if session is None:
            return []
        if not self.graph.waits:
            return self.centred(_nobody(session), width, height)
        caption = min(_CAPTION, max(height - _MIN_HEIGHT + _CAPTION, 0))
        below = caption + (_LEGEND if height > _MIN_HEIGHT else 0)
        plan = self._planned(width, height - below)
        strips = self._list(session, width, height - below) if plan is None else self._picture(session, plan, width)
        strips += [self.blank(width)] * (height - below - len(strips))
        if below > caption:
            legend = _legend(width)
            for sign, other in zip(_NEW, self._brackets(is_new=True), strict=True):
                legend = legend.replace(sign, other)
            strips.append(line([(legend, self.palette.dim)], width))
        said = cut(self._caption(session, width), caption, width)
        return [*strips, *(line([(text, self.palette.text)], width) for text in said)]

    def _planned(self, width: int, height: int) -> Plan | None:
        """Return the layout of the graph; it is kept as long as no wait begins or ends."""
        bare = tuple(wait._replace(since_ns=0) for wait in self.graph.waits)
        asked = bare, tuple(self._names()), width, height
        if asked != self._plan[0]:
            self._plan = asked, self._lay_out(width, height)
        return self._plan[1]

    def _names(self) -> Iterator[str]:
        assert self._session is not None
        return (self._session.view.names.get(pid, "") for pid in self.graph.pids)

    def _lay_out(self, width: int, height: int) -> Plan | None:
        """Return a layout with names as long as possible; None if there is not enough room."""
        for self._name_cells, self._label_cells in _SIZES if width >= _MIN_WIDTH else ():
            names = {pid: sum(cell_len(text) for text, __ in self._node(pid)) for pid in self.graph.pids}
            labels: dict[str, int] = {}
            for wait in self.graph.waits:
                labels[wait.resource] = max(labels.get(wait.resource, 0), cell_len(self._label_of(wait)))
            plan = layout(self.graph, names, labels, (width, height))
            if plan is not None:
                return plan
        self._name_cells, self._label_cells = _SIZES[0]
        return None

    def _label_of(self, wait: Wait) -> str:
        """Return the label of a wait: the resource, and how many of its holders must release it."""
        share = wording.share(wait.event)
        thing = wording.thing(wait.resource)
        return _cut(thing, self._label_cells - len(share)) + share

    # The graph

    def _picture(self, session: Session, plan: Plan, width: int) -> list[Strip]:
        canvas = Canvas(width, plan.height, self.palette.text)
        now_ns = session.view.now_ns
        waits: dict[Net, list[Wait]] = {}
        for wait in self.graph.waits:
            waits.setdefault(net_of(wait), []).append(wait)
        styles = {net: self._style(some, now_ns) for net, some in waits.items()}
        said = {net for net, some in waits.items() if some[0].by == "said"}
        for (x, y), nets in plan.cells.items():
            net = max(nets, key=lambda net: (nets[net] == _UPRIGHT, net.knot))
            canvas.text(x, y, _sign(nets[net], net, net in said), styles[net])
        for head in plan.heads:
            canvas.text(*head.at, "▲" if head.up else "▼", styles[head.net])
        present = {(wait.pid, wait.resource): wait for wait in self.graph.waits}
        for link in plan.links:
            self._draw_link(canvas, link, present[link.wait.pid, link.wait.resource], now_ns)
        for pid, place in plan.nodes.items():
            x = place.x
            for text, style in self._node(pid):
                canvas.text(x, place.y, text, style)
                x += cell_len(text)
            self._spots.append((place, pid))
        return canvas.strips()

    def _brackets(self, is_new: bool) -> tuple[str, str]:
        """Return the brackets around a resource. In ASCII, half blocks would become chart characters, so new waits have
        ``<`` and ``>``."""
        if not is_new:
            return "[", "]"
        return ("<", ">") if config_of(self).ascii else _NEW

    def _draw_link(self, canvas: Canvas, link: Link, wait: Wait, now_ns: int) -> None:
        style, (x, y) = self._style([wait], now_ns), link.label.offset
        thick, dashed = bool(wait.knot), wait.by == "said"
        signs = _THICK if thick else _THIN
        along = (_THICK_DASHED if thick else _DASHED)[_ACROSS] if dashed else signs[_ACROSS]
        before, after = self._brackets(wait.is_new(now_ns, _NEW_NS))
        if link.beside is not None:
            end = (signs[LEFT | RIGHT | DOWN] if link.drops else along) + "▶"
        elif link.drops:
            end = along + signs[LEFT | DOWN]
        else:
            end = along + ("✘" if wait.is_abandoned else "?")
        canvas.text(x - 2, y, along + before, style)
        under = self.palette.cursor if wait.resource == self._thing else Style()
        canvas.text(x, y, fit(self._label_of(wait), link.label.width), style + under)
        canvas.text(link.label.right, y, after + end, style)
        self._things.append((link.label, wait.resource))

    def _node(self, pid: int) -> list[Piece]:
        """Return the pieces with which a process is drawn."""
        assert self._session is not None
        palette, tree = self.palette, self._session.view.tree
        row = self._session.view.board.rows.get(pid)
        if row is None:
            return [(f"({pid})", palette.dim)]
        under = palette.cursor if pid == self.chosen and self._thing is None else Style()
        inside = palette.failed + Style(bold=True) if pid in self.graph.core else palette.text
        mark = folded(len(tree.line(pid)) - 1) if tree.head(pid) == pid else ""
        called = self._session.view.names.get(pid, row.name)
        name = _cut(called, self._name_cells)
        return [
            ("(", palette.dim),
            (f"{pid} ", palette.dim + under),
            (f"{SIGNS[row.state]} ", palette.state(row.state) + under),
            (name, inside + under),
            (mark, palette.strong + under),
            (")", palette.dim),
        ]

    def _style(self, waits: list[Wait], now_ns: int) -> Style:
        palette = self.palette
        if any(wait.knot for wait in waits):
            return palette.failed + Style(bold=True)
        if any(wait.is_new(now_ns, _NEW_NS) for wait in waits):
            return palette.ready + Style(bold=True)
        return palette.dim if all(not wait.holders for wait in waits) else palette.blocked

    # The list

    def _list(self, session: Session, width: int, height: int) -> list[Strip]:
        """Return the list: a line for each wait, in the graph's order."""
        waits = [wait for chain in self.graph.chains() for pid in chain for wait in self.graph.of(pid)]
        chosen = next((place for place, wait in enumerate(waits) if self._is_chosen(wait)), None)
        seen = window(len(waits), height, self._top, chosen)
        self._top = seen.first - (seen.above > 0)
        strips: list[Strip] = []
        if seen.above:
            strips.append(line([(_("↑ {number} more").format(number=seen.above), self.palette.dim)], width))
        for wait in waits[seen.first : seen.last]:
            y = len(strips)
            pieces = [*self._wait_pieces(session, wait, y)]
            strips.append(line(pieces, width))
        if seen.below:
            strips.append(line([(_("↓ {number} more").format(number=seen.below), self.palette.dim)], width))
        return strips

    def _is_chosen(self, wait: Wait) -> bool:
        return wait.resource == self._thing if self._thing is not None else wait.pid == self.chosen

    def _wait_pieces(self, session: Session, wait: Wait, y: int) -> Iterator[Piece]:
        now_ns, style = session.view.now_ns, self._style([wait], session.view.now_ns)
        who = self._node(wait.pid)
        cells = sum(cell_len(text) for text, __ in who)
        self._spots.append((Region(0, y, cells, 1), wait.pid))
        yield from who
        yield " " * max(self._name_cells + 8 - cells, 0), style
        along = _sign(_ACROSS, net_of(wait), wait.by == "said")
        before, after = self._brackets(wait.is_new(now_ns, _NEW_NS))
        under = self.palette.cursor if wait.resource == self._thing else Style()
        yield f" {along}{before}", style
        yield self._label_of(wait), style + under
        x = max(self._name_cells + 8, cells) + 3
        self._things.append((Region(x, y, cell_len(self._label_of(wait)), 1), wait.resource))
        if not wait.holders:
            yield f"{after}{along}{'✘' if wait.is_abandoned else '?'}", style
            return
        yield f"{after}{along}▶ ", style
        for pid in wait.holders:
            yield from self._node(pid)
            yield " ", style

    # Words

    def _caption(self, session: Session, width: int) -> list[str]:
        """Return a text about the chosen resource or process, else about the deadlock, if any."""
        names = session.view.names
        of_thing = [wait.event for wait in self.graph.waits if wait.resource == self._thing]
        if of_thing:
            return prose(wording.clauses(wording.thing_named(of_thing, names)), width)
        waits = self.graph.of(self.chosen) if self.chosen is not None else []
        if waits:
            return [text for wait in waits for text in prose(wording.waits_for(wait.event, names), width)]
        deadlock = session.view.board.deadlock
        if deadlock is not None:
            return prose(wording.deadlock(deadlock, names), width)
        keys = f"{self.key('wait_previous')} {self.key('wait_next')}"
        return prose(_("{keys} choose a process, or what it waits for").format(keys=keys), width)

    def on_click(self, event: events.Click) -> None:
        """Choose the process or resource that was clicked."""
        offset = self.place_of(event)
        if offset is None:
            return
        thing = next((name for spot, name in self._things if spot.contains_point(offset)), None)
        pid = self.process_at(offset)
        if thing is not None:
            event.prevent_default()
            self.post_message(Named(thing, event.chain == 2))
        elif pid is not None:
            event.prevent_default()
            self.post_message(Picked(pid, event.chain == 2))


def _items(graph: WaitGraph) -> list[int | str]:
    found: dict[int | str, None] = {}
    for chain in graph.chains():
        for pid in chain:
            found[pid] = None
            found |= dict.fromkeys(wait.resource for wait in graph.of(pid))
    return [*found]


def _cut(text: str, width: int) -> str:
    """Cut a text to ``width`` cells, keeping its end, which often tells similar names apart."""
    if cell_len(text) <= width:
        return text
    end = text[-min(_END, width // 2) :]
    return fit(text, width - cell_len(end)) + end


def _sign(directions: int, net: Net, said: bool) -> str:
    signs: Mapping[int, str] = _THICK if net.knot else _THIN
    dashed = _THICK_DASHED if net.knot else _DASHED
    return (dashed.get(directions) if said else None) or signs.get(directions) or signs[_UPRIGHT]


def _legend(width: int) -> str:
    """Return the meaning of as many signs as fit into ``width`` cells."""
    signs = (
        _("[thing] ─▶ (who has it)"),
        _("╌▶ as the program says"),
        _("━▶ deadlock"),
        _("▐new▌"),
        _("1/2 one of two is enough"),
        _("✘ gone"),
    )
    said = ""
    for sign in signs:
        if cell_len(said) + cell_len(sign) + 3 <= width:
            said += f"{sign}   "
    return said


def _nobody(session: Session) -> list[str]:
    said = [_("Nobody waits for another process.")]
    if session.view.board.rows and not session.view.board.all_ended:
        said.append(_("Who waits for a lock, a pipe, a socket or a child is drawn here, with who has it."))
    return said
