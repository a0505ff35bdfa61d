"""What it costs: each figure as a ratio to its floor, measured side by side in one run."""
