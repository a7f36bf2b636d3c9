"""The sockets of the scenario's servers, bound before any process starts.

So a port that is taken is reported at once, and clients that connect from then on wait in the system's backlog, whether
the server has run yet or not.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import errno
import socket
from collections.abc import Iterable

from sandbox.machines.linux.net.sock_diag import TcpState, sockets
from sandbox.machines.linux.procfs import stats
from sandbox.machines.linux.procfs_files import socket_inodes
from sandbox.model.events import Clause, Figure
from sandbox.model.spec import SERVERS, ProcessSpec
from sandbox.programs.conversation import listen
from sandbox.util.addresses import Address, of_socket, parse_address, resolve
from sandbox.util.text import clean_line

#: How many ports above one that is taken are tried in search of a free one.
_MAX_NEIGHBOURS = 100


class NotListening(Exception):
    """A server cannot listen. ``what``: the reason, as data."""

    def __init__(self, what: Clause) -> None:
        super().__init__(what.rule)
        self.what = what


class Listeners:
    """A listening socket for each server. ``exposed``: whether other machines may reach them."""

    def __init__(self, processes: Iterable[ProcessSpec], exposed: bool) -> None:
        self._sockets: dict[str, socket.socket] = {}
        self._failures: dict[str, NotListening] = {}
        self._addresses: dict[str, Address] = {}
        for spec in processes:
            if spec.program in SERVERS:
                self._bind(spec, exposed)

    def take(self, name: str) -> socket.socket:
        """Return the socket of a server, which the caller closes when its process has it. Raises NotListening."""
        failure = self._failures.get(name)
        if failure is not None:
            raise failure
        return self._sockets.pop(name)

    def find(self, connect: str) -> Address | None:
        """Return the address that ``connect`` of a client means: that of a server by its name, or one that is written
        out. None if there is no such server."""
        try:
            return parse_address(connect)
        except ValueError:
            return self._addresses.get(connect)

    def _bind(self, spec: ProcessSpec, exposed: bool) -> None:
        address = parse_address(spec.listen)
        try:
            family, address = resolve(address)
            if not (exposed or address.is_loopback):
                raise NotListening(Clause("is exposed", {"name": spec.name, "at": spec.listen}))
            listener = listen(family, address)
        except NotListening as failure:
            self._failures[spec.name] = failure
        except OSError as error:
            self._failures[spec.name] = NotListening(_failure(spec, address, error))
        else:
            self._sockets[spec.name] = listener
            self._addresses[spec.name] = of_socket(listener.getsockname()).here

    def close(self) -> None:
        """Close the sockets of servers that were not started."""
        for listener in self._sockets.values():
            listener.close()


def _failure(spec: ProcessSpec, address: Address, error: OSError) -> Clause:
    if error.errno != errno.EADDRINUSE:
        reason = clean_line(f"{spec.listen}: {error.strerror}")
        return Clause("could not be started", {"name": spec.name, "reason": reason})
    taken: dict[str, Figure] = {"name": spec.name, "at": spec.listen, "hint": str(_another(address))}
    holder = _holder(address)
    return Clause("port is taken", taken) if holder is None else Clause("port is taken by", {**taken, "by": holder})


def _holder(address: Address) -> str | None:
    """Describe the process that listens there, if we may see it."""
    try:
        taken = {tcp.inode for tcp in sockets() if tcp.state is TcpState.LISTEN and tcp.own.port == address.port}
    except OSError:
        return None
    for stat in stats():
        if taken & socket_inodes(stat.os_pid):
            return f"{clean_line(stat.name)} (pid {stat.os_pid})"
    return None


def _another(address: Address) -> Address:
    """Return a free address on a port near by."""
    for port in range(address.port + 1, min(address.port + _MAX_NEIGHBOURS, 65_536)):
        try:
            family, free = resolve(address._replace(port=port))
            listen(family, free).close()
        except OSError:
            continue
        return free
    return address._replace(port=0)  # any port that the system chooses
