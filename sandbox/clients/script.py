"""The ``[[client]]`` tables of a scenario: each client connects once its server listens, sends its lines, and leaves.
The app runs them in its own event loop, headless commands in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.clients.client import Client, Clients, ask_again_and_again, make_room
from sandbox.model.events import Admitted, Became, Clause, Did, Event, Exited, Fault, Halted, Listening, Operator
from sandbox.model.spec import ClientSpec
from sandbox.util.addresses import Address, parse_address
from sandbox.util.stats import percentile
from sandbox.util.units import S

#: How long clients that connect to an address instead of a process keep trying.
_PATIENCE_NS = 5 * S
_END_S = 5.0


class ClientGroup:
    """The clients of one ``[[client]]`` table. ``error``: why they could not begin (None: no error)."""

    def __init__(self, spec: ClientSpec) -> None:
        self.spec = spec
        self.clients: list[Client] = []
        self.begun = False
        self.done = False
        self.error: Clause | None = None

    def fail(self) -> None:
        """Record that no process will listen where the clients want to connect."""
        self.begun = self.done = True
        self.error = Clause("nobody listens", {"at": self.spec.connect})

    def figures(self) -> dict[str, Any]:
        """Return the clients' results: the numbers of texts and answers, the errors, and percentiles of the answers'
        latencies in ns."""
        errors = [client.error.rule for client in self.clients if client.error is not None and client.unanswered]
        if self.error is not None:
            errors += [self.error.rule] * self.spec.count
        times = sorted(ns for client in self.clients for ns in client.round_trips_ns)
        shares = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}
        return {
            "name": self.spec.name,
            "connect": self.spec.connect,
            "clients": self.spec.count,
            "sent": sum(client.sent for client in self.clients),
            "received": sum(client.received for client in self.clients),
            "bytes_sent": sum(client.bytes_sent for client in self.clients),
            "bytes_received": sum(client.bytes_received for client in self.clients),
            "errors": len(errors),
            "reasons": dict(Counter(errors)),
            "latency_ns": {key: percentile(times, share) if times else None for key, share in shares.items()},
        }


class ClientScript:
    """Starts the clients of a scenario. It learns from events which processes listen, and adds to ``clients``."""

    def __init__(self, specs: Sequence[ClientSpec], clients: Clients) -> None:
        self.groups = [ClientGroup(spec) for spec in specs]
        self._clients = clients
        self._names: dict[int, str] = {}
        self._parents: dict[int, int | None] = {}
        self._ending = False
        #: The clients' tasks, which must be referenced here as asyncio keeps only weak references.
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def done(self) -> bool:
        """Whether all clients have finished."""
        return all(group.done for group in self.groups)

    def figures(self) -> list[dict[str, Any]]:
        """Return the results of each group."""
        return [group.figures() for group in self.groups]

    def take(self, events: Iterable[Event]) -> None:
        """Apply events of the run."""
        for event in events:
            match event:
                case Admitted(pid=pid):
                    self._names[pid], self._parents[pid] = event.name, event.parent
                    self._begin_at_addresses(event.t_ns)
                case Became(pid=pid):
                    self._names[pid] = event.name
                case Listening():
                    self._begin_with(event)
                case Fault(pid=None):
                    self._give_up(event.process)
                case Exited(pid=pid):
                    self._give_up(self._names[pid])
                case Operator(did=did) if did.rule == Did.QUIT:
                    self._end()
                case Halted():
                    self._end()

    def _begin_with(self, event: Listening) -> None:
        """Start the clients that wait for the listening process or one of its ancestors."""
        names = {*self._ancestry(event.pid)}
        for group in self.groups:
            if not group.begun and group.spec.connect in names:
                self._begin(group, parse_address(event.at).here, event.t_ns)

    def _ancestry(self, pid: int | None) -> Iterable[str]:
        while pid is not None:
            yield self._names[pid]
            pid = self._parents[pid]

    def _begin_at_addresses(self, now_ns: int) -> None:
        """Start the clients that connect to an address instead of a process."""
        for group in self.groups:
            if not group.begun:
                try:
                    address = parse_address(group.spec.connect)
                except ValueError:
                    continue  # a process's name
                self._begin(group, address, now_ns, patient=True)

    def _begin(self, group: ClientGroup, address: Address, now_ns: int, patient: bool = False) -> None:
        group.begun = True
        task = asyncio.get_running_loop().create_task(self._run(group, address, now_ns, patient))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, group: ClientGroup, address: Address, now_ns: int, patient: bool) -> None:
        spec = group.spec
        await asyncio.sleep(max(spec.arrive_ns - now_ns, 0) / S)
        if not self._ending:
            patience_ns = _PATIENCE_NS if patient else 0
            make_room(len(self._clients.open) + spec.count)
            names = [spec.name] if spec.count == 1 else [f"{spec.name}-{copy}" for copy in range(1, spec.count + 1)]
            group.clients = [self._clients.connect(address, name, patience_ns) for name in names]
            await asyncio.gather(*(self._speak(client, spec) for client in group.clients))
        group.done = True

    async def _speak(self, client: Client, spec: ClientSpec) -> None:
        await ask_again_and_again(client, spec.say, spec.every_ns, spec.times)
        if client.state != "closed":
            self._clients.close(client)

    def _give_up(self, name: str | None) -> None:
        """Fail the clients of a process that will never listen, because it has ended or could not be started."""
        for group in self.groups:
            if not group.begun and group.spec.connect == name:
                group.fail()

    async def end(self) -> None:
        """Make all clients leave, and wait until their tasks and sockets are gone."""
        self._end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._clients.end()

    def _end(self) -> None:
        """Make connected clients leave and fail those that never began, because the machine goes down."""
        self._ending = True
        for group in self.groups:
            if not group.begun:
                group.fail()
            for client in group.clients:
                self._clients.close(client)


#: The events that ``ClientScript.take`` needs.
_TELLING = (Admitted, Became, Listening, Fault, Exited, Operator, Halted)


class ClientThread:
    """Runs a scenario's clients in a thread, for a command that waits for the kernel process."""

    def __init__(self, specs: Sequence[ClientSpec]) -> None:
        self._loop = asyncio.new_event_loop()
        self._script = ClientScript(specs, Clients())
        self._left = False
        self._thread = threading.Thread(target=self._loop.run_forever, name="clients", daemon=True)
        self._thread.start()

    def leave(self) -> bool:
        """Return True once: at the first call after all clients have finished."""
        left, self._left = self._left, self._script.done
        return self._left and not left

    def take(self, event: Event) -> None:
        """Apply an event of the run."""
        if isinstance(event, _TELLING):
            self._loop.call_soon_threadsafe(self._script.take, [event])

    def end(self) -> list[dict[str, Any]]:
        """Make all clients leave, end the thread, and return the results of each group."""
        asyncio.run_coroutine_threadsafe(self._script.end(), self._loop).result(_END_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_END_S)
        self._loop.close()
        return self._script.figures()
