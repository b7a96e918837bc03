"""What the engine and the window share: frozen dataclasses and plain arithmetic, no torch, no Qt."""
