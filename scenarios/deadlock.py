"""Two eaters, one bowl of noodles, one fork: who has one waits for the other."""

import time
from multiprocessing import get_context

context = get_context("fork")


def eat(first, second):
    with first:
        time.sleep(0.2)  # time enough for the other one to take hers
        with second:
            print("eats")


def crossed():
    """Each takes first what the other takes second."""
    noodles, fork = context.Lock(), context.Lock()
    dine((noodles, fork), (fork, noodles))


def ordered():
    """A way out: everybody takes the noodles first."""
    noodles, fork = context.Lock(), context.Lock()
    dine((noodles, fork), (noodles, fork))


def dine(*wishes):
    eaters = [context.Process(target=eat, args=wish) for wish in wishes]
    for eater in eaters:
        eater.start()
    for eater in eaters:
        eater.join()


if __name__ == "__main__":
    ordered()  # crossed() would never end
