"""What a machine can do: examined, measured by real runs, and the slices of a run held against the system's records."""
