"""What the functions have in common: a pure core, and the edge that touches the world."""
