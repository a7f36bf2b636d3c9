"""What-if runs: repeats a recorded run in virtual time, under another policy."""
