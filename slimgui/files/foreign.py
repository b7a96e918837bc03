"""Kinds of files that hold no model SlimGUI could slim: what each is, why not, and what to do instead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from slimgui.errors import LoadError


@dataclass(frozen=True, slots=True)
class Foreign:
    """What it is ("an ONNX model"), why it cannot be slimmed, and what the user can do."""

    what: str
    why: str
    hint: str

    def refusal(self, shown: str) -> LoadError:
        """The sentence for the file called `shown`."""
        return LoadError(f"{shown} is {self.what}, which cannot be slimmed.", self.why, self.hint)


class Shaped(Protocol):
    """A tensor, or what is known of one that was not read."""

    @property
    def shape(self) -> Sequence[int]: ...

    @property
    def dtype(self) -> object: ...


_AS_STATE_DICT: Final = "Open the original model and save it with torch.save(model.state_dict(), path)."
_OTHER: Final = "It belongs to another framework; SlimGUI works on PyTorch models."
_CONVERT: Final = "Convert it to PyTorch first, and open the weights."
ONNX: Final = Foreign(
    "an ONNX model",
    "It holds the graph of a runtime instead of a PyTorch module whose layers could be changed and trained.",
    "Open the PyTorch model it was exported from, slim that, and export it again. "
    "slimgui inspect lists what is in this file.",
)
_MAGIC: Final = (
    (
        0,
        b"GGUF",
        Foreign(
            "a GGUF file (weights for llama.cpp)",
            "Its weights are packed in blocks of few bits, which cannot be cut channel by channel.",
            "Open the PyTorch or safetensors model it was made from.",
        ),
    ),
    (0, b"\x89HDF\r\n\x1a\n", Foreign("an HDF5 file (Keras)", _OTHER, _CONVERT)),
    (4, b"TFL3", Foreign("a TensorFlow Lite file", _OTHER, _CONVERT)),
    (0, b"\x93NUMPY", Foreign("a NumPy array", "It holds one array and no names of layers.", _AS_STATE_DICT)),
    (
        257,
        b"ustar",
        Foreign("a tar archive (or a checkpoint of torch before 0.1.10)", "", _AS_STATE_DICT),
    ),
    (0, b"\x1f\x8b", Foreign("a gzip archive", "", "Unpack it and open the checkpoint inside.")),
)
_TORCHSCRIPT: Final = Foreign(
    "a TorchScript archive",
    "It holds compiled code instead of a module whose layers could be changed.",
    _AS_STATE_DICT,
)
_EXPORTED: Final = Foreign(
    "an exported program (torch.export)",
    "It holds a recorded graph with its sizes written out, and no module whose layers could be changed.",
    "Open the model it was exported from, slim that, and export it again.",
)
DISTRIBUTED: Final = Foreign(
    "a distributed checkpoint (.distcp)",
    "Every process of a training run wrote a part of it, and the tensors are in pieces.",
    "Join them: python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER weights.pt",
)
ADAPTER: Final = Foreign(
    "a LoRA adapter",
    "It holds small additions to the weights of a model, and not the model itself.",
    "Merge it into its model first (merge_and_unload() in peft), and save that.",
)
QUANTISED: Final = Foreign(
    "a quantised model",
    "Most of its weights are whole numbers or 8-bit floats with scales beside them.",
    "Open the model it was quantised from, slim that, and quantise it again.",
)
_ADAPTER_PARTS: Final = frozenset(
    {
        *("lora_A", "lora_B", "lora_up", "lora_down", "lora_embedding_A", "lora_embedding_B"),
        *("lora_magnitude_vector", "hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "lokr_w1", "lokr_w2"),
    }
)
_WIDE: Final = ("float64", "float32", "float16", "bfloat16", "complex", "bool")


def by_bytes(head: bytes) -> Foreign | None:
    """The kind of a file that begins with `head`, when it is one of other programs."""
    if head[:1] == b"\x08" and head[1:2] < b"\x20" and head[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x3a"):
        return ONNX
    return next((kind for offset, magic, kind in _MAGIC if head[offset:].startswith(magic)), None)


def by_records(records: Sequence[str]) -> Foreign | None:
    """The kind of a zip archive of torch with these records, when it is not one of `torch.save`."""
    if "constants.pkl" in records or any(name.startswith("code/") for name in records):
        return _TORCHSCRIPT
    if "archive_format" in records or "serialized_exported_program.json" in records:
        return _EXPORTED
    return None


def by_tensors(state: Mapping[str, Shaped]) -> Foreign | None:
    """What weights are that are no plain model: an adapter alone, or quantised."""
    parts = [_ADAPTER_PARTS.isdisjoint(name.split(".")) for name in state if not name.endswith(".alpha")]
    if parts and not any(parts):
        return ADAPTER
    sizes = {True: 0, False: 0}
    for tensor in state.values():
        if len(getattr(tensor, "shape", ())) > 1:
            dtype = str(tensor.dtype).removeprefix("torch.")
            sizes[dtype.startswith(_WIDE)] += math.prod(tensor.shape)
    return QUANTISED if sizes[False] > sizes[True] else None
