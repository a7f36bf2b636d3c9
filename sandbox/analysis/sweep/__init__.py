"""Many runs: the product of scenarios, policies, seeds and CPUs, a row each, on all CPUs of a machine or a cluster."""
