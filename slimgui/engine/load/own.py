"""SlimGUI's own files: a state dict, and as JSON text how it was cut. Only plain types, `weights_only`-safe.

{"slimgui": 1, "source": str, "original": str, "shapes": json, "plan": json, "selection": json, "kept": json,
 "cut": json, "repairs": json, "corrections": json, "installed": json, "proof": json, "recovery": json,
 "state_dict": {...}, ["module": nn.Module]}

In a training checkpoint that keeps its nesting all but the weights lie under "slimgui", and "place" says
where the weights are, the keys that lead there and what their names begin with:

{"slimgui": {"slimgui": 1, "place": json, ...}, "epoch": 7, "model": {"module.conv.weight": ...}, ...}

The file opens by itself when `original` is a factory that a file may name, or when `module` is there (it is
when the classes are those a file may name). Otherwise it needs its model beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from slimgui.core.groups import Refusal
from slimgui.engine.load.fit import fit, inside
from slimgui.engine.load.inputs import Shape, Shapes, Whole, parse_shapes, show
from slimgui.engine.load.source import build_for, is_factory, is_trusted
from slimgui.engine.replay import Kept, correct, is_plain, replay
from slimgui.errors import LoadError, UnnamedModelError
from slimgui.runtime import Correction

KEY: Final = "slimgui"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class StoredRepair:
    """One module attribute with its new value."""

    module: str
    attribute: str
    value: object


@dataclass(frozen=True, slots=True)
class StoredRecovery:
    """One step after the cut that changed the tensors of these names, from so many batches of samples.

    `left` and `distance` are those of `Recovery`; files of before they were kept hold neither.
    """

    method: str
    batches: int
    changed: tuple[str, ...]
    left: tuple[Refusal, ...] = ()
    distance: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Provenance:
    """How the weights of a saved file came from those of the original.

    Attributes:
        source: what the user opened, "" when unknown.
        original: factory of the whole model, "" when unknown. Run only when it is trusted.
        kept: parameter or buffer name -> dimension -> indices of the original that stayed.
        cut: the same in indices of `source`; differs from `kept` when that was cut before.
        repairs: attributes in which it differs from the original, in order.
        corrections: calls that it makes otherwise than the original, in order.
        installed: the corrections of the module in the file; more than those when where it came from
            was corrected already and is not known.
        selection: group id -> channels that stayed.
        plan: the plan as JSON text.
        shapes: of the example inputs.
        proof: passed, max_error, level, note, parted; empty when there was none. It is the proof of the cut,
            before `recovery`.
        recovery: what changed numbers after the cut, in order.
    """

    source: str = ""
    original: str = ""
    kept: Kept = field(default_factory=dict)
    cut: Kept = field(default_factory=dict)
    repairs: tuple[StoredRepair, ...] = ()
    corrections: tuple[Correction, ...] = ()
    installed: tuple[Correction, ...] = ()
    selection: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    plan: str = ""
    shapes: Shapes = ()
    proof: Mapping[str, Any] = field(default_factory=dict)
    recovery: tuple[StoredRecovery, ...] = ()


def pack(provenance: Provenance, state: Mapping[str, Tensor]) -> dict[str, object]:
    """The dict that `torch.save` writes."""
    return {**record(provenance), "state_dict": state}


def record(provenance: Provenance) -> dict[str, object]:
    """How it was cut, as the text entries of a file, and the version of the format."""
    repairs = [[repair.module, repair.attribute, _to_json(repair.value)] for repair in provenance.repairs]
    return {
        KEY: FORMAT,
        "source": provenance.source,
        "original": provenance.original,
        "shapes": json.dumps(
            [show(shape) if isinstance(shape, Whole) else shape for shape in provenance.shapes]
        ),
        "plan": provenance.plan,
        "selection": json.dumps({name: keep.tolist() for name, keep in provenance.selection.items()}),
        "kept": _kept_json(provenance.kept),
        "cut": "" if provenance.cut is provenance.kept else _kept_json(provenance.cut),
        "repairs": json.dumps(repairs),
        "corrections": _corrections_json(provenance.corrections),
        "installed": _corrections_json(provenance.installed),
        "proof": json.dumps(dict(provenance.proof)),
        "recovery": json.dumps([astuple(step) for step in provenance.recovery]),
    }


def from_tensors(metadata: Mapping[str, Any], state: dict[str, Any], shown: str) -> dict[str, Any]:
    """What `pack` packs, of safetensors files of SlimGUI's; of any other just the tensors.

    The record of the cut is in their metadata. A tensor that has several names is stored once; "tied" says
    which names stand for which.

    Raises:
        LoadError: the record is damaged.
    """
    if KEY not in metadata:
        return state
    try:
        tied = json.loads(metadata.get("tied", "{}"))
        state = state | {alias: state[name] for alias, name in tied.items()}
        return {**metadata, KEY: int(metadata[KEY]), "state_dict": state}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        why = "Its record of the cut cannot be read."
        raise LoadError(f"{shown} is damaged.", why, "Save it again.") from None


def is_own(found: object) -> bool:
    """Whether a checkpoint was written by `pack`."""
    return isinstance(found, dict) and KEY in found


def plain(found: Mapping[str, Any], shown: str) -> Mapping[str, Any]:
    """The entries that `pack` writes, also of a training checkpoint that keeps its nesting.

    Raises:
        LoadError: its weights are not where it says.
    """
    inner = found[KEY]
    if not isinstance(inner, dict):
        return found
    try:
        *place, prefix = json.loads(inner["place"])
        state: Any = found
        for key in place:
            state = state[key]
        named = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise LoadError(
            f"{shown} is damaged.", "Its weights are not where it says.", "Save it again."
        ) from None
    return {**inner, "state_dict": named}


def unpack(found: Mapping[str, Any], shown: str) -> Provenance:
    """The provenance in a checkpoint written by `pack`.

    Raises:
        LoadError: it was written by a newer version, or is damaged.
    """
    found = plain(found, shown)
    version = found.get(KEY)
    if isinstance(version, int) and version > FORMAT:
        raise LoadError(
            f"{shown} was written by a newer version of SlimGUI.",
            f"Its format is {version}; this program reads up to {FORMAT}.",
            "Update SlimGUI to open it.",
        )
    try:
        kept = _kept_of(found["kept"])
        return Provenance(
            source=str(found["source"]),
            original=str(found["original"]),
            kept=kept,
            cut=_kept_of(found["cut"]) if found["cut"] else kept,
            repairs=tuple(
                StoredRepair(str(module), str(attribute), _from_json(value))
                for module, attribute, value in json.loads(found["repairs"])
            ),
            corrections=_corrections_of(found.get("corrections", "[]")),
            installed=_corrections_of(found.get("installed", "[]")),
            selection={str(k): _indices(v) for k, v in json.loads(found["selection"]).items()},
            plan=str(found["plan"]),
            shapes=tuple(map(_shape, json.loads(found["shapes"]))),
            proof=dict(json.loads(found["proof"])),
            recovery=tuple(_step_of(*step) for step in json.loads(found.get("recovery", "[]"))),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        why = f"Its record of the cut cannot be read: {error}."
        raise LoadError(f"{shown} is damaged.", why, "Save it again.") from None


def _step_of(
    method: str, batches: int, changed: list[str], left: Sequence[Any] = (), distance: Sequence[float] = ()
) -> StoredRecovery:
    reasons = tuple(
        Refusal(str(what), str(op), str(module), str(source), tuple(map(str, path)))
        for what, op, module, source, path in left
    )
    before_after = (float(distance[0]), float(distance[1])) if distance else None
    return StoredRecovery(str(method), int(batches), tuple(map(str, changed)), reasons, before_after)


def rebuild(
    found: Mapping[str, Any], provenance: Provenance, shown: str, model: nn.Module | None = None
) -> nn.Module:
    """The small model: the original of its class, cut again and filled with the saved weights.

    Args:
        found: the checkpoint.
        provenance: unpacked from it.
        shown: how to call the file in a sentence.
        model: the original, whole; changed in place and returned. None: from what the file holds.

    Raises:
        LoadError: the original is needed and not given, or does not fit.
    """
    found = plain(found, shown)
    state = found.get("state_dict")
    if not isinstance(state, dict):
        raise LoadError(f"{shown} is damaged.", "It has no weights.", "Save it again.")
    if model is None and isinstance(found.get("module"), nn.Module):
        stored: nn.Module = found["module"]
        correct(stored, provenance.installed)
        return stored.eval()
    if model is None:
        if not is_trusted(provenance.original):
            raise _needs_model(provenance.original or provenance.source, shown)
        model = build_for(state, provenance.original)
    replay(inside(model, state), provenance.kept, provenance.repairs, provenance.corrections)
    fit(model, state, shown, provenance.original or type(model).__name__)
    return model.eval()


def _needs_model(source: str, shown: str) -> UnnamedModelError:
    named = source if is_factory(source) else "my_net.py:build"
    return UnnamedModelError(
        f"{shown} needs the model it was cut from.",
        f"It was made from {source}, whose class is not in the file." if source else "It does not say which.",
        f"Name it: --model {named}, or engine.load({shown!r}, model=...) in Python.",
    )


def _kept_json(kept: Kept) -> str:
    return json.dumps(
        {
            name: {str(dim): np.asarray(indices).tolist() for dim, indices in dims.items()}
            for name, dims in kept.items()
        }
    )


def _kept_of(text: str) -> Kept:
    return {
        str(name): {int(dim): _indices(indices) for dim, indices in dims.items()}
        for name, dims in json.loads(text).items()
    }


def _corrections_json(corrections: tuple[Correction, ...]) -> str:
    return json.dumps([[c.module, c.site, list(c.path), c.kind, c.old, c.new] for c in corrections])


def _corrections_of(text: str) -> tuple[Correction, ...]:
    return tuple(_correction(*values) for values in json.loads(text))


def _correction(module: Any, site: Any, path: Any, kind: Any, old: Any, new: Any) -> Correction:
    """Raises ValueError when it is none that `pack` writes: its numbers end up in calls."""
    fits = {
        "scale": _is_number(old) and _is_number(new) and (old != 0 or isinstance(old, int)),
        "exact": (old is None or _is_number(old)) and _is_number(new),
        "indices": old is None and isinstance(new, list) and all(type(index) is int for index in new),
        "open": old is None and new is None,
    }
    if not (isinstance(module, str) and isinstance(site, str) and isinstance(kind, str) and fits.get(kind)):
        raise ValueError(f"a correction of the kind {kind!r} that is not whole")
    if not isinstance(path, list) or not all(type(step) in (int, str) for step in path):
        raise ValueError("a correction of an argument that cannot be")
    if bool(path) == (kind == "open"):
        raise ValueError("a correction without its argument")
    return Correction(module, site, tuple(path), kind, old, new)  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return type(value) is int or (isinstance(value, float) and math.isfinite(value))


def _shape(stored: Any) -> Shape:
    try:
        return parse_shapes(stored)[0] if isinstance(stored, str) else tuple(int(size) for size in stored)
    except LoadError as error:
        raise ValueError(error.what) from None


def _indices(values: Any) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind != "i"):
        raise ValueError("indices that are no list of numbers")
    return array.astype(np.int64)


def _to_json(value: object) -> object:
    """JSON has no tuples: {"tuple": [...]}; and no dicts but these: {"dict": [[key, value], ...]}."""
    assert is_plain(value), f"a repair holds {value!r}, which is no number and no tuple of numbers"
    if isinstance(value, tuple):
        return {"tuple": [_to_json(item) for item in value]}
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    if isinstance(value, dict):
        return {"dict": [[key, _to_json(item)] for key, item in value.items()]}
    return value


def _from_json(value: Any) -> object:
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    if isinstance(value, dict) and "tuple" in value:
        return tuple(_from_json(item) for item in value["tuple"])
    if isinstance(value, dict):
        return {key: _from_json(item) for key, item in value["dict"]}
    return value
