"""The line that a terminal shows while a command works."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from slimgui.cli.progress import Progress, line

EXAMPLE = str(Path(__file__).parents[2] / "resources" / "example" / "fashion_cnn.pt")


def test_the_line_has_a_bar_where_the_share_is_known_and_fits_the_terminal():
    assert line("Proving", 1, 4, 61.9, 80) == "[#####               ] 1:01 Proving"
    assert line("Looking", 0, 0, 5, 80) == "0:05 Looking"
    assert line("Looking", 1, 2, 5, 10) == "[#########"


def test_the_line_is_wiped_when_the_work_ends():
    screen = io.StringIO()
    with Progress(screen, shown=True) as step:
        step("Reading", 0, 2)
        while "Reading" not in screen.getvalue():
            pass
    *_, last, end = screen.getvalue().split("\r")
    assert (last.strip(), end) == ("", "")


def test_nothing_is_drawn_where_there_is_no_terminal():
    screen = io.StringIO()
    with Progress(screen, shown=False) as step:
        step("Reading", 0, 2)
    assert screen.getvalue() == ""


def on_a_terminal(*words):
    """Status, stdout, and what the program draws on a terminal that is its stderr."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "slimgui", *words]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    drawn = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # EIO: Linux says it this way that nobody writes any more
            break
        if not part:
            break
        drawn += part
    os.close(ours)
    out, _ = program.communicate(timeout=60)
    return program.returncode, out.decode(), drawn.decode()


def test_a_command_says_on_a_terminal_what_it_is_doing_and_with_json_it_does_not():
    status, out, drawn = on_a_terminal("groups", EXAMPLE)
    assert (status, "stem" in out) == (0, True)
    assert re.search(r"\[ {20}\] \d+:\d\d Reading the model", drawn)  # of two steps none is done
    status, out, drawn = on_a_terminal("groups", EXAMPLE, "--json")
    assert (status, drawn) == (0, "")
    assert json.loads(out)["groups"]
