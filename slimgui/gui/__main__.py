"""The way into the window: `python -m slimgui.gui`, and every other one leads here."""

from __future__ import annotations

import gc
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window; see `app.main`.

    Until it can be seen, a hundred thousand objects are made that all stay: looking through them for garbage
    again and again would take a tenth of the start. `app` turns it on again.
    """
    gc.disable()
    from slimgui.gui.app import main as run

    return run(argv)


if __name__ == "__main__":
    raise SystemExit(main())
