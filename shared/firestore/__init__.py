"""Access Firestore: paths, reads, raw RPCs and leases."""
