"""The channel configurations of supernet tools in the OpenMMLab style <-> plans.

Two formats. A channel_cfg is YAML, per layer its channels after and before the cut:

    backbone.conv1: {in_channels: 3, out_channels: 8, raw_in_channels: 3, raw_out_channels: 48}

A later one is JSON, per unit (channels that go together, as a group here) how many stay, with or without what
the unit was made with, or a share of them in choice_mode "ratio":

    "backbone.conv1_(0, 48)_48": {"init_args": {"num_channels": 48, "divisor": 8}, "choice": 8}

Subnets of a supernet keep the first channels, and so do the plans made here: their criterion is "first".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
import yaml

from slimgui.core.cost import full_counts
from slimgui.core.groups import Group
from slimgui.core.names import Names
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet
from slimgui.core.resolve import written_counts
from slimgui.core.widths import Wanted, Widths, counts_of
from slimgui.errors import PlanError

Positive = Annotated[int, msgspec.Meta(ge=1)]
Entry = TypeVar("Entry", bound=msgspec.Struct)


class Layer(msgspec.Struct, frozen=True):
    """What a channel_cfg says of a layer."""

    in_channels: int | None = None
    out_channels: int | None = None
    raw_in_channels: int | None = None
    raw_out_channels: int | None = None


class MadeWith(msgspec.Struct, frozen=True):
    """What a unit was made with."""

    num_channels: int | None = None
    choice_mode: Literal["number", "ratio"] = "number"
    divisor: Positive = 1
    min_value: Positive = 1
    min_ratio: float = 0.9


class Unit(msgspec.Struct, frozen=True):
    """What a choice file says of a unit."""

    choice: int | float
    init_args: MadeWith = MadeWith()


_OTHER: Final = "Choose a file that SlimGUI, or a tool for supernets, wrote."
_CHANNELS: Final = frozenset(Layer.__struct_fields__)
_UNIT: Final = re.compile(r"(?P<layer>.+)_\((?P<start>\d+), (?P<end>\d+)\)(_.*)?")


def read_plans(text: str, groups: Sequence[Group], widths: Mapping[str, Widths]) -> PlanSet:
    """The plans in a file of ours, or in a channel configuration for this model, told apart by content.

    Raises:
        PlanError: it is neither, or does not fit the model.
    """
    data = _parse(text)
    if "format" in data:
        return PlanSet.from_json(text)
    units = data.get("channel_unit_cfg", data)
    units = units.get("units", units) if isinstance(units, dict) else units
    values = list(units.values()) if isinstance(units, dict) else []
    if values and all(isinstance(value, dict) and value.keys() & _CHANNELS for value in values):
        layers = {str(name): _entry(name, value, Layer) for name, value in units.items()}
        return PlanSet.numbered("Plan", [plan_from_channel_cfg(layers, groups, widths)])
    if values and all(
        "choice" in value if isinstance(value, dict) else _is_number(value) for value in values
    ):
        chosen = {str(name): _unit(name, value) for name, value in units.items()}
        return PlanSet.numbered("Plan", [plan_from_choices(chosen, groups)])
    raise PlanError(
        "This is neither a plan nor a channel configuration.",
        "A channel_cfg has in_channels and out_channels per layer, a choice file a choice per unit.",
        _OTHER,
    )


def _parse(text: str) -> dict[Any, Any]:
    """JSON or YAML, whose root is a mapping; nothing in it is run."""
    try:
        data = json.loads(text)
    except ValueError:
        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            why = str(error).replace("\n", " ")
            raise PlanError("This is neither a plan nor a channel configuration.", why, _OTHER) from None
    if not isinstance(data, dict):
        raise PlanError("This is neither a plan nor a channel configuration.", "It holds no names.", _OTHER)
    return data


def _entry(name: object, value: object, kind: type[Entry]) -> Entry:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise PlanError(f"The entry of {name!r} is damaged.", f"{error}.", "Mend the file.") from None


def _unit(name: object, value: object) -> Unit:
    """A bare number stands for a unit's choice."""
    return _entry(name, value if isinstance(value, dict) else {"choice": value}, Unit)


def plan_from_channel_cfg(
    layers: Mapping[str, Layer], groups: Sequence[Group], widths: Mapping[str, Widths]
) -> Plan:
    """The plan under which every layer gets its in_channels and out_channels.

    Raises:
        PlanError: see `counts_of`.
    """
    wanted = [
        Wanted(name, cfg.in_channels, cfg.out_channels, cfg.raw_in_channels, cfg.raw_out_channels)
        for name, cfg in layers.items()
    ]
    return _plan(counts_of(groups, widths, wanted), groups)


def plan_from_choices(units: Mapping[str, Unit], groups: Sequence[Group]) -> Plan:
    """The plan under which every unit keeps its choice.

    A unit is named as the tool names it, "layer_(start, end)_size", or by a group's id, or by a layer.

    Raises:
        PlanError: a unit is unknown, has another size, or two units of one group disagree.
    """
    known: dict[str, int] = {}
    for name, unit in units.items():
        group = _group_of(name, groups)
        size = unit.init_args.num_channels
        if size not in (None, group.size):
            raise PlanError(f"{name!r} has {size} channels in the file, and {group.size} in this model.")
        count = _chosen(unit, group.size)
        written_counts(groups, Plan(counts=((group.id, count),)))
        if known.setdefault(group.id, count) != count:
            why = f"The units of {group.id!r} want {known[group.id]} and {count}."
            raise PlanError(f"{name!r} belongs to another unit of this model.", why, "Mend the file.")
    return _plan(known, groups)


def _plan(counts: Mapping[str, int], groups: Sequence[Group]) -> Plan:
    full = full_counts(groups)
    cut = ((name, count) for name, count in counts.items() if count != full[name])
    return Plan(counts=tuple(sorted(cut)), importance="first")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _group_of(name: str, groups: Sequence[Group]) -> Group:
    """The group that a unit means: the one whose channels fill these outputs of the layer."""
    parts = _UNIT.fullmatch(name)
    if parts is None:
        return Names(groups).find(name)
    layer, start, end = parts["layer"], int(parts["start"]), int(parts["end"])
    for group in groups:
        for member in group.members:
            if (member.layer, member.dim, group.size) == (layer, 0, end - start) and member.indices[
                0, 0
            ] == start:
                return group
    return Names(groups).find(layer)


def _chosen(unit: Unit, size: int) -> int:
    """Channels that stay: a number or a share, made divisible.

    Source: make_divisible of the MobileNet papers' code, as the tools have it: to the nearest multiple of
    `divisor`, not below `min_value`, one multiple more where less than `min_ratio` of the choice would stay.
    """
    made = unit.init_args
    shared = made.choice_mode == "ratio" or isinstance(unit.choice, float)
    wanted = max(1, int(size * unit.choice)) if shared else int(unit.choice)
    if wanted > size:
        return wanted  # refused where counts are checked
    count = max(made.min_value, int(wanted + made.divisor / 2) // made.divisor * made.divisor)
    if count < made.min_ratio * wanted:
        count += made.divisor
    return min(count, size)


def to_channel_cfg(widths: Mapping[str, Widths], groups: Sequence[Group], counts: Mapping[str, int]) -> str:
    """A channel_cfg as YAML text: every layer with its channels under `counts`, and without a cut."""
    full = full_counts(groups)
    layers: dict[str, dict[str, int]] = {}
    for name, layer in widths.items():
        sides = {"in_channels": layer.entering, "out_channels": layer.leaving}
        known = {key: size for key, size in sides.items() if size is not None}
        layers[name] = {
            **{key: size.at(counts) for key, size in known.items()},
            **{f"raw_{key}": size.at(full) for key, size in known.items()},
        }
    return yaml.safe_dump(layers, sort_keys=False)


def to_choices(groups: Sequence[Group], counts: Mapping[str, int]) -> str:
    """Choices as JSON text: every group that may be cut, as a unit, with its count."""
    units = {
        _unit_name(group): msgspec.to_builtins(Unit(counts[group.id], MadeWith(group.size)))
        for group in groups
        if group.locked is None
    }
    return json.dumps(units, indent=2)


def _unit_name(group: Group) -> str:
    """As the tools name it where the group fills neighbouring outputs of its layer, else the group's id."""
    for member in group.members:
        if member.layer == group.id and member.dim == 0 and member.indices.shape[1] == 1:
            first, last = int(member.indices[0, 0]), int(member.indices[-1, 0])
            if last - first == group.size - 1:
                return f"{group.id}_({first}, {last + 1})_{group.size}"
    return group.id
