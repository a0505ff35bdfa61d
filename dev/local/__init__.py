"""Run the product on a developer's machine."""
