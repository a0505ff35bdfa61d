"""Verify the credentials and signatures of webhooks."""
