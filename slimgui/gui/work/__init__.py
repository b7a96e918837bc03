"""What the session does with the engine: tasks, the worker, and the work with data and files. No widget."""
