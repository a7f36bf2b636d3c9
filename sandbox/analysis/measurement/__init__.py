"""How true the slices are: a run held against the records of the system, and a machine measured."""
