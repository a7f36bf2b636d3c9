"""Four threads of one process: they share its memory, and one stop stops them all."""

import os
import threading
import time
from statistics import median_low

BUSY_S = 0.1
#: Threads of one process take turns, too: each of theirs is shorter.
STILL_S = 0.04

found = []


def search(number):
    """Use the CPU for so long, and notice each time for how long it could not. The one in the middle is told: if you
    stop us for a while yourself, that is one of them."""
    times = []
    before = time.monotonic()
    while time.thread_time() < BUSY_S:
        now = time.monotonic()
        if now - before > STILL_S:
            times.append(now - before)
        before = now
    found.append((number, os.getpid(), threading.get_native_id(), median_low(times) if times else 0.0))


def team():
    threads = [threading.Thread(target=search, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, pid, tid, still in sorted(found):
        print(f"thread-{number}: pid = {pid}, tid = {tid}, stood_still = {still * 1000:.0f}ms")
    print(f"threads = {len(found)}, pids = {len({pid for _, pid, _, _ in found})}")


if __name__ == "__main__":
    team()
