"""The mini operating system: process states, their transitions and one loop. It makes no system calls."""
