"""Start the SlimGUI window from a clone: `python main.py [FILE]`."""

from slimgui.gui.app import main

if __name__ == "__main__":
    raise SystemExit(main())
