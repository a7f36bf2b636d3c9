"""A program that waits for its user."""


def ask() -> None:
    thing = input("What schedules processes? ")
    print(f"{thing}: right!")


if __name__ == "__main__":
    ask()
