"""A deployed model -> the same with better numbers, from unlabelled samples, without training.

What is recovered differs from the cut on purpose: the proof stays that of the cut, and a record beside it
says which numbers are others since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from slimgui.engine.deploy import Deployed, Recovery
from slimgui.engine.inputs import Inputs, as_call
from slimgui.engine.running import PlainAverage
from slimgui.engine.structural import cloned, copy_module, in_eval_mode, named_tensors
from slimgui.errors import PlanError


def recalibrate(deployed: Deployed, batches: Iterable[Inputs]) -> Deployed:
    """Take the running statistics of every norm anew: the plain average over `batches`, unlabelled.

    Norms that no batch reaches keep theirs, and so do norms that do not call torch's batch_norm or
    instance_norm. All other modules run in eval mode.

    Args:
        deployed: left as it is, and so is the model it was made of.
        batches: each a tensor, a tuple of args, or a dict of kwargs; 100 to 1,000 samples in all.

    Raises:
        PlanError: there was no batch.

    Source: norm recalibration as in EagleEye (Li et al. 2020).
    """
    model = copy_module(deployed.model, cloned)
    buffers = dict(model.named_buffers())
    average, count = PlainAverage(buffers.values()), 0
    with in_eval_mode(model), torch.no_grad():
        for batch in batches:
            args, kwargs = as_call(batch)
            with average:
                model(*args, **kwargs)
            count += 1
    if not count:
        raise PlanError("There was no sample to take statistics of.", "", "Give at least one batch.")
    changed = {name: buffer for name, buffer in buffers.items() if id(buffer) in average.counts}
    return with_numbers(deployed, "recalibrate", count, changed)


def with_numbers(deployed: Deployed, method: str, batches: int, numbers: Mapping[str, Tensor]) -> Deployed:
    """`deployed` with other numbers in the named parameters and buffers, and a record of it."""
    model = copy_module(deployed.model, cloned)
    tensors, before = named_tensors(model), {}
    with torch.no_grad():
        for name, value in numbers.items():
            before[name] = tensors[name].detach().clone()
            tensors[name].copy_(value)
    step = Recovery(method, batches, before)
    return replace(deployed, model=model, recovery=(*deployed.recovery, step))
