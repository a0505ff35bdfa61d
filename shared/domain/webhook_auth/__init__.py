"""Webhook credentials and signature verification."""
