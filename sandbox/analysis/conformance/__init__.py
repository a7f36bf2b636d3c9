"""Whether a policy keeps the laws of scheduling, tried on generated workloads in virtual time."""
