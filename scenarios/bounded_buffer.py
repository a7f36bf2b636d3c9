"""A producer, two consumers, and a buffer with room for one thing."""

from multiprocessing import get_context

context = get_context("fork")


class Buffer:
    """``changed``: something was put in or taken out."""

    def __init__(self):
        self.count = context.Value("i", 0, lock=False)
        self.changed = context.Condition()


def put(buffer):
    with buffer.changed:
        while buffer.count.value == 1:
            buffer.changed.wait()
        buffer.count.value += 1
        buffer.changed.notify_all()


def take(buffer):
    with buffer.changed:
        while buffer.count.value == 0:
            buffer.changed.wait()
        buffer.count.value -= 1
        buffer.changed.notify_all()


def take_if(buffer):
    """Who was woken does not look again."""
    with buffer.changed:
        if buffer.count.value == 0:
            buffer.changed.wait()
        buffer.count.value -= 1
        buffer.changed.notify_all()


def produce(buffer):
    put(buffer)
    put(buffer)


def trade(consume):
    buffer = Buffer()
    people = [context.Process(target=consume, args=(buffer,)) for _ in range(2)]
    people.append(context.Process(target=produce, args=(buffer,)))
    for person in people:
        person.start()
    for person in people:
        person.join()
    print(f"count = {buffer.count.value}")


def main():
    trade(take)


def main_if():
    trade(take_if)


if __name__ == "__main__":
    main()
