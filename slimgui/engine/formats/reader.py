"""The program that reads a saved file back in a process of its own: `python -P reader.py FOLDER`.

FOLDER/job.json says which file and how; FOLDER/cases.pt holds the arguments of some calls. What the file
holds goes to FOLDER/found.json, what it computes to FOLDER/outputs.pt. Files that have to run without
SlimGUI are read where it cannot be imported, so nothing of it is imported up here.
"""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

ALONE: Final = ("pt2", "onnx")  # run where slimgui is not there
SEED: Final = 0

Cases = list[tuple[tuple[Any, ...], dict[str, Any]]]
Read = tuple[list[Mapping[str, object]], list[list[Tensor]]]  # state dicts, outputs of each call


def main(folder: Path) -> None:
    """Do the job in `folder`."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    sys.path[:] = job["sys_path"]
    if job["reader"] in ALONE:
        sys.modules["slimgui"] = None  # type: ignore[assignment]  # to python: there is no such module
    warnings.simplefilter("ignore")
    run(folder)


def run(folder: Path) -> None:
    """Do the job in `folder`, in this process; what goes wrong with the file is written there, too."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    cases = torch.load(folder / "cases.pt", weights_only=True)
    try:
        states, outputs = READERS[job["reader"]](Path(job["file"]), cases)
        digests = [{name: digest(value) for name, value in state.items()} for state in states]
        found: dict[str, object] = {"states": digests}
        torch.save(outputs, folder / "outputs.pt")
    except Exception as error:  # noqa: BLE001 - whatever a broken file makes torch raise is the answer
        spoken = {name: str(getattr(error, name, "")) for name in ("what", "why", "hint")}
        kinds = [kind.__name__ for kind in type(error).__mro__]
        found = {"error": {"kinds": kinds, "text": str(error)[:2000], **spoken}}
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


def digest(value: object) -> str:
    """A text that is equal for two tensors exactly when type, shape and every bit are; "" for no tensor."""
    if not isinstance(value, Tensor):
        return ""
    dense = value.detach().cpu()
    head = f"{dense.dtype} {tuple(dense.shape)} {dense.layout}"
    if dense.is_quantized:
        dense = dense.dequantize()
    elif dense.layout != torch.strided:
        dense = dense.to_dense()
    bits = dense.resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)
    return f"{head} {hashlib.sha256(bits.numpy().data).hexdigest()}"


def _own(file: Path, cases: Cases) -> Read:
    from slimgui.engine.load import load

    model = load(file, allow_code=False).model
    stored, _ = _weights(file, [])
    return [*stored, model.state_dict()], _run(model, cases)


def _weights(file: Path, cases: Cases) -> Read:
    from slimgui.engine.load import own
    from slimgui.engine.load.checkpoint import read

    found = read(file)
    assert isinstance(found, dict), "SlimGUI's own files are"
    return [own.plain(found, file.name)["state_dict"]], []


def _module(file: Path, cases: Cases) -> Read:
    model = torch.load(file, weights_only=False, map_location="cpu")
    return [model.state_dict()], _run(model.eval(), cases)


def _pt2(file: Path, cases: Cases) -> Read:
    with file.open("rb") as stream:
        program = torch.export.load(stream)
    return [program.state_dict], _run(program.module(), cases)


def _onnx(file: Path, cases: Cases) -> Read:
    import onnx

    onnx.checker.check_model(str(file))
    try:
        import onnxruntime
    except ImportError:
        return [], []
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    outputs = []
    for args, kwargs in cases:
        named = kwargs or dict(zip(names, tensors_of(args), strict=True))
        given = {name: named[name].numpy() for name in names}
        outputs.append([torch.from_numpy(result) for result in session.run(None, given)])
    return [], outputs


READERS: Final[dict[str, Callable[[Path, Cases], Read]]] = {
    "own": _own,
    "weights": _weights,
    "module": _module,
    "pt2": _pt2,
    "onnx": _onnx,
}


def _run(model: Callable[..., Any], cases: Cases) -> list[list[Tensor]]:
    outputs = []
    for args, kwargs in cases:
        torch.manual_seed(SEED)
        with torch.no_grad():
            outputs.append(tensors_of(model(*args, **kwargs)))
    return outputs


def tensors_of(value: Any) -> list[Tensor]:
    """Every tensor in nested tuples, lists, dicts and plain objects, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [tensor for item in value.values() for tensor in tensors_of(item)]
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in tensors_of(item)]
    return tensors_of(vars(value)) if hasattr(value, "__dict__") else []


if __name__ == "__main__":
    main(Path(sys.argv[1]))
