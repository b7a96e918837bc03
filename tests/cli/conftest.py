"""What the tests of the command line share: the program in this process, and saves read back in it."""

import json

import pytest

from slimgui.cli import main


@pytest.fixture(autouse=True)
def reads_back_here(read_back_here: None) -> None:
    """Saved files are read back in this process, except by tests marked `fresh_process`."""


@pytest.fixture
def run(capsys):
    """Runs a command: exit status, what it printed, what it said on stderr."""

    def call(*words):
        status = main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    return call


@pytest.fixture
def answer(run):
    """Runs a command with --json: exit status and the object."""

    def call(*words):
        status, out, _ = run(*words, "--json")
        return status, json.loads(out)

    return call
