"""Count reservations by day and summarize the counts."""
