"""Look up restaurants, their settings and their secrets."""
