"""What is asked and told over the board: a choice from a list, one line of text, a message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """Something over the board that escape closes."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Close")]


class Offer(NamedTuple):
    """One thing to choose. ``id``: what is answered."""

    id: str
    title: str
    says: str


class Choose(Dialog["str | None"]):
    """Choose one of several; None when nothing was chosen."""

    def __init__(self, title: str, offers: Sequence[Offer], present: str = "") -> None:
        super().__init__()
        self._heading, self._offers, self._present = title, offers, present

    def compose(self) -> ComposeResult:
        """The list, the present one marked."""
        width = max((len(offer.title) for offer in self._offers), default=0)
        with Vertical(classes="box") as box:
            box.border_title = self._heading
            box.border_subtitle = "↑ ↓ choose   ⏎ take   esc close"
            yield OptionList(*(self._option(offer, width) for offer in self._offers))

    def _option(self, offer: Offer, width: int) -> Option:
        mark = "● " if offer.id == self._present else "  "
        return Option(Text.assemble(mark, (offer.title.ljust(width), "bold"), "  ", (offer.says, "dim")), id=offer.id)

    def on_mount(self) -> None:
        """Begin at the present one."""
        ids = [offer.id for offer in self._offers]
        if self._present in ids:
            self.query_one(OptionList).highlighted = ids.index(self._present)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Taken."""
        self.dismiss(event.option_id)


class Ask(Dialog["str | None"]):
    """Ask for one line. ``check`` says what is wrong with an answer, or None."""

    def __init__(self, title: str, example: str, check: Callable[[str], str | None]) -> None:
        super().__init__()
        self._heading, self._example, self._check = title, example, check

    def compose(self) -> ComposeResult:
        """The question and the place for its answer."""
        with Vertical(classes="box") as box:
            box.border_title = self._heading
            box.border_subtitle = "⏎ take   esc close"
            yield Static(f"for example: {self._example}", classes="hint", markup=False)
            yield Input()
            yield Static("", classes="problem", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the answer, or say what is wrong with it."""
        problem = self._check(event.value)
        if problem is None:
            self.dismiss(event.value)
        else:
            self.query_one(".problem", Static).update(problem)


class Tell(Dialog[bool]):
    """Tell something; ``offer``: what enter does (answers True)."""

    BINDINGS: ClassVar[list[BindingType]] = [("enter", "take", "Take")]

    def __init__(self, title: str, text: str, offer: str) -> None:
        super().__init__()
        self._heading, self._text, self._offer = title, text, offer

    def compose(self) -> ComposeResult:
        """The message."""
        with Vertical(classes="box") as box:
            box.border_title = self._heading
            box.border_subtitle = f"⏎ {self._offer}   esc close"
            yield Static(self._text, markup=False)

    def action_take(self) -> None:
        """Taken."""
        self.dismiss(True)
