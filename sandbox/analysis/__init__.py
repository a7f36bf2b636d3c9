"""What one does with runs: compare, examine, ask what if, measure."""
