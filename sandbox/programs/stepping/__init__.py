"""What is in a process that runs one line a turn: the hook, how its children get it, where all of them come from."""
