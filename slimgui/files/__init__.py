"""What lies in a file, seen without torch: its kind, its tensors, what its pickles ask for."""
