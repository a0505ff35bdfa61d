"""What touches the world: Firestore, OpenTable, secrets, time and the log."""
