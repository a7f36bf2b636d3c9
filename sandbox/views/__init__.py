"""State computed from the events of a run by pure folds."""
