"""What is claimed about speed, coverage and accuracy, as programs that measure it."""
