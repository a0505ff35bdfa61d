"""Authenticate staff and check their roles."""
