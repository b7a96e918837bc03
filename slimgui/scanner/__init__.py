"""What a file asks for, read without torch and without running any of it, in a short process of its own."""
