"""What survives a crash of the window."""
