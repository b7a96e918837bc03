"""A file just written against the model in memory: same names, same bits, same outputs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from slimgui.engine.inputs import Inputs
from slimgui.engine.load import own
from slimgui.engine.load.checkpoint import read
from slimgui.engine.load.fit import fit
from slimgui.engine.sides import outputs_of
from slimgui.engine.structural import cloned, copy_module
from slimgui.errors import LoadError, SaveError

_TOLERANCE: Final = 1e-6  # the same weights at another place in memory may round differently
_SEED: Final = 0


def check(path: Path, model: nn.Module, inputs: Inputs, *, alone: bool) -> None:
    """Load the file the way a user will, and compare it with `model`, which is left as it is.

    Args:
        path: of the file.
        model: what was saved.
        inputs: to compare the outputs with.
        alone: the file opens by itself; otherwise its weights are put into a copy of `model`.

    Raises:
        LoadError: it cannot be loaded.
        SaveError: something differs.
    """
    found = read(path)
    if not isinstance(found, dict) or not isinstance(found.get("state_dict"), dict):
        raise LoadError("The weights are missing.")
    _check_state(model.state_dict(), found["state_dict"])
    provenance = own.unpack(found, path.name)
    if alone:
        fresh = own.rebuild(found, provenance, path.name)
        _check_state(model.state_dict(), fresh.state_dict())
    else:
        fresh = copy_module(model, cloned).cpu()
        fit(fresh, found["state_dict"], path.name, type(model).__name__)
    _check_outputs(model, fresh, inputs)


def _check_state(written: Mapping[str, object], back: Mapping[str, object]) -> None:
    if list(written) != list(back):
        odd = next(iter(set(written) ^ set(back)), "their order")
        raise _differs(f"{odd!r} is in only one of the two")
    for name, value in written.items():
        other = back[name]
        if isinstance(value, Tensor) and not (isinstance(other, Tensor) and same_bits(value, other)):
            raise _differs(f"{name!r} is not the same")


def same_bits(one: Tensor, two: Tensor) -> bool:
    """Equal in type, shape and every bit; NaN equals itself."""
    if one.dtype != two.dtype or one.shape != two.shape:
        return False
    if one.is_quantized or one.layout != torch.strided:
        return bool(torch.equal(one.detach().cpu(), two.detach().cpu()))
    return bool(torch.equal(_bits(one), _bits(two)))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)


def _check_outputs(model: nn.Module, fresh: nn.Module, inputs: Inputs) -> None:
    before = _outputs(copy_module(model, cloned), inputs)
    after = _outputs(fresh, inputs)
    if len(before) != len(after):
        raise _differs("it gives another number of outputs")
    for one, two in zip(before, after, strict=True):
        if one.shape != two.shape:
            raise _differs("its outputs have another shape")
        finite = one[torch.isfinite(one)]
        scale = float(finite.abs().max()) if finite.numel() else 0.0
        if not torch.allclose(one, two, rtol=0, atol=_TOLERANCE * scale, equal_nan=True):
            raise _differs("its outputs are not the same")


def _outputs(model: nn.Module, inputs: Inputs) -> list[Tensor]:
    """Every tensor the model returns, in double precision; the same random numbers each time."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(_SEED)
        return [tensor.double() for tensor in outputs_of(model.cpu(), inputs, None)]


def _differs(why: str) -> SaveError:
    what = "Nothing was saved: what was read back differs from the model."
    return SaveError(
        what, f"After reading it back, {why}.", "Try another disk; if it happens again, report it."
    )
