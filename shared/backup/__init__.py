"""Back up all documents of a restaurant, and restore what is missing."""
