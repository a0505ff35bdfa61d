"""Client for OpenTable's Sync API: authentication, retries, single rows and complete listings."""
