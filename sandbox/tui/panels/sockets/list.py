"""The list of listeners and, below each, its connections: client, process, state, and what was said and heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Offset
from textual.message import Message

from sandbox import wording
from sandbox.clients.client import Client
from sandbox.i18n import Messages, _
from sandbox.render.cells import fit, fit_name, flush_right
from sandbox.tui.format import brief, fine, size
from sandbox.tui.palette import SIGNS
from sandbox.tui.state.conversations import Conversation, Group, Transcripts, situation, whereabouts
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.choices import Choice, Choices
from sandbox.tui.widgets.lines import WIDE, Piece, Window, width_of
from sandbox.util.units import MS
from sandbox.views.network import Connection, Listener

#: Widths of the columns in cells: the client, its port (if there is room), the process, where it is; then bytes and
#: times.
_CLIENT, _CLIENT_NARROW, _PORT = 11, 9, 6
_PROCESS, _PROCESS_NARROW = 15, 4
_SITUATION = 27
_BYTES, _TIME = 7, 9
#: Shorter waits are not shown, as they would be over before they can be read.
_SEEN_NS = 300 * MS

_BACKLOG: Messages = {"bounded": "backlog {waiting}/{most}", "unbounded": "backlog {waiting}"}
_BACKLOG_WIDE: Messages = {
    "bounded": "{waiting} of {most} in the kernel's backlog",
    "unbounded": "{waiting} in the kernel's backlog",
}

Chosen = Connection | Client | None


class ConversationPicked(Message):
    """A conversation was clicked, or double-clicked."""

    def __init__(self, key: Connection | Client, twice: bool) -> None:
        super().__init__()
        self.key, self.twice = key, twice


class SocketList(Choices[Connection | Client]):
    """The scrollable list of conversations."""

    DEFAULT_CLASSES = "framed main"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._groups: Sequence[Group] = ()
        self._notes: Sequence[str] = ()
        self._transcripts = Transcripts()
        self._places: dict[int, int] = {}
        #: The names of clients that have left, by their addresses.
        self._gone: Mapping[str, str] = {}
        #: Processes that are clients, by their addresses.
        self._callers: dict[str, int] = {}

    def picked(self, key: Connection | Client, twice: bool) -> Message:
        return ConversationPicked(key, twice)

    def process_at(self, place: Offset) -> int | None:
        key = self._keys[place.y] if 0 <= place.y < len(self._keys) else None
        talks = (talk for group in self._groups for talk in group.conversations)
        talk = next((talk for talk in talks if talk.key is key), None)
        return talk.connection.pid if talk is not None and talk.connection is not None else None

    def update_from(
        self,
        session: Session,
        groups: Sequence[Group],
        chosen: Chosen,
        notes: Sequence[str],
        gone: Mapping[str, str],
    ) -> None:
        """Show the conversations. ``notes``: lines below all connections; ``gone``: the names of clients that have
        left, by address."""
        if session is not self._session:
            self._transcripts = Transcripts()
        self.remember(session, chosen)
        self._groups, self._notes, self._gone = groups, notes, gone
        self._places = {pid: place for place, pid in enumerate(session.view.board.ready, 1)}
        self._transcripts.read(session.view.board)
        network = session.view.board.network
        ends = (each for each in network.connections.values() if each.listener is None)
        self._callers = {end.own: end.pid for end in ends if end.pid is not None}
        now = len(network.connections)
        counts = _("{open} open   {number} so far").format(open=now, number=network.number)
        self.entitle(_("SOCKETS"), counts if network.number else "")
        self.update_lines()

    def rows(self, session: Session, width: int, height: int) -> Iterator[Choice[Connection | Client]]:
        """Yield a heading, then as many lines as there is room for."""
        entries = [*self._entries(session, width)]
        if not entries:
            said = [
                _("Nobody listens here."),
                _("{open} opens a scenario with a server, {new} starts a program of yours.").format(
                    open=self.key("open"), new=self.key("new")
                ),
            ]
            yield from ((None, strip) for strip in self.centred(said, width, height))
            return
        place = next((index for index, (key, __) in enumerate(entries) if key is not None and key is self.chosen), None)

        def shown(seen: Window) -> Iterator[Choice[Connection | Client]]:
            for key, pieces in entries[seen.first : seen.last]:
                yield self.row(key, pieces(), width)

        yield self.row(None, self._heading(width), width)
        yield from self.scrolled(len(entries), place, shown, width, height - 1)

    def _heading(self, width: int) -> list[Piece]:
        wide = width >= WIDE
        titles = "  " + fit(_("client"), _CLIENT + _PORT + 2 if wide else _CLIENT_NARROW + 1)
        titles += fit(_("process"), _PROCESS) if wide else fit("pid", _PROCESS_NARROW)
        titles += fit(_("where it is"), _SITUATION + 2)
        if wide:
            titles += flush_right(_("in"), _BYTES) + flush_right(_("out"), _BYTES)
        titles += flush_right(_("answer"), _TIME) + flush_right(_("CPU wait"), _TIME)
        return [(f"{titles}  {_('said → heard')}", self.palette.dim)]

    def _entries(self, session: Session, width: int) -> Iterator[tuple[Chosen, Callable[[], list[Piece]]]]:
        """Yield the key of each line and a function that makes its contents, which is called only for lines in
        sight."""
        for group in self._groups:
            if group.listener is not None:
                yield None, partial(self._listener, session, group.listener, width)
                yield None, partial(self._burden, session, group.listener)
            else:
                yield None, lambda: [(_("elsewhere"), self.palette.strong)]
            for talk in group.conversations:
                yield talk.key, partial(self._conversation, session, talk, width)
        for note in self._notes:
            yield None, partial(self._note, note)

    def _note(self, note: str) -> list[Piece]:
        return [(note, self.palette.dim)]

    def _listener(self, session: Session, listener: Listener, width: int) -> list[Piece]:
        palette, row = self.palette, session.view.board.rows[listener.pid]
        where = wording.situation(whereabouts(session.view.board, row.pid, self._places, listener.at))
        template = _BACKLOG_WIDE if width >= WIDE else _BACKLOG
        figures = {"waiting": listener.waiting, "most": listener.backlog}
        backlog = _(template["bounded" if listener.backlog else "unbounded"]).format(**figures)
        return [
            (f"{listener.at}", palette.strong),
            (f"  {row.pid} {fit_name(row.called, min(cell_len(row.called), 16))}  ", palette.text),
            (f"{SIGNS[row.state]} ", palette.state(row.state)),
            (where, palette.text),
            ("  " + backlog, palette.ready if listener.waiting else palette.dim),
        ]

    def _burden(self, session: Session, listener: Listener) -> list[Piece]:
        """Return a line with a listener's cost, and the last output of its server that concerns no single client."""
        life, now_ns = session.view.history.lives[listener.pid], session.view.now_ns
        share = life.blocked_ns(now_ns) / max(now_ns - life.admitted.t_ns, 1)
        said = wording.burden(brief(session.view.cpu_ns(listener.pid)), share)
        words = self._transcripts.aside(session.view.board.rows[listener.pid].console)
        return [(f"  {said}", self.palette.text), (f"   {words}", self.palette.dim)]

    def _conversation(self, session: Session, talk: Conversation, width: int) -> list[Piece]:
        palette, client, connection = self.palette, talk.client, talk.connection
        wide = width >= WIDE
        over = client is not None and client.state == "closed"
        text = palette.dim if over else palette.text
        mark = "▸" if talk.key is self.chosen else " "
        ticks = "♪" if client is not None and session.clients.ticks(client) else " "
        pieces: list[Piece] = [(mark + ticks, palette.strong), *self._names(session, talk, wide, text)]
        said = wording.situation(situation(session.view.board, talk, self._places))
        pid = connection.pid if connection is not None and not over else None
        if pid is None or connection is None:  # without a process there are no columns to fill
            failed = client is not None and client.error is not None
            style = palette.failed if failed else palette.dim if over else palette.ready
            waits = self._waits(session, client)
            room = width - width_of(pieces) - cell_len(waits) - 1
            return [*pieces, (fit(said, room) + " ", style), (waits, palette.ready)]
        state = session.view.board.rows[pid].state
        port = connection.peer.rpartition(":")[2]
        called = session.view.names[pid].removesuffix(f":{port}")  # the port is shown already
        name = f"{pid:>3} " + (fit_name(called, _PROCESS - 5) + " " if wide else "")
        pieces += [(name, text), (f"{SIGNS[state]} ", palette.state(state))]
        pieces.append((fit(said, _SITUATION), text))
        return [*pieces, *self._figures(session, connection, client, wide), ("  " + self._words(talk), text)]

    def _names(self, session: Session, talk: Conversation, wide: bool, style: Style) -> Iterator[Piece]:
        """Yield the client's name and port; in narrow lists only the name, or the port if there is no name."""
        own = talk.address
        port = f":{own.rpartition(':')[2]}" if own else ""
        name = self._caller(session, talk)
        if wide:
            yield fit_name(name or _("outside"), _CLIENT), style
            yield fit(port, _PORT) + "  ", self.palette.dim
        else:
            yield fit_name(name or port, _CLIENT_NARROW) + " ", style

    def _caller(self, session: Session, talk: Conversation) -> str:
        """Return the name of a client of the app, or of the process that is the client; "" for one from outside."""
        if talk.client is not None:
            return talk.client.name
        peer = talk.address or ""
        pid = self._callers.get(peer)
        return session.view.names[pid] if pid is not None else self._gone.get(peer, "")

    def _figures(self, session: Session, connection: Connection, client: Client | None, wide: bool) -> Iterator[Piece]:
        palette = self.palette
        if wide:
            yield flush_right(size(connection.received), _BYTES), palette.dim
            yield flush_right(size(connection.sent), _BYTES), palette.dim
        waits = self._waits(session, client)
        trip = client.round_trip_ns if client is not None and not session.view.looks_back else None
        yield flush_right(waits or fine(trip), _TIME), palette.ready if waits else palette.text
        yield flush_right(fine(connection.waited_ns), _TIME), palette.text

    def _waits(self, session: Session, client: Client | None) -> str:
        """Return how long a client has been waiting for its answer, if long enough to be read; "" in the past, where it
        is unknown."""
        since_ns = client.waits_since_ns if client is not None and not session.view.looks_back else None
        waited_ns = 0 if since_ns is None else session.clock() - since_ns
        return f"{brief(waited_ns)} …" if waited_ns >= _SEEN_NS else ""

    def _words(self, talk: Conversation) -> str:
        client = talk.client
        if client is not None:
            return f"{client.said} → {client.heard}" if client.said else ""
        return self._transcripts.words(talk.connection.peer) if talk.connection is not None else ""
