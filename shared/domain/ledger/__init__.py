"""Merge events into a reservation's state and decide what to write."""
