"""Store and review events that cannot be applied."""
