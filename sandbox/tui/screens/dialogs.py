"""Base classes of dialogs over the board: a choice from a list, one line of text, a message."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple, TypeVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from sandbox.i18n import _
from sandbox.tui.config import config_of
from sandbox.tui.widgets.entry import EntryLine
from sandbox.tui.widgets.lines import SelectingScreen

T = TypeVar("T")


class Dialog(SelectingScreen[T], ModalScreen[T]):
    """A dialog that covers the board until it is closed by escape, or by ctrl+c with the result ``INTERRUPTED``."""

    INTERRUPTED: ClassVar[object] = None
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Close")]

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Answer and close. A second click that comes after that is ignored; Textual would close the screen below."""
        return super().dismiss(result) if self.app.screen_stack[-1:] == [self] else AwaitComplete()


def entitle(box: Widget, title: str, subtitle: str) -> None:
    """Set a dialog's title and keys in its border; names in them are not interpreted as markup."""
    box.border_title, box.border_subtitle = Text(title), Text(config_of(box).spelt(subtitle))


class Offer(NamedTuple):
    """An item to choose. ``id``: the result; ``more``: the text shown while the item is highlighted."""

    id: str
    title: str
    says: str
    more: str = ""


class Choose(Dialog["str | None"]):
    """A dialog to choose one of several items; the result is None if none was chosen."""

    def __init__(self, title: str, offers: Sequence[Offer], present: str = "") -> None:
        super().__init__()
        self._heading, self._offers, self._present = title, offers, present
        # Created here, as keys may arrive before the list is on the screen.
        width = max((cell_len(offer.title) for offer in offers), default=0)
        self._width = width
        #: The items listed: all, or those that match.
        self._shown = offers
        self._list = OptionList(*(self._option(offer, width) for offer in offers))
        self._more = Static("", markup=False)
        self._room = VerticalScroll(self._more, classes="more", can_focus=False)

    def compose(self) -> ComposeResult:
        """Yield the list, with the present item marked, and more about the highlighted one."""
        with Vertical(classes="box") as box:
            entitle(box, self._heading, _("↑ ↓ choose   ⏎ take   esc close"))
            yield self._list
            if any(offer.more for offer in self._offers):
                yield self._room
            yield from self.below()

    def below(self) -> ComposeResult:
        """Yield widgets below the list; for subclasses."""
        yield from ()

    def _option(self, offer: Offer, width: int) -> Option:
        mark = "● " if offer.id == self._present else "  "
        title = offer.title + " " * (width - cell_len(offer.title))
        text = Text.assemble(mark, (title, "bold"), "  ", (offer.says, "dim"), no_wrap=True, overflow="ellipsis")
        return Option(text, id=offer.id)

    def on_mount(self) -> None:
        """Highlight the present item."""
        ids = [offer.id for offer in self._offers]
        if ids:
            self._list.highlighted = ids.index(self._present) if self._present in ids else 0

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._shown):
            self._more.update(self._shown[event.option_index].more)
            if self._room.is_attached:
                self._room.scroll_home(animate=False)

    def look_for(self, text: str) -> None:
        """List only items that contain this text."""
        wanted = text.strip().casefold()
        shown = [offer for offer in self._offers if wanted in f"{offer.title} {offer.says}".casefold()]
        if shown != self._shown:
            self._shown = shown
            self._list.clear_options()
            self._list.add_options([self._option(offer, self._width) for offer in shown])
            self._list.highlighted = _best(shown, wanted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.accept(event.option_id or "")

    def accept(self, id: str) -> None:
        """Close the dialog with this result."""
        self.dismiss(id)


def _best(offers: Sequence[Offer], wanted: str) -> int | None:
    """Return the index of the first item whose id equals the text, or else begins with it; otherwise 0, or None without
    items."""
    for fits in (str.__eq__, str.startswith):
        for place, offer in enumerate(offers):
            if fits(offer.id.casefold(), wanted):
                return place
    return 0 if offers else None


class ChooseOrType(Choose):
    """A dialog to choose an item or type something else. Typing filters the list. ``example``: what could be typed."""

    BINDINGS: ClassVar[list[BindingType]] = [("tab", "app.focus_next", "List or line")]

    def __init__(self, title: str, offers: Sequence[Offer], present: str, example: str) -> None:
        super().__init__(title, offers, present)
        self._line = Input(placeholder=example, select_on_focus=False)
        self._problem = Static("", classes="problem", markup=False)

    def below(self) -> ComposeResult:
        """Yield the line, and the reason why its text was refused."""
        yield self._line
        with VerticalScroll(classes="problems", can_focus=False):
            yield self._problem

    def refuse(self, said: str) -> None:
        """Show why the input is refused; "" clears the message."""
        self.set_class(bool(said), "refused")
        self._problem.update(said)

    def on_key(self, event: events.Key) -> None:
        """Move the focus between the list and the line below it with the arrow keys."""
        options, line = self._list, self._line
        if event.key == "down" and options.has_focus and options.highlighted == options.option_count - 1:
            line.focus()
        elif event.key in ("up", "down") and line.has_focus and self._shown:
            options.focus()
        elif event.is_printable and options.has_focus:  # typing is meant for the line
            line.focus()
            line.insert_text_at_cursor(event.character or "")
        else:
            return
        event.stop()
        event.prevent_default()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter the list. A slash at the beginning is ignored, as elsewhere it is the key for filters."""
        self.refuse("")
        self.look_for(event.value.removeprefix("/"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Accept the highlighted item, or the typed text if that is an existing path or matches no item."""
        typed = os.path.expanduser(event.value.strip())
        place = self._list.highlighted
        if typed and self._shown and place is not None and not os.path.exists(typed):
            self.accept(self._shown[place].id)
        elif typed:
            self.accept(typed)


class Ask(Dialog["str | None"]):
    """A dialog that asks for one line. ``check`` returns what is wrong with an answer, or None; ``before``: earlier
    answers that the arrow keys recall."""

    def __init__(
        self, title: str, says: str, example: str, check: Callable[[str], str | None], before: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._heading, self._says, self._check = title, says, check
        self._line = EntryLine(placeholder=example, before=before)
        self._problem = Static("", classes="problem", markup=False)

    def compose(self) -> ComposeResult:
        """Yield the question and the input line."""
        with Vertical(classes="box") as box:
            entitle(box, self._heading, _("⏎ take   esc close"))
            yield Static(self._says, markup=False)
            yield self._line
            yield self._problem

    def on_mount(self) -> None:
        self._say("")

    def _say(self, problem: str) -> None:
        self._problem.update(problem)
        self._problem.display = bool(problem)

    def on_input_changed(self) -> None:
        self._say("")

    def on_entry_line_left(self) -> None:
        self.dismiss(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Accept the answer, or show what is wrong with it."""
        problem = self._check(event.value)
        if problem is None:
            self.take(event.value)
        else:
            self._say(problem)

    def take(self, answer: str) -> None:
        """Close the dialog with a valid answer."""
        self.dismiss(answer)


class Tell(Dialog[bool]):
    """A dialog with a message. ``offer``: what enter does, with the result True."""

    BINDINGS: ClassVar[list[BindingType]] = [("enter", "accept", "Accept")]

    def __init__(self, title: str, text: str, offer: str) -> None:
        super().__init__()
        self._heading, self._text, self._offer = title, text, offer

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            entitle(box, self._heading, _("⏎ {offer}   esc close").format(offer=self._offer))
            yield Static(self._text, markup=False)

    def action_accept(self) -> None:
        self.dismiss(True)
