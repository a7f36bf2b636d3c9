"""A child that lives longer than its parent."""

import os
import time


def parent():
    """Ends at once, and leaves a child."""
    if os.fork() == 0:
        child()
        os._exit(0)
    time.sleep(0.4)


def child():
    before = os.getppid()
    print(f"before = {before}", flush=True)
    while os.getppid() == before:
        time.sleep(0.05)
    print(f"after = {os.getppid()}", flush=True)
    time.sleep(0.6)


if __name__ == "__main__":
    parent()
