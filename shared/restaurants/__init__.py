"""Find restaurants; read and write their settings and secrets."""
