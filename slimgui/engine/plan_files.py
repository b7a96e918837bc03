"""Plans, channel configurations and kept channels as files, for a traced model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from slimgui.core import channel_config
from slimgui.core.plan import Selection
from slimgui.core.plan_set import PlanSet
from slimgui.core.plan_store import beside
from slimgui.core.text_files import read_text, write_text
from slimgui.engine.keep import kept_indices
from slimgui.engine.layer_widths import layer_widths
from slimgui.engine.trace import Traced
from slimgui.errors import SaveError

CONFIG_SUFFIXES: Final = (".yaml", ".yml", ".json")


def read_plans(path: str | Path, traced: Traced) -> PlanSet:
    """The plans in a file: saved by SlimGUI, or a channel_cfg, or a choice file of a supernet tool.

    Statistics of their own are named by their paths, and read when they are applied.

    Raises:
        PlanError: it is none of these, or does not fit the model.
    """
    return beside(path, channel_config.read_plans(read_text(path), traced.groups, layer_widths(traced)))


def write_config(path: str | Path, traced: Traced, selection: Selection) -> None:
    """Write the widths under `selection`: a channel_cfg as .yaml, or the choices of units as .json.

    Raises:
        SaveError: the suffix is another one, or the file cannot be written.
    """
    counts, suffix = selection.counts(), Path(path).suffix.lower()
    if suffix not in CONFIG_SUFFIXES:
        raise SaveError(
            f"A channel configuration cannot be written as {suffix or 'a file without a suffix'}.",
            "",
            "Choose a name that ends with .yaml (layers) or .json (units).",
        )
    if suffix == ".json":
        write_text(path, channel_config.to_choices(traced.groups, counts))
    else:
        write_text(path, channel_config.to_channel_cfg(layer_widths(traced), traced.groups, counts))


def write_kept(path: str | Path, traced: Traced, selection: Selection) -> None:
    """Write where every kept channel comes from, as JSON: the original indices per group and per weight.

    {"groups": {group id: indices}, "weights": {state dict name: {dimension: indices}}}. What is whole is not
    listed.

    Raises:
        SaveError: the file cannot be written.
    """
    values = (value for labelled in traced.passes for value in labelled.capture.values if value.name)
    shapes = {value.name: value.tensor.shape for value in values}
    sizes = {group.id: group.size for group in traced.groups}
    kept = kept_indices(traced.groups, selection, shapes)
    content = {
        "groups": {name: keep.tolist() for name, keep in selection.keep.items() if len(keep) != sizes[name]},
        "weights": {name: {dim: keep.tolist() for dim, keep in dims.items()} for name, dims in kept.items()},
    }
    write_text(path, json.dumps(content))
