"""Domain logic, storage and clients shared by the deployed functions."""
