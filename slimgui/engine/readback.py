"""A file just written against the model in memory: same names, same bits, same outputs.

It is read in a process of its own (`formats/reader.py`), as another program will read it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from slimgui.engine.formats import reader
from slimgui.engine.formats.draft import Content, Draft
from slimgui.engine.inputs import Inputs, as_call, map_tensors
from slimgui.engine.load import own
from slimgui.engine.load.checkpoint import read
from slimgui.engine.load.fit import fit
from slimgui.engine.sides import outputs_of
from slimgui.engine.structural import cloned, copy_module, on_meta
from slimgui.engine.zeroed import lent_copy
from slimgui.errors import LoadError, SaveError, UnsafeFileError

_PLAIN: Final = (bool, int, float, str, type(None))


def check(path: Path, content: Content, draft: Draft) -> None:
    """Load the file the way a user will, and compare it with the model, which is left as it is.

    Args:
        path: of the file.
        content: what was saved.
        draft: how the file was written, and what it has to do.

    Raises:
        LoadError: it cannot be loaded.
        SaveError: something differs.
    """
    here = draft.reader == "weights"  # their model is only in this process
    sent = () if here else draft.calls
    states, outputs = _read_elsewhere(path, draft.reader, sent)
    for state in states:
        _check_state(
            content, state, whole=draft.reader != "pt2"
        )  # a program need not hold what it never reads
    if here:
        fresh = _filled(path, content)
        outputs = [_outputs(fresh, content, inputs) for inputs in draft.calls]
    for inputs, after in zip(draft.calls, outputs, strict=False):  # none when nothing here runs such files
        whole = content.model if content.deployed.pending else copy_module(content.model, cloned)
        _check_outputs(_outputs(whole, content, inputs), after, draft.tolerance)


def _read_elsewhere(
    path: Path, kind: str, calls: tuple[Inputs, ...]
) -> tuple[list[dict[str, str]], list[list[Tensor]]]:
    """The state dicts that another process finds in the file, and what it computes for these inputs."""
    with tempfile.TemporaryDirectory(prefix="slimgui-readback-") as name:
        folder = Path(name)
        job = {"reader": kind, "file": str(path.absolute()), "sys_path": sys.path}
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        torch.save([_plain_call(inputs) for inputs in calls], folder / "cases.pt")
        run_reader(folder)
        found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
        if "error" in found:
            raise _told(found["error"])
        return found["states"], torch.load(folder / "outputs.pt", weights_only=True)


def run_reader(folder: Path) -> None:
    """Run the reader in a process of its own.

    Raises:
        LoadError: it ended before it had an answer.
    """
    command = [sys.executable, "-P", reader.__file__, str(folder)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    if done.returncode or not (folder / "found.json").exists():
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise LoadError("The program that reads it back ended.", last or f"Its status is {done.returncode}.")


def _told(error: dict[str, Any]) -> Exception:
    """The error of the other process, of the kind that decides what happens next."""
    if "UnsafeFileError" in error["kinds"]:
        return UnsafeFileError(error["what"], error["why"], error["hint"])
    if error["what"]:
        return LoadError(error["what"], error["why"], error["hint"])
    return LoadError(f"{error['kinds'][0]}: {error['text'].partition(chr(10))[0]}")


def _plain_call(inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args, kwargs = map_tensors(as_call(inputs), lambda tensor: tensor.detach().cpu().clone())
    if not _is_plain((args, kwargs)):
        why = "The example inputs hold objects of a class, which another process cannot be sent."
        raise SaveError("Nothing was saved: it could not be read back.", why, "Give tensors as inputs.")
    return args, kwargs


def _is_plain(value: object) -> bool:
    if type(value) is dict:
        return all(_is_plain(item) for item in value.values())
    if type(value) in (list, tuple):
        return all(map(_is_plain, value))  # type: ignore[call-overload]
    return isinstance(value, (Tensor, *_PLAIN))


def _filled(path: Path, content: Content) -> nn.Module:
    """A copy of the model with the weights in the file, whose record of the cut is the one written."""
    read_back: Any = read(path)
    found = own.plain(read_back, path.name)
    odd = next((name for name, text in own.record(content.provenance).items() if found[name] != text), None)
    if odd is not None:
        raise _differs(f"its {odd!r} is not the same")
    fresh = copy_module(content.model, lambda tensor: on_meta(tensor) if tensor.is_meta else cloned(tensor))
    fit(fresh, found["state_dict"], path.name, type(content.model).__name__)
    return fresh


def _check_state(content: Content, back: dict[str, str], *, whole: bool) -> None:
    state = content.model.state_dict(keep_vars=True)
    written = {
        name: reader.digest(content.numbers(value) if isinstance(value, Tensor) else value)
        for name, value in state.items()
    }
    if whole and written.keys() != back.keys():
        raise _differs(f"{next(iter(written.keys() ^ back.keys()))!r} is in only one of the two")
    for name in written.keys() & back.keys():
        if written[name] != back[name]:
            raise _differs(f"{name!r} is not the same")


def _check_outputs(before: list[Tensor], after: list[Tensor], tolerance: float) -> None:
    if len(before) != len(after):
        raise _differs("it gives another number of outputs")
    for one, given in zip(before, after, strict=True):
        two = given.to(one.dtype)
        if one.shape != two.shape:
            raise _differs("its outputs have another shape")
        finite = one[torch.isfinite(one)]
        scale = float(finite.abs().max()) if finite.numel() else 0.0
        if not torch.allclose(one, two, rtol=0, atol=tolerance * scale, equal_nan=True):
            raise _differs("its outputs are not the same")


def _outputs(model: nn.Module, content: Content, inputs: Inputs) -> list[Tensor]:
    """Every tensor the model returns, in double precision; the same random numbers each time.

    Where weights were cut one by one they are used one by one, too.
    """
    modes: list[AbstractContextManager[None]] = []
    if content.deployed.pending:
        model, lending = lent_copy(model, {}, None, lambda tensor: content.numbers(tensor).cpu())
        modes.append(lending)
    else:
        model = model.cpu()
    on_cpu = map_tensors(inputs, lambda tensor: tensor.cpu())
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(reader.SEED)
        outputs = outputs_of(model, on_cpu, None, *modes)
    return [tensor if tensor.is_complex() else tensor.double() for tensor in outputs]


def _differs(why: str) -> SaveError:
    what = "Nothing was saved: what was read back differs from the model."
    return SaveError(
        what, f"After reading it back, {why}.", "Try another disk; if it happens again, report it."
    )
