"""Can a child be given a function? Can its return value be had? Can several be started?"""

from multiprocessing import get_context

context = get_context("fork")


def square(number):
    return number * number


def put_square(number, queue):
    queue.put(square(number))


def lost():
    """What a target returns goes nowhere: a process leaves only its exit code behind."""
    child = context.Process(target=square, args=(6,))
    print(f"start = {child.start()}, join = {child.join()}, exitcode = {child.exitcode}")


def by_queue():
    """The child sends what it found."""
    queue = context.Queue()
    child = context.Process(target=put_square, args=(6, queue))
    child.start()
    print(f"answer = {queue.get()}")
    child.join()


def by_pool():
    """Several children share the work, and their return values come back in order."""
    with context.Pool(3) as pool:
        print("squares =", *pool.map(square, range(1, 7)))


if __name__ == "__main__":
    lost()
    by_queue()
    by_pool()
