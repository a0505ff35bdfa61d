"""Run a job for many restaurants: in this process, or as one task per restaurant in a queue."""
