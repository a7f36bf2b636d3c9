"""Five philosophers at a round table, a fork between any two of them, and each needs both of hers."""

import time
from multiprocessing import get_context

context = get_context("fork")
NUMBER = 5


def eat(who):
    print(f"{who} eats")


def reach(who, first, second):
    """Take one fork, and then the other one."""
    with first:
        time.sleep(0.2)
        with second:
            eat(who)


def reach_if_seated(who, first, second, seats):
    with seats:
        reach(who, first, second)


def reach_with_patience(who, first, second):
    """Who waits too long for the second fork lays down the first one, and tries again a little later."""
    while True:
        with first:
            time.sleep(0.05)
            if second.acquire(timeout=0.1 + 0.05 * who):
                eat(who)
                second.release()
                return
        time.sleep(0.05 * who)


def circle():
    """Each takes the fork at her left first: when all have done that, nobody finds one at her right."""
    dine(reach)


def order():
    """The last one takes her forks in the other order, so that no circle can close."""
    dine(reach, ordered=True)


def waiter():
    """Only four may sit down at once: one of them finds two forks."""
    dine(reach_if_seated, seats=context.Semaphore(NUMBER - 1))


def patience():
    """Nobody waits for ever."""
    dine(reach_with_patience)


def dine(manner, ordered=False, seats=None):
    forks = [context.Lock() for _ in range(NUMBER)]
    table = []
    for who in range(NUMBER):
        pair = [who, (who + 1) % NUMBER]
        if ordered:
            pair.sort()
        more = () if seats is None else (seats,)
        table.append(context.Process(target=manner, args=(who, *(forks[fork] for fork in pair), *more)))
    for philosopher in table:
        philosopher.start()
    for philosopher in table:
        philosopher.join()


if __name__ == "__main__":
    order()  # circle() would never end
