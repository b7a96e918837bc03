"""One function per file format: what is to be saved -> drafts of the file, the best first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from slimgui.engine.formats.checkpoint import checkpoint_drafts, pickle_drafts
from slimgui.engine.formats.draft import Content, Draft
from slimgui.engine.formats.programs import onnx_drafts, program_drafts
from slimgui.engine.formats.tensors import tensors_drafts

DRAFTS: Final[dict[str, Callable[[Content, Path], Iterator[Draft]]]] = {
    "pt": checkpoint_drafts,
    "safetensors": tensors_drafts,
    "pt2": program_drafts,
    "onnx": onnx_drafts,
    "pickle": pickle_drafts,
}
