"""Store OpenTable's guests, link them to reservations and erase them."""
