"""Sweeps: runs of all combinations of scenarios, policies, seeds and CPUs, with a row of figures each."""
