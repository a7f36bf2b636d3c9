"""Three philosophers, three forks, two for each."""

from multiprocessing import get_context

context = get_context("fork")


def eat(first, second):
    first.acquire()
    second.acquire()
    second.release()
    first.release()


def dine(*wishes):
    people = [context.Process(target=eat, args=wish) for wish in wishes]
    for person in people:
        person.start()
    for person in people:
        person.join()


def circle():
    """Each takes the fork at the left first."""
    a, b, c = context.Lock(), context.Lock(), context.Lock()
    dine((a, b), (b, c), (c, a))


def ordered():
    """Each takes first the fork that comes first in the alphabet."""
    a, b, c = context.Lock(), context.Lock(), context.Lock()
    dine((a, b), (b, c), (a, c))


if __name__ == "__main__":
    ordered()
