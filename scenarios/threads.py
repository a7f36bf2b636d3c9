"""Four threads of one process: they share its memory, and one stop stops them all."""

import os
import threading
import time

BUSY_S = 0.1

found = []


def search(number):
    """Use the CPU for so long, and notice for how long at most it could not."""
    longest = 0.0
    before = time.monotonic()
    while time.thread_time() < BUSY_S:
        now = time.monotonic()
        longest = max(longest, now - before)
        before = now
    found.append((number, os.getpid(), threading.get_native_id(), longest))


def team():
    threads = [threading.Thread(target=search, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, pid, tid, longest in sorted(found):
        print(f"thread-{number}: pid = {pid}, tid = {tid}, stood_still = {longest * 1000:.0f}ms")
    print(f"threads = {len(found)}, pids = {len({pid for _, pid, _, _ in found})}")


if __name__ == "__main__":
    team()
