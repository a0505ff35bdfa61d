"""Compare OpenTable's rows with the ledger and describe the differences."""
