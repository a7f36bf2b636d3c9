"""Uses of runs: comparing, examining and grading policies, what-if runs, sweeps, measurements, exploration."""
