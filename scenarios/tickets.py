"""Two counters sell tickets, and one ticket is left."""

from multiprocessing import get_context

context = get_context("fork")


def sell(left, sold):
    if left.value > 0:
        left.value -= 1
        with sold:
            sold.value += 1


def main():
    left, sold = context.Value("i", 1), context.Value("i", 0)
    counters = [context.Process(target=sell, args=(left, sold)) for _ in range(2)]
    for counter in counters:
        counter.start()
    for counter in counters:
        counter.join()
    print(f"sold = {sold.value}, left = {left.value}")


if __name__ == "__main__":
    main()
