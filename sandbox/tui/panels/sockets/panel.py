"""The sockets panel: listening servers, their connections, and clients of the app that can be sent to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from sandbox import wording
from sandbox.clients.client import Client
from sandbox.i18n import N_, _
from sandbox.model.spec import MAX_CLIENTS
from sandbox.tui.config import config_of
from sandbox.tui.format import fine
from sandbox.tui.keys import bindings
from sandbox.tui.panels.panel import Panel
from sandbox.tui.panels.sockets.list import Chosen, ConversationPicked, SocketList
from sandbox.tui.state.conversations import Conversation, Group, groups, shown
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.choices import Picked
from sandbox.tui.widgets.entry import EntryLine, Prompt
from sandbox.util.addresses import Address, parse_address
from sandbox.util.stats import percentile
from sandbox.util.units import MS
from sandbox.views.network import Listener

_HELLO, _EVERY_NS = "hello", 500 * MS
_BURST = 100


class Sockets(Panel, can_focus=True):
    """The list of connections, with keys to control the app's clients."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("sockets")
    poll_every_s = 0.1

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._list = SocketList(id="socket-list")
        self._prompt = Prompt("sayer", nobody=N_("no client of this panel is chosen"))
        self._line = EntryLine(id="saying", compact=True, several=True)
        self._row = Horizontal(self._prompt, self._line, id="saying-row")
        self._session: Session | None = None
        self._chosen: Chosen = None
        self._picked: int | None = None
        self._groups: list[Group] = []
        self._bursts: list[Sequence[Client]] = []
        #: Clients that are not listed once they have left.
        self._passing: set[Client] = set()
        #: The names of clients, by the addresses of their connections.
        self._gone: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield self._list
        yield self._row

    def update_from(self, session: Session, chosen: int | None) -> None:
        if session is not self._session:
            self._session, self._chosen, self._picked, self._bursts = session, None, None, []
            self._passing.clear()
        self.poll()

    def arrive(self) -> None:
        self._picked = None  # another process may have been chosen on another panel
        super().arrive()

    def poll(self) -> None:
        """Update the list from the clients, whose changes no event reports."""
        session = self._session
        if session is None:
            return
        clients = session.clients
        clients.all = [each for each in clients.all if each.state != "closed" or each not in self._passing]
        self._groups = shown(groups(session.view.board.network, clients.all), session.view)
        if self._chosen not in [talk.key for talk in self._conversations]:
            self._chosen = None
        self._pick_process()
        peers = {connection.peer for connection in session.view.board.network.connections.values()}
        known = {**self._gone, **{each.own: each.name for each in clients.all if each.own is not None}}
        self._gone = {own: name for own, name in known.items() if own in peers}
        notes = [_summary(burst) for burst in self._bursts]
        self._list.update_from(session, self._groups, self._chosen, notes, self._gone)
        speaker = self._speaker
        self._prompt.update_from(speaker.name if speaker is not None else None, asks=False)
        # Keep the focus in the line: text meant for a client that has just left must not be taken as commands.
        self._row.display = self._line.display = speaker is not None or self._line.has_focus
        if speaker is not None:
            self._line.meant_for(speaker)
        self._line.placeholder = self._hint()

    def _hint(self) -> str:
        if self._line.has_focus:
            said = _("a line, then ⏎   {leave} leaves").format(leave=self.key("entry_leave"))
            return config_of(self).spelt(said)
        return _("{key} types something to say").format(key=self.key("client_say"))

    @property
    def _conversations(self) -> list[Conversation]:
        return [talk for group in self._groups for talk in group.conversations]

    @property
    def _speaker(self) -> Client | None:
        """The chosen client, if it is a connected client of the app; without a choice, the last one in the list; else
        None."""
        if isinstance(self._chosen, Client):
            return self._chosen if self._chosen.state == "connected" else None
        ours = (
            talk.client for talk in reversed(self._conversations) if talk.client is not None and self._chosen is None
        )
        return next((each for each in ours if each.state == "connected" and each not in self._passing), None)

    def _address(self) -> Address | None:
        """Return the address for a new client: that of the chosen conversation's listener, else of the first one; None
        if none listens."""
        listener: Listener | None = None
        for group in self._groups:
            if group.listener is not None:
                keys = [talk.key for talk in group.conversations]
                if listener is None or (self._chosen is not None and self._chosen in keys):
                    listener = group.listener
        if listener is None:
            self.notify(_("Nobody listens here yet"), markup=False)
            return None
        return parse_address(listener.at).here

    # Keys

    def on_conversation_picked(self, message: ConversationPicked) -> None:
        self._choose(message.key)
        if message.twice:
            self.action_say()

    def action_choose(self, by: int) -> None:
        """Choose another connection, ``by`` lines further on."""
        keys = [talk.key for talk in self._conversations]
        if keys:
            before = keys.index(self._chosen) if self._chosen in keys else -1 if by > 0 else len(keys)
            self._choose(keys[max(min(before + by, len(keys) - 1), 0)])
        else:
            self.notify(_("There is no connection yet"), markup=False)

    def action_page(self, by: int) -> None:
        """Choose a connection, ``by`` pages further on."""
        self.action_choose(by * max(self._list.size.height - 3, 1))

    def action_end(self, by: int) -> None:
        """Choose the last connection, or the first."""
        self.action_choose(by * max(len(self._conversations), 1))

    def _choose(self, key: Chosen) -> None:
        self._chosen = key
        self.poll()

    def _pick_process(self) -> None:
        """Choose the process of the chosen connection, as soon as there is one, so that it can be killed and is marked
        on other panels."""
        connection = next((talk.connection for talk in self._conversations if talk.key is self._chosen), None)
        pid = connection.pid if connection is not None and self._chosen is not None else None
        if pid != self._picked:
            self._picked = pid
            if pid is not None:
                self.post_message(Picked(pid))

    def action_connect(self) -> None:
        """Connect another client."""
        self._connect()

    def action_tick(self) -> None:
        """Connect another client that says hello again and again."""
        client = self._connect()
        if client is not None and self._session is not None:
            self._session.clients.tick(client, _HELLO, _EVERY_NS)

    def _connect(self) -> Client | None:
        address = self._address()
        if address is None or self._session is None:
            return None
        client = self._session.clients.connect(address)
        self._chosen = client
        self.poll()
        return client

    def action_burst(self) -> None:
        """Connect many clients at once."""
        from sandbox.tui.screens.dialogs import Ask

        address = self._address()

        def answered(number: str | None) -> None:
            if number is not None and address is not None and self._session is not None:
                burst = self._session.clients.burst(int(number or _BURST), address, _HELLO)
                self._bursts.append(burst)
                self._passing.update(burst)

        if address is not None:
            says = _("How many clients at once? Each connects to {at}, says {what}, hears the answer and leaves.")
            says = says.format(at=address, what=_HELLO)
            self.app.push_screen(Ask(_("Burst"), says, str(_BURST), _problem_of_number), answered)

    def action_say(self) -> None:
        """Let the user type what a client says."""
        self.poll()  # a newly connected client can say something at once
        if self._line.display:
            self.screen.set_focus(self._line)
            self.poll()
        elif self._chosen is not None:
            self.notify(_("This one says what it wants: it is no client of this panel"), markup=False)
        else:
            self._connect()

    def action_close(self) -> None:
        """Disconnect the chosen client and stop listing it."""
        client, session = self._chosen, self._session
        if session is None:
            return
        if not isinstance(client, Client):
            said = _("Choose a client of this panel; {key} kills the process of any connection")
            self.notify(said.format(key=self.key("kill")), markup=False)
        else:
            self._passing.add(client)
            session.clients.close(client)
        self.poll()

    def action_close_all(self) -> None:
        """Disconnect all clients and stop listing them."""
        if self._session is not None:
            if not self._session.clients.all:
                self.notify(_("This panel has no clients yet"), markup=False)
            self._passing.update(self._session.clients.all)
            self._session.clients.close_all()
            self._bursts.clear()
            self.poll()

    # Typing

    def on_input_submitted(self, event: EntryLine.Submitted) -> None:
        if self._say([event.value]):
            self._line.take()

    def on_entry_line_pasted(self, event: EntryLine.Pasted) -> None:
        self._say(event.lines)

    def _say(self, lines: Iterable[str]) -> bool:
        """Have the client say these lines, each with a newline. Returns whether there is a client to say them."""
        if self._speaker is None:
            return False
        self._chosen = self._speaker
        for line in lines:
            self._speaker.say(line + "\n")
        self.poll()
        return True

    def on_entry_line_left(self) -> None:
        self.take_keys()
        self.poll()


def _summary(burst: Sequence[Client]) -> str:
    """Return a summary of a burst so far."""
    times = sorted(client.round_trips_ns[-1] for client in burst if client.round_trips_ns)
    failed = sum(client.error is not None for client in burst)
    figures = ""
    if times:
        figures = _("{median} median, {longest} the longest")
        figures = figures.format(median=fine(percentile(times, 0.5)), longest=fine(times[-1]))
    return wording.burst(len(burst), len(times), failed, figures)


def _problem_of_number(text: str) -> str | None:
    if not text or (text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_CLIENTS):
        return None
    return _("a whole number from 1 to {most}").format(most=MAX_CLIENTS)
