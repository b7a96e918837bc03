"""`python -m slimgui` is the program `slimgui`."""

from slimgui.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
