"""Where runs are made: on this machine's CPUs, or on a Dask cluster. Both provide a ``concurrent.futures.Executor``
that calls ``run_chunk``, so that the rows do not depend on the place."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from sandbox import __version__
from sandbox.analysis.sweep import bench
from sandbox.analysis.sweep.bench import Done
from sandbox.model.clause import Clause
from sandbox.util.units import S

#: How long a scheduler may take to answer, and how often the cluster's size is queried.
_ANSWER_S, _LOOK_S = 5.0, 1.0
#: How often the place is checked while waiting for a result.
_WAIT_S = 0.5
#: How long a scheduler may be without workers, and how often that is checked.
_ALONE_S, _POLL_S = 30.0, 0.2

W = TypeVar("W")


class Unavailable(Exception):
    """The runs cannot be made here, or not any more."""

    def __init__(self, what: Clause) -> None:
        super().__init__(what.rule)
        self.what = what


class Workplace(Protocol):
    """A place where runs are made."""

    @property
    def executor(self) -> Executor: ...

    @property
    def slots(self) -> int:
        """How many chunks are processed at the same time."""
        ...

    def check(self) -> None:
        """Raise Unavailable if no results can come any more."""
        ...

    def verify(self) -> None:
        """Raise Unavailable if there is a worker that cannot do the work."""
        ...

    def close(self) -> None:
        """Free all resources, whether the work is done or not."""
        ...


def submit(place: Workplace, work: Callable[[bytes], W], message: bytes) -> Future[W]:
    """Submit work to a place. Raises Unavailable."""
    try:
        return place.executor.submit(work, message)
    except Unavailable:
        raise
    except Exception as error:
        place.check()
        raise Unavailable(Clause("no more work is taken", {"reason": str(error) or type(error).__name__})) from None


def wait_for(place: Workplace, future: Future[W]) -> None:
    """Wait until submitted work is done. Raises Unavailable."""
    while not wait([future], _WAIT_S).done:
        place.check()


class Here:
    """This machine: persistent worker processes, each driven by a thread that waits for it."""

    def __init__(self, jobs: int) -> None:
        bench.open_all()
        self.slots = jobs
        self.executor: Executor = ThreadPoolExecutor(jobs, "sweep")

    def check(self) -> None:
        return

    def verify(self) -> None:
        return

    def close(self) -> None:
        self.executor.shutdown(wait=False, cancel_futures=True)
        bench.end_all()


class Cluster:
    """A Dask scheduler and its workers. Raises Unavailable if it does not answer, or is of another version."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError:
            raise Unavailable(Clause("no cluster extra", {"hint": "pip install 'ossandbox[cluster]'"})) from None
        logging.disable()  # errors are reported in one line of our own
        warnings.filterwarnings("ignore", module="distributed")
        self._address = address
        self._alone_s: float | None = None
        try:
            connect: Any = distributed.Client  # its methods are not annotated well
            self._client: Any = connect(address, timeout=_ANSWER_S, set_as_default=False, name="ossandbox")
        except Exception as error:
            logging.disable(logging.NOTSET)
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Unavailable(Clause("no scheduler answers", {"at": address, "reason": why})) from None
        try:
            self._slots, self._looked_s = self._count(), time.monotonic()
            while self._alone_s is not None:
                time.sleep(_POLL_S)
                self.check()
            self.verify()
        except BaseException:
            self.close()
            raise
        self.executor: Executor = self._client.get_executor(pure=False)

    @property
    def slots(self) -> int:
        """The number of the cluster's threads, which may change."""
        self._look()
        return self._slots

    def _look(self) -> None:
        if time.monotonic() - self._looked_s > _LOOK_S:
            self._slots, self._looked_s = self._count(), time.monotonic()

    def check(self) -> None:
        if self._client.status != "running":
            raise Unavailable(Clause("scheduler is gone", {"at": self._address}))
        self._look()
        if self._alone_s is not None and time.monotonic() - self._alone_s > _ALONE_S:
            raise Unavailable(Clause("no workers", {"at": self._address, "for_ns": round(_ALONE_S * S)}))

    def close(self) -> None:
        with suppress(Exception):
            self._client.close(timeout=1)
        logging.disable(logging.NOTSET)

    def _count(self) -> int:
        workers: Iterable[dict[str, Any]] = []
        with suppress(Exception):
            try:
                workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
            except TypeError:  # older versions return all workers and have no such parameter
                workers = self._client.scheduler_info()["workers"].values()
        count: int = sum(worker["nthreads"] for worker in workers)
        self._alone_s = None if count else self._alone_s or time.monotonic()
        return max(count, 1)

    def verify(self) -> None:
        try:
            versions: dict[str, Any] = self._client.run(bench.version, on_error="return")
        except Exception as error:
            raise Unavailable(Clause("scheduler is gone", {"at": self._address})) from error
        for worker, version in versions.items():
            if version != __version__ and not isinstance(version, OSError):  # OSError: the worker is leaving
                theirs = version if isinstance(version, str) else None
                raise Unavailable(other_version(worker, theirs))


def other_version(worker: str | None, theirs: str | None) -> Clause:
    """Return the error of a worker with another version. ``theirs``: None if it has none, or one without sweeps."""
    if theirs is None:
        return Clause("worker has none", {"at": worker, "ours": __version__})
    return Clause("worker of another version", {"at": worker, "version": theirs, "ours": __version__})


AnyFuture = Future[Done]
