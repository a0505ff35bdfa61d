"""Generate tables and figures of the documentation."""
