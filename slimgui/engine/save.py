"""A deployed model -> a file that is whole, read back and compared before the target is replaced.

The file is written beside the target under a temporary name and flushed to the disk, read back by another
process the way a user will read it, compared, and only then renamed over the target. When anything fails the
temporary file is removed and whatever was at the target stays.
"""

from __future__ import annotations

import errno
import os
import pickle
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from slimgui.core.file_formats import format_of
from slimgui.engine.deploy import Deployed
from slimgui.engine.estimate import spoken
from slimgui.engine.formats import DRAFTS
from slimgui.engine.formats.draft import Content, Draft
from slimgui.engine.formats.tensors import old_shards
from slimgui.engine.inputs import Inputs
from slimgui.engine.load import own
from slimgui.engine.load.inputs import Shapes, shape_of
from slimgui.engine.load.source import parse
from slimgui.engine.origin import Origin, compose, origin_of
from slimgui.engine.readback import check
from slimgui.engine.temporary import sync, sync_folder, temporary_for
from slimgui.engine.verify import Proof
from slimgui.errors import LoadError, SaveError
from slimgui.runtime import installed

SHARD_BYTES: Final = 5_000_000_000
_SPARE_BYTES: Final = 1 << 20  # names and the plan
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
        bytes: its size, with the files beside it that belong to it.
        needs: a sentence: what loads it.
        model: factory or file of the model that it needs beside it; "" when it needs none.
        notes: further sentences for the user.
    """

    path: Path
    bytes: int
    needs: str
    model: str = ""
    notes: tuple[str, ...] = ()


def save(
    deployed: Deployed,
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002 - the public name
    force: bool = False,
    replace_original: bool = False,
    shard_bytes: int = SHARD_BYTES,
) -> SaveReport:
    """Write `deployed` to `path`; success means that it was read back and compared.

    Args:
        deployed: left as it is. What it has not cut yet is cut as safetensors are written, one weight at a
            time; for any other format all at once.
        path: of the file; replaced only at the very end.
        format: "pt", "safetensors", "pt2", "onnx" or "pickle" (a whole module, which only who trusts the file
            may open); None: from the suffix.
        force: save although the proof failed.
        replace_original: save also over the file that the model was cut from.
        shard_bytes: safetensors with more bytes of tensors than this go into several files and an index.

    Raises:
        SaveError: the proof failed, the file cannot be written, or what was read back differs.
    """
    kind = format_of(path, format)
    target = _target(Path(path))
    _check_proof(deployed.proof, force=force)
    deployed = deployed if kind.name == "safetensors" else deployed.held()
    origin = origin_of(deployed.source)
    content = Content(deployed, origin, _provenance(deployed, origin), shard_bytes)
    try:
        _check_room(target, content.bytes)
        drafts = DRAFTS[kind.name](content, target)
        return _first_of(drafts, content, "" if replace_original else deployed.source)
    except LoadError as error:
        what = "Nothing was saved: the file could not be read back."
        raise SaveError(what, str(error).replace("\n", " "), "Try another disk.") from error
    except (OSError, RuntimeError) as error:  # torch hides the OSError of a full disk behind a RuntimeError
        raise _sentence(target, error) from error
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        why = f"It holds something that cannot be written: {error}."
        raise SaveError("Nothing was saved.", why, "Remove it from the model.") from error


def _target(path: Path) -> Path:
    """Where the bytes go: links are followed, so that they stay links."""
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise SaveError(f"{path} is a folder.", "", "Choose the name of a file.")
    except OSError as error:
        raise _sentence(target, error) from error
    return target


def _check_original(target: Path, source: str) -> None:
    """The original is what the smaller model is proven against."""
    with suppress(LoadError, OSError):
        original = parse(source).path if source else None
        if original is not None and target.exists() and original.samefile(target):
            raise SaveError(
                "This would replace the original model.",
                "The original is what the smaller model is proven against.",
                "Choose another name, or say that it may be replaced (replace_original, --replace-original).",
            )


def check_room(path: str | Path, size: int) -> None:
    """Make sure that a file of `size` bytes can be written to `path`, beside what is there.

    Raises:
        SaveError: the disk has no room, there is no such folder, or `path` is one.
    """
    target = _target(Path(path))
    try:
        _check_room(target, size)
    except OSError as error:
        raise _sentence(target, error) from error


def _check_room(target: Path, size: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if free < size + _SPARE_BYTES:
        why = f"It needs {spoken(size)} on the disk beside what is there, and {spoken(free)} are free."
        hint = "Free some space, or choose another folder."
        raise SaveError(f"{target.name} was not saved in {target.parent}.", why, hint)


def _first_of(drafts: Iterator[Draft], content: Content, original: str) -> SaveReport:
    """Write the first draft that works out; a draft says which errors let the next one have its turn."""
    for draft in drafts:
        _check_original(draft.target, original)
        try:
            return _put(draft, content)
        except draft.unless:
            continue
    raise AssertionError("the last draft of a format has no excuse")


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
            own.StoredRecovery(step.method, step.batches, tuple(step.before), step.left, step.distance)
            for step in deployed.recovery
        ),
    )


def _shapes(inputs: Inputs) -> Shapes:
    """Shapes that say everything about the inputs; () when there are none, or the inputs have names."""
    values = (inputs,) if isinstance(inputs, Tensor) else inputs
    if not isinstance(values, tuple):
        return ()
    shapes = [shape_of(value) for value in values if isinstance(value, Tensor)]
    known = tuple(shape for shape in shapes if shape is not None)
    return known if len(known) == len(values) else ()


def _array(values: Any) -> NDArray[np.int64]:
    return np.asarray(values, dtype=np.int64)


def _put(draft: Draft, content: Content) -> SaveReport:
    """Write beside the target, read back, compare, rename."""
    target, made = draft.target, []  # type: tuple[Path, list[Path]]
    try:
        with temporary_for(target) as temporary:
            draft.write(temporary, made)
            for written in (*made, temporary):
                sync(written)
            check(temporary, content, draft)
            size = sum(written.stat().st_size for written in (*made, temporary))
            replaced = old_shards(target)
            temporary.replace(target)
    except BaseException:
        for written in made:
            written.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    for old in replaced:
        old.unlink(missing_ok=True)
    return SaveReport(target, size, draft.needs, draft.model, draft.notes)


def _sentence(target: Path, error: BaseException) -> SaveError:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    number = cause.errno if isinstance(cause, OSError) else None
    text = f"{cause.strerror or cause}." if isinstance(cause, OSError) else str(error).partition("\n")[0]
    why, hint = _CAUSES.get(number or 0, (text, "Choose another folder."))
    return SaveError(f"{target.name} was not saved in {target.parent}.", why, hint)
