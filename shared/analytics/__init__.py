"""Store daily analytics counts."""
