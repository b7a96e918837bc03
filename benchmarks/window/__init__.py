"""Whether the window stays awake: gaps of its event loop, first paint, edits, filter, pan, memory."""
