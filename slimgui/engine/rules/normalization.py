"""Normalisers: parameters are tied to the data; statistics over the cut dimension make it inexact."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import torch

from slimgui.engine.algebra import Operand, blur_along, join, lock_along
from slimgui.engine.labels import Field, Fields
from slimgui.engine.rules.contraction import channel_blocks
from slimgui.engine.rules.registry import Step, rule

aten = torch.ops.aten


def scaled(step: Step, data: Operand, scale: Operand | None, others: Collection[Operand]) -> Fields:
    """Data normalised, times `scale`, plus the rest: zero where the scale or the data is, and the rest is."""
    parts = [data, *([scale] if scale is not None else []), *others]
    rest = frozenset(range(len(parts) - len(others), len(parts)))

    def zero(zeroed: frozenset[int]) -> bool:
        return rest <= zeroed and (0 in zeroed or (scale is not None and 1 in zeroed))

    return join(step.ties, parts, len(data.shape), zero)


@rule(
    aten.native_batch_norm, aten._native_batch_norm_legit, aten._native_batch_norm_legit_no_training,
    aten.cudnn_batch_norm, aten._batch_norm_with_update, aten.batch_norm,
)  # fmt: skip
def batch_norm(step: Step) -> list[Fields]:
    """Per channel: exact. Over the other dimensions run the statistics of a batch, or of a weight."""
    data, ndim = step.given[0], len(step.given[0].shape)
    for field in data.fields:
        blur_along(step.ties, field, set(range(ndim)) - {1}, "A normaliser's statistics run over it.")

    def channel(name: str) -> Operand | None:
        operand = step.tensor(name)
        return None if operand is None else operand.placed((1,), ndim)

    statistics = [channel("running_mean"), channel("running_var")]
    weight, bias = channel("weight"), channel("bias")
    others = [operand for operand in (bias, statistics[0]) if operand is not None]
    fields = scaled(step, data, weight, others)
    if statistics[1] is not None:
        fields = join(step.ties, [_like(data, fields), statistics[1]], ndim, lambda zeroed: 0 in zeroed)
    saved = tuple(Field(field.labels.reshape(-1), zero=False) for field in fields if field.live == (1,))
    return [fields, *(saved if shape == (data.shape[1],) else () for shape in step.shapes[1:])]


def _like(data: Operand, fields: Fields) -> Operand:
    return Operand(data.shape, fields, uniform=False, tensor=data.tensor)


@rule(aten._weight_norm_interface)
def weight_norm(step: Step) -> list[Fields]:
    """V · g / |v|: deploying lets the gain absorb what the norm loses, so the cut is exact."""
    fields = join(step.ties, step.given[:2], len(step.shape))
    return [fields]


@rule(aten.native_layer_norm, aten.layer_norm)
def layer_norm(step: Step) -> list[Fields]:
    """Statistics over the last dimensions."""
    data = step.given[0]
    count = len(step.arg("normalized_shape"))
    return [_normalised(step, data, set(range(len(data.shape) - count, len(data.shape))))]


@rule(aten._fused_rms_norm, aten.rms_norm)
def rms_norm(step: Step) -> list[Fields]:
    """Mean square over the last dimensions."""
    data = step.given[0]
    count = len(step.arg("normalized_shape"))
    return [_normalised(step, data, set(range(len(data.shape) - count, len(data.shape))))]


def _normalised(step: Step, data: Operand, over: set[int]) -> Fields:
    what = "A normaliser's statistics run over these channels."
    for field in data.fields:
        blur_along(step.ties, field, over, what)
    bias = step.tensor("bias")
    unzeroed = Operand(data.shape, tuple(replace(f, zero=False) for f in data.fields), False, data.tensor)
    fields = scaled(step, unzeroed, step.tensor("weight"), [] if bias is None else [bias])
    for field in fields:
        blur_along(step.ties, field, over, what)
    return fields


@rule(aten.native_group_norm, aten.group_norm)
def group_norm(step: Step) -> list[Fields]:
    """Statistics per norm group: whole groups are cut exactly, channels inside a group inexactly."""
    data = step.given[0]
    groups = step.arg("group") if step.arg("group") is not None else step.arg("num_groups")
    blocks = channel_blocks(data, 1, groups)
    for field in blocks.fields:
        step.ties.square(field)
        step.ties.mark(field.labels, "conv_groups")
        blur_along(step.ties, field, {1}, "A normaliser's statistics run over these channels.")
    shape = [1] * len(data.shape)
    shape[1] = data.shape[1]
    whole = tuple(replace(f, zero=False) for f in data.fields)
    for field in whole:
        lock_along(step.ties, field, set(range(2, len(shape))), "Statistics run over this dimension.")

    def channel(name: str) -> Operand | None:
        operand = step.tensor(name)
        return None if operand is None else operand.placed((1,), len(shape))

    bias = channel("bias")
    data = Operand(data.shape, whole, uniform=False, tensor=data.tensor)
    return [scaled(step, data, channel("weight"), [] if bias is None else [bias])]
