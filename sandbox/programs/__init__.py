"""What children run."""
