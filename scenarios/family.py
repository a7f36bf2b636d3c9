"""Starting processes: a target, its arguments as a tuple, and who is whose parent."""

import os
import time
from multiprocessing import get_context

context = get_context("fork")


def introduce(name):
    print(f"{name}: pid = {os.getpid()}, ppid = {os.getppid()}")


def rest(name):
    introduce(name)
    time.sleep(0.4)


def mother(name, child):
    introduce(name)
    process = context.Process(target=rest, args=(child,))
    process.start()
    process.join()


def boss():
    introduce("boss")
    children = [
        context.Process(target=mother, args=("mary", "kim")),
        context.Process(target=rest, args=("bob",)),
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()


if __name__ == "__main__":
    boss()
