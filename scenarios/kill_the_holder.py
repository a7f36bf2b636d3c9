"""Somebody is killed with a lock in its hand. Who gives it back?"""

import fcntl
import os
import signal
import tempfile
import time
from multiprocessing import get_context

context = get_context("fork")


def hold(lock):
    with lock:
        time.sleep(60)


def want(lock):
    with lock:
        print("has it")


def murder(lock):
    """One has the lock, another one wants it, and the first one is killed."""
    holder = context.Process(target=hold, args=(lock,))
    holder.start()
    time.sleep(0.3)
    waiter = context.Process(target=want, args=(lock,))
    waiter.start()
    time.sleep(0.5)
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    waiter.join()


class FileLock:
    """The lock is the kernel's: it lets go of it when the file is closed, and whoever ends closes all."""

    def __init__(self):
        self.name = tempfile.NamedTemporaryFile(prefix="lock-").name

    def __enter__(self):
        self.file = open(self.name, "w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *error):
        self.file.close()


def flock():
    lock = FileLock()
    murder(lock)
    os.unlink(lock.name)


def semaphore():
    """The lock is a number in shared memory: nobody changes it for the dead."""
    lock = context.Lock()
    murder(lock)


if __name__ == "__main__":
    flock()  # semaphore() would never end
