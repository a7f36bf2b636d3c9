"""The one wait for everything."""

import os
import time

from sandbox.machines.linux.poller import Poller


def _filled() -> int:
    """The reading end of a pipe that can be read; its writing end is closed."""
    end, other = os.pipe()
    os.close(other)
    return end


def test_a_number_that_another_descriptor_has_by_now_is_not_taken_for_ready() -> None:
    poller, called = Poller(), list[str]()
    ends = [_filled(), _filled()]
    again = list[int]()

    def replace(other: int) -> None:
        """Close the other one, and open a descriptor that gets its number."""
        called.append("first")
        poller.remove(other)
        os.close(other)
        again.extend(os.pipe())
        assert other in again
        poller.add(other, lambda: called.append("never ready"))

    poller.add(ends[0], lambda: replace(ends[1]))
    poller.add(ends[1], lambda: replace(ends[0]))
    try:
        assert poller.wait(time.monotonic_ns())
        assert called == ["first"]
    finally:
        poller.close()
        for descriptor in {*ends, *again}:
            os.close(descriptor)
