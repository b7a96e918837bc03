"""Ops that turn channels into pixels, pixels into channels, or regroup channels."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import torch

from slimgui.engine.algebra import Operand, without
from slimgui.engine.labels import Field, Fields, compress
from slimgui.engine.rules.registry import Step, rule

aten = torch.ops.aten


@rule(aten.channel_shuffle, aten.native_channel_shuffle)
def channel_shuffle(step: Step) -> Fields:
    """[groups, channels per group] is turned over: a cut has to leave such a rectangle."""
    result = []
    for field in step.given[0].fields:
        if 1 in field.live:
            blocks = field.labels.unflatten(1, (step.arg("groups"), -1))
            step.ties.square(Field(compress(blocks), field.zero))
            field = replace(field, labels=blocks.transpose(1, 2).flatten(1, 2))
        result.append(field)
    return tuple(result)


REGROUPED = "Pixels are regrouped along it."


@rule(aten.pixel_shuffle)
def pixel_shuffle(step: Step) -> Fields:
    """r² channels become one: they are cut together."""
    source, r = step.given[0], step.arg("upscale_factor")
    dim = len(source.shape) - 3
    result = []
    for field in without(step.ties, source.fields, {dim + 1, dim + 2}, REGROUPED):
        if dim in field.live:
            blocks = field.labels.unflatten(dim, (-1, r * r))
            step.ties.tie(blocks, blocks.narrow(dim + 1, 0, 1))
            field = replace(field, labels=blocks.select(dim + 1, 0))
        result.append(field)
    return tuple(result)


@rule(aten.pixel_unshuffle)
def pixel_unshuffle(step: Step) -> Fields:
    """One channel becomes r²."""
    source, r = step.given[0], step.arg("downscale_factor")
    dim = len(source.shape) - 3
    return _repeated(step, source, dim, r * r)


def _repeated(step: Step, source: Operand, dim: int, times: int) -> Fields:
    result = []
    pixels = set(range(dim + 1, len(source.shape)))
    for field in without(step.ties, source.fields, pixels, REGROUPED):
        labels = field.labels.repeat_interleave(times, dim) if dim in field.live else field.labels
        shape = [*labels.shape[: dim + 1], *[1] * (len(step.shape) - dim - 1)]
        result.append(replace(field, labels=labels.reshape(shape)))
    return tuple(result)


@rule(aten.im2col)
def im2col(step: Step) -> Fields:
    """Every channel becomes one row per kernel position."""
    return _repeated(step, step.given[0], 1, prod(step.arg("kernel_size")))


@rule(aten.col2im)
def col2im(step: Step) -> Fields:
    """The rows of one channel are summed back: they are cut together."""
    source, positions = step.given[0], prod(step.arg("kernel_size"))
    result = []
    for field in without(step.ties, source.fields, {2}, REGROUPED):
        if field.live == (1,):
            blocks = field.labels.reshape(-1, positions)
            step.ties.tie(blocks, blocks[:, :1])
            result.append(replace(field, labels=blocks[:, 0].reshape(1, -1, *[1] * (len(step.shape) - 2))))
    return tuple(result)
