"""Values in, values out: no Google import, no clock, no network."""
