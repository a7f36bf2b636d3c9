"""What the app knows, independent of any screen: sessions, questions, lessons, the process tree."""
