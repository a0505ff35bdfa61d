"""The staff API's calls; ``functions.api`` serves them."""
