"""The comparison of a reconciliation and its report."""
