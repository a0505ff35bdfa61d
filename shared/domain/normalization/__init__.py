"""Convert OpenTable's and a relay's formats to events and guests."""
