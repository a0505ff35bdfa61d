"""Turn webhooks and rows into ledger events."""
