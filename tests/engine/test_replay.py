"""Cutting a fresh model of the same class the way another was cut."""

import numpy as np
import pytest
import torch
from torch import nn

from slimgui.engine.attributes import Repair
from slimgui.engine.replay import replay
from slimgui.errors import LoadError


def test_parameters_and_buffers_are_sliced_and_stay_what_they_are():
    model = nn.Sequential(nn.Conv2d(3, 4, 1).double(), nn.BatchNorm2d(4).double())
    model[0].weight.requires_grad_(requires_grad=False)
    weight, identity = model[0].weight.detach().clone(), model[0].weight
    keep = np.array([0, 2])
    replay(
        model,
        {"0.weight": {0: keep, 1: np.array([2])}, "0.bias": {0: keep}, "1.running_mean": {0: keep}},
        [Repair("0", "out_channels", 2), Repair("0", "kernel_size", (1, 1))],
    )
    assert torch.equal(model[0].weight, weight[[0, 2]][:, [2]])
    assert model[0].weight is identity
    assert not model[0].weight.requires_grad
    assert model[1].running_mean.dtype == torch.float64
    assert model[1].running_mean.shape == (2,)
    assert model[0].out_channels == 2


def test_a_weight_with_two_names_is_cut_once():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    keep = np.array([1, 3])
    replay(model, {"0.weight": {0: keep}, "1.weight": {0: keep}}, [])
    assert model[0].weight is model[1].weight
    assert model[0].weight.shape == (2, 4)


@pytest.mark.parametrize(
    ("kept", "repair"),
    [
        ({"nothing": {0: np.array([0])}}, None),
        ({"weight": {2: np.array([0])}}, None),
        ({"weight": {0: np.array([4])}}, None),
        ({"weight": {0: np.array([-1])}}, None),
        ({}, Repair("", "forward", 1)),
        ({}, Repair("", "brand_new", 1)),
        ({}, Repair("", "_parameters", 1)),
        ({}, Repair("", "in_features", torch.relu)),
        ({}, Repair("inner", "in_features", 1)),
    ],
)
def test_a_cut_of_another_model_is_refused(kept, repair):
    with pytest.raises(LoadError, match="not the model that was cut"):
        replay(nn.Linear(3, 4), kept, [repair] if repair else [])
