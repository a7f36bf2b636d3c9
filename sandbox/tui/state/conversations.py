"""The conversations that the sockets panel lists: each connection, with its client if that is a client of the app."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sandbox.clients.client import Client
from sandbox.model.events import Clause, Figure
from sandbox.model.states import State
from sandbox.views.board import Board
from sandbox.views.network import Connection, Listener, Network

if TYPE_CHECKING:
    from sandbox.tui.state.viewpoint import Viewpoint

#: An address, such as a client's; the client may have left by the time its text is read.
_ADDRESS = re.compile(r"\S+:\d+")


class Conversation(NamedTuple):
    """A connection, as the kernel process sees it, and the app's client at its other end. Either may be None: a caller
    from outside is no client of the app, and a client that is connecting has no connection yet."""

    connection: Connection | None
    client: Client | None

    @property
    def key(self) -> Connection | Client | None:
        """The value that identifies the conversation in a selection; it stays the same as long as the conversation
        lasts."""
        return self.client or self.connection

    @property
    def address(self) -> str | None:
        """The client's address; None if it has none yet."""
        if self.client is not None:
            return self.client.own
        return self.connection.peer if self.connection is not None else None


class Group(NamedTuple):
    """A listener and the conversations that came through it. ``listener`` is None for connections without a listener
    here."""

    listener: Listener | None
    conversations: Sequence[Conversation]


def shown(found: Sequence[Group], view: Viewpoint) -> list[Group]:
    """Return the conversations that pass the lists' filter, in the lists' order. Groups with a listener are always
    kept."""
    listing = view.listing
    if not (listing.text or listing.order):
        return [*found]

    def keeps(talk: Conversation) -> bool:
        return any(listing.text in word.casefold() for word in _words(talk, view))

    def key(talk: Conversation) -> tuple[float, str]:
        pid = talk.connection.pid if talk.connection is not None else None
        figure = {"pid": pid or 0, "cpu": -view.cpu_ns(pid) if pid in view.board.rows else 0}.get(listing.order, 0)
        if listing.order == "since" and talk.connection is not None:
            figure = -(talk.connection.waited_ns or 0)
        return figure, " ".join(_words(talk, view))

    kept = [(group.listener, [talk for talk in group.conversations if keeps(talk)]) for group in found]
    if listing.order:
        kept = [(listener, sorted(talks, key=key, reverse=listing.backwards)) for listener, talks in kept]
    return [Group(listener, talks) for listener, talks in kept if listener is not None or talks]


def _words(talk: Conversation, view: Viewpoint) -> list[str]:
    """Return the texts that a search matches: the client's name, its address, and the name of the process."""
    words = [talk.client.name] if talk.client is not None else []
    words.append(talk.address or "")
    if talk.connection is not None and talk.connection.pid is not None:
        words.append(view.names.get(talk.connection.pid, ""))
    return words


def groups(network: Network, clients: Iterable[Client]) -> list[Group]:
    """Return all conversations in groups, one per listener. The app's clients come first, so that no line moves when
    one is connected."""
    connections = network.connections.values()
    ours = {client.own for client in clients if client.own is not None}
    accepted = {each.peer: each for each in connections if each.listener is not None}
    found: list[Group] = []
    placed: set[Client] = set()
    for number, listener in sorted(network.listeners.items(), key=lambda item: item[1].pid):
        port = listener.at.rpartition(":")[2]
        known = [client for client in clients if str(client.address.port) == port and client not in placed]
        placed.update(known)
        others = [each for each in accepted.values() if each.listener == number and each.peer not in ours]
        found.append(Group(listener, _conversations(known, accepted, others)))
    calling = [client for client in clients if client not in placed]
    others = [each for each in connections if each.listener is None and each.own not in accepted]
    elsewhere = _conversations(calling, accepted, others)
    return [*found, Group(None, elsewhere)] if elsewhere else found


def _conversations(
    clients: Iterable[Client], accepted: Mapping[str, Connection], others: Iterable[Connection]
) -> list[Conversation]:
    """Return the conversations of the app's clients, followed by the other ones."""
    ours = [Conversation(accepted.get(client.own or ""), client) for client in clients]
    return ours + [Conversation(each, None) for each in others]


def whereabouts(board: Board, pid: int, places: Mapping[int, int], peer: str = "") -> Clause:
    """Describe where a process is now. ``places``: the places in the ready queue by pid, from 1 at the head. ``peer``
    is left out of the description, as the caller shows it already."""
    row = board.rows[pid]
    figures: dict[str, Figure] = {}
    match row.state:
        case State.READY:
            figures = {"place": places.get(pid)}
        case State.RUNNING:
            figures = {"cpu": row.cpu}
        case State.BLOCKED | State.STOPPED if row.on is not None:
            figures = {name: value for name, value in row.on.figures.items() if value != peer}
            figures["cause"] = row.on.rule
    return Clause(row.state.value, figures)


def situation(board: Board, talk: Conversation, places: Mapping[int, int]) -> Clause:
    """Describe the state of a conversation: where its process is, or why it has none."""
    client, connection = talk.client, talk.connection
    if client is not None and client.state == "closed":
        return client.error or Clause("closed")
    if connection is None:
        return Clause("connecting")
    if connection.pid is not None:
        return whereabouts(board, connection.pid, places, connection.peer)
    listener = board.network.listeners.get(connection.listener or 0)
    if board.paused or listener is None:
        return Clause("the machine is paused")
    server = whereabouts(board, listener.pid, places, listener.at)
    return Clause(
        "in the kernel's backlog", {"name": board.rows[listener.pid].name, "where": server.rule, **server.figures}
    )


class Transcripts:
    """The last words of clients from outside, as far as the server prints them: the built-in servers write ``PEER heard
    → said`` on their consoles. Other lines of a server are taken to be about no single client."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._asides: dict[int, str] = {}
        #: For each console, the number of the line up to which it has been read.
        self._read: dict[int, int] = {}

    def read(self, board: Board) -> None:
        """Read what the servers have written since the last call."""
        peers = {connection.peer for connection in board.network.connections.values()}
        for listener in board.network.listeners.values():
            row = board.rows[board.rows[listener.pid].console]
            for line in row.output.lines(self._read.get(row.pid, 0), row.output.end):
                written = "".join(text for text, _ in line)
                peer, _, words = written.partition(" ")
                if peer in peers:
                    self._words[peer] = words
                elif written and not _ADDRESS.fullmatch(peer):
                    self._asides[row.pid] = written
            self._read[row.pid] = max(row.output.end - 1, 0)  # the last line may still grow
        if len(self._words) > 2 * len(peers) + 100:
            self._words = {peer: words for peer, words in self._words.items() if peer in peers}

    def aside(self, console: int) -> str:
        """Return the last line of a console that is about no single client; "" if there is none."""
        return self._asides.get(console, "")

    def words(self, peer: str) -> str:
        """Return what a peer last said and was answered; "" if unknown."""
        return self._words.get(peer, "")
