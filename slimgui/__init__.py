"""SlimGUI: make a trained PyTorch model structurally smaller, and prove it.

Importing this package imports neither torch nor Qt. Programs start at
`slimgui.engine`, people at the window (`slimgui.gui.app`) or the command line
(`slimgui.cli`).
"""

__version__ = "0.1.0"
