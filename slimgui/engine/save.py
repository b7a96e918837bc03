"""A deployed model -> a file that is whole, read back and compared before the target is replaced.

The file is written beside the target under a temporary name and flushed to the disk, read back the way
a user will read it, compared, and only then renamed over the target. When anything fails the temporary
file is removed and whatever was at the target stays.
"""

from __future__ import annotations

import errno
import os
import pickle
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slimgui.engine.deploy import Deployed
from slimgui.engine.inputs import Inputs
from slimgui.engine.load import own
from slimgui.engine.load.allow import module_class
from slimgui.engine.load.inputs import Shapes
from slimgui.engine.origin import Origin, compose, origin_of
from slimgui.engine.readback import check
from slimgui.engine.structural import copy_module
from slimgui.engine.verify import Proof
from slimgui.errors import LoadError, SaveError, UnsafeFileError
from slimgui.runtime import installed, uninstall

_SUFFIXES: Final = (".pt", ".pth")
_CAUSES: Final = {
    errno.ENOSPC: ("The disk is full.", "Free some space, or choose another folder."),
    errno.EACCES: ("You may not write there.", "Choose another folder, or change its permissions."),
    errno.EPERM: ("You may not write there.", "Choose another folder, or change its permissions."),
    errno.EROFS: ("The disk is read-only.", "Choose another folder."),
    errno.ENOENT: ("The folder does not exist.", "Create it, or choose another one."),
    errno.ENOTDIR: ("The folder does not exist.", "Create it, or choose another one."),
    errno.ENAMETOOLONG: ("The name is too long.", "Choose a shorter one."),
}


@dataclass(frozen=True, slots=True)
class SaveReport:
    """What was written.

    Attributes:
        path: of the file.
        bytes: its size.
        needs: "" when the file opens by itself, else the model it needs beside it.
    """

    path: Path
    bytes: int
    needs: str


def save(
    deployed: Deployed,
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002 - the public name
    force: bool = False,
) -> SaveReport:
    """Write `deployed` to `path`; success means that it was read back and compared.

    Args:
        deployed: left as it is.
        path: of the file; replaced only at the very end.
        format: "pt"; None: from the suffix.
        force: save although the proof failed.

    Raises:
        SaveError: the proof failed, the file cannot be written, or what was read back differs.
    """
    target = _target(Path(path), format)
    _check_proof(deployed.proof, force=force)
    origin = origin_of(deployed.source)
    payload = own.pack(_provenance(deployed, origin), deployed.model.state_dict())
    if not origin.trusted and _is_storable(deployed.model):
        with suppress(UnsafeFileError):  # a function is in it: then the file needs its model
            return _put(target, {**payload, "module": _bare(deployed.model)}, deployed, alone=True)
    report = _put(target, payload, deployed, alone=origin.trusted)
    needs = "" if origin.trusted else origin.factory or deployed.source or "the original model"
    return SaveReport(report.path, report.bytes, needs)


def _target(path: Path, kind: str | None) -> Path:
    """Where the bytes go: links are followed, so that they stay links."""
    if (kind is not None and kind != "pt") or (kind is None and path.suffix.lower() not in _SUFFIXES):
        wanted = kind or path.suffix or "a file without a suffix"
        raise SaveError(f"SlimGUI cannot write {wanted} yet.", "", "Choose a name that ends with .pt.")
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise SaveError(f"{path} is a folder.", "", "Choose the name of a file.")
    except OSError as error:
        raise _sentence(target, error) from error
    return target


def _check_proof(proof: Proof | None, *, force: bool) -> None:
    if proof is None or proof.passed or force:
        return
    raise SaveError(
        "Nothing was saved: the smaller model does not compute what the masked original computes.",
        f"The largest difference is {proof.max_error:.2g} of the output's scale. {proof.note}".strip(),
        "Cut less, or save it all the same if you know why it differs.",
    )


def _provenance(deployed: Deployed, origin: Origin) -> own.Provenance:
    cut = {name: {dim: _array(kept) for dim, kept in dims.items()} for name, dims in deployed.kept.items()}
    repairs = tuple(own.StoredRepair(r.module, r.attribute, r.value) for r in deployed.repairs)
    proof = deployed.proof
    return own.Provenance(
        source=deployed.source,
        original=origin.factory,
        kept=cut if origin.kept is None else compose(origin.kept, cut),
        cut=cut,
        repairs=(*origin.repairs, *repairs),
        corrections=(*origin.corrections, *deployed.corrections),
        installed=installed(deployed.model),
        selection={name: _array(keep) for name, keep in deployed.selection.keep.items()},
        plan=deployed.plan.to_json(),
        shapes=_shapes(deployed.inputs),
        proof={} if proof is None else asdict(proof),
        recovery=tuple(
            own.StoredRecovery(step.method, step.batches, tuple(step.before)) for step in deployed.recovery
        ),
    )


def _shapes(inputs: Inputs) -> Shapes:
    """Shapes that say everything about the inputs; () when those are named or hold more than real numbers."""
    values = (inputs,) if isinstance(inputs, Tensor) else inputs
    if not isinstance(values, tuple) or not all(
        isinstance(v, Tensor) and v.is_floating_point() for v in values
    ):
        return ()
    return tuple(tuple(value.shape) for value in values)


def _array(values: Any) -> NDArray[np.int64]:
    return np.asarray(values, dtype=np.int64)


def _bare(model: nn.Module) -> nn.Module:
    """The model without its corrections, which a file holds as text; it shares the weights."""
    if not installed(model):
        return model
    bare = copy_module(model, lambda tensor: tensor)
    uninstall(bare)
    return bare


def _is_storable(model: nn.Module) -> bool:
    """Whether a file may name every class in `model`."""
    classes = {type(module) for module in model.modules()}
    try:
        return all(module_class(f"{cls.__module__}.{cls.__qualname__}") is cls for cls in classes)
    except LoadError:  # a library that its classes come from is broken
        return False


def _put(target: Path, payload: Mapping[str, object], deployed: Deployed, *, alone: bool) -> SaveReport:
    """Write beside `target`, read back, compare, rename.

    Raises:
        UnsafeFileError: the module in the payload holds something a file may not name.
        SaveError: anything else that keeps the file from being saved.
    """
    try:
        with _beside(target) as temporary:
            _write(temporary, payload)
            check(temporary, deployed.model, deployed.inputs, alone=alone)
            size = temporary.stat().st_size
            temporary.replace(target)
            _sync_folder(target.parent)
    except UnsafeFileError:
        raise
    except LoadError as error:
        what = "Nothing was saved: the file could not be read back."
        raise SaveError(what, str(error).replace("\n", " "), "Try another disk.") from error
    except (OSError, RuntimeError) as error:  # torch hides the OSError of a full disk behind a RuntimeError
        raise _sentence(target, error) from error
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        why = f"It holds something that cannot be written: {error}."
        raise SaveError("Nothing was saved.", why, "Remove it from the model.") from error
    return SaveReport(target, size, "")


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A new file in the folder of `target`, with the rights that has or would have; removed at the end."""
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        os.close(descriptor)
        temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """The mask can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _write(path: Path, payload: Mapping[str, object]) -> None:
    with path.open("wb") as stream:
        torch.save(dict(payload), stream)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system knows how."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sentence(target: Path, error: BaseException) -> SaveError:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    number = cause.errno if isinstance(cause, OSError) else None
    text = f"{cause.strerror or cause}." if isinstance(cause, OSError) else str(error).partition("\n")[0]
    why, hint = _CAUSES.get(number or 0, (text, "Choose another folder."))
    return SaveError(f"{target.name} was not saved in {target.parent}.", why, hint)
