"""The table of all actions, the menus made of it, and their handlers, a file per menu."""
