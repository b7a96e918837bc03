"""What the tests of the engine share."""

import pytest


@pytest.fixture(autouse=True)
def reads_back_here(read_back_here: None) -> None:
    """Saved files are read back in this process, except by tests marked `fresh_process`."""
