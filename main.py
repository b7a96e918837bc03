"""Start the SlimGUI window from a clone: `python main.py [FILE]`."""

from slimgui.gui.__main__ import main

if __name__ == "__main__":
    raise SystemExit(main())
