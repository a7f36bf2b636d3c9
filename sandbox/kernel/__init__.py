"""The mini operating system: states, transitions, one loop. Pure."""
