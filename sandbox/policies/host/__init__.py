"""Running somebody's own policy: loading its file, guarding its calls, replacing it when it fails."""
