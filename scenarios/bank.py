"""Two transfers between two accounts; what is there altogether should stay what it was."""

from multiprocessing import get_context

context = get_context("fork")


def transfer(accounts, source, target, amount):
    if accounts[source] >= amount:
        rest = accounts[source] - amount
        accounts[target] += amount
        accounts[source] = rest


def main():
    accounts = context.Array("i", [100, 100])
    transfers = [context.Process(target=transfer, args=(accounts, *each)) for each in ((0, 1, 30), (1, 0, 50))]
    for each in transfers:
        each.start()
    for each in transfers:
        each.join()
    print(f"total = {sum(accounts)}")


if __name__ == "__main__":
    main()
