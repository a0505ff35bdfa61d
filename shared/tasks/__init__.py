"""Queues that hand one restaurant's part of a run to a function of its own."""
