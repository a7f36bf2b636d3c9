"""A program that waits for its user."""


def ask() -> None:
    answer = input("6 * 7 = ")
    print(answer.strip() == "42")


if __name__ == "__main__":
    ask()
