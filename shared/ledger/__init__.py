"""Read and write reservation documents and their journals."""
