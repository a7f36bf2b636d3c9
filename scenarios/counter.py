"""Two processes count to two, in one memory."""

from multiprocessing import get_context

context = get_context("fork")


def add(x):
    x.value += 1


def add_by_hand(x):
    """The same, as a machine does it."""
    seen = x.value
    seen = seen + 1
    x.value = seen


def count(work):
    x = context.Value("i", 0, lock=False)
    workers = [context.Process(target=work, args=(x,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(f"x = {x.value}")


def main():
    count(add)


def by_hand():
    count(add_by_hand)


if __name__ == "__main__":
    main()
