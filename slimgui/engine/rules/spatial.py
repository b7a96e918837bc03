"""Pooling and resampling: batch and channel pass, spatial dimensions are fixed."""

from __future__ import annotations

import torch

from slimgui.engine.algebra import lock_along, without
from slimgui.engine.labels import Fields
from slimgui.engine.rules.registry import Step, rule

aten = torch.ops.aten


def _passes(step: Step, spatial: int) -> list[Fields]:
    data, ndim = step.given[0], len(step.given[0].shape)
    fixed = set(range(ndim - spatial, ndim))
    fields = without(step.ties, data.fields, fixed, "An op slides over this dimension.")
    return [fields for shape in step.shapes if shape is not None]


@rule(
    aten.max_pool2d_with_indices, aten.avg_pool2d, aten._adaptive_avg_pool2d, aten.adaptive_max_pool2d,
    aten.adaptive_avg_pool2d, aten.upsample_nearest2d, aten.upsample_bilinear2d, aten.upsample_bicubic2d,
    aten._upsample_bilinear2d_aa, aten._upsample_bicubic2d_aa, aten._upsample_nearest_exact2d,
    aten.reflection_pad2d, aten.replication_pad2d, aten.max_unpool2d, aten.max_pool2d,
)  # fmt: skip
def over_two(step: Step) -> list[Fields]:
    """[..., H, W]."""
    return _passes(step, 2)


@rule(
    aten.adaptive_max_pool1d, aten.adaptive_avg_pool1d, aten.avg_pool1d, aten.max_pool1d_with_indices,
    aten.upsample_nearest1d, aten.upsample_linear1d, aten.reflection_pad1d, aten.replication_pad1d,
    aten.max_pool1d, aten._upsample_nearest_exact1d,
)  # fmt: skip
def over_one(step: Step) -> list[Fields]:
    """[..., L]."""
    return _passes(step, 1)


@rule(
    aten.max_pool3d_with_indices, aten.avg_pool3d, aten._adaptive_avg_pool3d, aten.adaptive_max_pool3d,
    aten.upsample_nearest3d, aten.upsample_trilinear3d, aten.reflection_pad3d, aten.replication_pad3d,
    aten._upsample_nearest_exact3d, aten.max_pool3d,
)  # fmt: skip
def over_three(step: Step) -> list[Fields]:
    """[..., D, H, W]."""
    return _passes(step, 3)


@rule(aten.grid_sampler_2d, aten.grid_sampler_3d, aten.grid_sampler)
def sampled(step: Step) -> list[Fields]:
    """Data read at computed places: the places are no channels."""
    for field in step.given[1].fields:
        step.ties.fix(field.labels, "These are places in an image.")
    return _passes(step, len(step.given[0].shape) - 2)


@rule(aten._fft_r2c, aten._fft_c2r, aten._fft_c2c)
def transformed(step: Step) -> Fields:
    """A Fourier transform mixes all of its dimensions; the others pass."""
    data = step.given[0]
    dims = {dim % len(data.shape) for dim in step.arg("dim")}
    for field in data.fields:
        lock_along(step.ties, field, dims, "A Fourier transform runs over this dimension.")
    return tuple(field for field in data.fields if not dims & set(field.live))


@rule(aten.view_as_complex)
def as_complex(step: Step) -> Fields:
    """[..., 2] becomes one complex number."""
    data = step.given[0]
    last = len(data.shape) - 1
    for field in data.fields:
        lock_along(step.ties, field, {last}, "Real and imaginary part belong together.")
    return tuple(
        field.moved(field.labels.squeeze(-1), {dim: dim for dim in field.live})
        for field in data.fields
        if last not in field.live
    )


@rule(aten.view_as_real)
def as_real(step: Step) -> Fields:
    """A complex number becomes [..., 2]."""
    return tuple(
        field.moved(field.labels.unsqueeze(-1), {dim: dim for dim in field.live})
        for field in step.given[0].fields
    )
