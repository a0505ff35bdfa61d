"""Store events that cannot be applied, and review them."""
