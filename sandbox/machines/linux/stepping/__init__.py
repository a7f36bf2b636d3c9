"""A machine on which real processes run one line a turn."""
