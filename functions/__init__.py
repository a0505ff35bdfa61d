"""One module for each deployed function."""
