"""The questions that stop the user."""
