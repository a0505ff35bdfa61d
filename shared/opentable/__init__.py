"""OpenTable's Sync API as seen from here: tokens, calls with retries, rows and whole listings."""
