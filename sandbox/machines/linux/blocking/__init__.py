"""When a process blocks and wakes, and why."""
