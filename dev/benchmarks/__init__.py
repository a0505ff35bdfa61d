"""Measure speed and cost as ratios to a baseline, both in one run."""
