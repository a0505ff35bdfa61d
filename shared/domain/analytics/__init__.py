"""Counts of reservations by day, and their summaries."""
