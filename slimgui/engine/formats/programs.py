"""Programs that run without SlimGUI and without the model's class: `.pt2` and `.onnx`.

The corrections of calls are in the program: exporting records what the calls were given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from slimgui.engine.formats.batches import (
    any_batch,
    batch_of,
    batch_shapes,
    exportable,
    first_line,
    quiet,
    with_batch,
)
from slimgui.engine.formats.draft import Content, Draft
from slimgui.engine.inputs import Inputs, as_call
from slimgui.engine.load import own
from slimgui.engine.shortage import ran_out
from slimgui.errors import SaveError

_PROGRAM_TOLERANCE: Final = 1e-5  # the same operations, some of them written as others
_ONNX_TOLERANCE: Final = 1e-4  # another library computes it, in float32
_LARGEST_ONNX: Final = 2_000_000_000  # a protobuf message has no more bytes than 2^31
_ONNX_PACKAGES: Final = ("onnx", "onnxscript")

Write = Callable[[nn.Module, Inputs, Any, Path], None]


def program_drafts(content: Content, target: Path) -> Iterator[Draft]:
    """A program of torch.export for every batch size, else for the example's."""
    record = json.dumps(own.record(content.provenance))

    def write(model: nn.Module, inputs: Inputs, shapes: Any, path: Path) -> None:
        args, kwargs = as_call(inputs)
        program = torch.export.export(model, args, kwargs, dynamic_shapes=shapes)
        with path.open("wb") as stream:
            torch.export.save(program, stream, extra_files={"slimgui.json": record})

    version = ".".join(torch.__version__.split(".")[:2])
    needs = (
        f"torch.export.load(path).module() runs it, in PyTorch {version} or one that reads its files; "
        "neither SlimGUI nor the model's class is needed."
    )
    yield from _drafts(content, target, write, "pt2", needs, _PROGRAM_TOLERANCE)


def onnx_drafts(content: Content, target: Path) -> Iterator[Draft]:
    """An ONNX model for every batch size, else for the example's.

    Raises:
        SaveError: what writes ONNX is not installed, or the model is too large for one file.
    """
    missing = [name for name in _ONNX_PACKAGES if find_spec(name) is None]
    if missing:
        why = f"Writing ONNX needs {' and '.join(missing)}."
        raise SaveError("Nothing was saved.", why, 'Install them: pip install "torch-slimgui[onnx]".')
    if content.bytes > _LARGEST_ONNX:
        why = "An ONNX file holds at most 2 GB."
        raise SaveError("Nothing was saved.", why, "Choose a name that ends with .pt2 or .safetensors.")
    record = {name: str(value) for name, value in own.record(content.provenance).items()}

    def write(model: nn.Module, inputs: Inputs, shapes: Any, path: Path) -> None:
        args, kwargs = as_call(inputs)
        program = torch.onnx.export(
            model, args, kwargs=kwargs, dynamo=True, dynamic_shapes=shapes, verbose=False
        )
        assert program is not None, "with dynamo=True there is one"
        program.model.metadata_props.update(record)
        program.save(path, external_data=False)

    needs = "onnxruntime or another runtime of ONNX runs it; neither PyTorch nor SlimGUI is needed."
    unrun = "" if find_spec("onnxruntime") else "It was checked but not run: onnxruntime is not installed."
    yield from _drafts(content, target, write, "onnx", needs, _ONNX_TOLERANCE, unrun)


def _drafts(
    content: Content, target: Path, write: Write, reader: str, needs: str, tolerance: float, note: str = ""
) -> Iterator[Draft]:
    notes = (note,) if note else ()
    coarsest = max(
        (torch.finfo(t.dtype).eps for t in content.model.parameters() if t.is_floating_point()), default=0.0
    )
    tolerance = max(tolerance, 8 * coarsest)
    calls = any_batch(content.model, content.inputs)
    if calls:
        # a size of 1 in the example would be taken for a constant
        example = with_batch(content.inputs, max(2, batch_of(content.inputs)))
        any_size = _writes(write, content.model, example, batch_shapes(example))
        yield Draft(
            target,
            any_size,
            reader,
            needs,
            notes=notes,
            calls=calls,
            tolerance=tolerance,
            unless=(SaveError,),
        )
    fixed = f"Its batch size is fixed at {batch_of(content.inputs)}: " + (
        "torch.export found no program for others."
        if calls
        else "the model's own code does not run with others."
    )
    one_size = _writes(write, content.model, content.inputs, None)
    yield Draft(
        target, one_size, reader, needs, notes=(fixed, *notes), calls=(content.inputs,), tolerance=tolerance
    )


def _writes(
    write: Write, model: nn.Module, inputs: Inputs, shapes: Any
) -> Callable[[Path, list[Path]], None]:
    def export(path: Path, _made: list[Path]) -> None:
        try:
            with quiet():
                write(exportable(model), inputs, shapes, path)
        except OSError:
            raise
        except Exception as error:
            if ran_out(error):
                raise
            hint = "Choose a name that ends with .pt."
            raise SaveError(
                "Nothing was saved: the model cannot be exported.", f"{first_line(error)}.", hint
            ) from error

    return export
