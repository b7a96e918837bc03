"""The options that name a model -> the model, and what was traced of it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from slimgui.cli.progress import Step

if TYPE_CHECKING:
    from slimgui.engine.load import Loaded
    from slimgui.engine.trace import Traced

PROVING: Final = "Proving that it computes the same"


def opened(arguments: argparse.Namespace, step: Step, steps: int = 0) -> tuple[Loaded, Traced]:
    """Read the model and follow one input through it: two of `steps` steps.

    Raises:
        LoadError: it cannot be opened.
        TraceError: forward raised.
    """
    step("Reading the model", 0, steps)  # before torch is imported, which takes longer than most reading
    from slimgui.engine.heap import map_large_blocks
    from slimgui.engine.load import load, with_inputs
    from slimgui.engine.trace import trace

    map_large_blocks()
    loaded = load(arguments.source, arguments.model, trusted=arguments.trust_code)
    loaded = with_inputs(loaded, arguments.input)
    assert loaded.example_inputs is not None, "with_inputs gives some or raises"
    step("Following one input through the model", min(1, steps), steps)
    return loaded, trace(loaded.model, loaded.example_inputs)
