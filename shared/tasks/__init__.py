"""Run a job for many restaurants: in this process, or in tasks of a queue."""
