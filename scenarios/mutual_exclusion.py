"""Two processes, one critical section, and no lock: three algorithms that do with plain variables."""

from multiprocessing import get_context

context = get_context("fork")


class Room:
    """What the two share: who wants to enter, whose turn it is, and who is inside."""

    def __init__(self):
        self.wants = context.Array("b", 2, lock=False)
        self.turn = context.Value("i", 0, lock=False)
        self.inside = context.Value("i", 0, lock=False)
        self.most = context.Value("i", 0, lock=False)


def stay(room):
    """The critical section: it remembers how many were ever in it."""
    room.inside.value += 1
    room.most.value = max(room.most.value, room.inside.value)
    room.inside.value -= 1


def peterson(room, me):
    other = 1 - me
    room.wants[me] = 1
    room.turn.value = other
    while room.wants[other] and room.turn.value == other:
        pass
    stay(room)
    room.wants[me] = 0


def peterson_late(room, me):
    """The flag is set when the way is free: too late."""
    other = 1 - me
    room.turn.value = other
    while room.wants[other] and room.turn.value == other:
        pass
    room.wants[me] = 1
    stay(room)
    room.wants[me] = 0


def dekker(room, me):
    other = 1 - me
    room.wants[me] = 1
    while room.wants[other]:
        if room.turn.value == other:
            room.wants[me] = 0
            while room.turn.value == other:
                pass
            room.wants[me] = 1
    stay(room)
    room.turn.value = other
    room.wants[me] = 0


def both(algorithm):
    room = Room()
    people = [context.Process(target=algorithm, args=(room, me)) for me in (0, 1)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    print(f"inside = {room.most.value}")


def run_peterson():
    both(peterson)


def run_peterson_late():
    both(peterson_late)


def run_dekker():
    both(dekker)


if __name__ == "__main__":
    run_peterson()
    run_dekker()
