"""Poll OpenTable for changes, backfill past changes and track webhook health."""
