"""Long tests: what must hold for hundreds of files, and takes minutes."""
