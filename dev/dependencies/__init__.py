"""Lock the packages, audit them, and check their set-up."""
