"""Poll OpenTable for changes, import past and future reservations, watch the webhooks."""
