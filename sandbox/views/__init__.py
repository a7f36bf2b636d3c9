"""Events → state: pure folds over the events of a run."""
