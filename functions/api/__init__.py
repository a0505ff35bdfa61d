"""The staff API's calls; ``functions.api.app`` serves them."""
