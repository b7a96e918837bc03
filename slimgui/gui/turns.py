"""How long to wait for a later turn of Qt's event loop, in milliseconds."""

from typing import Final

NEXT_TURN: Final = 1  # what waits 0 is done in the same turn
NEXT_FRAME: Final = 25  # longer than Qt waits before it paints what asked for it
