"""What the app knows, without a screen: sessions, questions, lessons, the tree of processes."""
