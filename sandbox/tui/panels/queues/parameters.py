"""The parameters of the policy in force, one per line, which can be changed while the machine runs."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from sandbox.i18n import _
from sandbox.model.events import Described, ParameterView
from sandbox.tui.config import config_of

#: Cells between a name, its value and the allowed values.
_GAP = 2


class Tuned(Message):
    """The user wants a parameter to have this value."""

    def __init__(self, parameter: str, value: str) -> None:
        super().__init__()
        self.parameter, self.value = parameter, value


class Field(Horizontal):
    """A parameter: its name, its value, which can be edited, and the allowed values."""

    def __init__(self, view: ParameterView, name_cells: int, allowed_cells: int) -> None:
        super().__init__()
        self.view = view
        self.input = Input(view.value, compact=True)
        self._title = Static(view.name, markup=False)
        self._title.styles.width = name_cells
        self._range = Static(view.allowed, markup=False)
        self._range.styles.width = allowed_cells

    def compose(self) -> ComposeResult:
        yield from (self._title, self.input, self._range)

    def update(self, view: ParameterView) -> None:
        """Show a new description. Text being typed is kept, unless the value itself has changed."""
        if view.value != self.view.value:
            self.input.value = view.value
        self.view = view


class Parameters(Vertical):
    """The fields, and below them the meaning of the focused parameter, or why its value is refused."""

    DEFAULT_CLASSES = "framed"

    BINDINGS: ClassVar[list[BindingType]] = [("up", "move(-1)", "Previous"), ("down", "move(1)", "Next")]

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._fields: list[Field] = []
        self._shown: Described | None = None
        self._says = Static(classes="says", markup=False)

    def compose(self) -> ComposeResult:
        """Yield the text only: the fields are added when the policy has described its parameters."""
        self.border_title = _("PARAMETERS")
        yield self._says

    def update_from(self, described: Described) -> None:
        """Show the policy's parameters."""
        if described is self._shown:
            return
        self._shown = described
        views = {view.name: view for view in described.parameters}
        if [field.view.name for field in self._fields] == [*views]:
            for field in self._fields:
                field.update(views[field.view.name])
        else:
            for field in self._fields:
                field.remove()
            names = max(map(cell_len, views), default=0) + _GAP
            allowed = max((cell_len(view.allowed) for view in views.values()), default=0)
            self._fields = [Field(view, names, allowed) for view in views.values()]
            self.mount(*self._fields, before=self._says)
        self._explain()

    @property
    def editing(self) -> bool:
        """Whether a field has the focus."""
        return self._present is not None

    @property
    def _present(self) -> int | None:
        return next((index for index, field in enumerate(self._fields) if field.input.has_focus), None)

    def edit(self) -> bool:
        """Focus the first field. Returns False if there is none."""
        if self._fields:
            self._fields[0].input.focus()
        return bool(self._fields)

    def refuse(self, said: str) -> None:
        """Show why the machine refuses a value."""
        self._says.update(said)
        self._says.add_class("problem")

    def _explain(self) -> None:
        present = self._present
        self._says.remove_class("problem")
        keys = config_of(self).spelt(_("⏎ set   ↑ ↓ another   esc leave"))
        self.border_subtitle = keys if present is not None else ""
        if present is not None:
            self._says.update(_(self._fields[present].view.says))
        elif self._shown is not None and not self._fields:
            self._says.update(_("{policy} has none").format(policy=self._shown.policy))
        else:
            self._says.update("")

    def action_move(self, by: int) -> None:
        """Move the focus to another field."""
        present = self._present
        if present is not None:
            self._fields[max(min(present + by, len(self._fields) - 1), 0)].input.focus()

    def on_descendant_focus(self) -> None:
        """Explain the focused parameter."""
        self._explain()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Discard a value that was typed but not set."""
        for field in self._fields:
            if field.input is event.widget:
                field.input.value = field.view.value
        self._explain()

    def on_input_changed(self) -> None:
        if self.editing:
            self._explain()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        present = self._present
        if present is not None:
            self.post_message(Tuned(self._fields[present].view.name, event.value))
