"""Compare both sides, correct the ledger and store a report."""
